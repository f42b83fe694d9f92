import createClient from "openapi-fetch";
import type { paths as CircleTime } from "../shared/contracts/circle_time";
import type { paths as Directory } from "../shared/contracts/directory";
import type { paths as Heatmap } from "../shared/contracts/heatmap";
import type { paths as Occupancy } from "../shared/contracts/occupancy";
import type { paths as University } from "../shared/contracts/university";
import { heard, notHeard } from "./link";
import { signedInAgain } from "./session";

/** A refusal, in whichever shape a contract has it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** 0: nobody answered. */
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    message: string,
    fields: Record<string, string> = {},
    retryAfterSeconds?: number,
  ) {
    super(message);
    this.status = status;
    this.fields = fields;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const REPEATS = 2;
const REPEAT_AFTER_MS = 800;
/** Posts that do nothing twice under one key, as their services promise. */
const KEYED = /^\/api\/(bookings|requests)(\/|$)/;
/** The keys of posts that got no answer: whoever sends the same again means the same. */
const unanswered = new Map<string, string>();

/**
 * Fetches as the browser's cookie says who it is. When the session has ended, somebody signs in
 * over the page and it goes on; what got no answer is sent again where that does nothing twice.
 */
async function fetchSignedIn(request: Request): Promise<Response> {
  const isKeyed = request.method === "POST" && KEYED.test(new URL(request.url).pathname);
  const what = isKeyed ? `${request.url} ${await request.clone().text()}` : "";
  if (isKeyed) {
    const key = unanswered.get(what) ?? newKey();
    unanswered.set(what, key);
    request.headers.set("idempotency-key", key);
  }
  const isRepeatable = isKeyed || !["POST", "PATCH"].includes(request.method);
  let answer = await repeatedly(request, isRepeatable);
  if (answer.status === 401 && (await signedInAgain())) {
    answer = await repeatedly(request, isRepeatable);
  }
  unanswered.delete(what);
  return answer;
}

async function repeatedly(request: Request, isRepeatable: boolean): Promise<Response> {
  for (let repeat = 0; ; repeat++) {
    try {
      const answer = await fetch(request.clone());
      heard();
      return answer;
    } catch (error) {
      if (request.signal.aborted) throw error;
      if (!isRepeatable || repeat === REPEATS) {
        notHeard();
        throw new ApiError(0, "Nobody answered");
      }
      await new Promise((resolve) => setTimeout(resolve, REPEAT_AFTER_MS * 2 ** repeat));
    }
  }
}

/** `crypto.randomUUID` is for https only. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const options = { fetch: fetchSignedIn, credentials: "same-origin" } as const;

/** The public contracts, each typed by what the gateway says of it. */
export const api = {
  circleTime: createClient<CircleTime>(options),
  directory: createClient<Directory>(options),
  heatmap: createClient<Heatmap>(options),
  occupancy: createClient<Occupancy>(options),
  university: createClient<University>(options),
};

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * Waits for an answer and returns its body.
 *
 * @throws ApiError it was refused, or nobody answered.
 */
export async function take<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) throw refusal(response, error);
  return data as T;
}

/** As many as a list tells at once. */
const MOST = "100";

/** Everything of a list that says whether there is a `next` part, asked for part after part. */
export async function allParts<T>(
  ask: (part: { limit: string; offset: string }) => Promise<{ results: T[]; next: string | null }>,
): Promise<T[]> {
  const found: T[] = [];
  for (;;) {
    const { results, next } = await ask({ limit: MOST, offset: `${found.length}` });
    found.push(...results);
    if (next === null) return found;
  }
}

/** Everything of a list that has numbered pages, asked for page after page. */
export async function allPages<T extends { id: string }>(
  ask: (part: { limit: string; page: string }) => Promise<{
    data: { data: T[]; pagination: { total: number } };
  }>,
): Promise<T[]> {
  const found: T[] = [];
  for (let page = 1; ; page++) {
    const { data } = await ask({ limit: MOST, page: `${page}` });
    found.push(...data.data);
    if (data.data.length === 0 || found.length >= data.pagination.total) {
      return distinct(found);
    }
  }
}

/** Each once: parts that follow each other both tell of what has moved on, or lasts over both. */
export const distinct = <T extends { id: string }>(found: readonly T[]): T[] => [
  ...new Map(found.map((one) => [one.id, one])).values(),
];

function refusal(response: Response, said: unknown): ApiError {
  const fields: Record<string, string> = {};
  let message = "";
  if (typeof said === "object" && said !== null) {
    for (const [name, value] of Object.entries(said)) {
      if (name === "message" || name === "error" || name === "detail") message ||= String(value);
      else if (name === "fields" && typeof value === "object") Object.assign(fields, value);
      else if (name === "errors" && Array.isArray(value)) message = value.join(" ") || message;
      else if (Array.isArray(value)) fields[name] = value.join(" ");
    }
  }
  const after = Number(response.headers.get("retry-after"));
  const wait = after > 0 ? after : undefined;
  return new ApiError(response.status, message || Object.values(fields).join(" "), fields, wait);
}
