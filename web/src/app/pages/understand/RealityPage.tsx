import { useFormats } from "../../formats";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded } from "../../ui/states";
import { BuildingSelect, useBuilding } from "./BuildingSelect";
import { barsOf, MOST_BARS, useChart } from "./charts";
import { Figure, useShown } from "./Figure";
import { useReality } from "./figures";
import { PeriodBar } from "./PeriodBar";
import { type Period, usePeriod } from "./period";
import { useUnderstandText } from "./texts";
import styles from "./understand.module.css";

type Reality = NonNullable<ReturnType<typeof useReality>["data"]>;
type Room = Reality["rooms"][number];

export default function RealityPage() {
  const t = useUnderstandText();
  const { period } = usePeriod();
  const query = useReality(period, useBuilding());
  return (
    <>
      <PageHeader title={t("reality.title")} description={t("reality.description")} />
      <PeriodBar>
        <BuildingSelect />
      </PeriodBar>
      <Loaded query={query}>
        {(reality) => (
          <>
            <Totals totals={reality.totals} isOld={query.isPlaceholderData} />
            <Hours reality={reality} period={period} isOld={query.isPlaceholderData} />
            <Rates reality={reality} period={period} isOld={query.isPlaceholderData} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Totals({ totals, isOld }: { totals: Reality["totals"]; isOld: boolean }) {
  const t = useUnderstandText();
  const formats = useFormats();
  const show = useShown();
  const measured = t("reality.ofMeasured", {
    measured: formats.number(totals.measuredBookings),
    count: totals.totalBookings,
  });
  const cards = [
    [t("column.planned"), show(totals.plannedSeatHours), t("reality.plannedAbout")],
    [t("column.hoursBooked"), show(totals.bookedHours, "hours"), t("kpi.bookingsAbout")],
    [t("column.empty"), show(totals.emptyHours, "hours"), t("reality.emptyAbout")],
    [t("column.unbooked"), show(totals.unbookedHours, "hours"), t("reality.unbookedAbout")],
    [t("column.ghostRate"), show(totals.ghostRate, "percent"), measured],
    [t("column.measured"), show(totals.measuredBookings), t("reality.measuredAbout")],
  ] as const;
  return (
    <section aria-label={t("reality.totals")} aria-busy={isOld}>
      <ul className={styles.cards}>
        {cards.map(([name, value, about]) => (
          <li key={name} className={styles.card}>
            <h2>{name}</h2>
            <p className={styles.value}>{value}</p>
            <p className={styles.small}>{about}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface Props {
  reality: Reality;
  period: Period;
  isOld: boolean;
}

function useNote(rooms: Room[]): string {
  const t = useUnderstandText();
  const more =
    rooms.length > MOST_BARS ? `${t("topOf", { shown: MOST_BARS, count: rooms.length })} ` : "";
  return `${more}${t("reality.dash")}`;
}

function Hours({ reality: { rooms }, period, isOld }: Props) {
  const t = useUnderstandText();
  const chart = useChart(rooms, (all, formats) => {
    const shown = [...all]
      .sort((one, other) => other.bookedHours - one.bookedHours)
      .slice(0, MOST_BARS);
    return barsOf(
      shown.map(({ roomName }) => roomName),
      [
        { name: t("column.booked"), values: shown.map(({ bookedHours }) => bookedHours) },
        { name: t("column.occupied"), values: shown.map(({ occupiedHours }) => occupiedHours) },
        { name: t("column.empty"), values: shown.map(({ emptyHours }) => emptyHours) },
      ],
      (value) => t("unit.hours", { value: formats.number(value) }),
      formats,
    );
  });
  return (
    <Figure
      title={t("reality.hours")}
      about={t("reality.hoursAbout")}
      rows={rooms}
      keyOf={({ roomId }) => roomId}
      columns={[
        { name: t("column.room"), of: ({ roomName }) => roomName },
        { name: t("column.planned"), of: ({ plannedSeatHours }) => plannedSeatHours },
        { name: t("column.booked"), of: ({ bookedHours }) => bookedHours, as: "hours" },
        { name: t("column.occupied"), of: ({ occupiedHours }) => occupiedHours, as: "hours" },
        { name: t("column.empty"), of: ({ emptyHours }) => emptyHours, as: "hours" },
        { name: t("column.unbooked"), of: ({ unbookedHours }) => unbookedHours, as: "hours" },
        { name: t("column.averageParty"), of: ({ averageParty }) => averageParty },
        { name: t("column.p95"), of: ({ p95Party }) => p95Party },
        { name: t("column.seats"), of: ({ capacity }) => capacity },
        { name: t("column.suggested"), of: ({ suggestedCapacity }) => suggestedCapacity },
      ]}
      file="plan-booked-real"
      period={period}
      chart={chart}
      note={useNote(rooms)}
      isOld={isOld}
    />
  );
}

function Rates({ reality: { rooms }, period, isOld }: Props) {
  const t = useUnderstandText();
  const chart = useChart(rooms, (all, formats) => {
    const shown = all
      .filter(({ measuredBookings }) => measuredBookings > 0)
      .sort((one, other) => (other.ghostRate ?? 0) - (one.ghostRate ?? 0))
      .slice(0, MOST_BARS);
    return barsOf(
      shown.map(({ roomName }) => roomName),
      [
        { name: t("column.ghostRate"), values: shown.map(({ ghostRate }) => ghostRate) },
        { name: t("column.checkedRate"), values: shown.map((one) => one.checkedGhostRate) },
      ],
      (value) => formats.percent(value / 100),
      formats,
    );
  });
  const isMeasured = rooms.some(({ measuredBookings }) => measuredBookings > 0);
  return (
    <Figure
      title={t("reality.rates")}
      about={t("reality.ratesAbout")}
      rows={rooms}
      keyOf={({ roomId }) => roomId}
      columns={[
        { name: t("column.room"), of: ({ roomName }) => roomName },
        { name: t("column.bookings"), of: ({ totalBookings }) => totalBookings },
        { name: t("column.measured"), of: ({ measuredBookings }) => measuredBookings },
        { name: t("column.ghosts"), of: ({ ghostBookings }) => ghostBookings },
        { name: t("column.ghostRate"), of: ({ ghostRate }) => ghostRate, as: "percent" },
        {
          name: t("column.checkedRate"),
          of: ({ checkedGhostRate }) => checkedGhostRate,
          as: "percent",
        },
        { name: t("column.ghosting"), of: ({ noShowRate }) => noShowRate, as: "percent" },
      ]}
      file="who-did-not-come"
      period={period}
      chart={isMeasured ? chart : undefined}
      note={isMeasured ? undefined : t("reality.noCameras")}
      isOld={isOld}
    />
  );
}
