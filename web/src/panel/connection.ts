import type { CircleTime } from "../shared/client";
import type { ServerClock } from "../shared/clock";
import type { Device, Told } from "./device";

const PING_EVERY_MS = 15_000;
const ANSWER_WITHIN_MS = 5_000;
const OPEN_WITHIN_MS = 10_000;
const LONGEST_PAUSE_MS = 5_000;
const LONG_POLL_S = 30;
// WebSockets that never opened before requests are tried in their place; some networks have none.
const UNOPENED_UNTIL_POLLING = 2;
const TRY_SOCKETS_AGAIN_MS = 60_000;

const CLOSED_REVOKED = 4001;
const CLOSED_NOT_ITS_ROOM = new Set([4003, 4004]);

export interface Hears {
  /** The newest version that is known; 0: none. */
  known(): number;
  told(news: Told): void;
  /** Whether what is shown is what is so. */
  linked(isLinked: boolean): void;
  /** The token is good no more. */
  revoked(): void;
  /** The room is no more, or another panel's. */
  roomGone(): void;
}

type Message =
  | { type: "room_state_update"; data: Told["state"]; version: number; timezone: string }
  | { type: "pong"; serverTime: string };

/**
 * Keeps a panel told of its room: by WebSocket, or where none opens by requests that wait. Comes
 * back by itself, after a pause that grows and is never two panels' alike.
 */
export class Connection {
  readonly #device: Device;
  readonly #api: CircleTime;
  readonly #clock: ServerClock;
  readonly #hears: Hears;
  readonly #ended = new AbortController();
  /** Since it was linked last. */
  #failures = 0;
  /** WebSockets in a row that never opened. */
  #unopened = 0;

  constructor(device: Device, api: CircleTime, clock: ServerClock, hears: Hears) {
    this.#device = device;
    this.#api = api;
    this.#clock = clock;
    this.#hears = hears;
  }

  async run(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      this.#failures += 1;
      this.#unopened = (await this.#listen()) ? 0 : this.#unopened + 1;
      if (this.#unopened >= UNOPENED_UNTIL_POLLING) await this.#poll();
      this.#hears.linked(false);
      await this.#pause();
    }
  }

  end(): void {
    this.#ended.abort();
  }

  /** Listens to a WebSocket to its end; returns whether it had opened. */
  #listen(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const path = `/api/panel/rooms/${this.#device.roomId}/ws?version=${this.#hears.known()}`;
    const offered = ["atrium", `atrium.token.${this.#device.token}`];
    const socket = new WebSocket(`${scheme}//${location.host}${path}`, offered);
    let heard = false;
    let askedAt = 0;
    let patience = setTimeout(() => over(), OPEN_WITHIN_MS);
    let pings: ReturnType<typeof setInterval> | undefined;

    const over = () => {
      clearTimeout(patience);
      clearInterval(pings);
      window.removeEventListener("offline", over);
      this.#ended.signal.removeEventListener("abort", over);
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
      resolve(heard);
    };
    const ping = () => {
      askedAt = performance.now();
      socket.send('{"type":"ping"}');
      clearTimeout(patience);
      patience = setTimeout(over, ANSWER_WITHIN_MS);
    };
    socket.onopen = () => {
      pings = setInterval(ping, PING_EVERY_MS);
      ping();
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      heard = true;
      const message = JSON.parse(data) as Message;
      if (message.type === "room_state_update") {
        this.#tell({ ...message, state: message.data });
      } else if (message.type === "pong") {
        clearTimeout(patience);
        this.#clock.hear(Date.parse(message.serverTime), askedAt);
        // What was missed was told before this: the state that is known is the newest.
        this.#linked();
      }
    };
    socket.onclose = ({ code }) => {
      this.#judge(code);
      // It was let in and sent away again: there are WebSockets here.
      heard ||= code > 1006;
      over();
    };
    window.addEventListener("offline", over);
    this.#ended.signal.addEventListener("abort", over);
    return promise;
  }

  /** Asks by requests for as long as they are answered, a minute at most. */
  async #poll(): Promise<void> {
    const until = performance.now() + TRY_SOCKETS_AGAIN_MS;
    let wait = 0;
    while (performance.now() < until && !this.#ended.signal.aborted) {
      const askedAt = performance.now();
      const asked = this.#api.GET("/api/panel/rooms/{room_id}/state", {
        params: {
          path: { room_id: this.#device.roomId },
          query: { version: this.#hears.known(), wait },
        },
        signal: AbortSignal.any([this.#ended.signal, AbortSignal.timeout((wait + 10) * 1000)]),
      });
      const reply = await asked.catch(() => undefined);
      if (reply?.data === undefined) {
        if (reply?.response.status === 401) this.#judge(CLOSED_REVOKED);
        if (reply && [403, 404].includes(reply.response.status)) this.#hears.roomGone();
        return;
      }
      const serverTime = Date.parse(reply.response.headers.get("date") ?? "");
      // It is cut to the second, and says when an answer that may have waited was begun.
      if (!wait && serverTime) this.#clock.hear(serverTime + 500, askedAt);
      const { data, version, timezone } = reply.data;
      this.#tell({ state: data, version, timezone });
      this.#linked();
      wait = LONG_POLL_S;
    }
  }

  #linked(): void {
    this.#failures = 0;
    this.#hears.linked(true);
  }

  #tell(news: Told): void {
    const { state, version, timezone } = news;
    if (version > this.#hears.known()) this.#hears.told({ state, version, timezone });
  }

  #judge(code: number): void {
    if (code === CLOSED_REVOKED) {
      this.end();
      this.#hears.revoked();
    } else if (CLOSED_NOT_ITS_ROOM.has(code)) {
      this.#hears.roomGone();
    }
  }

  /** Waits before it is tried again, or until the browser says that the network is back. */
  async #pause(): Promise<void> {
    const longest = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** this.#failures);
    const signal = this.#ended.signal;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, longest * (0.2 + 0.8 * Math.random()));
      function done() {
        clearTimeout(timer);
        window.removeEventListener("online", done);
        signal.removeEventListener("abort", done);
        resolve();
      }
      window.addEventListener("online", done);
      signal.addEventListener("abort", done);
    });
  }
}
