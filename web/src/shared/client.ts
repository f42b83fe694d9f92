import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./contracts/circle_time";

export type Schemas = components["schemas"];
export type CircleTime = Client<paths>;

/** Calls the contract `circle_time`, as whoever has the token. */
export function circleTime(token?: string): CircleTime {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  // A device is who its token says, whatever cookie its browser may have.
  return createClient<paths>({ headers, credentials: token ? "omit" : "same-origin" });
}

/** What the contract says when it refuses. */
export interface Refusal {
  message: string;
  code: string;
}

export function isRefusal(said: unknown): said is Refusal {
  return (
    typeof said === "object" &&
    said !== null &&
    "message" in said &&
    typeof said.message === "string" &&
    "code" in said
  );
}
