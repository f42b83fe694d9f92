import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { components } from "../../../../shared/contracts/university";
import { allPages, allParts, api, take } from "../../../api";
import { type Day, dayOf, momentOf } from "../../../days";

export type BookingRequest = components["schemas"]["RequestView"];
export type Booking = components["schemas"]["BookingView"];
export const STATUSES = ["PENDING", "APPROVED", "REJECTED", "CANCELLED"] as const;
export type RequestStatus = (typeof STATUSES)[number];

const LOOK_EVERY_MS = 10_000;
const DAY_MINUTES = 24 * 60;
/** Requests of a page: each is shown with its room's day. */
export const REQUESTS = 20;

/** All that wait, the newest first: those on other pages may want the same room at the same time. */
export function useWaiting() {
  return useQuery({
    queryKey: ["requests", "all", "PENDING"],
    queryFn: ({ signal }) =>
      allPages((part) => {
        const query = { ...part, status: "PENDING" } as const;
        return take(api.university.GET("/api/requests", { params: { query }, signal }));
      }),
    refetchInterval: LOOK_EVERY_MS,
  });
}

/** A page of those that are decided, the newest first. */
export function useRequests(status: Exclude<RequestStatus, "PENDING">, page: number) {
  return useQuery({
    queryKey: ["requests", "all", status, page],
    queryFn: async ({ signal }) => {
      const query = { status, page: String(page), limit: String(REQUESTS) };
      const { data } = await take(
        api.university.GET("/api/requests", { params: { query }, signal }),
      );
      return { rows: data.data, count: data.pagination.total };
    },
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
      const found = await allPages((part) => {
        const query = { ...part, roomId: room ?? "", from, to };
        return take(api.university.GET("/api/bookings", { params: { query }, signal }));
      });
      return found.filter((one) => !one.isOverridden && one.endedAt === null);
    },
    enabled: room !== undefined && start < end,
  });
}

/** When nothing is open, in any room. */
export function useClosures() {
  return useQuery({
    queryKey: ["closures"],
    queryFn: async ({ signal }) => {
      const [blackouts, holidays] = await Promise.all([
        allParts((query) =>
          take(api.directory.GET("/api/blackouts/", { params: { query }, signal })),
        ),
        allParts((query) =>
          take(api.directory.GET("/api/holidays/", { params: { query }, signal })),
        ),
      ]);
      return { blackouts, holidays };
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
