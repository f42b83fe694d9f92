import { Button, Loader, NativeSelect, SegmentedControl, TextInput } from "@mantine/core";
import { useDeferredValue, useMemo, useState } from "react";
import { useFormats } from "../../formats";
import { Icon } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message } from "../../ui/states";
import { csvOf, save } from "./csv";
import { LEVELS } from "./levels";
import { today, useChoice, useTerms } from "./period";
import { SeatsGrid } from "./SeatsGrid";
import { columnsOf, type Progress, type Seats, STEPS, type Step, seatsOf, useSeats } from "./seats";
import styles from "./seats.module.css";
import { useUnderstandText } from "./texts";
import shared from "./understand.module.css";

const MB = 1024 * 1024;
const ORDERS = ["byName", "byFull", "byFree"] as const;
type Order = (typeof ORDERS)[number];
type Term = NonNullable<ReturnType<typeof useTerms>["data"]>[number];

export default function SeatsPage() {
  const t = useUnderstandText();
  const query = useTerms();
  return (
    <>
      <PageHeader title={t("seats.title")} description={t("seats.description")} />
      <Loaded query={query}>
        {(terms) =>
          terms.length === 0 ? (
            <Message icon="terms" title={t("seats.noTerms")}>
              <p>{t("seats.noTermsText")}</p>
            </Message>
          ) : (
            <OfTerms terms={terms} />
          )
        }
      </Loaded>
    </>
  );
}

function OfTerms({ terms }: { terms: Term[] }) {
  const t = useUnderstandText();
  const [asked, choose] = useChoice("term");
  const now = today();
  const term =
    terms.find(({ id }) => String(id) === asked) ??
    terms.find((one) => one.start_date <= now && now <= one.end_date) ??
    terms[0];
  const { query, progress } = useSeats(term?.id);
  if (term === undefined) return null;
  return (
    <>
      <div className={shared.bar}>
        <NativeSelect
          aria-label={t("seats.term")}
          value={String(term.id)}
          data={terms.map(({ id, name, is_published }) => ({
            value: String(id),
            label: is_published ? name : `${name} (${t("seats.draft")})`,
          }))}
          onChange={(event) => choose(event.currentTarget.value)}
        />
        <Button
          className={shared.print}
          variant="default"
          leftSection={<Icon name="print" size={18} />}
          onClick={() => print()}
        >
          {t("print")}
        </Button>
      </div>
      <p className={styles.printed}>{term.name}</p>
      <p className={styles.about}>{t("seats.about")}</p>
      <Loaded query={query} loading={<Loading progress={progress} />}>
        {(seats) => <OfTerm key={term.id} term={term} seats={seats} />}
      </Loaded>
    </>
  );
}

function Loading({ progress: { bytes, isReceived } }: { progress: Progress }) {
  const t = useUnderstandText();
  const formats = useFormats();
  const mb = formats.number(bytes / MB);
  return (
    <div className={styles.loading} role="status">
      <Loader size="sm" />
      {t(isReceived ? "seats.reading" : "seats.loading", { mb })}
    </div>
  );
}

function OfTerm({ term, seats }: { term: Term; seats: Seats }) {
  const t = useUnderstandText();
  const formats = useFormats();
  const [wanted, setStep] = useChoice("by");
  const [search, setSearch] = useState("");
  const [order, setOrder] = useState<Order>("byName");
  const part = useDeferredValue(search.trim().toLocaleLowerCase());
  const step = STEPS.find((one) => one === wanted) ?? "week";
  const columns = useMemo(
    () => columnsOf(seats.days, step, formats.calendar),
    [seats, step, formats.calendar],
  );
  const shown = useMemo(() => ordered(seats, part, order), [seats, part, order]);
  const keep = () => {
    const head = [t("column.room"), t("column.seats"), ...columns.map(({ first }) => first)];
    const rows = shown.map((place) => {
      const room = seats.rooms[place];
      const peaks = columns.map((column) => seatsOf(seats, place, column).peak);
      return [room?.name ?? "", room?.capacity ?? 0, ...peaks];
    });
    save(`seats-${term.code}-${step}.csv`, csvOf(head, rows));
  };
  const label = t("seats.grid", { term: term.name, step: t(`seats.${step}`) });
  return (
    <section aria-label={term.name}>
      <div className={styles.tools}>
        <SegmentedControl
          aria-label={t("seats.step")}
          value={step}
          data={STEPS.map((one) => ({ value: one, label: t(`seats.${one}`) }))}
          onChange={(next) => setStep(next as Step)}
          withItemsBorders={false}
        />
        <TextInput
          type="search"
          aria-label={t("seats.search")}
          placeholder={t("seats.search")}
          leftSection={<Icon name="search" size={18} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <NativeSelect
          aria-label={t("seats.order")}
          value={order}
          data={ORDERS.map((one) => ({ value: one, label: t(`seats.${one}`) }))}
          onChange={(event) => setOrder(event.currentTarget.value as Order)}
        />
        <Button variant="default" leftSection={<Icon name="download" size={18} />} onClick={keep}>
          {t("seats.csv")}
        </Button>
        <p className={styles.count} role="status">
          {t("seats.rooms", { count: shown.length })}
        </p>
      </div>
      <Scale />
      {shown.length === 0 ? (
        <Message icon="search" title={t("seats.noRooms")} />
      ) : (
        <SeatsGrid seats={seats} shown={shown} columns={columns} step={step} label={label} />
      )}
    </section>
  );
}

function ordered(seats: Seats, part: string, order: Order): number[] {
  const found = seats.rooms.flatMap(({ name }, place) =>
    name.toLocaleLowerCase().includes(part) ? [place] : [],
  );
  if (order === "byName") return found;
  const length = seats.days.length;
  const fullness = (place: number) => {
    let sum = 0;
    for (let at = place * length; at < (place + 1) * length; at++) sum += seats.peaks[at] ?? 0;
    return sum / (seats.rooms[place]?.capacity ?? 1);
  };
  const known = new Map(found.map((place) => [place, fullness(place)]));
  const sign = order === "byFull" ? -1 : 1;
  return found.sort((one, other) => sign * ((known.get(one) ?? 0) - (known.get(other) ?? 0)));
}

function Scale() {
  const t = useUnderstandText();
  const formats = useFormats();
  const words = (level: number) => {
    if (level === 0) return t("seats.nothing");
    return level === 5 ? t("seats.full") : `≥ ${formats.percent((level - 1) / 4)}`;
  };
  return (
    <ul className={styles.scale} aria-label={t("seats.scale")}>
      {LEVELS.map((level) => (
        <li key={level}>
          <span data-level={level} aria-hidden="true" />
          {level === 1 ? `> ${formats.percent(0)}` : words(level)}
        </li>
      ))}
    </ul>
  );
}
