import { useSyncExternalStore } from "react";
import type { components } from "../../../shared/contracts/occupancy";
import { api, take } from "../../api";
import { watchLink } from "../../link";

type Schemas = components["schemas"];
export type Facility = Schemas["FacilityView"];

/** How many people are somewhere; in 19 of 20 cases between `low` and `high`. */
export interface Count {
  people: number;
  low: number;
  high: number;
  /** Milliseconds since 1970. */
  changedAt: number;
}

export interface DoorCount extends Count {
  entries: number;
  exits: number;
}

/** What the stream has said so far. */
export interface Live {
  /** `cut`: what is known is from `heardAt`, and it is tried to hear more. */
  link: "asking" | "live" | "cut";
  /** When anything was last heard, in milliseconds since 1970. */
  heardAt: number;
  cameras: ReadonlyMap<number, DoorCount>;
  rooms: ReadonlyMap<number, Count>;
  facility: Facility | undefined;
}

/** The stream says something every 15 s: one that does not is cut, though nobody has said so. */
const SILENT_AFTER_MS = 35_000;
const AGAIN_FIRST_MS = 500;
const AGAIN_LAST_MS = 8000;

let live: Live = {
  link: "asking",
  heardAt: Date.now(),
  cameras: new Map(),
  rooms: new Map(),
  facility: undefined,
};
let lastId = "";
let stop: AbortController | undefined;
let tryNow = () => {};
const listeners = new Set<() => void>();

/** The counts as they are now, as long as anything on the page shows them. */
export function useLive(): Live {
  return useSyncExternalStore(watch, () => live);
}

function watch(listener: () => void): () => void {
  listeners.add(listener);
  if (stop === undefined) {
    stop = new AbortController();
    void listen(stop.signal);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    stop?.abort();
    stop = undefined;
    live = { ...live, link: "asking" };
  };
}

watchLink((link) => {
  if (link.isUp) tryNow();
});

function become(change: Partial<Live>): void {
  live = { ...live, ...change };
  for (const listener of listeners) listener();
}

async function listen(signal: AbortSignal): Promise<void> {
  let again = AGAIN_FIRST_MS;
  while (!signal.aborted) {
    const before = live.heardAt;
    try {
      await read(signal);
    } catch {
      // Whatever it was, what is known stays and it is tried again.
    }
    if (signal.aborted) return;
    if (live.facility !== undefined) become({ link: "cut" });
    again = live.heardAt > before ? AGAIN_FIRST_MS : Math.min(again * 2, AGAIN_LAST_MS);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, again);
      tryNow = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Reads a stream until its end. */
async function read(signal: AbortSignal): Promise<void> {
  const silence = new AbortController();
  const end = () => silence.abort();
  signal.addEventListener("abort", end);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const body = await take(
      api.occupancy.GET("/api/occupancy/stream", {
        parseAs: "stream",
        cache: "no-store",
        signal: silence.signal,
        ...(lastId && { headers: { "last-event-id": lastId } }),
      }),
    );
    if (body === null) return;
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      timer = setTimeout(end, SILENT_AFTER_MS);
      const { done, value } = await reader.read();
      clearTimeout(timer);
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop() ?? "";
      hear(blocks);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    end();
  }
}

/** Takes events; all that came together is shown together. */
function hear(blocks: readonly string[]): void {
  let cameras = new Map(live.cameras);
  let rooms = new Map(live.rooms);
  let { facility } = live;
  for (const block of blocks) {
    const fields = new Map<string, string>();
    for (const line of block.split("\n")) {
      const at = line.indexOf(": ");
      if (at > 0) fields.set(line.slice(0, at), line.slice(at + 2));
    }
    const [id, kind, data] = ["id", "event", "data"].map((name) => fields.get(name));
    if (id === undefined || data === undefined) continue;
    // Another process tells all from the start, and nothing of what has gone.
    if (id.split("-")[0] !== lastId.split("-")[0]) {
      cameras = new Map();
      rooms = new Map();
    }
    lastId = id;
    const said = JSON.parse(data);
    if (kind === "camera") {
      const { camera_id, total_entries: entries, total_exits: exits } = said;
      cameras.set(camera_id, { ...countOf(said), entries, exits });
    } else if (kind === "removed") cameras.delete(said.camera_id);
    else if (kind === "room") rooms.set(said.room_id, countOf(said));
    else if (kind === "facility") facility = said;
  }
  become({ link: "live", heardAt: Date.now(), cameras, rooms, facility });
}

function countOf(said: Omit<Schemas["LiveView"], "camera_id">): Count {
  return {
    people: said.current_occupancy,
    low: said.occupancy_low,
    high: said.occupancy_high,
    changedAt: Date.parse(said.last_updated),
  };
}
