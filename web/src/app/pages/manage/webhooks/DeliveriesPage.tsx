import { Button, Checkbox } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams } from "wouter";
import { api, take } from "../../../api";
import { addDays, dayOf, minutesOf, momentOf } from "../../../days";
import { useErrorWords } from "../../../errors";
import { HERE, useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Fields, FormDialog } from "../parts/Dialog";
import { MomentField, minutesIn, timeIn } from "../parts/fields";
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
import { type Delivery, useEventWords } from "./data";
import { useWebhooksText } from "./texts";

const TONES: Record<string, "good" | "bad" | "warn"> = {
  delivered: "good",
  failed: "bad",
  pending: "warn",
};
/** Why nothing was answered, as `outbound.py` begins to say it. */
const UNANSWERED = [
  ["the name is not known", "name"],
  ["its address is not", "address"],
  ["nobody answers there", "nobody"],
  ["no answer within", "late"],
  ["its certificate", "tls"],
  ["what answers there", "http"],
  ["the connection broke", "broken"],
] as const;
const LOOK_EVERY_MS = 5000;

export default function DeliveriesPage() {
  const t = useWebhooksText();
  const { id = "" } = useParams();
  const formats = useFormats();
  const eventWords = useEventWords();
  const errorWords = useErrorWords();
  const state = useListState();
  const cache = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [isReplaying, setReplaying] = useState(false);
  const path = { webhook_id: id };
  const webhook = useQuery({
    queryKey: ["webhooks", id],
    queryFn: async ({ signal }) =>
      (await take(api.circleTime.GET("/api/webhooks/{webhook_id}", { params: { path }, signal })))
        .data,
  });
  const query = useQuery({
    queryKey: ["webhooks", id, "deliveries", state.page],
    queryFn: async ({ signal }) => {
      const part = { page: String(state.page), limit: String(ROWS) };
      const { data } = await take(
        api.circleTime.GET("/api/webhooks/{webhook_id}/deliveries", {
          params: { path, query: part },
          signal,
        }),
      );
      return { rows: data.deliveries, count: data.pagination.total };
    },
    refetchInterval: LOOK_EVERY_MS,
    ...partOptions,
  });
  const replay = useMutation({
    mutationFn: (deliveryIds: number[]) =>
      take(
        api.circleTime.POST("/api/webhooks/{webhook_id}/replay", {
          params: { path },
          body: { deliveryIds },
        }),
      ),
    onSuccess: ({ data }) => {
      toast("good", t("queued", { count: data.queued }));
      setChosen(new Set());
    },
    onError: (error) => toast("bad", errorWords(error)),
    onSettled: () => cache.invalidateQueries({ queryKey: ["webhooks", id] }),
  });
  const when = (moment: string | null) =>
    moment ? formats.dateTime(Date.parse(moment), HERE) : "–";
  const choose = (delivery: number, isChosen: boolean) => {
    const next = new Set(chosen);
    if (isChosen) next.add(delivery);
    else next.delete(delivery);
    setChosen(next);
  };
  const unanswered = (why: string | null) => {
    if (why === null) return "–";
    const [, key] = UNANSWERED.find(([said]) => why.startsWith(said)) ?? [];
    const seconds = formats.number(Number(/[\d.]+/.exec(why)?.[0] ?? 0));
    return key ? t(`unanswered.${key}`, { seconds }) : why;
  };
  const columns: Column<Delivery>[] = [
    {
      name: t("event"),
      cell: (one) => (
        <Checkbox
          label={eventWords(one.event)}
          aria-label={t("choose", { event: eventWords(one.event), when: when(one.createdAt) })}
          checked={chosen.has(one.id)}
          onChange={(event) => choose(one.id, event.currentTarget.checked)}
        />
      ),
    },
    { name: t("created"), cell: (one) => when(one.createdAt) },
    {
      name: t("state"),
      cell: ({ state: is }) => (
        <Badge tone={TONES[is] ?? "plain"}>
          {is in TONES ? t(`states.${is as "pending"}`) : is}
        </Badge>
      ),
    },
    { name: t("attempts"), isNumber: true, cell: (one) => formats.number(one.attempts) },
    {
      name: t("answer"),
      cell: ({ lastStatus, lastAnswer }) => (
        <span className={parts.answer}>
          {lastStatus !== null && <strong>{formats.number(lastStatus)} </strong>}
          <bdi dir="auto">{lastStatus === null ? unanswered(lastAnswer) : lastAnswer}</bdi>
        </span>
      ),
    },
    { name: t("last"), isMinor: true, cell: (one) => when(one.lastAttemptAt) },
    { name: t("next"), isMinor: true, cell: (one) => when(one.nextAttemptAt) },
    {
      name: "",
      cell: (one) => (
        <RowButtons>
          <RowButton
            icon="repeat"
            label={t("replayOf", { event: eventWords(one.event) })}
            onClick={() => replay.mutate([one.id])}
          />
        </RowButtons>
      ),
    },
  ];
  return (
    <>
      <PageHeader
        title={t("deliveries")}
        description={<bdi dir="ltr">{webhook.data?.url ?? "…"}</bdi>}
      >
        <Button
          component={Link}
          href="/manage/webhooks"
          variant="default"
          leftSection={<Icon name="back" size={18} />}
        >
          {t("all")}
        </Button>
      </PageHeader>
      <Toolbar>
        <Button
          variant="light"
          leftSection={<Icon name="repeat" size={18} />}
          disabled={chosen.size === 0}
          loading={replay.isPending}
          onClick={() => replay.mutate([...chosen])}
        >
          {t("replay")}
          {chosen.size > 0 && ` (${formats.number(chosen.size)})`}
        </Button>
        <Button variant="default" onClick={() => setReplaying(true)}>
          {t("replayTime")}
        </Button>
      </Toolbar>
      <List
        label={t("deliveries")}
        query={query}
        state={state}
        rowKey={(one) => one.id}
        columns={columns}
        icon="webhook"
        empty={t("noDeliveries")}
      />
      {isReplaying && <ReplayDialog id={id} close={() => setReplaying(false)} />}
    </>
  );
}

