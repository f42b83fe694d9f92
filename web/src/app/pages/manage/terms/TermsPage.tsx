import { Button, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { api, take } from "../../../api";
import { addDays, dayOf } from "../../../days";
import { HERE, useFormats } from "../../../formats";
import { DateField } from "../../../ui/DateField";
import { Fields, FormDialog } from "../parts/Dialog";
import { useDraft } from "../parts/form";
import { type EditorProps, KeptPage } from "../parts/KeptPage";
import { Badge } from "../parts/List";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import type { Term } from "./data";
import { PublishDialog } from "./PublishDialog";
import { useTermsText } from "./texts";

export default function TermsPage() {
  const t = useTermsText();
  const formats = useFormats();
  const [publishing, setPublishing] = useState<Term>();
  return (
    <>
      <KeptPage<Term>
        kind="terms"
        title={t("title")}
        about={t("about")}
        create={t("new")}
        icon="terms"
        empty={t("none")}
        deleteFollows={t("deleteFollows")}
        list={(query, signal) =>
          take(api.directory.GET("/api/terms/", { params: { query }, signal }))
        }
        remove={(term_id) =>
          take(api.directory.DELETE("/api/terms/{term_id}/", { params: { path: { term_id } } }))
        }
        nameOf={({ name }) => name}
        columns={[
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
        ]}
        isFaded={(one) => one.is_archived}
        more={(one) =>
          !one.is_published && (
            <Button variant="subtle" size="compact-sm" onClick={() => setPublishing(one)}>
              {t("publish")}
              <span className="unseen"> {one.name}</span>
            </Button>
          )
        }
        editor={(props) => <TermEditor {...props} />}
      />
      {publishing && <PublishDialog term={publishing} close={() => setPublishing(undefined)} />}
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

function TermEditor({ row: term, done, close }: EditorProps<Term>) {
  const t = useTermsText();
  const say = usePartsText();
  const today = dayOf(Date.now(), HERE);
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
        await done();
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
