import { Button, Checkbox, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../../api";
import { type Day, dayOf, minutesOf, momentOf } from "../../../days";
import { HERE, latin, useFormats } from "../../../formats";
import { DateField } from "../../../ui/DateField";
import { Icon } from "../../../ui/icons";
import { toast } from "../../../ui/toast";
import { Confirm, Fields, FormDialog } from "../parts/Dialog";
import {
  type Chosen,
  CountInput,
  MomentField,
  minutesIn,
  RoomName,
  RoomPicker,
  timeIn,
  useRoom,
} from "../parts/fields";
import { useDraft } from "../parts/form";
import {
  Badge,
  type Column,
  List,
  partOptions,
  RowButton,
  RowButtons,
  Toolbar,
} from "../parts/List";
import { ROWS, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { useBuildings } from "../rooms/data";
import type { Allocation, Term } from "./data";
import { useAllocationRefusal } from "./refusals";
import { useTermsText } from "./texts";

const UNTIL = /UNTIL=(\d{4})(\d\d)(\d\d)/;

/** Says when an allocation takes place: the first time, and how it repeats. */
export function useAllocationWords() {
  const t = useTermsText();
  const formats = useFormats();
  return (
    one: Pick<Allocation, "start_at" | "end_at" | "recurrence_rule">,
    zone: string,
  ): { first: string; repeats: string } => {
    const [start, end] = [Date.parse(one.start_at), Date.parse(one.end_at)];
    const rule = one.recurrence_rule;
    const day = formats.date(start, zone, "weekdayLong");
    const until = rule ? UNTIL.exec(rule) : null;
    return {
      first: `${formats.date(start, zone, "short")} · ${formats.range(start, end, zone)}`,
      repeats: !rule
        ? ""
        : !/^FREQ=WEEKLY(;(UNTIL|COUNT)=\w+)?$/.test(rule)
          ? t("byRule", { rule: `\u2068${rule}\u2069` })
          : until
            ? t("weekly", { day, until: formats.day(until.slice(1).join("-")) })
            : t("weeklyCount", { day }),
    };
  };
}

/** The zone of a room's building, as soon as it is known. */
export function useZoneOf(): (building: number | undefined) => string {
  const buildings = useBuildings();
  const usual = buildings.data?.[0]?.timezone ?? HERE;
  return (building) => buildings.data?.find(({ id }) => id === building)?.timezone ?? usual;
}

export function Allocations({ term }: { term: Term }) {
  const t = useTermsText();
  const say = usePartsText();
  const formats = useFormats();
  const state = useListState();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Allocation | "new">();
  const [leaving, setLeaving] = useState<Allocation>();
  const query = useQuery({
    queryKey: ["allocations", term.id, state.page],
    queryFn: async ({ signal }) => {
      const offset = String((state.page - 1) * ROWS);
      const part = { term: String(term.id), limit: String(ROWS), offset };
      const { results, count } = await take(
        api.directory.GET("/api/allocations/", { params: { query: part }, signal }),
      );
      return { rows: results, count };
    },
    ...partOptions,
  });
  const columns: Column<Allocation>[] = [
    {
      name: t("what"),
      cell: ({ title }) => <bdi>{title}</bdi>,
    },
    { name: t("room"), cell: ({ room }) => <RoomName id={room} /> },
    {
      name: t("seats"),
      isNumber: true,
      cell: ({ allocated_seats }) => formats.number(allocated_seats),
    },
    { name: t("when"), cell: (one) => <When one={one} /> },
    {
      name: t("source"),
      isMinor: true,
      cell: ({ external_id }) =>
        external_id === null ? (
          <Badge>{t("byHand")}</Badge>
        ) : (
          <Badge tone="info">{t("ofTimetableAs", { id: `\u2068${external_id}\u2069` })}</Badge>
        ),
    },
    {
      name: "",
      cell: (one) => (
        <RowButtons>
          <RowButton
            icon="edit"
            label={t("editOf", { name: one.title })}
            onClick={() => setEdited(one)}
          />
          <RowButton
            icon="trash"
            label={t("deleteOf", { name: one.title })}
            isDanger
            onClick={() => setLeaving(one)}
          />
        </RowButtons>
      ),
    },
  ];
  return (
    <>
      <Toolbar>
        <Button
          variant="default"
          leftSection={<Icon name="plus" size={18} />}
          onClick={() => setEdited("new")}
        >
          {t("newAllocation")}
        </Button>
      </Toolbar>
      <List
        label={t("allocations")}
        query={query}
        state={state}
        rowKey={({ id }) => id}
        columns={columns}
        icon="seats"
        empty={t("noAllocations")}
      />
      {edited !== undefined && (
        <AllocationEditor
          term={term}
          allocation={edited === "new" ? undefined : edited}
          close={() => setEdited(undefined)}
        />
      )}
      {leaving && (
        <Confirm
          title={t("deleteAllocation", { name: leaving.title })}
          action={say("delete")}
          act={async () => {
            const path = { allocation_id: String(leaving.id) };
            await take(
              api.directory.DELETE("/api/allocations/{allocation_id}/", { params: { path } }),
            );
            toast("good", say("deleted"));
            setLeaving(undefined);
            await cache.invalidateQueries({ queryKey: ["allocations"] });
          }}
          close={() => setLeaving(undefined)}
        >
          <p>{t("deleteAllocationFollows")}</p>
        </Confirm>
      )}
    </>
  );
}

function When({ one }: { one: Allocation }) {
  const words = useAllocationWords();
  const zoneOf = useZoneOf();
  const { data: room } = useRoom(one.room);
  const { first, repeats } = words(one, zoneOf(room?.location.id));
  return (
    <span>
      {first}
      {repeats && <span className={parts.more}>{repeats}</span>}
    </span>
  );
}

interface EditorProps {
  term: Term;
  allocation: Allocation | undefined;
  close: () => void;
}

function AllocationEditor({ term, allocation, close }: EditorProps) {
  const zoneOf = useZoneOf();
  const room = useRoom(allocation?.room ?? null);
  const isReady = allocation === undefined || room.data !== undefined;
  if (!isReady) return null;
  const name = room.data?.name ?? "";
  return (
    <Editor
      term={term}
      allocation={allocation}
      room={allocation ? { id: String(allocation.room), name } : null}
      zone={zoneOf(room.data?.location.id)}
      close={close}
    />
  );
}

const NINE = 9 * 60;
const AND_A_HALF = 90;

function Editor({
  term,
  allocation,
  room,
  zone: first,
  close,
}: EditorProps & { room: Chosen | null; zone: string }) {
  // What is written is in the zone that it was begun in, whatever is heard of buildings meanwhile.
  const [zone] = useState(first);
  const t = useTermsText();
  const say = usePartsText();
  const cache = useQueryClient();
  const refusal = useAllocationRefusal();
  const start = allocation
    ? Date.parse(allocation.start_at)
    : momentOf(term.start_date, NINE, zone);
  const end = allocation ? Date.parse(allocation.end_at) : start + AND_A_HALF * 60_000;
  const known = allocation?.recurrence_rule ?? "";
  const until = UNTIL.exec(known);
  const draft = useDraft({
    room,
    title: allocation?.title ?? "",
    allocated_seats: (allocation?.allocated_seats ?? "") as number | "",
    day: dayOf(start, zone),
    startTime: timeIn(minutesOf(start, zone)),
    endDay: dayOf(end, zone),
    endTime: timeIn(minutesOf(end, zone)),
    isWeekly: allocation === undefined || /^FREQ=WEEKLY;UNTIL=\w+$/.test(known),
    until: (until ? until.slice(1).join("-") : term.end_date) as Day,
    rule: known,
    exceptions: (allocation?.exceptions ?? []).join(" "),
  });
  const { values, wrong, set } = draft;
  const isOther = known !== "" && !/^FREQ=WEEKLY;UNTIL=\w+$/.test(known);
  const times = () => {
    const [from, to] = [minutesIn(values.startTime), minutesIn(values.endTime)];
    if (from === undefined || to === undefined) return undefined;
    return { start: momentOf(values.day, from, zone), end: momentOf(values.endDay, to, zone) };
  };
  const exceptions = latin(values.exceptions)
    .split(/[\s,;]+/)
    .filter((day) => day !== "");
  const check = () => {
    const chosen = times();
    const { allocated_seats: seats } = values;
    return {
      room: values.room ? "" : say("required"),
      title: values.title.trim() ? "" : say("required"),
      allocated_seats: seats === "" || seats < 1 ? say("wholeNumber", { min: 1 }) : "",
      endTime: chosen && chosen.end > chosen.start ? "" : say("endBeforeStart"),
      exceptions: exceptions.every((day) => /^\d{4}-\d\d-\d\d$/.test(day))
        ? ""
        : t("exceptionsWrong"),
    };
  };
  const save = async () => {
    const chosen = times();
    if (!chosen) return;
    const last = new Date(momentOf(values.until, 24 * 60 - 1, zone)).toISOString();
    const weekly = `FREQ=WEEKLY;UNTIL=${last.slice(0, 19).replace(/[-:]/g, "")}Z`;
    const rule = isOther ? values.rule.trim() : values.isWeekly ? weekly : "";
    const body = {
      term: term.id,
      room: values.room?.id ?? "",
      title: values.title,
      allocated_seats: Number(values.allocated_seats),
      start_at: new Date(chosen.start).toISOString(),
      end_at: new Date(chosen.end).toISOString(),
      recurrence_rule: rule || null,
      exceptions,
    };
    await take(
      allocation
        ? api.directory.PATCH("/api/allocations/{allocation_id}/", {
            params: { path: { allocation_id: String(allocation.id) } },
            body,
          })
        : api.directory.POST("/api/allocations/", { body }),
    ).catch((error: unknown) => {
      throw refusal(error, zone);
    });
    toast("good", say("saved"));
    close();
    await cache.invalidateQueries({ queryKey: ["allocations"] });
  };
  return (
    <FormDialog
      title={t(allocation ? "editAllocation" : "newAllocation")}
      draft={draft}
      check={check}
      save={save}
      names={{ start_at: "startTime", end_at: "endTime", recurrence_rule: "rule" }}
      close={close}
      isWide
    >
      {allocation?.external_id != null && <p className={parts.caution}>{t("editTimetableNote")}</p>}
      <TextInput
        label={t("what")}
        value={values.title}
        error={wrong.title}
        maxLength={255}
        dir="auto"
        data-autofocus
        onChange={(event) => set({ title: event.currentTarget.value })}
      />
      <Fields>
        <RoomPicker
          label={t("room")}
          value={values.room}
          error={wrong.room}
          required
          onChange={(chosen) => set({ room: chosen })}
        />
        <CountInput
          label={t("seats")}
          value={values.allocated_seats}
          error={wrong.allocated_seats}
          onChange={(seats) => set({ allocated_seats: seats })}
        />
      </Fields>
      <Fields>
        <MomentField
          label={say("start")}
          day={values.day}
          time={values.startTime}
          zone={zone}
          error={wrong.startTime}
          onChange={({ day, time }) =>
            set({
              ...(day && { day, endDay: day }),
              ...(time !== undefined && { startTime: time }),
            })
          }
        />
        <MomentField
          label={say("end")}
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
      {isOther ? (
        <TextInput
          label={t("rule")}
          dir="ltr"
          value={values.rule}
          error={wrong.rule}
          maxLength={500}
          onChange={(event) => set({ rule: event.currentTarget.value })}
        />
      ) : (
        <div className={parts.row}>
          <Checkbox
            label={t("repeats")}
            checked={values.isWeekly}
            error={wrong.rule}
            onChange={(event) => set({ isWeekly: event.currentTarget.checked })}
          />
          {values.isWeekly && (
            <DateField
              label={t("until")}
              value={values.until}
              today={dayOf(Date.now(), zone)}
              min={values.day}
              max={term.end_date}
              onChange={(day) => set({ until: day })}
            />
          )}
        </div>
      )}
      {(values.isWeekly || isOther) && (
        <TextInput
          label={`${t("exceptions")} (${say("optional")})`}
          description={t("exceptionsAbout")}
          dir="ltr"
          value={values.exceptions}
          error={wrong.exceptions}
          onChange={(event) => set({ exceptions: event.currentTarget.value })}
        />
      )}
    </FormDialog>
  );
}
