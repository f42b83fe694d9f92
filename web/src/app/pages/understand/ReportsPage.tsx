import { Button } from "@mantine/core";
import { addDays } from "../../days";
import { useFormats } from "../../formats";
import { useAppText } from "../../texts";
import { Icon } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded } from "../../ui/states";
import { barsOf, columnsOf, MOST_BARS, useChart } from "./charts";
import { Figure } from "./Figure";
import { usePeakHours, useRoles, useWeeklyHours, weeksOf } from "./figures";
import { PeriodBar } from "./PeriodBar";
import { type Period, usePeriod } from "./period";
import { useUnderstandText } from "./texts";
import styles from "./understand.module.css";

type Rooms = NonNullable<ReturnType<typeof useWeeklyHours>["data"]>;

export default function ReportsPage() {
  const t = useUnderstandText();
  const formats = useFormats();
  const { period } = usePeriod();
  const weeks = weeksOf(period);
  const last = addDays(period.from, 7 * weeks - 1);
  const span = new URLSearchParams({ startDate: period.from, endDate: last });
  const whole: Period = { kind: "custom", from: period.from, to: last };
  return (
    <>
      <PageHeader title={t("reports.title")} description={t("reports.description")}>
        <Button
          component="a"
          href={`/api/admin/reports/export?${span}`}
          download
          variant="default"
          leftSection={<Icon name="download" size={18} />}
        >
          {t("reports.export")}
        </Button>
      </PageHeader>
      <PeriodBar />
      <p className={styles.weeks}>
        {t("reports.span", {
          count: weeks,
          from: formats.day(period.from),
          to: formats.day(last),
        })}
      </p>
      <Weeks period={whole} />
      <Peak period={whole} />
      <Roles period={whole} />
    </>
  );
}

interface OfRooms {
  rooms: Rooms;
  period: Period;
  isOld: boolean;
}

function Weeks({ period }: { period: Period }) {
  const query = useWeeklyHours(period);
  return (
    <Loaded query={query}>
      {(rooms) => (
        <>
          <ByWeek rooms={rooms} period={period} isOld={query.isPlaceholderData} />
          <ByRoom rooms={rooms} period={period} isOld={query.isPlaceholderData} />
        </>
      )}
    </Loaded>
  );
}

/** `2026-W47` as its Monday. */
function mondayOf(week: string): string {
  const [year = 0, number = 1] = week.split("-W").map(Number);
  // The fourth of January is in the first week.
  const fourth = new Date(Date.UTC(year, 0, 4));
  const monday = 4 - ((fourth.getUTCDay() + 6) % 7);
  return addDays(`${String(year).padStart(4, "0")}-01-01`, monday - 1 + 7 * (number - 1));
}

function ByWeek({ rooms, period, isOld }: OfRooms) {
  const t = useUnderstandText();
  const formats = useFormats();
  const sums = new Map<string, number>();
  for (const { week, hours } of rooms.flatMap((room) => room.weeklyBreakdown)) {
    sums.set(week, (sums.get(week) ?? 0) + hours);
  }
  const weeks = [...sums].sort(([one], [other]) => one.localeCompare(other));
  const chart = useChart(rooms, (_, formats) =>
    columnsOf(
      weeks.map(([week]) => formats.day(mondayOf(week), "dayMonth")),
      [{ name: t("column.total"), values: weeks.map(([, hours]) => rounded(hours)) }],
      (value) => t("unit.hours", { value: formats.number(value) }),
      formats,
    ),
  );
  return (
    <Figure
      title={t("reports.hours")}
      about={t("reports.hoursAbout")}
      rows={weeks}
      keyOf={([week]) => week}
      columns={[
        { name: t("column.week"), of: ([week]) => week },
        { name: t("column.weekOf"), of: ([week]) => formats.day(mondayOf(week)) },
        { name: t("column.total"), of: ([, hours]) => rounded(hours), as: "hours" },
      ]}
      file="hours-by-week"
      period={period}
      chart={chart}
      isOld={isOld}
    />
  );
}

const rounded = (value: number) => Math.round(value * 10) / 10;

function ByRoom({ rooms, period, isOld }: OfRooms) {
  const t = useUnderstandText();
  const chart = useChart(rooms, (all, formats) => {
    const shown = [...all]
      .sort((one, other) => other.totalHours - one.totalHours)
      .slice(0, MOST_BARS);
    return barsOf(
      shown.map(({ roomName }) => roomName),
      [{ name: t("column.perWeek"), values: shown.map((one) => one.avgHoursPerWeek) }],
      (value) => t("unit.hours", { value: formats.number(value) }),
      formats,
    );
  });
  return (
    <Figure
      title={t("reports.rooms")}
      about={t("reports.roomsAbout")}
      rows={rooms}
      keyOf={({ roomId }) => roomId}
      columns={[
        { name: t("column.room"), of: ({ roomName }) => roomName },
        { name: t("column.building"), of: ({ building }) => building },
        { name: t("column.total"), of: ({ totalHours }) => totalHours, as: "hours" },
        { name: t("column.perWeek"), of: (one) => one.avgHoursPerWeek, as: "hours" },
      ]}
      file="hours-by-room"
      period={period}
      chart={chart}
      note={
        rooms.length > MOST_BARS ? t("topOf", { shown: MOST_BARS, count: rooms.length }) : undefined
      }
      isOld={isOld}
    />
  );
}

function Peak({ period }: { period: Period }) {
  const t = useUnderstandText();
  const formats = useFormats();
  const query = usePeakHours(period);
  const chart = useChart(query.data, ({ peakHours }, formats) =>
    columnsOf(
      peakHours.map(({ hour }) => formats.clock(hour * 60)),
      [{ name: t("column.bookings"), values: peakHours.map(({ count }) => count) }],
      formats.number,
      formats,
    ),
  );
  return (
    <Loaded query={query}>
      {({ peakHours }) => (
        <Figure
          title={t("reports.peak")}
          about={t("reports.peakAbout")}
          rows={peakHours}
          keyOf={({ hour }) => String(hour)}
          columns={[
            { name: t("column.hour"), of: ({ hour }) => formats.clock(hour * 60) },
            { name: t("column.bookings"), of: ({ count }) => count },
          ]}
          file="peak-hours"
          period={period}
          chart={chart}
          isOld={query.isPlaceholderData}
        />
      )}
    </Loaded>
  );
}

function Roles({ period }: { period: Period }) {
  const t = useUnderstandText();
  const app = useAppText();
  const query = useRoles(period);
  const nameOf = (role: string) => {
    const key = `roles.${role}` as "roles.ADMIN";
    const name = app(key);
    return name === key ? t("reports.unknown") : name;
  };
  const chart = useChart(query.data, ({ byRole }, formats) =>
    barsOf(
      byRole.map(({ role }) => nameOf(role)),
      [{ name: t("column.bookings"), values: byRole.map(({ count }) => count) }],
      formats.number,
      formats,
    ),
  );
  return (
    <Loaded query={query}>
      {({ byRole }) => (
        <Figure
          title={t("reports.roles")}
          about={t("reports.rolesAbout")}
          rows={byRole}
          keyOf={({ role }) => role}
          columns={[
            { name: t("column.role"), of: ({ role }) => nameOf(role) },
            { name: t("column.bookings"), of: ({ count }) => count },
            { name: t("column.total"), of: ({ hours }) => hours, as: "hours" },
            { name: t("column.share"), of: ({ percentage }) => percentage, as: "percent" },
          ]}
          file="bookings-by-role"
          period={period}
          chart={chart}
          isOld={query.isPlaceholderData}
        />
      )}
    </Loaded>
  );
}
