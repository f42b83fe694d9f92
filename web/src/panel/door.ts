import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { type CircleTime, circleTime, isRefusal, type Refusal } from "../shared/client";
import { ServerClock } from "../shared/clock";
import { Connection } from "./connection";
import { type Device, type KeptCheckIn, kept, type Told } from "./device";

const TELL_STATUS_EVERY_MS = 3_600_000;
const ANSWERED_WITHIN_MS = 10_000;

/** What the page shows; another object whenever any of it is another. */
export interface DoorView {
  told: Told | undefined;
  isLinked: boolean;
  /** When it was last linked, by the server's clock, in milliseconds since 1970. */
  linkedAt: number | undefined;
  isRoomGone: boolean;
  isRevoked: boolean;
  /** Meetings that were checked in to while the network was away. */
  keptCheckIns: ReadonlySet<string>;
}

export type Action = "checkIn" | "end" | "extend" | "book";

/** What came of an action; `kept`: it will be sent when the network is back. */
export type Outcome = "done" | "kept" | { refusal: Refusal } | { away: true };

/** A room's door: what is known of the room, and what can be done there. */
export class Door {
  readonly clock = new ServerClock();
  readonly #device: Device;
  readonly #api: CircleTime;
  readonly #watchers = new Set<() => void>();
  #view: DoorView;
  #statusToldAt = Number.NEGATIVE_INFINITY;
  #isSending = false;

  constructor(device: Device) {
    this.#device = device;
    this.#api = circleTime(device.token);
    this.#view = {
      told: kept.told.get(),
      isLinked: false,
      linkedAt: undefined,
      isRoomGone: false,
      isRevoked: false,
      keptCheckIns: idsOf(kept.checkIns.get()),
    };
  }

  /** Is told of the room, until what it returns is called. */
  start(): () => void {
    const connection = new Connection(this.#device, this.#api, this.clock, {
      known: () => this.#view.told?.version ?? 0,
      told: (news) => {
        kept.told.put(news);
        this.#show({ told: news, isRoomGone: false });
      },
      linked: (isLinked) => this.#linked(isLinked),
      revoked: () => this.#show({ isRevoked: true }),
      roomGone: () => this.#show({ isRoomGone: true }),
    });
    void connection.run();
    return () => connection.end();
  }

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  readonly view = (): DoorView => this.#view;

  /** Checks in to a meeting; what cannot be sent is kept and sent later, with its time. */
  async checkIn(meetingId: string): Promise<Outcome> {
    const made: KeptCheckIn = { meetingId, at: new Date(this.clock.now()).toISOString() };
    const outcome = await this.#try(this.#sendCheckIn(meetingId));
    if (typeof outcome !== "object" || !("away" in outcome)) return outcome;
    this.#keep([...(kept.checkIns.get() ?? []), made]);
    return "kept";
  }

  async end(meetingId: string): Promise<Outcome> {
    const asked = { params: { path: { meeting_id: meetingId } }, signal: inTime() };
    return this.#try(this.#api.POST("/api/panel/meetings/{meeting_id}/end", asked));
  }

  async extend(meetingId: string, minutes: number): Promise<Outcome> {
    const params = { path: { meeting_id: meetingId } };
    const asked = { params, body: { minutes }, signal: inTime() };
    return this.#try(this.#api.POST("/api/panel/meetings/{meeting_id}/extend", asked));
  }

  async book(minutes: number, title: string): Promise<Outcome> {
    const params = { path: { room_id: this.#device.roomId } };
    const asked = { params, body: { minutes, title }, signal: inTime() };
    return this.#try(this.#api.POST("/api/panel/rooms/{room_id}/book", asked));
  }

  #show(changes: Partial<DoorView>): void {
    this.#view = { ...this.#view, ...changes };
    for (const watcher of this.#watchers) watcher();
  }

  #linked(isLinked: boolean): void {
    const was = this.#view.isLinked;
    if (isLinked) {
      this.#show({ isLinked, linkedAt: this.clock.now(), isRoomGone: false });
      void this.#sendKept();
      void this.#tellStatus();
      if (!was) void becomeNewest();
    } else if (was) {
      this.#show({ isLinked });
    }
  }

  async #try(sent: Promise<{ error?: unknown; response: Response }>): Promise<Outcome> {
    try {
      const { error, response } = await sent;
      if (response.ok) return "done";
      // Something between us and the service, or the service, is away.
      if (response.status >= 500 || !isRefusal(error)) return { away: true };
      return { refusal: error };
    } catch {
      return { away: true };
    }
  }

  #sendCheckIn(meetingId: string, headers: Record<string, string> = {}) {
    const params = { path: { meeting_id: meetingId } };
    const asked = { params, headers, signal: inTime() };
    return this.#api.POST("/api/panel/meetings/{meeting_id}/checkin", asked);
  }

  /** Says with a signature of the panel's when it was made: then, and not now, it counts. */
  #sendKeptCheckIn({ meetingId, at }: KeptCheckIn) {
    const said = `POST /api/panel/meetings/${meetingId}/checkin ${at}`;
    const signature = hmac(sha256, utf8ToBytes(this.#device.token), utf8ToBytes(said));
    return this.#sendCheckIn(meetingId, { "x-device-time": `${at};${bytesToHex(signature)}` });
  }

  /** Sends what was kept, in its order, until one cannot be sent. */
  async #sendKept(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (const made of kept.checkIns.get() ?? []) {
        const outcome = await this.#try(this.#sendKeptCheckIn(made));
        if (typeof outcome === "object" && "away" in outcome) return;
        // Refused or taken: it has been decided.
        this.#keep((kept.checkIns.get() ?? []).filter((one) => one.meetingId !== made.meetingId));
      }
    } finally {
      this.#isSending = false;
    }
  }

  #keep(checkIns: KeptCheckIn[]): void {
    kept.checkIns.put(checkIns);
    this.#show({ keptCheckIns: idsOf(checkIns) });
  }

  /** Tells admins which program runs here, and how the battery is. */
  async #tellStatus(): Promise<void> {
    if (performance.now() - this.#statusToldAt < TELL_STATUS_EVERY_MS) return;
    this.#statusToldAt = performance.now();
    const battery = await batteryLevel();
    const body = { appVersion: ownScript().slice(0, 100), battery };
    await this.#try(this.#api.PUT("/api/panel/device", { body }));
  }
}

function inTime(): AbortSignal {
  return AbortSignal.timeout(ANSWERED_WITHIN_MS);
}

function idsOf(checkIns: KeptCheckIn[] | undefined): ReadonlySet<string> {
  return new Set(checkIns?.map((one) => one.meetingId));
}

async function batteryLevel(): Promise<number | null> {
  // Only some browsers have it.
  const asked = (navigator as { getBattery?: () => Promise<{ level: number }> }).getBattery;
  const battery = await asked?.call(navigator).catch(() => undefined);
  return battery?.level ?? null;
}

/** The name of the script that runs: it has another after each change. */
function ownScript(): string {
  const script = document.querySelector<HTMLScriptElement>("script[type=module][src]");
  return new URL(script?.src ?? location.href).pathname;
}

/** Loads the page again if the gateway has another one by now: panels are open for years. */
async function becomeNewest(): Promise<void> {
  try {
    const answer = await fetch("/panel/", { cache: "no-store" });
    if (answer.ok && !(await answer.text()).includes(ownScript())) location.reload();
  } catch {
    // The next link will tell.
  }
}
