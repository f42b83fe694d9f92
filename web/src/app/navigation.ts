let last: string | undefined;
let count = 0;

/** Notes that another page is shown. */
export function noteNavigation(location: string): void {
  if (last !== undefined && last !== location) count++;
  last = location;
}

/** Whether somebody has gone from page to page: the first one leaves the focus where browsers put it. */
export function hasNavigated(): boolean {
  return count > 0;
}
