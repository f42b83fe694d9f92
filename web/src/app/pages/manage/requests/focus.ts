/** What had the focus is gone: it goes to where the page begins, and not to nowhere. */
export function focusHeading(): void {
  // After the dialog, which gives it back to the button that has opened it.
  setTimeout(() => document.querySelector<HTMLElement>("main h1")?.focus(), 200);
}