function ReplayDialog({ id, close }: { id: string; close: () => void }) {
  const t = useWebhooksText();
  const say = usePartsText();
  const cache = useQueryClient();
  const now = Date.now();
  const today = dayOf(now, HERE);
  const time = timeIn(minutesOf(now, HERE));
  const draft = useDraft({
    day: addDays(today, -1),
    startTime: time,
    endDay: today,
    endTime: time,
  });
  const { values, wrong, set } = draft;
  const times = () => {
    const [from, to] = [minutesIn(values.startTime), minutesIn(values.endTime)];
    if (from === undefined || to === undefined) return undefined;
    return { from: momentOf(values.day, from, HERE), to: momentOf(values.endDay, to, HERE) };
  };
  return (
    <FormDialog
      title={t("replayTitle")}
      draft={draft}
      check={() => {
        const chosen = times();
        return { endTime: chosen && chosen.to > chosen.from ? "" : say("endBeforeStart") };
      }}
      save={async () => {
        const chosen = times();
        if (!chosen) return;
        const { data } = await take(
          api.circleTime.POST("/api/webhooks/{webhook_id}/replay", {
            params: { path: { webhook_id: id } },
            body: {
              from: new Date(chosen.from).toISOString(),
              to: new Date(chosen.to).toISOString(),
            },
          }),
        );
        toast("good", t("queued", { count: data.queued }));
        close();
        await cache.invalidateQueries({ queryKey: ["webhooks", id] });
      }}
      names={{ from: "startTime", to: "endTime" }}
      close={close}
      saveLabel={t("replay")}
    >
      <p className={parts.note}>{t("replayFollows")}</p>
      <Fields>
        <MomentField
          label={say("start")}
          day={values.day}
          time={values.startTime}
          zone={HERE}
          error={wrong.startTime}
          onChange={({ day, time: typed }) =>
            set({ ...(day && { day }), ...(typed !== undefined && { startTime: typed }) })
          }
        />
        <MomentField
          label={say("end")}
          day={values.endDay}
          time={values.endTime}
          zone={HERE}
          error={wrong.endTime}
          onChange={({ day, time: typed }) =>
            set({ ...(day && { endDay: day }), ...(typed !== undefined && { endTime: typed }) })
          }
        />
      </Fields>
      <p className={parts.note}>{t("zone", { zone: HERE })}</p>
    </FormDialog>
  );
}
