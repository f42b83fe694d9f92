import { NativeSelect } from "@mantine/core";
import { useFormats } from "../../formats";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message } from "../../ui/states";
import { barsOf, columnsOf, MOST_BARS, useChart } from "./charts";
import { Figure } from "./Figure";
import { useFlow } from "./figures";
import { PeriodBar } from "./PeriodBar";
import { type Period, useChoice, usePeriod } from "./period";
import { useUnderstandText } from "./texts";

type Flow = NonNullable<ReturnType<typeof useFlow>["data"]>;
type Door = Flow["doors"][number];

const nameOf = ({ cameraName, roomName }: Door) =>
  roomName === null ? cameraName : `${cameraName} · ${roomName}`;

export default function FlowPage() {
  const t = useUnderstandText();
  const { period } = usePeriod();
  const [camera, choose] = useChoice("camera");
  const query = useFlow(period, camera);
  const { data: all } = useFlow(period);
  return (
    <>
      <PageHeader title={t("flow.title")} description={t("flow.description")} />
      <PeriodBar>
        <NativeSelect
          aria-label={t("flow.door")}
          value={camera ?? ""}
          data={[
            { value: "", label: t("flow.everyDoor") },
            ...(all?.doors ?? []).map((door) => ({
              value: String(door.cameraId),
              label: nameOf(door),
            })),
          ]}
          onChange={(event) => choose(event.currentTarget.value || undefined)}
        />
      </PeriodBar>
      <Loaded query={query}>
        {(flow) =>
          flow.doors.length === 0 ? (
            <Message icon="camera" title={t("flow.noDoors")} />
          ) : (
            <>
              <Hours flow={flow} period={period} isOld={query.isPlaceholderData} />
              <Doors flow={flow} period={period} isOld={query.isPlaceholderData} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

interface Props {
  flow: Flow;
  period: Period;
  isOld: boolean;
}

function Hours({ flow, period, isOld }: Props) {
  const t = useUnderstandText();
  const formats = useFormats();
  const clock = (hour: string) => formats.clock(Number.parseInt(hour, 10) * 60);
  const chart = useChart(flow, ({ hours }, formats) =>
    columnsOf(
      hours.map(({ hour }) => formats.clock(Number.parseInt(hour, 10) * 60)),
      [
        { name: t("column.entries"), values: hours.map(({ entries }) => entries) },
        { name: t("column.exits"), values: hours.map(({ exits }) => exits) },
      ],
      formats.number,
      formats,
    ),
  );
  const { entries, exits } = flow.totals;
  return (
    <Figure
      title={t("flow.hours")}
      about={t("flow.hoursAbout")}
      rows={flow.hours}
      keyOf={({ hour }) => hour}
      columns={[
        { name: t("column.hour"), of: ({ hour }) => clock(hour) },
        { name: t("column.entries"), of: ({ entries }) => entries },
        { name: t("column.exits"), of: ({ exits }) => exits },
      ]}
      file="flow-by-hour"
      period={period}
      chart={chart}
      note={t("flow.total", { entries: formats.number(entries), exits: formats.number(exits) })}
      isOld={isOld}
    />
  );
}

function Doors({ flow, period, isOld }: Props) {
  const t = useUnderstandText();
  const chart = useChart(flow, ({ doors }, formats) => {
    const shown = [...doors].sort((one, other) => other.entries - one.entries).slice(0, MOST_BARS);
    return barsOf(
      shown.map(nameOf),
      [
        { name: t("column.entries"), values: shown.map(({ entries }) => entries) },
        { name: t("column.exits"), values: shown.map(({ exits }) => exits) },
      ],
      formats.number,
      formats,
    );
  });
  return (
    <Figure
      title={t("flow.doors")}
      about={t("flow.doorsAbout")}
      rows={flow.doors}
      keyOf={({ cameraId }) => String(cameraId)}
      columns={[
        { name: t("column.door"), of: ({ cameraName }) => cameraName },
        { name: t("column.room"), of: ({ roomName }) => roomName },
        { name: t("column.entries"), of: ({ entries }) => entries },
        { name: t("column.exits"), of: ({ exits }) => exits },
      ]}
      file="flow-by-door"
      period={period}
      chart={chart}
      isOld={isOld}
    />
  );
}
