import type { Status } from "./day";

/** Each status has a shape of its own, for whoever cannot tell the colours apart. */
const SHAPES: Record<Status, string> = {
  // a tick, a bar, the hands of a clock, a cross
  available: "M14 25 l8 8 l14 -16",
  occupied: "M13 25 h24",
  upcoming: "M25 13 v12 l8 6",
  offline: "M16 16 l18 18 M34 16 l-18 18",
};
const FRAMES: Record<Status, string> = {
  available: "M25 3 a22 22 0 1 0 0.01 0 Z",
  occupied: "M5 5 h40 v40 h-40 Z",
  upcoming: "M25 2 L48 25 L25 48 L2 25 Z",
  offline: "M15 3 h20 l12 12 v20 l-12 12 h-20 l-12 -12 v-20 Z",
};

export function StatusSign({ status }: { status: Status }) {
  return (
    <svg className="sign" viewBox="0 0 50 50" aria-hidden="true">
      <path className="frame" d={FRAMES[status]} />
      <path className="mark" d={SHAPES[status]} />
    </svg>
  );
}
