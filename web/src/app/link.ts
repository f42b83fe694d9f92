import { useSyncExternalStore } from "react";

/** Whether the gateway can be reached; while it cannot, it is tried every few seconds. */
export interface Link {
  isUp: boolean;
  /** When it was last heard, in milliseconds since 1970. */
  heardAt: number;
}

const TRY_AGAIN_MS = 2000;

let link: Link = { isUp: true, heardAt: Date.now() };
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<(link: Link) => void>();

export function heard(): void {
  const wasUp = link.isUp;
  link = { isUp: true, heardAt: Date.now() };
  if (!wasUp) tell();
}

export function notHeard(): void {
  if (link.isUp) {
    link = { ...link, isUp: false };
    tell();
  }
  clearTimeout(timer);
  timer = setTimeout(tryAgain, TRY_AGAIN_MS);
}

async function tryAgain(): Promise<void> {
  try {
    await fetch("/api/auth/providers", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    heard();
  } catch {
    notHeard();
  }
}

function tell(): void {
  for (const listener of listeners) listener(link);
}

export function watchLink(listener: (link: Link) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLink(): Link {
  return useSyncExternalStore(watchLink, () => link);
}

addEventListener("offline", notHeard);
addEventListener("online", () => void tryAgain());
