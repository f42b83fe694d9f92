import { TextInput } from "@mantine/core";
import { useState } from "react";
import { api, take } from "../../../api";
import { dayOf, minutesOf, momentOf } from "../../../days";
import { HERE, useFormats } from "../../../formats";
import { Fields, FormDialog } from "../parts/Dialog";
import {
  type Chosen,
  MomentField,
  minutesIn,
  RoomName,
  RoomPicker,
  timeIn,
  useRoom,
} from "../parts/fields";
import { useDraft } from "../parts/form";
import { Badge } from "../parts/List";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { useBuildings } from "../rooms/data";
import { type ClosureEditorProps, ClosurePage } from "./ClosurePage";
import type { Blackout } from "./parts";
import { useClosuresText } from "./texts";

const EIGHT = 8 * 60;
const EIGHTEEN = 18 * 60;

/** Of times on this page: that of the first building. */
function useZone(): string {
  const buildings = useBuildings();
  return buildings.data?.[0]?.timezone ?? HERE;
}

export default function BlackoutsPage() {
  const t = useClosuresText();
  const formats = useFormats();
  const zone = useZone();
  const stateOf = ({ start_at, end_at }: Blackout) =>
    Date.parse(end_at) <= Date.now()
      ? "over"
      : Date.parse(start_at) <= Date.now()
        ? "now"
        : "later";
  return (
    <ClosurePage<Blackout>
      kind="blackouts"
      create={t("newBlackout")}
      about={t("blackoutsAbout")}
      icon="lock"
      empty={t("noBlackouts")}
      list={(query, signal) =>
        take(api.directory.GET("/api/blackouts/", { params: { query }, signal }))
      }
      remove={(key) =>
        take(api.directory.DELETE("/api/blackouts/{key}/", { params: { path: { key } } }))
      }
      nameOf={({ reason }) => reason}
      columns={[
        { name: t("reason"), cell: ({ reason }) => <bdi>{reason}</bdi> },
        { name: t("room"), cell: ({ room }) => <RoomName id={room} /> },
        { name: t("from"), cell: (one) => formats.dateTime(Date.parse(one.start_at), zone) },
        { name: t("to"), cell: (one) => formats.dateTime(Date.parse(one.end_at), zone) },
        {
          name: t("state"),
          cell: (one) => {
            const is = stateOf(one);
            return (
              <Badge tone={is === "now" ? "warn" : is === "later" ? "info" : "plain"}>
                {t(is)}
              </Badge>
            );
          },
        },
      ]}
      isFaded={(one) => stateOf(one) === "over"}
      editor={(props) => <BlackoutEditor {...props} />}
    />
  );
}

function BlackoutEditor(props: ClosureEditorProps<Blackout>) {
  const id = props.row?.room ?? null;
  const room = useRoom(id);
  if (id !== null && !room.data) return null;
  return (
    <Editor
      {...props}
      room={id === null ? null : { id: String(id), name: room.data?.name ?? "" }}
    />
  );
}

interface FormProps extends ClosureEditorProps<Blackout> {
  room: Chosen | null;
}

function Editor({ row: blackout, room, done, close }: FormProps) {
  const t = useClosuresText();
  const say = usePartsText();
  // What is written is in the zone that it was begun in, whatever is heard of buildings meanwhile.
  const [zone] = useState(useZone());
  const today = dayOf(Date.now(), zone);
  const start = blackout ? Date.parse(blackout.start_at) : momentOf(today, EIGHT, zone);
  const end = blackout ? Date.parse(blackout.end_at) : momentOf(today, EIGHTEEN, zone);
  const draft = useDraft({
    reason: blackout?.reason ?? "",
    room,
    day: dayOf(start, zone),
    startTime: timeIn(minutesOf(start, zone)),
    endDay: dayOf(end, zone),
    endTime: timeIn(minutesOf(end, zone)),
  });
  const { values, wrong, set } = draft;
  const times = () => {
    const [from, to] = [minutesIn(values.startTime), minutesIn(values.endTime)];
    if (from === undefined || to === undefined) return undefined;
    return { start: momentOf(values.day, from, zone), end: momentOf(values.endDay, to, zone) };
  };
  return (
    <FormDialog
      title={t(blackout ? "editBlackout" : "newBlackout")}
      draft={draft}
      check={({ reason }) => {
        const chosen = times();
        return {
          reason: reason.trim() ? "" : say("required"),
          endTime: chosen && chosen.end > chosen.start ? "" : say("endBeforeStart"),
        };
      }}
      save={async ({ reason, room: chosenRoom }) => {
        const chosen = times();
        if (!chosen) return;
        const body = {
          reason,
          room: chosenRoom?.id ?? null,
          start_at: new Date(chosen.start).toISOString(),
          end_at: new Date(chosen.end).toISOString(),
        };
        const made = await take(
          blackout
            ? api.directory.PUT("/api/blackouts/{key}/", {
                params: { path: { key: String(blackout.id) } },
                body,
              })
            : api.directory.POST("/api/blackouts/", { body }),
        );
        await done(made);
      }}
      names={{ start_at: "startTime", end_at: "endTime" }}
      close={close}
    >
      <p className={parts.note}>{t("follows")}</p>
      <TextInput
        label={t("reason")}
        value={values.reason}
        error={wrong.reason}
        maxLength={200}
        dir="auto"
        data-autofocus
        onChange={(event) => set({ reason: event.currentTarget.value })}
      />
      <RoomPicker
        label={t("room")}
        description={t("roomAbout")}
        placeholder={say("everyRoom")}
        value={values.room}
        error={wrong.room}
        onChange={(chosen) => set({ room: chosen })}
      />
      <Fields>
        <MomentField
          label={t("from")}
          day={values.day}
          time={values.startTime}
          zone={zone}
          error={wrong.startTime}
          onChange={({ day, time }) =>
            set({
              ...(day && { day, ...(values.endDay < day && { endDay: day }) }),
              ...(time !== undefined && { startTime: time }),
            })
          }
        />
        <MomentField
          label={t("to")}
          day={values.endDay}
          time={values.endTime}
          zone={zone}
          error={wrong.endTime}
          onChange={({ day, time }) =>
            set({ ...(day && { endDay: day }), ...(time !== undefined && { endTime: time }) })
          }
        />
      </Fields>
      <p className={parts.note}>{t("zone", { zone })}</p>
    </FormDialog>
  );
}
