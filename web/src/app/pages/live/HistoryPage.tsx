import { Button, NativeSelect, SegmentedControl } from "@mantine/core";
import { useMemo } from "react";
import { Link, useSearchParams } from "wouter";
import { addDays, addMonths } from "../../days";
import { useFormats } from "../../formats";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message } from "../../ui/states";
import { columnsOf, useChart } from "../understand/charts";
import { type Column, Figure, writtenTime } from "../understand/Figure";
import { PeriodBar } from "../understand/PeriodBar";
import { lengthOf, monthOf, type Period, useChoice, usePeriod } from "../understand/period";
import { type Camera, useCameras, useRooms } from "./data";
import { conditionOf, worstOf } from "./health";
import {
  canBeBy,
  type History,
  type Place,
  placesOf,
  type Row,
  reachOf,
  STEPS,
  type Step,
  stepOf,
  useHistory,
} from "./history";
import styles from "./live.module.css";
import { Doubt, Health } from "./parts";
import { useLive } from "./stream";
import { useLiveText } from "./texts";

const YEAR_MONTHS = 12;
const SHORT_DAYS = 92;
const NO_ROOMS = new Map();

export default function HistoryPage() {
  const t = useLiveText();
  const cameras = useCameras();
  const rooms = useRooms();
  return (
    <>
      <PageHeader title={t("history.title")} description={t("history.description")} />
      <Loaded query={cameras}>
        {(found) => <Board cameras={found} rooms={rooms.data ?? NO_ROOMS} />}
      </Loaded>
    </>
  );
}

interface BoardProps {
  cameras: readonly Camera[];
  rooms: NonNullable<ReturnType<typeof useRooms>["data"]>;
}

function Board({ cameras, rooms }: BoardProps) {
  const t = useLiveText();
  const formats = useFormats();
  const { period } = usePeriod();
  const [asked, choose] = useChoice("of");
  const [askedStep] = useChoice("step");
  const places = useMemo(() => placesOf(cameras, rooms), [cameras, rooms]);
  const place = places.find(({ key }) => key === asked) ?? places.find(isCamera);
  const step = stepOf(askedStep, period);
  const query = useHistory(place?.cameras ?? [], period, step, formats.calendar);
  const reach = reachOf(step, formats.calendar);
  if (place === undefined) {
    return (
      <Message icon="camera" title={t("history.none")}>
        <p>{t("history.noneText")}</p>
        <Button component={Link} href="/cameras">
          {t("cameras.title")}
        </Button>
      </Message>
    );
  }
  const group = (kind: Place["kind"]) => ({
    group: t(`history.${kind}s`),
    items: places
      .filter((one) => one.kind === kind)
      .map(({ key, name, cameras: [camera] }) => ({
        value: key,
        label: kind === "camera" && !camera?.is_active ? t("history.outOfUse", { name }) : name,
      })),
  });
  return (
    <>
      <PeriodBar running={t("history.running")}>
        <NativeSelect
          aria-label={t("history.of")}
          value={place.key}
          data={(["camera", "room", "building"] as const)
            .map(group)
            .filter(({ items }) => items.length > 0)}
          onChange={(event) => choose(event.currentTarget.value)}
        />
        <StepSelect step={step} period={period} />
      </PeriodBar>
      <State place={place} />
      {period.from < reach && (
        <p className={styles.state}>
          {t("history.cut", { step: t(`history.${step}`), from: formats.day(reach) })}
        </p>
      )}
      {step === "month" && <p className={styles.state}>{t("history.whole")}</p>}
      <Loaded query={query}>
        {(history) => (
          <Figures
            history={history}
            isOne={place.cameras.length === 1}
            period={period}
            file={place.key}
            note={
              place.cameras.length > 1
                ? t("history.doors", { count: place.cameras.length })
                : undefined
            }
            isOld={query.isPlaceholderData}
          />
        )}
      </Loaded>
    </>
  );
}

const isCamera = ({ kind }: Place) => kind === "camera";

