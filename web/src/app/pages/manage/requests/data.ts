import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { components } from "../../../../shared/contracts/university";
import { api, take } from "../../../api";
import { type Day, dayOf, momentOf } from "../../../days";

export type BookingRequest = components["schemas"]["RequestView"];
export type Booking = components["schemas"]["BookingView"];
export const STATUSES = ["PENDING", "APPROVED", "REJECTED", "CANCELLED"] as const;
export type RequestStatus = (typeof STATUSES)[number];

const LOOK_EVERY_MS = 10_000;
const DAY_MINUTES = 24 * 60;
/** Requests of a page: each is shown with its room's day. */
export const REQUESTS = 20;

export function useRequests(status: RequestStatus, page: number, limit = REQUESTS) {
  return useQuery({
    queryKey: ["requests", "all", status, page, limit],
    queryFn: async ({ signal }) => {
      const query = { status, page: String(page), limit: String(limit) };
      const { data } = await take(
        api.university.GET("/api/requests", { params: { query }, signal }),
      );
      return { rows: data.data, count: data.pagination.total };
    },
    ...(status === "PENDING" ? { refetchInterval: LOOK_EVERY_MS } : {}),
    placeholderData: (before, query) => (query?.queryKey[2] === status ? before : undefined),
  });
}

export interface Span {
  /** Milliseconds since 1970. */
  start: number;
  end: number;
}

export const spanOf = ({ startAt, endAt }: { startAt: string; endAt: string }): Span => ({
  start: Date.parse(startAt),
  end: Date.parse(endAt),
});

export const meet = (one: Span, other: Span): boolean =>
  one.start < other.end && other.start < one.end;

/** The local days that something touches. */
export function daysOf({ start, end }: Span, zone: string): Span & { first: Day; last: Day } {
  const first = dayOf(start, zone);
  const last = dayOf(end - 1, zone);
  return {
    first,
    last,
    start: momentOf(first, 0, zone),
    end: momentOf(last, DAY_MINUTES, zone),
  };
}

/** What is booked in a room in a time, but what has been displaced. */
export function useBookingsOf(room: string | undefined, { start, end }: Span) {
  const from = new Date(start).toISOString();
  const to = new Date(end).toISOString();
  return useQuery({
    queryKey: ["bookings", "ofRoom", room, from, to],
    queryFn: async ({ signal }) => {
      const query = { roomId: room ?? "", from, to, limit: "100" };
      const { data } = await take(
        api.university.GET("/api/bookings", { params: { query }, signal }),
      );
      return data.data.filter((one) => !one.isOverridden && one.endedAt === null);
    },
    enabled: room !== undefined && start < end,
  });
}

/** When nothing is open: of all rooms, as these are few. */
export function useClosures() {
  return useQuery({
    queryKey: ["closures"],
    queryFn: async ({ signal }) => {
      const params = { query: { limit: "100" } };
      const [blackouts, holidays] = await Promise.all([
        take(api.directory.GET("/api/blackouts/", { params, signal })),
        take(api.directory.GET("/api/holidays/", { params, signal })),
      ]);
      return { blackouts: blackouts.results, holidays: holidays.results };
    },
    staleTime: 60_000,
  });
}

/** After a decision: what was waiting and what is booked have changed. */
export function useDecided(): () => Promise<unknown> {
  const cache = useQueryClient();
  return () =>
    Promise.all([
      cache.invalidateQueries({ queryKey: ["requests"] }),
      cache.invalidateQueries({ queryKey: ["bookings"] }),
    ]);
}
