import { Alert, Button, FileButton, Select, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type DragEvent, useId, useMemo, useRef, useState } from "react";
import { Link } from "wouter";
import { api, take } from "../../../api";
import { HERE, useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { toast } from "../../../ui/toast";
import { Confirm } from "../parts/Dialog";
import { useRefusalWords } from "../parts/form";
import parts from "../parts/parts.module.css";
import { useBuildings } from "../rooms/data";
import { DifferenceView } from "./DifferenceView";
import type { Difference, Term } from "./data";
import { PublishDialog } from "./PublishDialog";
import { allRooms } from "./rooms";
import styles from "./terms.module.css";
import { useTermsText } from "./texts";
import {
  type Entry,
  LARGEST_BYTES,
  type Problem,
  readTimetable,
  type SayProblem,
} from "./timetable";

const EXAMPLE = `external_id,room,title,allocated_seats,start_at,end_at,recurrence_rule,exceptions
PHY-101-1,Room 12,Physics 1,35,2026-02-01 09:00,2026-02-01 10:30,FREQ=WEEKLY;UNTIL=20260531T203000Z,2026-03-22 2026-03-29
LAB-7,14,Chemistry lab,18,2026-02-03 14:00,2026-02-03 17:00,,`;

const NOTHING: Difference["counts"] = {
  created: 0,
  changed: 0,
  removed: 0,
  unchanged: 0,
  conflicts: 0,
};

interface Checked {
  text: string;
  zone: string;
  entries: Entry[];
  difference: Difference;
}

/** From a file or pasted text to what would change, and from there to the term. */
export function TimetableUpload({ term }: { term: Term }) {
  const t = useTermsText();
  const refusal = useRefusalWords();
  const cache = useQueryClient();
  const buildings = useBuildings();
  const field = useRef<HTMLTextAreaElement>(null);
  const result = useRef<HTMLHeadingElement>(null);
  const [text, setText] = useState("");
  const [chosenZone, setZone] = useState<string>();
  const [problems, setProblems] = useState<Problem[]>([]);
  const [failed, setFailed] = useState<string>();
  const [checked, setChecked] = useState<Checked>();
  const [isBusy, setBusy] = useState(false);
  const [isApplying, setApplying] = useState(false);
  const [isApplied, setApplied] = useState(false);
  const [isPublishing, setPublishing] = useState(false);
  const zones = useMemo(() => [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC"])], []);
  const zone = chosenZone ?? buildings.data?.[0]?.timezone ?? HERE;
  // What was found belongs to the text as it was then.
  const isCurrent = checked?.text === text && checked.zone === zone;

  const open = async (file: File | null | undefined) => {
    if (!file) return;
    setProblems([]);
    if (file.size > LARGEST_BYTES) setProblems([{ key: "tooLarge" }]);
    else setText(await file.text());
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    void open(event.dataTransfer.files[0]);
  };
  const send = (entries: Entry[], dry_run: boolean) =>
    take(
      api.directory.PUT("/api/terms/{term_id}/timetable/", {
        params: { path: { term_id: String(term.id) }, query: { dry_run } },
        body: { allocations: entries },
      }),
    );
  const check = async () => {
    setFailed(undefined);
    setProblems([]);
    setChecked(undefined);
    setApplied(false);
    if (text.trim() === "") {
      setProblems([{ key: "empty" }]);
      field.current?.focus();
      return;
    }
    setBusy(true);
    try {
      const rooms = await allRooms(cache);
      const read = readTimetable(text, zone, (name) => rooms.get(name.toLocaleLowerCase()) ?? []);
      if ("problems" in read) {
        setProblems(read.problems);
        return;
      }
      const difference = await send(read.entries, true);
      setChecked({ text, zone, entries: read.entries, difference });
      setTimeout(() => result.current?.focus(), 0);
    } catch (error) {
      setFailed(refusal(error, {}).text);
    } finally {
      setBusy(false);
    }
  };
  const apply = async () => {
    if (!checked) return;
    const difference = await send(checked.entries, false);
    setChecked({ ...checked, difference });
    setApplying(false);
    setApplied(true);
    toast("good", t("upload.applied"));
    setTimeout(() => result.current?.focus(), 200);
    await cache.invalidateQueries({ queryKey: ["allocations"] });
  };

  const counts = checked?.difference.counts ?? NOTHING;
  const changes = counts.created + counts.changed + counts.removed;
  return (
    <div className={styles.upload}>
      <p className={parts.note}>{t("upload.about")}</p>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button beside it does the same */}
      <div className={styles.drop} onDragOver={(event) => event.preventDefault()} onDrop={drop}>
        <FileButton
          accept=".csv,.tsv,.txt,.json,text/csv,application/json"
          onChange={(file) => void open(file)}
        >
          {(props) => (
            <Button {...props} variant="light" leftSection={<Icon name="upload" size={18} />}>
              {t("upload.choose")}
            </Button>
          )}
        </FileButton>
        <span className={parts.note}>{t("upload.drop")}</span>
      </div>
      <Textarea
        ref={field}
        label={t("upload.text")}
        value={text}
        error={problems.some(({ key }) => key === "empty" || key === "tooLarge")}
        onChange={(event) => setText(event.currentTarget.value)}
        rows={8}
        dir="ltr"
        spellCheck={false}
        classNames={{ input: styles.text ?? "" }}
      />
      <details className={styles.example}>
        <summary>{t("upload.example")}</summary>
        <p className={parts.note}>{t("upload.exampleAbout")}</p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways, also by the keys */}
        <pre dir="ltr" tabIndex={0}>
          {EXAMPLE}
        </pre>
      </details>
      <div className={parts.row}>
        <Select
          label={t("upload.zone")}
          data={zones}
          value={zone}
          searchable
          limit={50}
          allowDeselect={false}
          onChange={(chosen) => setZone(chosen ?? undefined)}
        />
        <Button loading={isBusy} onClick={() => void check()}>
          {t("upload.check")}
        </Button>
      </div>
      <div role="alert">
        {problems.length > 0 && <Problems problems={problems} />}
        {failed !== undefined && (
          <Alert
            color="red"
            variant="light"
            title={t("upload.refused")}
            icon={<Icon name="alert" />}
          >
            <bdi className={styles.said}>{failed}</bdi>
          </Alert>
        )}
      </div>
      {checked && isCurrent && (
        <section className={styles.result}>
          <h2 ref={result} tabIndex={-1}>
            {t(isApplied ? "upload.applied" : "upload.result")}
          </h2>
          {isApplied ? (
            <div className={styles.done}>
              <p>{t("upload.next")}</p>
              <div className={parts.row}>
                <Button component={Link} href={`/manage/terms/${term.id}`} variant="default">
                  {t("upload.seeAllocations")}
                </Button>
                {!term.is_published && (
                  <Button onClick={() => setPublishing(true)}>{t("publish")}</Button>
                )}
              </div>
            </div>
          ) : (
            <p className={parts.note}>{t("upload.read", { count: checked.entries.length })}</p>
          )}
          <DifferenceView difference={checked.difference} entries={checked.entries} zone={zone} />
          {!isApplied && counts.conflicts === 0 && changes > 0 && (
            <div className={parts.formButtons}>
              <Button onClick={() => setApplying(true)}>{t("upload.apply")}</Button>
            </div>
          )}
        </section>
      )}
      {isApplying && (
        <Confirm
          title={t("upload.applyTitle")}
          action={t("upload.apply")}
          act={apply}
          close={() => setApplying(false)}
          isHarmless={counts.removed === 0}
        >
          <p>{t("upload.applyFollows", counts)}</p>
        </Confirm>
      )}
      {isPublishing && <PublishDialog term={term} close={() => setPublishing(false)} />}
    </div>
  );
}

function Problems({ problems }: { problems: readonly Problem[] }) {
  const t = useTermsText();
  const formats = useFormats();
  const id = useId();
  const say = t as unknown as SayProblem;
  return (
    <Alert color="red" variant="light" title={t("upload.notRead")} icon={<Icon name="alert" />}>
      <ul>
        {problems.map(({ key, line, values }, index) => {
          const said = say(`upload.${key}`, { ...values, number: formats.number });
          return (
            <li key={`${id}${index.toString()}`}>
              {line === undefined ? said : t("upload.line", { line, text: said })}
            </li>
          );
        })}
      </ul>
    </Alert>
  );
}
