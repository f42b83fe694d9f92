import { Button, Checkbox, NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { components } from "../../../../shared/contracts/university";
import { api, take } from "../../../api";
import { addDays, dayOf, momentOf } from "../../../days";
import { HERE, useFormats } from "../../../formats";
import { useAppText } from "../../../texts";
import { DateField } from "../../../ui/DateField";
import { PageHeader } from "../../../ui/PageHeader";
import { PersonPicker } from "../parts/fields";
import { Badge, type Column, List, partOptions, Toolbar } from "../parts/List";
import { type ListState, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { ACTIONS, TARGETS, useAuditText } from "./texts";

type Entry = components["schemas"]["AuditView"];

const ENTRIES = 50;
const FILTERS = ["action", "target", "targetId", "actor", "actorName", "from", "to"] as const;

/** What the server writes of a timetable. */
const PUSHED = /^(?<created>\d+) created, (?<changed>\d+) changed, (?<removed>\d+) removed$/;

/** And of a booking to which nobody came. */
const RELEASED =
  /^Nobody checked in by (?<day>[\d-]+) (?<time>[\d:]+) UTC \(policy: (?<count>\d+) /;

function numbersOf(texts: Record<string, string>): Record<string, number> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Number(text)]));
}

export default function AuditPage() {
  const t = useAuditText();
  const app = useAppText();
  const formats = useFormats();
  const state = useListState();
  const [action, target, targetId, actor, , from, to] = FILTERS.map(state.filter);
  const query = useQuery({
    queryKey: ["audit", action, target, targetId, actor, from, to, state.page],
    queryFn: async ({ signal }) => {
      const midnight = (day: string) => new Date(momentOf(day, 0, HERE)).toISOString();
      const { data } = await take(
        api.university.GET("/api/admin/audit", {
          params: {
            query: {
              page: String(state.page),
              limit: String(ENTRIES),
              ...(action && { actionType: action }),
              ...(target && { targetType: target }),
              ...(targetId && { targetId }),
              ...(actor && { actorUserId: actor }),
              ...(from && { from: midnight(from) }),
              ...(to && { to: midnight(addDays(to, 1)) }),
            },
          },
          signal,
        }),
      );
      return { rows: data.data, count: data.pagination.total };
    },
    ...partOptions,
  });
  const nameOf = (type: string) => TARGETS.find((one) => one === type);
  const columns: Column<Entry>[] = [
    {
      name: t("action"),
      cell: ({ actionType }) => {
        const known = ACTIONS.find((one) => one === actionType);
        return known ? t(`actions.${known}`) : <bdi>{actionType}</bdi>;
      },
    },
    {
      name: t("target"),
      cell: (one) => {
        const known = nameOf(one.targetType);
        const name = known ? t(`targets.${known}`) : one.targetType;
        return (
          <span className={parts.badges}>
            <Badge>{name}</Badge>
            <button
              type="button"
              className={parts.id}
              dir="ltr"
              aria-label={t("onlyOf", { target: name, id: one.targetId })}
              onClick={() => state.setFilter("targetId", one.targetId)}
            >
              <bdi dir="ltr">{one.targetId}</bdi>
            </button>
          </span>
        );
      },
    },
    {
      name: t("actor"),
      cell: ({ actor: who }) =>
        who ? (
          <span>
            <bdi>{who.name}</bdi>
            {who.role && <span className={parts.more}>{app(`roles.${who.role}`)}</span>}
          </span>
        ) : (
          t("system")
        ),
    },
    {
      name: t("reason"),
      cell: ({ actionType, reason }) => {
        const said = reason ?? "–";
        const counts = actionType === "TIMETABLE_PUSHED" && PUSHED.exec(said)?.groups;
        const released = actionType === "BOOKING_RELEASED" && RELEASED.exec(said)?.groups;
        const words = counts
          ? t("pushed", numbersOf(counts))
          : released
            ? t("released", {
                at: formats.dateTime(Date.parse(`${released.day}T${released.time}Z`), HERE),
                count: Number(released.count),
              })
            : said;
        return (
          <span className={parts.answer}>
            <bdi>{words}</bdi>
          </span>
        );
      },
    },
    {
      name: t("when"),
      isNumber: true,
      cell: ({ createdAt }) => (
        <time dateTime={createdAt}>{formats.dateTime(Date.parse(createdAt), HERE)}</time>
      ),
    },
  ];
  const isFiltered = FILTERS.some((name) => state.filter(name) !== "");
  const reset = isFiltered && (
    <Button
      variant="subtle"
      onClick={() => state.setFilters(Object.fromEntries(FILTERS.map((name) => [name, ""])))}
    >
      {t("reset")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("title")} description={t("about")} />
      <Filters state={state} />
      <div className={parts.filtered}>{reset}</div>
      <List
        label={t("title")}
        query={query}
        state={state}
        rowsAPage={ENTRIES}
        rowKey={({ id }) => id}
        columns={columns}
        icon="audit"
        empty={t("none")}
      />
    </>
  );
}

function Filters({ state }: { state: ListState }) {
  const t = useAuditText();
  const today = dayOf(Date.now(), HERE);
  const [from, to] = [state.filter("from"), state.filter("to")];
  const actor = state.filter("actor");
  return (
    <Toolbar>
      <NativeSelect
        label={t("action")}
        value={state.filter("action")}
        data={[
          { value: "", label: t("anyAction") },
          ...ACTIONS.map((value) => ({ value, label: t(`actions.${value}`) })),
        ]}
        onChange={(event) => state.setFilter("action", event.currentTarget.value)}
      />
      <NativeSelect
        label={t("target")}
        value={state.filter("target")}
        data={[
          { value: "", label: t("anyTarget") },
          ...TARGETS.map((value) => ({ value, label: t(`targets.${value}`) })),
        ]}
        onChange={(event) => state.setFilter("target", event.currentTarget.value)}
      />
      <PersonPicker
        key={actor}
        label={t("actor")}
        placeholder={t("anybody")}
        value={actor ? { id: actor, name: state.filter("actorName") || actor } : null}
        onChange={(who) => state.setFilters({ actor: who?.id ?? "", actorName: who?.name ?? "" })}
      />
      <Checkbox
        className={parts.toggle ?? ""}
        label={t("time")}
        checked={from !== ""}
        onChange={(event) =>
          state.setFilters(
            event.currentTarget.checked
              ? { from: addDays(today, -7), to: today }
              : { from: "", to: "" },
          )
        }
      />
      {from !== "" && (
        <>
          <DateField
            label={t("since")}
            value={from}
            today={today}
            onChange={(day) => state.setFilters({ from: day, ...(to < day && { to: day }) })}
          />
          <DateField
            label={t("until")}
            value={to || today}
            today={today}
            min={from}
            onChange={(day) => state.setFilter("to", day)}
          />
        </>
      )}
    </Toolbar>
  );
}
