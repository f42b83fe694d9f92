import { useFormats } from "../../formats";
import { Icon } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded } from "../../ui/states";
import { columnsOf, useChart } from "./charts";
import { type Column, Figure, useShown } from "./Figure";
import { useHours, useKpi } from "./figures";
import { PeriodBar } from "./PeriodBar";
import { lengthOf, type Period, usePeriod } from "./period";
import { useUnderstandText } from "./texts";
import styles from "./understand.module.css";

/** What the service calls them, in its order. */
const NAMES = {
  "Total Rooms": "rooms",
  "Avg Utilization": "utilization",
  "Ghosting Rate": "ghosting",
  "Total Bookings": "bookings",
} as const;

type Kpi = NonNullable<ReturnType<typeof useKpi>["data"]>[number];

export default function KpiPage() {
  const t = useUnderstandText();
  const { period } = usePeriod();
  const query = useKpi(period);
  return (
    <>
      <PageHeader title={t("kpi.title")} description={t("kpi.description")} />
      <PeriodBar />
      <Loaded query={query}>
        {(kpis) => <Kpis kpis={kpis} period={period} isOld={query.isPlaceholderData} />}
      </Loaded>
      <Hours period={period} />
    </>
  );
}

interface KpisProps {
  kpis: Kpi[];
  period: Period;
  isOld: boolean;
}

function Kpis({ kpis, period, isOld }: KpisProps) {
  const t = useUnderstandText();
  const show = useShown();
  const nameOf = (one: Kpi) => {
    const name = NAMES[one.label as keyof typeof NAMES];
    return name === undefined ? one.label : t(`kpi.${name}`);
  };
  const columns: Column<Kpi>[] = [
    { name: t("column.figure"), of: nameOf },
    { name: t("column.value"), of: (one) => one.value },
    { name: t("column.change"), of: (one) => one.change },
  ];
  return (
    <>
      <ul className={styles.cards} aria-busy={isOld}>
        {kpis.map((one) => {
          const name = NAMES[one.label as keyof typeof NAMES];
          return (
            <li key={one.label} className={styles.card}>
              <h2>{nameOf(one)}</h2>
              <p className={styles.value}>
                {show(one.value, one.unit === "%" ? "percent" : undefined)}
              </p>
              <Change one={one} days={lengthOf(period)} />
              {name && <p className={styles.small}>{t(`kpi.${name}About`)}</p>}
            </li>
          );
        })}
      </ul>
      <Figure
        title={t("kpi.all")}
        about={t("kpi.allAbout")}
        rows={kpis}
        keyOf={(one) => one.label}
        columns={columns}
        file="key-figures"
        period={period}
        isOld={isOld}
      />
    </>
  );
}

/** Said by a word, a sign and an arrow, not by its colour alone. */
function Change({ one, days }: { one: Kpi; days: number }) {
  const t = useUnderstandText();
  const formats = useFormats();
  const { change, changeType, unit } = one;
  if (change === null) return null;
  const sign = change > 0 ? "+" : change < 0 ? "−" : "";
  const number = `\u2066${sign}${formats.number(Math.abs(change))}\u2069`;
  const words = { positive: "better", negative: "worse", neutral: "same" } as const;
  return (
    <p className={styles.change} data-is={changeType}>
      {change !== 0 && (
        <span data-down={change < 0 || undefined}>
          <Icon name="down" size={16} />
        </span>
      )}
      <strong>
        {change === 0 ? t("kpi.same") : unit === "%" ? t("unit.points", { value: number }) : number}
      </strong>
      {changeType && changeType !== "neutral" && <em>{t(`kpi.${words[changeType]}`)}</em>}
      <span>{t("kpi.before", { count: days })}</span>
    </p>
  );
}

function Hours({ period }: { period: Period }) {
  const t = useUnderstandText();
  const query = useHours(period);
  const chart = useChart(query.data, ({ hours }, formats) =>
    columnsOf(
      hours.map(({ hour }) => formats.clock(Number.parseInt(hour, 10) * 60)),
      [{ name: t("kpi.hours"), values: hours.map(({ bookedRate }) => bookedRate) }],
      (value) => formats.percent(value / 100),
      formats,
    ),
  );
  const formats = useFormats();
  return (
    <Loaded query={query}>
      {({ hours }) => (
        <Figure
          title={t("kpi.hours")}
          about={t("kpi.hoursAbout")}
          rows={hours}
          keyOf={({ hour }) => hour}
          columns={[
            {
              name: t("column.hour"),
              of: ({ hour }) => formats.clock(Number.parseInt(hour, 10) * 60),
            },
            { name: t("column.booked"), of: ({ bookedRate }) => bookedRate, as: "percent" },
          ]}
          file="hours-of-day"
          period={period}
          chart={chart}
          isOld={query.isPlaceholderData}
        />
      )}
    </Loaded>
  );
}
