import { Button, Switch, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { api, take } from "../../../api";
import { addDays, dayOf } from "../../../days";
import { useFormats } from "../../../formats";
import { DateField } from "../../../ui/DateField";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Confirm, Fields, FormDialog } from "../parts/Dialog";
import { useDraft } from "../parts/form";
import { Badge, type Column, List, partOptions, RowButton, RowButtons } from "../parts/List";
import { ROWS, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import type { Term } from "./data";
import { PublishDialog } from "./PublishDialog";
import { useTermsText } from "./texts";

export default function TermsPage() {
  const t = useTermsText();
  const say = usePartsText();
  const formats = useFormats();
  const state = useListState();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Term | "new">();
  const [leaving, setLeaving] = useState<Term>();
  const [publishing, setPublishing] = useState<Term>();
  const query = useQuery({
    queryKey: ["terms", "list", state.page],
    queryFn: async ({ signal }) => {
      const part = { limit: String(ROWS), offset: String((state.page - 1) * ROWS) };
      const { results, count } = await take(
        api.directory.GET("/api/terms/", { params: { query: part }, signal }),
      );
      return { rows: results, count };
    },
    ...partOptions,
  });
  const columns: Column<Term>[] = [
    {
      name: t("name"),
      cell: ({ id, name, code }) => (
        <>
          <Link href={`/manage/terms/${id}`} className={parts.plainLink}>
            <bdi>{name}</bdi>
          </Link>
          <span className={parts.more}>
            <bdi>{code}</bdi>
          </span>
        </>
      ),
    },
    {
      name: t("lasts"),
      cell: (one) => `${formats.day(one.start_date)} – ${formats.day(one.end_date)}`,
    },
    { name: t("state"), cell: (one) => <TermState term={one} /> },
    {
      name: "",
      cell: (one) => (
        <RowButtons>
          {!one.is_published && (
            <Button variant="subtle" size="compact-sm" onClick={() => setPublishing(one)}>
              {t("publish")}
              <span className="unseen"> {one.name}</span>
            </Button>
          )}
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
      <PageHeader title={t("title")} description={t("about")}>
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setEdited("new")}>
          {t("new")}
        </Button>
      </PageHeader>
      <List
        label={t("title")}
        query={query}
        state={state}
        rowKey={({ id }) => id}
        columns={columns}
        isFaded={(one) => one.is_archived}
        icon="terms"
        empty={t("none")}
      />
      {edited !== undefined && (
        <TermEditor
          term={edited === "new" ? undefined : edited}
          close={() => setEdited(undefined)}
        />
      )}
      {publishing && <PublishDialog term={publishing} close={() => setPublishing(undefined)} />}
      {leaving && (
        <Confirm
          title={t("deleteTitle", { name: leaving.name })}
          action={say("delete")}
          act={async () => {
            const path = { term_id: String(leaving.id) };
            await take(api.directory.DELETE("/api/terms/{term_id}/", { params: { path } }));
            toast("good", say("deleted"));
            setLeaving(undefined);
            await cache.invalidateQueries({ queryKey: ["terms"] });
          }}
          close={() => setLeaving(undefined)}
        >
          <p>{t("deleteFollows")}</p>
        </Confirm>
      )}
    </>
  );
}

export function TermState({ term }: { term: Term }) {
  const t = useTermsText();
  return (
    <span className={parts.badges}>
      <Badge tone={term.is_published ? "good" : "warn"}>
        {t(term.is_published ? "published" : "draft")}
      </Badge>
      {term.is_archived && <Badge>{t("archived")}</Badge>}
    </span>
  );
}

const USUAL_DAYS = 120;

function TermEditor({ term, close }: { term: Term | undefined; close: () => void }) {
  const t = useTermsText();
  const say = usePartsText();
  const cache = useQueryClient();
  const today = dayOf(Date.now(), Intl.DateTimeFormat().resolvedOptions().timeZone);
  const draft = useDraft({
    name: term?.name ?? "",
    code: term?.code ?? "",
    start_date: term?.start_date ?? today,
    end_date: term?.end_date ?? addDays(today, USUAL_DAYS),
    is_published: term?.is_published ?? false,
    is_archived: term?.is_archived ?? false,
  });
  const { values, wrong, set } = draft;
  return (
    <FormDialog
      title={t(term ? "edit" : "new")}
      draft={draft}
      check={({ name, code, start_date, end_date }) => ({
        name: name.trim() ? "" : say("required"),
        code: code.trim() ? "" : say("required"),
        end_date: end_date < start_date ? say("endBeforeStart") : "",
      })}
      save={async (body) => {
        await take(
          term
            ? api.directory.PATCH("/api/terms/{term_id}/", {
                params: { path: { term_id: String(term.id) } },
                body,
              })
            : api.directory.POST("/api/terms/", { body }),
        );
        toast("good", say("saved"));
        close();
        await cache.invalidateQueries({ queryKey: ["terms"] });
      }}
      close={close}
    >
      <Fields>
        <TextInput
          label={t("name")}
          value={values.name}
          error={wrong.name}
          maxLength={200}
          dir="auto"
          data-autofocus
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        <TextInput
          label={t("code")}
          description={t("codeAbout")}
          inputWrapperOrder={["label", "input", "description", "error"]}
          value={values.code}
          error={wrong.code}
          maxLength={32}
          dir="auto"
          onChange={(event) => set({ code: event.currentTarget.value })}
        />
      </Fields>
      <div className={parts.row}>
        <DateField
          label={t("first")}
          value={values.start_date}
          today={today}
          onChange={(start_date) => set({ start_date })}
        />
        <DateField
          label={t("last")}
          value={values.end_date}
          today={today}
          min={values.start_date}
          onChange={(end_date) => set({ end_date })}
        />
      </div>
      {(wrong.start_date ?? wrong.end_date) && (
        <p className={parts.wrong}>{wrong.start_date ?? wrong.end_date}</p>
      )}
      <Fields>
        <Switch
          label={t("isPublished")}
          description={t("isPublishedAbout")}
          checked={values.is_published}
          onChange={(event) => set({ is_published: event.currentTarget.checked })}
        />
        <Switch
          label={t("isArchived")}
          description={t("isArchivedAbout")}
          checked={values.is_archived}
          onChange={(event) => set({ is_archived: event.currentTarget.checked })}
        />
      </Fields>
    </FormDialog>
  );
}
