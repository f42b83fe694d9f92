import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { allParts, api, take } from "../../api";
import { lengthOf, type Period } from "./period";

/** Figures are added up anew within seconds; those of another period stay until theirs are there. */
const KEPT = { staleTime: 60_000, placeholderData: keepPreviousData };
/** As many as a report has. */
const MOST_WEEKS = 52;

type Range = { start_date: string; end_date: string };

function useOfPeriod<T>(
  what: string,
  { from, to }: Period,
  ask: (range: Range, signal: AbortSignal) => Promise<{ data: T }>,
  more = "",
) {
  return useQuery({
    queryKey: ["analytics", what, from, to, more],
    queryFn: async ({ signal }) => (await ask({ start_date: from, end_date: to }, signal)).data,
    ...KEPT,
  });
}

export const useKpi = (period: Period) =>
  useOfPeriod("kpi", period, (query, signal) =>
    take(api.circleTime.GET("/api/analytics/kpi", { params: { query }, signal })),
  );

export const useUtilization = (period: Period, building?: string) =>
  useOfPeriod(
    "utilization",
    period,
    (range, signal) => {
      const query = { ...range, building: building ?? null };
      return take(api.circleTime.GET("/api/analytics/utilization", { params: { query }, signal }));
    },
    building,
  );

export const useHours = (period: Period, building?: string) =>
  useOfPeriod(
    "hours",
    period,
    (range, signal) => {
      const query = { ...range, building: building ?? null };
      return take(api.circleTime.GET("/api/analytics/hours", { params: { query }, signal }));
    },
    building,
  );

export const useGhosting = (period: Period) =>
  useOfPeriod("ghosting", period, (query, signal) =>
    take(api.circleTime.GET("/api/analytics/ghosting", { params: { query }, signal })),
  );

export const useCapacity = (period: Period) =>
  useOfPeriod("capacity", period, (query, signal) =>
    take(api.circleTime.GET("/api/analytics/capacity", { params: { query }, signal })),
  );

export const useRightSize = (period: Period) =>
  useOfPeriod("right-size", period, (query, signal) =>
    take(api.circleTime.GET("/api/analytics/right-size", { params: { query }, signal })),
  );

export const useReality = (period: Period, building?: string) =>
  useOfPeriod(
    "reality",
    period,
    (range, signal) => {
      const query = { ...range, building: building ?? null };
      return take(api.circleTime.GET("/api/analytics/reality", { params: { query }, signal }));
    },
    building,
  );

export const useFlow = (period: Period, camera?: string) =>
  useOfPeriod(
    "flow",
    period,
    (range, signal) => {
      const query = { ...range, camera: camera ?? null };
      return take(api.circleTime.GET("/api/analytics/flow", { params: { query }, signal }));
    },
    camera,
  );

/** Reports are of whole weeks: as many as the period touches, from its first day on. */
export const weeksOf = (period: Period) => Math.min(MOST_WEEKS, Math.ceil(lengthOf(period) / 7));

const weekly = (period: Period) => ({
  query: { weeks: `${weeksOf(period)}`, startDate: period.from },
});

export const useWeeklyHours = (period: Period) =>
  useOfPeriod("report-utilization", period, (_, signal) =>
    take(api.university.GET("/api/admin/reports/utilization", { params: weekly(period), signal })),
  );

export const usePeakHours = (period: Period) =>
  useOfPeriod("report-peak-hours", period, (_, signal) =>
    take(api.university.GET("/api/admin/reports/peak-hours", { params: weekly(period), signal })),
  );

export const useRoles = (period: Period) =>
  useOfPeriod("report-roles", period, (_, signal) =>
    take(
      api.university.GET("/api/admin/reports/bookings-by-role", {
        params: weekly(period),
        signal,
      }),
    ),
  );

export function useBuildings() {
  return useQuery({
    queryKey: ["locations", "all"],
    queryFn: ({ signal }) =>
      allParts((query) =>
        take(api.directory.GET("/api/locations/", { params: { query }, signal })),
      ),
    staleTime: 60_000,
  });
}
