import { type Day, momentOf } from "../../../days";
import { latin } from "../../../formats";
import type { Say } from "../../../text";
import { minutesIn } from "../parts/fields";
import { readCells } from "./csv";

/** An allocation as it is sent. */
export interface Entry {
  external_id: string;
  room: string | number;
  title: string;
  allocated_seats: number;
  start_at: string;
  end_at: string;
  recurrence_rule?: string | null;
  exceptions?: string[];
}

export const LARGEST_BYTES = 8 * 1024 * 1024;
export const COLUMNS = [
  "external_id",
  "room",
  "title",
  "allocated_seats",
  "start_at",
  "end_at",
  "recurrence_rule",
  "exceptions",
] as const;
type ColumnName = (typeof COLUMNS)[number];
const MAY_BE_EMPTY: ReadonlySet<ColumnName> = new Set(["recurrence_rule", "exceptions"]);
const MOST_SAID = 50;

export interface Problem {
  key: string;
  line?: number;
  values?: Record<string, unknown>;
}
export type Read = { entries: Entry[] } | { problems: Problem[] };
export type SayProblem = Say<{ [key: string]: string }>;

/**
 * Reads a timetable from CSV or JSON.
 *
 * @param zone of times that say none.
 * @param roomsOf ids of the rooms of a name; asked only for what is no id.
 */
export function readTimetable(
  text: string,
  zone: string,
  roomsOf: (name: string) => readonly number[],
): Read {
  const isJson = /^\s*[[{]/.test(text);
  const raw = isJson ? rowsOfJson(text) : rowsOfCsv(text);
  if ("problems" in raw) return raw;
  const problems: Problem[] = [];
  const entries = raw.rows.map(({ line, values }) => {
    const say = (key: string, more: Record<string, unknown> = {}) => {
      problems.push({ key, line, values: more });
    };
    for (const name of COLUMNS) {
      const isMissing = values[name] === undefined || String(values[name]).trim() === "";
      if (isMissing && !MAY_BE_EMPTY.has(name)) say("noValue", { name });
    }
    const seats = Number(latin(String(values.allocated_seats ?? "")));
    if (values.allocated_seats && !(Number.isInteger(seats) && seats > 0)) {
      say("badNumber", { value: values.allocated_seats });
    }
    const time = (name: "start_at" | "end_at") => {
      const given = String(values[name] ?? "").trim();
      const moment = given === "" ? "" : momentIn(given, zone);
      if (moment === undefined) say("badTime", { name, value: given });
      return moment ?? "";
    };
    const rule = String(values.recurrence_rule ?? "").trim();
    return {
      external_id: String(values.external_id ?? "").trim(),
      room: roomIn(values.room, roomsOf, say),
      title: String(values.title ?? "").trim(),
      allocated_seats: seats,
      start_at: time("start_at"),
      end_at: time("end_at"),
      ...(rule && { recurrence_rule: rule }),
      exceptions: exceptionsIn(values.exceptions),
    };
  });
  return problems.length > 0 ? { problems: problems.slice(0, MOST_SAID) } : { entries };
}

type Values = Partial<Record<ColumnName, unknown>>;
type Rows = { rows: { line: number; values: Values }[] } | { problems: Problem[] };

function rowsOfJson(text: string): Rows {
  try {
    const read: unknown = JSON.parse(text);
    const list = Array.isArray(read) ? read : (read as { allocations?: unknown }).allocations;
    if (!Array.isArray(list)) return { problems: [{ key: "noList" }] };
    return { rows: list.map((values, index) => ({ line: index + 1, values: values as Values })) };
  } catch (error) {
    return { problems: [{ key: "badJson", values: { reason: String(error) } }] };
  }
}

function rowsOfCsv(text: string): Rows {
  const [heading, ...rest] = readCells(text);
  const names = heading?.cells.map((cell) => cell.trim().toLowerCase().replaceAll(" ", "_")) ?? [];
  const missing = COLUMNS.filter((name) => !MAY_BE_EMPTY.has(name) && !names.includes(name));
  if (missing.length > 0) {
    return { problems: missing.map((name) => ({ key: "noColumn", values: { name } })) };
  }
  return {
    rows: rest.map(({ line, cells }) => ({
      line,
      values: Object.fromEntries(names.map((name, index) => [name, cells[index] ?? ""])),
    })),
  };
}

function roomIn(
  given: unknown,
  roomsOf: (name: string) => readonly number[],
  say: (key: string, values: Record<string, unknown>) => void,
): string | number {
  const text = String(given ?? "").trim();
  if (text === "" || typeof given === "number") return given as number;
  const number = latin(text);
  if (/^\d+$/.test(number)) return Number(number);
  if (/^c[a-z0-9]{24}$/.test(text)) return text;
  const [found, ...more] = roomsOf(text);
  if (found === undefined) say("noRoom", { value: text });
  else if (more.length > 0) say("manyRooms", { value: text });
  return found ?? text;
}

/** A moment as it is sent; a time without an offset is one of the zone. */
function momentIn(given: string, zone: string): string | undefined {
  const local = /^(\d{4}-\d\d-\d\d)[T ](\d\d?:\d\d)(?::\d\d)?$/.exec(latin(given));
  if (local) {
    const minutes = minutesIn(local[2] ?? "");
    const day = local[1] as Day;
    if (minutes === undefined || Number.isNaN(Date.parse(day))) return undefined;
    return new Date(momentOf(day, minutes, zone)).toISOString();
  }
  const hasOffset = /^\d{4}-\d\d-\d\d[T ].*(Z|[+-]\d\d:?\d\d)$/i.test(given);
  return hasOffset && !Number.isNaN(Date.parse(given)) ? given.replace(" ", "T") : undefined;
}

function exceptionsIn(given: unknown): string[] {
  if (Array.isArray(given)) return given.map(String);
  return latin(String(given ?? ""))
    .split(/[\s,;|]+/)
    .filter((day) => day !== "");
}
