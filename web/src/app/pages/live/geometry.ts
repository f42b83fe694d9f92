import type { Line, Size } from "./data";

export interface Point {
  x: number;
  y: number;
}

export type Ends = Pick<Line, "x1" | "y1" | "x2" | "y2">;

/** Shorter than this share of the picture's width is no line. */
const SHORTEST = 0.02;

export function lengthOf({ x1, y1, x2, y2 }: Ends): number {
  return Math.hypot(x2 - x1, y2 - y1);
}

export function isTooShort(ends: Ends, size: Size): boolean {
  return lengthOf(ends) < SHORTEST * size.width;
}

/** The nearest pixel inside the picture. */
export function inside({ x, y }: Point, { width, height }: Size): Point {
  return {
    x: Math.round(Math.min(Math.max(x, 0), width)),
    y: Math.round(Math.min(Math.max(y, 0), height)),
  };
}

export function middleOf({ x1, y1, x2, y2 }: Ends): Point {
  return { x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
}

/**
 * Where those who enter go, of length 1: to the left of somebody who walks from 1 to 2, in a
 * picture whose y points down, or to the right.
 */
export function entryOf(ends: Ends, side: Line["entry_side"]): Point {
  const length = lengthOf(ends) || 1;
  const turn = side === "left" ? 1 : -1;
  return {
    x: (turn * (ends.y2 - ends.y1)) / length,
    y: (turn * (ends.x1 - ends.x2)) / length,
  };
}

/** A line across the middle of the picture, to begin with. */
export function firstEnds({ width, height }: Size): Ends {
  const y = Math.round(height / 2);
  return { x1: Math.round(width / 4), y1: y, x2: Math.round((width * 3) / 4), y2: y };
}
