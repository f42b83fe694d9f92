import { Alert, Button } from "@mantine/core";
import { type ReactNode, useMemo, useState } from "react";
import { useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { RoomName } from "../parts/fields";
import { useAllocationWords } from "./Allocations";
import type { Allocation, Difference } from "./data";
import { useWhyWords } from "./refusals";
import styles from "./terms.module.css";
import { useTermsText } from "./texts";
import type { Entry } from "./timetable";

const AT_ONCE = 50;
const KINDS = ["conflicts", "created", "changed", "removed", "unchanged"] as const;
type Kind = (typeof KINDS)[number];
const FIELDS = [
  "room",
  "title",
  "allocated_seats",
  "start_at",
  "end_at",
  "recurrence_rule",
  "exceptions",
] as const;
type Field = (typeof FIELDS)[number];
type Conflict = Difference["conflicts"][number];

interface Props {
  difference: Difference;
  entries: readonly Entry[];
  zone: string;
}

/** What a timetable changes: how much of each kind, and all of it. */
export function DifferenceView({ difference, entries, zone }: Props) {
  const t = useTermsText();
  const formats = useFormats();
  const sent = useMemo(
    () => new Map(entries.map((entry) => [entry.external_id, entry])),
    [entries],
  );
  const whyWords = useWhyWords();
  const why = ({ code, reason, values }: Conflict) => whyWords(code, values, reason, zone);
  const count = (kind: Kind) => difference.counts[kind] ?? 0;
  const isNothing = KINDS.every((kind) => kind === "unchanged" || count(kind) === 0);
  return (
    <>
      <dl className={styles.counts}>
        {KINDS.map((kind) => (
          <div key={kind} data-kind={kind} data-none={count(kind) === 0 || undefined}>
            <dt>{t(`upload.${kind}`)}</dt>
            <dd>{formats.number(count(kind))}</dd>
          </div>
        ))}
      </dl>
      {isNothing && <p>{t("upload.nothing")}</p>}
      {count("conflicts") > 0 && (
        <Alert color="red" variant="light" icon={<Icon name="alert" />}>
          {t("upload.hasConflicts", { count: count("conflicts") })}
        </Alert>
      )}
      <Part
        kind="conflicts"
        items={difference.conflicts}
        show={(conflict) => (
          <>
            <Named id={conflict.external_id} title={sent.get(conflict.external_id)?.title} />
            <span>
              {conflict.field in NAMES && (
                <strong>{t(`fields.${conflict.field as Field}`)}: </strong>
              )}
              {why(conflict)}
            </span>
          </>
        )}
      />
      <Part
        kind="created"
        items={difference.created}
        show={(one) => <Whole one={one} zone={zone} />}
      />
      <Part
        kind="changed"
        items={difference.changed}
        show={({ external_id, before, after }) => (
          <>
            <Named id={external_id} title={sent.get(external_id)?.title} />
            <ul className={styles.fields}>
              {FIELDS.filter((field) => field in before).map((field) => (
                <li key={field}>
                  <span>{t(`fields.${field}`)}</span>
                  <del>
                    <span className="unseen">{t("upload.was")} </span>
                    <Value field={field} value={before[field]} zone={zone} />
                  </del>
                  <ins>
                    <span className="unseen">{t("upload.becomes")} </span>
                    <Value field={field} value={after[field]} zone={zone} />
                  </ins>
                </li>
              ))}
            </ul>
          </>
        )}
      />
      <Part
        kind="removed"
        items={difference.removed}
        show={(one) => <Whole one={one} zone={zone} />}
      />
    </>
  );
}

const NAMES: Record<string, true> = Object.fromEntries(FIELDS.map((field) => [field, true]));

interface PartProps<T> {
  kind: Kind;
  items: readonly T[];
  show: (item: T) => ReactNode;
}

function Part<T>({ kind, items, show }: PartProps<T>) {
  const t = useTermsText();
  const [shown, setShown] = useState(AT_ONCE);
  if (items.length === 0) return null;
  return (
    <section className={styles.part} data-kind={kind}>
      <h3>{t(`upload.${kind}`)}</h3>
      <ul>
        {items.slice(0, shown).map((item, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list does not change
          <li key={index}>{show(item)}</li>
        ))}
      </ul>
      {items.length > shown && (
        <Button variant="subtle" onClick={() => setShown(shown + 10 * AT_ONCE)}>
          {t("upload.more", { count: items.length - shown })}
        </Button>
      )}
    </section>
  );
}

function Named({ id, title }: { id: string | null; title: string | undefined }) {
  return (
    <span>
      <strong>
        <bdi>{title ?? id}</bdi>
      </strong>
      {title && (
        <small>
          <bdi>{id}</bdi>
        </small>
      )}
    </span>
  );
}

function Whole({ one, zone }: { one: Omit<Allocation, "id">; zone: string }) {
  const t = useTermsText();
  const formats = useFormats();
  const { first, repeats } = useAllocationWords()(one, zone);
  return (
    <>
      <Named id={one.external_id} title={one.title} />
      <span>
        <RoomName id={one.room} /> · {t("seats")}: {formats.number(one.allocated_seats)}
        <small>
          {first} {repeats}
        </small>
      </span>
    </>
  );
}

function Value({ field, value, zone }: { field: Field; value: unknown; zone: string }) {
  const formats = useFormats();
  switch (field) {
    case "room":
      return <RoomName id={value as number} />;
    case "allocated_seats":
      return formats.number(Number(value));
    case "start_at":
    case "end_at":
      return formats.dateTime(Date.parse(String(value)), zone);
    case "exceptions":
      return (value as string[]).map((day) => formats.day(day, "short")).join(" · ") || "–";
    default:
      return <bdi>{value === null || value === "" ? "–" : String(value)}</bdi>;
  }
}
