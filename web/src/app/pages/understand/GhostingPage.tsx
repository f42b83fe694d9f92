import { PageHeader } from "../../ui/PageHeader";
import { Loaded } from "../../ui/states";
import { barsOf, MOST_BARS, useChart } from "./charts";
import { Figure } from "./Figure";
import { useGhosting } from "./figures";
import { PeriodBar } from "./PeriodBar";
import { usePeriod } from "./period";
import { useUnderstandText } from "./texts";

export default function GhostingPage() {
  const t = useUnderstandText();
  const { period } = usePeriod();
  const query = useGhosting(period);
  const chart = useChart(query.data, (rooms, formats) => {
    const shown = [...rooms]
      .sort((one, other) => other.ghostingRate - one.ghostingRate)
      .slice(0, MOST_BARS);
    return barsOf(
      shown.map(({ roomName }) => roomName),
      [{ name: t("column.ghosting"), values: shown.map(({ ghostingRate }) => ghostingRate) }],
      (value) => formats.percent(value / 100),
      formats,
    );
  });
  return (
    <>
      <PageHeader title={t("ghosting.title")} description={t("ghosting.description")} />
      <PeriodBar />
      <Loaded query={query}>
        {(rooms) => (
          <Figure
            title={t("ghosting.rate")}
            about={t("ghosting.rateAbout")}
            rows={rooms}
            keyOf={({ roomId }) => roomId}
            columns={[
              { name: t("column.room"), of: ({ roomName }) => roomName },
              {
                name: t("column.ghosting"),
                of: ({ ghostingRate }) => ghostingRate,
                as: "percent",
              },
              { name: t("column.noShows"), of: ({ totalNoShows }) => totalNoShows },
              { name: t("column.bookings"), of: ({ totalBookings }) => totalBookings },
              { name: t("column.wasted"), of: (one) => one.averageWastedMinutes, as: "minutes" },
            ]}
            file="no-shows"
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
    </>
  );
}
