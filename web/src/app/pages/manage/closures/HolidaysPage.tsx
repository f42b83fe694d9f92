import { Button, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../../api";
import { dayOf } from "../../../days";
import { useFormats } from "../../../formats";
import { DateField } from "../../../ui/DateField";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Confirm, FormDialog } from "../parts/Dialog";
import { useDraft } from "../parts/form";
import { type Column, List, partOptions, RowButton, RowButtons } from "../parts/List";
import { ROWS, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { ClosureSections, type Holiday, type Met, MetDialog } from "./parts";
import { useClosuresText } from "./texts";

const KEYS = [["holidays"], ["closures"]] as const;

export default function HolidaysPage() {
  const t = useClosuresText();
  const say = usePartsText();
  const formats = useFormats();
  const state = useListState();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Holiday | "new">();
  const [leaving, setLeaving] = useState<Holiday>();
  const [met, setMet] = useState<Met>();
  const query = useQuery({
    queryKey: ["holidays", "list", state.page],
    queryFn: async ({ signal }) => {
      const part = { limit: String(ROWS), offset: String((state.page - 1) * ROWS) };
      const { results, count } = await take(
        api.directory.GET("/api/holidays/", { params: { query: part }, signal }),
      );
      return { rows: results, count };
    },
    ...partOptions,
  });
  const refresh = () => Promise.all(KEYS.map((queryKey) => cache.invalidateQueries({ queryKey })));
  const columns: Column<Holiday>[] = [
    { name: t("name"), cell: ({ name }) => <bdi>{name}</bdi> },
    { name: t("date"), cell: ({ date }) => formats.day(date, "long") },
    {
      name: "",
      cell: (one) => (
        <RowButtons>
          <RowButton
            icon="edit"
            label={t("editOf", { name: one.name })}
            onClick={() => setEdited(one)}
          />
          <RowButton
            icon="trash"
            label={t("deleteOf", { name: one.name })}
            isDanger
            onClick={() => setLeaving(one)}
          />
        </RowButtons>
      ),
    },
  ];
  return (
    <>
      <PageHeader title={t("holidays")} description={t("holidaysAbout")}>
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setEdited("new")}>
          {t("newHoliday")}
        </Button>
      </PageHeader>
      <ClosureSections />
      <List
        label={t("holidays")}
        query={query}
        state={state}
        rowKey={({ id }) => id}
        columns={columns}
        icon="calendar"
        empty={t("noHolidays")}
      />
      {edited !== undefined && (
        <HolidayEditor
          holiday={edited === "new" ? undefined : edited}
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
          title={t("deleteTitle", { name: leaving.name })}
          action={say("delete")}
          act={async () => {
            const path = { key: String(leaving.id) };
            await take(api.directory.DELETE("/api/holidays/{key}/", { params: { path } }));
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
  holiday: Holiday | undefined;
  saved: (met: Met | undefined) => Promise<unknown>;
  close: () => void;
}

function HolidayEditor({ holiday, saved, close }: EditorProps) {
  const t = useClosuresText();
  const say = usePartsText();
  const today = dayOf(Date.now(), Intl.DateTimeFormat().resolvedOptions().timeZone);
  const draft = useDraft({ date: holiday?.date ?? today, name: holiday?.name ?? "" });
  const { values, wrong, set } = draft;
  return (
    <FormDialog
      title={t(holiday ? "editHoliday" : "newHoliday")}
      draft={draft}
      check={({ name }) => ({ name: name.trim() ? "" : say("required") })}
      save={async (body) => {
        const made = await take(
          holiday
            ? api.directory.PUT("/api/holidays/{key}/", {
                params: { path: { key: String(holiday.id) } },
                body,
              })
            : api.directory.POST("/api/holidays/", { body }),
        );
        toast("good", say("saved"));
        close();
        await saved(made.allocations ?? undefined);
      }}
      close={close}
    >
      <p className={parts.note}>{t("follows")}</p>
      <TextInput
        label={t("name")}
        value={values.name}
        error={wrong.name}
        maxLength={200}
        dir="auto"
        data-autofocus
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <DateField
        label={t("date")}
        value={values.date}
        today={today}
        onChange={(date) => set({ date })}
      />
      {wrong.date && <p className={parts.wrong}>{wrong.date}</p>}
    </FormDialog>
  );
}
