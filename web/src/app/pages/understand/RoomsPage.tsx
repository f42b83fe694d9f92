import { useFormats } from "../../formats";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded } from "../../ui/states";
import { BuildingSelect, useBuilding } from "./BuildingSelect";
import { barsOf, MOST_BARS, useChart } from "./charts";
import { Figure } from "./Figure";
import { useHours, useUtilization } from "./figures";
import { levelOf } from "./levels";
import { PeriodBar } from "./PeriodBar";
import { type Period, usePeriod } from "./period";
import { useUnderstandText } from "./texts";
import styles from "./understand.module.css";

type Rooms = NonNullable<ReturnType<typeof useHours>["data"]>["rooms"];

export default function RoomsPage() {
  const t = useUnderstandText();
  const { period } = usePeriod();
  const building = useBuilding();
  return (
    <>
      <PageHeader title={t("rooms.title")} description={t("rooms.description")} />
      <PeriodBar>
        <BuildingSelect />
      </PeriodBar>
      <Utilization period={period} building={building} />
      <Hours period={period} building={building} />
    </>
  );
}

interface Props {
  period: Period;
  building: string | undefined;
}

function Utilization({ period, building }: Props) {
  const t = useUnderstandText();
  const formats = useFormats();
  const query = useUtilization(period, building);
  const chart = useChart(query.data, (rooms, formats) => {
    const shown = [...rooms]
      .sort((one, other) => other.utilizationRate - one.utilizationRate)
      .slice(0, MOST_BARS);
    return barsOf(
      shown.map(({ roomName }) => roomName),
      [{ name: t("column.utilization"), values: shown.map((one) => one.utilizationRate) }],
      (value) => formats.percent(value / 100),
      formats,
    );
  });
  return (
    <Loaded query={query}>
      {(rooms) => (
        <Figure
          title={t("rooms.utilization")}
          about={t("rooms.utilizationAbout")}
          rows={rooms}
          keyOf={({ roomId }) => roomId}
          columns={[
            { name: t("column.room"), of: ({ roomName }) => roomName },
            {
              name: t("column.utilization"),
              of: ({ utilizationRate }) => utilizationRate,
              as: "percent",
            },
            { name: t("column.hoursBooked"), of: (one) => one.totalHoursBooked, as: "hours" },
            { name: t("column.bookings"), of: ({ totalBookings }) => totalBookings },
            {
              name: t("column.peakHours"),
              of: ({ peakHours }) =>
                formats.list(
                  peakHours.map((hour) => formats.clock(Number.parseInt(hour, 10) * 60)),
                ),
            },
          ]}
          file="utilization"
          period={period}
          chart={chart}
          note={
            rooms.length > MOST_BARS
              ? t("topOf", { shown: MOST_BARS, count: rooms.length })
              : undefined
          }
          isOld={query.isPlaceholderData}
        />
      )}
    </Loaded>
  );
}

function Hours({ period, building }: Props) {
  const t = useUnderstandText();
  const formats = useFormats();
  const query = useHours(period, building);
  const clock = (hour: number) => formats.clock(hour * 60);
  return (
    <Loaded query={query}>
      {({ rooms, hours }) => {
        const used = hours.flatMap(({ bookedRate }, hour) => (bookedRate > 0 ? [hour] : []));
        const first = Math.min(8, ...used);
        const last = Math.max(17, ...used);
        const shown = Array.from({ length: last - first + 1 }, (_, index) => first + index);
        return (
          <Figure
            title={t("rooms.hours")}
            about={t("rooms.hoursAbout")}
            rows={rooms}
            keyOf={({ roomId }) => roomId}
            columns={[
              { name: t("column.room"), of: ({ roomName }) => roomName },
              ...shown.map((hour) => ({
                name: clock(hour),
                of: ({ bookedRates }: Rooms[number]) => bookedRates[hour] ?? null,
                as: "percent" as const,
              })),
            ]}
            file="rooms-by-hour"
            period={period}
            note={
              rooms.length > MOST_BARS
                ? t("topOf", { shown: MOST_BARS, count: rooms.length })
                : undefined
            }
            isOld={query.isPlaceholderData}
          >
            <Shades rooms={rooms} hours={shown} />
          </Figure>
        );
      }}
    </Loaded>
  );
}

/** The busiest rooms by hour: a table as well, so that it needs no other for whoever does not see it. */
function Shades({ rooms, hours }: { rooms: Rooms; hours: number[] }) {
  const t = useUnderstandText();
  const formats = useFormats();
  const sum = (rates: number[]) => rates.reduce((all, rate) => all + rate, 0);
  const busiest = [...rooms]
    .sort((one, other) => sum(other.bookedRates) - sum(one.bookedRates))
    .slice(0, MOST_BARS);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keys, too
    <section className={styles.scrolled} tabIndex={0} aria-label={t("rooms.shades")}>
      <table className={styles.shades}>
        <thead>
          <tr>
            <th scope="col">{t("column.room")}</th>
            {hours.map((hour) => (
              <th key={hour} scope="col">
                {formats.number(hour)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {busiest.map(({ roomId, roomName, bookedRates }) => (
            <tr key={roomId}>
              <th scope="row">
                <bdi>{roomName}</bdi>
              </th>
              {hours.map((hour) => {
                const rate = bookedRates[hour] ?? 0;
                return (
                  <td
                    key={hour}
                    data-level={levelOf(rate / 100)}
                    title={t("rooms.cell", {
                      room: `\u2068${roomName}\u2069`,
                      hour: formats.clock(hour * 60),
                      rate: formats.percent(rate / 100),
                    })}
                  >
                    {rate > 0 && formats.number(Math.round(rate))}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
