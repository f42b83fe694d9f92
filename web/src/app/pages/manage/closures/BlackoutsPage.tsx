import { Button, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../../api";
import { dayOf, minutesOf, momentOf } from "../../../days";
import { useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Confirm, Fields, FormDialog } from "../parts/Dialog";
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
import { Badge, type Column, List, partOptions, RowButton, RowButtons } from "../parts/List";
import { ROWS, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { useBuildings } from "../rooms/data";
import { type Blackout, ClosureSections, type Met, MetDialog } from "./parts";
import { useClosuresText } from "./texts";

const KEYS = [["blackouts"], ["closures"]] as const;
const EIGHT = 8 * 60;
const EIGHTEEN = 18 * 60;

export default function BlackoutsPage() {
  const t = useClosuresText();
  const say = usePartsText();
  const formats = useFormats();
  const state = useListState();
  const cache = useQueryClient();
  const buildings = useBuildings();
  const zone = buildings.data?.[0]?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [edited, setEdited] = useState<Blackout | "new">();
  const [leaving, setLeaving] = useState<Blackout>();
  const [met, setMet] = useState<Met>();
  const query = useQuery({
    queryKey: ["blackouts", "list", state.page],
    queryFn: async ({ signal }) => {
      const part = { limit: String(ROWS), offset: String((state.page - 1) * ROWS) };
      const { results, count } = await take(
        api.directory.GET("/api/blackouts/", { params: { query: part }, signal }),
      );
      return { rows: results, count };
    },
    ...partOptions,
  });
  const refresh = () => Promise.all(KEYS.map((queryKey) => cache.invalidateQueries({ queryKey })));
  const stateOf = ({ start_at, end_at }: Blackout) =>
    Date.parse(end_at) <= Date.now()
      ? "over"
      : Date.parse(start_at) <= Date.now()
        ? "now"
        : "later";
  const columns: Column<Blackout>[] = [
    { name: t("reason"), cell: ({ reason }) => <bdi>{reason}</bdi> },
    { name: t("room"), cell: ({ room }) => <RoomName id={room} /> },
    { name: t("from"), cell: (one) => formats.dateTime(Date.parse(one.start_at), zone) },
    { name: t("to"), cell: (one) => formats.dateTime(Date.parse(one.end_at), zone) },
    {
      name: t("state"),
      cell: (one) => {
        const is = stateOf(one);
        return (
          <Badge tone={is === "now" ? "warn" : is === "later" ? "info" : "plain"}>{t(is)}</Badge>
        );
      },
    },
    {
      name: "",
      cell: (one) => (
        <RowButtons>
          <RowButton
            icon="edit"
            label={t("editOf", { name: one.reason })}
            onClick={() => setEdited(one)}
          />
          <RowButton
            icon="trash"
            label={t("deleteOf", { name: one.reason })}
            isDanger
            onClick={() => setLeaving(one)}
          />
        </RowButtons>
      ),
    },
  ];
  return (
    <>
      <PageHeader title={t("blackouts")} description={t("blackoutsAbout")}>
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setEdited("new")}>
          {t("newBlackout")}
        </Button>
      </PageHeader>
      <ClosureSections />
      <List
        label={t("blackouts")}
        query={query}
        state={state}
        rowKey={({ id }) => id}
        columns={columns}
        isFaded={(one) => stateOf(one) === "over"}
        icon="lock"
        empty={t("noBlackouts")}
      />
      {edited !== undefined && (
        <BlackoutEditor
          blackout={edited === "new" ? undefined : edited}
          zone={zone}
          saved={(found) => {
            setMet(found);
            return refresh();
          }}
          close={() => setEdited(undefined)}
        />
      )}
      {met && <MetDialog met={met} close={() => setMet(undefined)} />}
      {leaving && (
        <Confirm
          title={t("deleteTitle", { name: leaving.reason })}
          action={say("delete")}
          act={async () => {
            const path = { key: String(leaving.id) };
            await take(api.directory.DELETE("/api/blackouts/{key}/", { params: { path } }));
            toast("good", say("deleted"));
            setLeaving(undefined);
            await refresh();
          }}
          close={() => setLeaving(undefined)}
        >
          <p>{t("deleteFollows")}</p>
        </Confirm>
      )}
    </>
  );
}

interface EditorProps {
  blackout: Blackout | undefined;
  zone: string;
  saved: (met: Met | undefined) => Promise<unknown>;
  close: () => void;
}

function BlackoutEditor(props: EditorProps) {
  const room = useRoom(props.blackout?.room ?? null);
  const id = props.blackout?.room ?? null;
  if (id !== null && !room.data) return null;
  return (
    <Editor
      {...props}
      room={id === null ? null : { id: String(id), name: room.data?.name ?? "" }}
    />
  );
}

function Editor({ blackout, room, zone, saved, close }: EditorProps & { room: Chosen | null }) {
  const t = useClosuresText();
  const say = usePartsText();
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
        toast("good", say("saved"));
        close();
        await saved(made.allocations ?? undefined);
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
