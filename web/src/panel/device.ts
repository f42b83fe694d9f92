import type { Schemas } from "../shared/client";

/** What a panel has been made by an admin, and the token that says so. */
export interface Device {
  token: string;
  roomId: string;
  name: string;
}

export type RoomState = Schemas["StateView"];
export type Meeting = Schemas["MeetingView"];

/** What was told of the room last. */
export interface Told {
  state: RoomState;
  version: number;
  timezone: string;
}

/** A check-in that was made while the network was away. */
export interface KeptCheckIn {
  meetingId: string;
  /** The server's time at which it was made, ISO 8601. */
  at: string;
}

/**
 * What a tablet keeps through restarts. The token is among it, where a script can read it: only our
 * own scripts run here, and the token is good for one room's door and can be revoked.
 */
class Drawer<T> {
  readonly #name: string;

  constructor(name: string) {
    this.#name = `atrium.panel.${name}`;
  }

  get(): T | undefined {
    try {
      const kept = localStorage.getItem(this.#name);
      return kept === null ? undefined : (JSON.parse(kept) as T);
    } catch {
      return undefined;
    }
  }

  put(value: T | undefined): void {
    try {
      if (value === undefined) localStorage.removeItem(this.#name);
      else localStorage.setItem(this.#name, JSON.stringify(value));
    } catch {
      // The storage is full or forbidden: the page works, and has forgotten when it is reloaded.
    }
  }
}

export const kept = {
  device: new Drawer<Device>("device"),
  told: new Drawer<Told>("told"),
  checkIns: new Drawer<KeptCheckIn[]>("check-ins"),
};

/** Forgets a device that is none any more. */
export function forget(): void {
  for (const drawer of Object.values(kept)) drawer.put(undefined);
}
