import { useSyncExternalStore } from "react";
import type { components } from "../shared/contracts/university";

type Session = components["schemas"]["SessionReply"];
export type User = Session["user"];
export type Role = User["role"];

/**
 * Who is signed in, by the browser's cookie, which no script can read.
 *
 * `unknown`: not asked yet. `ended`: somebody was, and has to sign in again over the page.
 */
export type SessionState =
  | { is: "unknown" | "away" | "nobody" }
  | { is: "signedIn" | "ended"; user: User };

let state: SessionState = { is: "unknown" };
let waiting: ((signedIn: boolean) => void)[] = [];
const listeners = new Set<() => void>();

function become(next: SessionState): void {
  state = next;
  for (const listener of listeners) listener();
}

export function useSession(): SessionState {
  return useSyncExternalStore(watch, () => state);
}

function watch(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Who is signed in, or was until a moment ago; pages are shown to nobody else. */
export function useUser(): User {
  const session = useSession();
  if (!("user" in session)) throw new Error("nobody is signed in");
  return session.user;
}

/** Finds out who is signed in. */
export async function askWho(): Promise<void> {
  try {
    const session = await ask();
    become(session ? { is: "signedIn", user: session.user } : { is: "nobody" });
  } catch {
    become({ is: "away" });
  }
}

async function ask(): Promise<Session | null> {
  const answer = await fetch("/api/auth/session", { cache: "no-store" });
  if (!answer.ok) throw new Error(`the session cannot be asked: ${answer.status}`);
  return answer.json();
}

/** Waits until whoever was signed in is so again; false if they are not, or someone else is. */
export async function signedInAgain(): Promise<boolean> {
  if (!("user" in state)) return false;
  if (state.is === "signedIn") become({ is: "ended", user: state.user });
  return new Promise((resolve) => waiting.push(resolve));
}

function goOn(signedIn: boolean): void {
  const resolved = waiting;
  waiting = [];
  for (const resolve of resolved) resolve(signedIn);
}

export type SignInOutcome = "signedIn" | "wrong" | "tooOften" | "away";

/** Signs in by name and password; the answer's cookie is what stays of it. */
export async function signIn(email: string, password: string): Promise<SignInOutcome> {
  try {
    const answer = await post("callback/credentials", { email, password });
    if (answer.status === 401) return "wrong";
    if (answer.status === 429) return "tooOften";
    if (!answer.ok) return answer.status < 500 ? "wrong" : "away";
    const session = await ask();
    if (session === null) return "away";
    if (isSomebodyElse(session)) {
      goOn(false);
      location.assign("/app/");
      return "signedIn";
    }
    const isAgain = state.is === "ended";
    become({ is: "signedIn", user: session.user });
    if (isAgain) goOn(true);
    return "signedIn";
  } catch {
    return "away";
  }
}

/** What is on the page, and on its way, belongs to whoever was signed in. */
function isSomebodyElse(session: Session | null): boolean {
  return session !== null && "user" in state && session.user.id !== state.user.id;
}

// In another tab somebody else may have signed in since: what is done here would be theirs.
addEventListener("focus", () => {
  if (state.is !== "signedIn") return;
  ask().then(
    (session) => isSomebodyElse(session) && location.assign("/app/"),
    () => undefined,
  );
});

/** Signs out; the page is loaded anew, so that nothing of whoever was here stays in it. */
export async function signOut(): Promise<void> {
  await post("signout", {}).catch(() => undefined);
  location.assign("/app/");
}

async function post(path: string, form: Record<string, string>): Promise<Response> {
  const given = await fetch("/api/auth/csrf", { cache: "no-store" });
  const { csrfToken } = await given.json();
  return fetch(`/api/auth/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...form, csrfToken, json: true }),
  });
}
