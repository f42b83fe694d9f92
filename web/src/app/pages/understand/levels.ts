import "./levels.css";

/** How dark a share is shown, 0 (nothing) to 5 (full): the shades of `heatmap.svg`. */
export function levelOf(share: number): number {
  if (share <= 0) return 0;
  if (share >= 1) return 5;
  return 1 + Math.floor(share * 4);
}

export const LEVELS = [0, 1, 2, 3, 4, 5] as const;
