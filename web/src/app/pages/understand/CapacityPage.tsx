import { SERIES } from "../../theme";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message } from "../../ui/states";
import { barsOf, MOST_BARS, useChart } from "./charts";
import { Figure } from "./Figure";
import { useCapacity, useRightSize, useUtilization } from "./figures";
import { PeriodBar } from "./PeriodBar";
import { type Period, usePeriod } from "./period";
import { useUnderstandText } from "./texts";

type Room = NonNullable<ReturnType<typeof useCapacity>["data"]>[number];
type Fitting = Room & { fits?: number };

export default function CapacityPage() {
  const t = useUnderstandText();
  const { period } = usePeriod();
  return (
    <>
      <PageHeader title={t("capacity.title")} description={t("capacity.description")} />
      <PeriodBar />
      <Fit period={period} />
      <RightSize period={period} />
    </>
  );
}

function Fit({ period }: { period: Period }) {
  const t = useUnderstandText();
  const query = useCapacity(period);
  // How many bookings there are is not said of capacity.
  const bookings = useUtilization(period).data;
  const rooms: Fitting[] | undefined =
    query.data &&
    bookings &&
    query.data.map((one) => {
      const total = bookings.find(({ roomId }) => roomId === one.roomId)?.totalBookings ?? 0;
      const fits = Math.max(0, total - one.oversizedBookings - one.undersizedBookings);
      return { ...one, fits };
    });
  const chart = useChart(rooms, (all, formats) => {
    const shown = [...all]
      .sort((one, other) => other.oversizedBookings - one.oversizedBookings)
      .slice(0, MOST_BARS);
    const stack = "bookings";
    return barsOf(
      shown.map(({ roomName }) => roomName),
      [
        {
          name: t("column.tooLarge"),
          values: shown.map((one) => one.oversizedBookings),
          color: SERIES[1],
          stack,
        },
        {
          name: t("column.fits"),
          values: shown.map(({ fits }) => fits ?? null),
          color: SERIES[0],
          stack,
        },
        {
          name: t("column.tooSmall"),
          values: shown.map((one) => one.undersizedBookings),
          color: SERIES[3],
          stack,
        },
      ],
      formats.number,
      formats,
    );
  });
  return (
    <Loaded query={query}>
      {(all) => (
        <Figure<Fitting>
          title={t("capacity.fit")}
          about={t("capacity.fitAbout")}
          rows={rooms ?? all}
          keyOf={({ roomId }) => roomId}
          columns={[
            { name: t("column.room"), of: ({ roomName }) => roomName },
            { name: t("column.seats"), of: ({ roomCapacity }) => roomCapacity },
            { name: t("column.people"), of: ({ averageAttendees }) => averageAttendees },
            { name: t("column.filled"), of: (one) => one.capacityUtilization, as: "percent" },
            { name: t("column.tooLarge"), of: ({ oversizedBookings }) => oversizedBookings },
            { name: t("column.fits"), of: ({ fits }) => fits ?? null },
            { name: t("column.tooSmall"), of: ({ undersizedBookings }) => undersizedBookings },
          ]}
          file="capacity"
          period={period}
          chart={chart}
          note={
            all.length > MOST_BARS ? t("topOf", { shown: MOST_BARS, count: all.length }) : undefined
          }
          isOld={query.isPlaceholderData}
        />
      )}
    </Loaded>
  );
}

function RightSize({ period }: { period: Period }) {
  const t = useUnderstandText();
  const query = useRightSize(period);
  const chart = useChart(query.data, (rooms, formats) => {
    const shown = rooms.slice(0, MOST_BARS);
    return barsOf(
      shown.map(({ roomName }) => roomName),
      [
        { name: t("column.seats"), values: shown.map(({ roomCapacity }) => roomCapacity) },
        { name: t("column.largest"), values: shown.map(({ largestParty }) => largestParty) },
      ],
      formats.number,
      formats,
    );
  });
  return (
    <Loaded query={query}>
      {(rooms) =>
        rooms.length === 0 ? (
          <Message icon="seats" title={t("capacity.rightNone")} />
        ) : (
          <Figure
            title={t("capacity.right")}
            about={t("capacity.rightAbout")}
            rows={rooms}
            keyOf={({ roomId }) => roomId}
            columns={[
              { name: t("column.room"), of: ({ roomName }) => roomName },
              { name: t("column.seats"), of: ({ roomCapacity }) => roomCapacity },
              { name: t("column.largest"), of: ({ largestParty }) => largestParty },
              { name: t("column.suggested"), of: ({ suggestedCapacity }) => suggestedCapacity },
              { name: t("column.parties"), of: ({ parties }) => parties },
              { name: t("column.counted"), of: ({ measuredParties }) => measuredParties },
            ]}
            file="right-size"
            period={period}
            chart={chart}
            isOld={query.isPlaceholderData}
          />
        )
      }
    </Loaded>
  );
}
