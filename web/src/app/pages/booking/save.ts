import { useMutation, useMutationState, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../api";
import { useUser } from "../../session";

export interface NewBooking {
  roomId: string;
  title: string;
  start: number;
  end: number;
  recurrenceRule: string | undefined;
}

/** What was left out of a series, and how many of it were made. */
export interface Made {
  id: string;
  count: number;
  skipped: number;
}

export const iso = (moment: number) => new Date(moment).toISOString();

/** Whether somebody asks for rooms, and an administrator decides; others book them. */
export function useAsks(): boolean {
  return useUser().role === "STUDENT";
}

function useChanged() {
  const cache = useQueryClient();
  return () =>
    Promise.all(
      ["timeline", "mine", "requests", "notifications"].map((key) =>
        cache.invalidateQueries({ queryKey: [key] }),
      ),
    );
}

/** Books a room, or asks for it. */
export function useMake() {
  const asks = useAsks();
  const changed = useChanged();
  return useMutation({
    mutationFn: async ({
      roomId,
      title,
      start,
      end,
      recurrenceRule,
    }: NewBooking): Promise<Made> => {
      const rule = recurrenceRule === undefined ? {} : { recurrenceRule };
      if (asks) {
        const body = { roomId, purpose: title, startAt: iso(start), endAt: iso(end), ...rule };
        const { data } = await take(api.university.POST("/api/requests", { body }));
        const { id, series } = data;
        return { id, count: series?.requests.length ?? 1, skipped: series?.skipped.length ?? 0 };
      }
      const body = { roomId, title, startTime: iso(start), endTime: iso(end), ...rule };
      const { data } = await take(api.circleTime.POST("/api/bookings", { body }));
      const { id, series } = data;
      return { id, count: series?.bookings.length ?? 1, skipped: series?.skipped.length ?? 0 };
    },
    onSettled: changed,
  });
}

export interface Change {
  id: string;
  roomId?: string;
  title?: string;
  start?: number;
  end?: number;
}

const CHANGES = ["changes"];

/**
 * Moves, stretches or renames a booking. Changes go one after the other, as they were made: the last
 * one is what stays.
 */
export function useChange() {
  const changed = useChanged();
  return useMutation({
    mutationKey: CHANGES,
    scope: { id: "changes" },
    mutationFn: async ({ id, roomId, title, start, end }: Change) => {
      const body = {
        ...(roomId !== undefined && { roomId }),
        ...(title !== undefined && { title }),
        ...(start !== undefined && { startTime: iso(start) }),
        ...(end !== undefined && { endTime: iso(end) }),
      };
      const params = { path: { booking_id: id } };
      return (await take(api.circleTime.PATCH("/api/bookings/{booking_id}", { params, body })))
        .data;
    },
    onSettled: changed,
  });
}

/** Changes that are on their way, until what they made of the bookings has been asked for. */
export function useChangesUnderway(): Change[] {
  return useMutationState({
    filters: { mutationKey: CHANGES, status: "pending" },
    select: ({ state }) => state.variables as Change,
  });
}

export type Scope = "this" | "following" | "all";

export function useCancel() {
  const changed = useChanged();
  return useMutation({
    mutationFn: ({ id, scope }: { id: string; scope: Scope }) =>
      take(
        api.circleTime.DELETE("/api/bookings/{booking_id}", {
          params: { path: { booking_id: id }, query: { scope } },
        }),
      ),
    onSettled: changed,
  });
}

export function useWithdraw() {
  const changed = useChanged();
  return useMutation({
    mutationFn: (id: string) =>
      take(
        api.university.POST("/api/requests/{request_id}/cancel", {
          params: { path: { request_id: id } },
        }),
      ),
    onSettled: changed,
  });
}

export function useCheckIn() {
  const changed = useChanged();
  return useMutation({
    mutationFn: (id: string) =>
      take(
        api.circleTime.POST("/api/bookings/{booking_id}/checkin", {
          params: { path: { booking_id: id } },
        }),
      ),
    onSettled: changed,
  });
}

export function useEnd() {
  const changed = useChanged();
  return useMutation({
    mutationFn: (id: string) =>
      take(
        api.circleTime.POST("/api/bookings/{booking_id}/end", {
          params: { path: { booking_id: id } },
        }),
      ),
    onSettled: changed,
  });
}
