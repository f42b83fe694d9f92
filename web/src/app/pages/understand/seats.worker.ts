/**
 * Reads a heatmap off the page's thread: a thousand rooms over a term are 13 MB of JSON, of which
 * three numbers of each room and day are shown.
 */
import type { components } from "../../../shared/contracts/heatmap";

type Heatmap = components["schemas"]["HeatmapView"];

/** Of room `r` and day `d` at `r * days.length + d`. */
export interface Seats {
  days: string[];
  rooms: { id: number; name: string; capacity: number }[];
  peaks: Uint32Array;
  counts: Uint32Array;
}

// `lib.dom` types a page's own scope; a worker's is as a worker is seen from outside.
const scope = self as unknown as Worker;
const decoder = new TextDecoder();
let text = "";

/** Bytes as they come, and then nothing. */
scope.onmessage = ({ data }: MessageEvent<ArrayBuffer | undefined>) => {
  if (data !== undefined) {
    text += decoder.decode(data, { stream: true });
    return;
  }
  const seats = compact(JSON.parse(text + decoder.decode()));
  scope.postMessage(seats, [seats.peaks.buffer, seats.counts.buffer]);
};

function compact({ rooms }: Heatmap): Seats {
  const days = rooms[0]?.days.map(({ date }) => date.iso) ?? [];
  const peaks = new Uint32Array(rooms.length * days.length);
  const counts = new Uint32Array(rooms.length * days.length);
  let at = 0;
  for (const room of rooms) {
    for (const day of room.days) {
      peaks[at] = day.peak_allocated_seats;
      counts[at] = day.allocation_count;
      at++;
    }
  }
  const named = rooms.map(({ id, name, capacity }) => ({ id, name, capacity }));
  return { days, rooms: named, peaks, counts };
}