/** By hour, day or month; whoever wants months of a few days gets those of a year. */
function StepSelect({ step, period }: { step: Step; period: Period }) {
  const t = useLiveText();
  const { calendar } = useFormats();
  const [, setParams] = useSearchParams();
  const become = (next: Step) =>
    setParams((params) => {
      params.set("step", next);
      if (next === "month" && lengthOf(period) < SHORT_DAYS) {
        const { to } = monthOf(period.to, calendar);
        params.set("by", "custom");
        params.set("from", addMonths(addDays(to, 1), -YEAR_MONTHS, calendar));
        params.set("to", to);
      }
      return params;
    });
  return (
    <SegmentedControl
      aria-label={t("history.step")}
      value={step}
      data={STEPS.map((one) => ({
        value: one,
        label: t(`history.${one}`),
        disabled: !canBeBy(one, period),
      }))}
      onChange={(next) => become(next as Step)}
      withItemsBorders={false}
    />
  );
}

/** What is to be known of figures before they are believed: how their cameras are now. */
function State({ place }: { place: Place }) {
  const t = useLiveText();
  const live = useLive();
  const [camera, ...others] = place.cameras;
  const one = others.length === 0 ? camera : undefined;
  const count = one && live.cameras.get(one.id);
  return (
    <p className={styles.state}>
      {t("history.now")} <Health condition={worstOf(place.cameras.map(conditionOf))} />
      {count && <Doubt count={count} />}
      {one && <Link href={`/cameras/${one.id}`}>{t("history.toCamera")}</Link>}
    </p>
  );
}

interface FiguresProps {
  history: History;
  isOne: boolean;
  period: Period;
  file: string;
  note: string | undefined;
  isOld: boolean;
}

function Figures({ history, isOne, period, file, note, isOld }: FiguresProps) {
  const t = useLiveText();
  const formats = useFormats();
  const { step } = history;
  const when: Column<Row> = { name: t(`history.${step}`), of: ({ at }) => at, as: step };
  // In two lines: a wide name leaves a narrow chart no room.
  const names = (rows: readonly Row[]) =>
    rows.map(({ at }) => writtenTime(at, step, formats).replace(/[,،] /, "\n"));
  const flow = useChart(history, ({ rows }) =>
    columnsOf(
      names(rows),
      [
        { name: t("live.entries"), values: rows.map(({ entries }) => entries) },
        { name: t("live.exits"), values: rows.map(({ exits }) => exits) },
      ],
      formats.number,
      formats,
    ),
  );
  const people = useChart(history, ({ rows }) =>
    columnsOf(
      names(rows),
      [
        { name: t("history.average"), values: rows.map(({ average }) => average) },
        { name: t("history.most"), values: rows.map(({ most }) => most) },
      ],
      formats.number,
      formats,
      step === "hour",
    ),
  );
  const isPersian = step === "month" && formats.calendar === "persian";
  const shared = {
    rows: history.rows,
    keyOf: ({ key }: Row) => key,
    period,
    isOld,
  };
  return (
    <>
      {isOne && (
        <Figure
          {...shared}
          title={t("history.people")}
          about={`${t("history.peopleAbout")} ${isPersian ? t("history.jalaliAbout") : t("history.zone")}`}
          columns={[
            when,
            { name: t("history.average"), of: ({ average }) => average },
            { name: t("history.most"), of: ({ most }) => most },
          ]}
          file={`${file}-people`}
          chart={people}
        />
      )}
      <Figure
        {...shared}
        title={t("history.flow")}
        about={`${t("history.flowAbout")}${isOne ? ` ${t("history.personsAbout")}` : ""}`}
        columns={[
          when,
          { name: t("live.entries"), of: ({ entries }) => entries },
          { name: t("live.exits"), of: ({ exits }) => exits },
          ...(isOne ? [{ name: t("history.persons"), of: ({ persons }: Row) => persons }] : []),
        ]}
        file={`${file}-flow`}
        chart={flow}
        note={note}
      />
    </>
  );
}
