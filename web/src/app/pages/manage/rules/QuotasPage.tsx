import { Button, NativeSelect } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { components } from "../../../../shared/contracts/directory";
import { api, take } from "../../../api";
import { useFormats } from "../../../formats";
import { useAppText } from "../../../texts";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Confirm, Fields, FormDialog } from "../parts/Dialog";
import { useDraft } from "../parts/form";
import { type Column, List, partOptions, RowButton, RowButtons } from "../parts/List";
import { ROWS, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { AmountField, amountIn, RuleSections, useAmountWords } from "./parts";
import { useRulesText } from "./texts";

type Quota = components["schemas"]["QuotaView"];

const KEY = ["booking-quotas"];
const ROLES = ["STUDENT", "FACULTY", "STAFF", "ADMIN"] as const;
const PERIODS = ["day", "week", "month", "open"] as const;
const MOST_BOOKINGS = { min: 0, max: 100_000, isOptional: true };
const MOST_MINUTES = { min: 0, max: 10_000_000, isOptional: true };

export default function QuotasPage() {
  const t = useRulesText();
  const say = usePartsText();
  const app = useAppText();
  const { number } = useFormats();
  const state = useListState();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Quota | "new">();
  const [leaving, setLeaving] = useState<Quota>();
  const query = useQuery({
    queryKey: [...KEY, state.page],
    queryFn: async ({ signal }) => {
      const part = { limit: String(ROWS), offset: String((state.page - 1) * ROWS) };
      const { results, count } = await take(
        api.directory.GET("/api/booking-quotas/", { params: { query: part }, signal }),
      );
      return { rows: results, count };
    },
    ...partOptions,
  });
  const refresh = () => cache.invalidateQueries({ queryKey: KEY });
  const nameOf = ({ role, period }: Quota) =>
    t("quotaOf", { role: app(`roles.${role}`), period: t(`periods.${period}`) });
  const written = (most: number | null) => (most === null ? t("noLimit") : number(most));
  const columns: Column<Quota>[] = [
    { name: t("role"), cell: ({ role }) => app(`roles.${role}`) },
    { name: t("period"), cell: ({ period }) => t(`periods.${period}`) },
    { name: t("most_bookings"), isNumber: true, cell: (one) => written(one.most_bookings) },
    { name: t("most_minutes"), isNumber: true, cell: (one) => written(one.most_minutes) },
    {
      name: "",
      cell: (one) => (
        <RowButtons>
          <RowButton
            icon="edit"
            label={t("editOf", { name: nameOf(one) })}
            onClick={() => setEdited(one)}
          />
          <RowButton
            icon="trash"
            label={t("deleteOf", { name: nameOf(one) })}
            isDanger
            onClick={() => setLeaving(one)}
          />
        </RowButtons>
      ),
    },
  ];
  return (
    <>
      <PageHeader title={t("quotas")} description={t("quotasAbout")}>
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setEdited("new")}>
          {t("newQuota")}
        </Button>
      </PageHeader>
      <RuleSections />
      <List
        label={t("quotas")}
        query={query}
        state={state}
        rowKey={({ id }) => id}
        columns={columns}
        icon="settings"
        empty={t("noQuotas")}
      />
      {edited !== undefined && (
        <QuotaEditor
          quota={edited === "new" ? undefined : edited}
          saved={refresh}
          close={() => setEdited(undefined)}
        />
      )}
      {leaving && (
        <Confirm
          title={t("deleteTitle", { name: nameOf(leaving) })}
          action={say("delete")}
          act={async () => {
            const path = { key: String(leaving.id) };
            await take(api.directory.DELETE("/api/booking-quotas/{key}/", { params: { path } }));
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
  quota: Quota | undefined;
  saved: () => Promise<unknown>;
  close: () => void;
}

function QuotaEditor({ quota, saved, close }: EditorProps) {
  const t = useRulesText();
  const say = usePartsText();
  const app = useAppText();
  const { number } = useFormats();
  const amountWords = useAmountWords();
  const written = (most: number | null | undefined) =>
    typeof most === "number" ? number(most) : "";
  const draft = useDraft({
    role: quota?.role ?? ("STUDENT" as Quota["role"]),
    period: quota?.period ?? ("week" as Quota["period"]),
    most_bookings: written(quota?.most_bookings),
    most_minutes: written(quota?.most_minutes),
  });
  const { values, wrong, set } = draft;
  return (
    <FormDialog
      title={t(quota ? "editQuota" : "newQuota")}
      draft={draft}
      check={({ most_bookings, most_minutes }) => {
        const isNothing = amountIn(most_bookings) === null && amountIn(most_minutes) === null;
        return {
          most_bookings: isNothing ? t("mostNeeded") : amountWords(most_bookings, MOST_BOOKINGS),
          most_minutes: amountWords(most_minutes, MOST_MINUTES),
        };
      }}
      save={async ({ role, period, most_bookings, most_minutes }) => {
        const body = {
          role,
          period,
          most_bookings: amountIn(most_bookings),
          most_minutes: amountIn(most_minutes),
        };
        await take(
          quota
            ? api.directory.PUT("/api/booking-quotas/{key}/", {
                params: { path: { key: String(quota.id) } },
                body,
              })
            : api.directory.POST("/api/booking-quotas/", { body }),
        );
        toast("good", say("saved"));
        close();
        await saved();
      }}
      close={close}
    >
      <p className={parts.note}>{t("quotaFollows")}</p>
      <Fields>
        <NativeSelect
          label={t("role")}
          value={values.role}
          error={wrong.role}
          data={ROLES.map((role) => ({ value: role, label: app(`roles.${role}`) }))}
          data-autofocus
          onChange={(event) => set({ role: event.currentTarget.value as Quota["role"] })}
        />
        <NativeSelect
          label={t("period")}
          description={t(`periodAbout.${values.period}`)}
          value={values.period}
          error={wrong.period}
          data={PERIODS.map((period) => ({ value: period, label: t(`periods.${period}`) }))}
          inputWrapperOrder={["label", "input", "description", "error"]}
          onChange={(event) => set({ period: event.currentTarget.value as Quota["period"] })}
        />
      </Fields>
      <Fields>
        <AmountField
          label={t("most_bookings")}
          about={t("mostAbout")}
          value={values.most_bookings}
          error={wrong.most_bookings}
          onChange={(most) => set({ most_bookings: most })}
        />
        <AmountField
          label={t("most_minutes")}
          about={t("mostAbout")}
          value={values.most_minutes}
          error={wrong.most_minutes}
          onChange={(most) => set({ most_minutes: most })}
        />
      </Fields>
    </FormDialog>
  );
}
