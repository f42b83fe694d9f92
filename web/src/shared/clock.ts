const KEPT = "atrium.clock";

/**
 * The server's time, counted on by this device. A device's own clock may be wrong, and may be set
 * while the page is open; how long it was since we last heard cannot.
 */
export class ServerClock {
  /** The server's time, in milliseconds since 1970, when `performance.now()` was 0. */
  #origin: number;

  constructor() {
    const kept = Number(localStorage.getItem(KEPT));
    this.#origin = Date.now() - performance.now() + (Number.isFinite(kept) ? kept : 0);
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#origin + performance.now();
  }

  /**
   * Takes what the server said, in milliseconds since 1970.
   *
   * @param askedAt `performance.now()` when it was asked; it answered halfway until now.
   */
  hear(serverTime: number, askedAt: number): void {
    this.#origin = serverTime - (askedAt + performance.now()) / 2;
    localStorage.setItem(KEPT, String(Math.round(this.now() - Date.now())));
  }
}
