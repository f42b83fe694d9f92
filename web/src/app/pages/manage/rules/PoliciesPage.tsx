import { Button, Switch } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { components } from "../../../../shared/contracts/directory";
import { allParts, api, take } from "../../../api";
import { useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { Loaded } from "../../../ui/states";
import { toast } from "../../../ui/toast";
import { Confirm, Dialog, Fields, FormDialog } from "../parts/Dialog";
import { RoomName, RoomPicker, useRoom } from "../parts/fields";
import { useDraft } from "../parts/form";
import { Badge, type Column, List, RowButton, RowButtons } from "../parts/List";
import { partOf, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { AmountField, amountIn, type Limits, RuleSections, useAmountWords } from "./parts";
import { useRulesText } from "./texts";

type Policy = components["schemas"]["PolicyView"];
/** `isKept`: somebody has set it; else it is what the product came with. */
type Row = Policy & { isKept: boolean };

/** Stands for all rooms that have no rules of their own. */
const OTHERS = 0;
const KEY = ["booking-policies"];
const WEEK_MINUTES = 7 * 24 * 60;

const ruleOf = (room: number, signal: AbortSignal) =>
  take(
    api.directory.GET("/api/booking-policies/{room}/", {
      params: { path: { room: String(room) } },
      signal,
    }),
  );

export default function PoliciesPage() {
  const t = useRulesText();
  const state = useListState();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<number>();
  const [isChoosing, setChoosing] = useState(false);
  const [leaving, setLeaving] = useState<number>();
  const query = useQuery({
    queryKey: [...KEY, "all"],
    queryFn: async ({ signal }): Promise<Row[]> => {
      const [others, kept] = await Promise.all([
        ruleOf(OTHERS, signal),
        allParts((part) =>
          take(api.directory.GET("/api/booking-policies/", { params: { query: part }, signal })),
        ),
      ]);
      const rows = kept.map((policy) => ({ ...policy, isKept: true }));
      const hasOthers = rows.some(({ room }) => room === OTHERS);
      return hasOthers ? rows : [{ ...others, isKept: false }, ...rows];
    },
    select: (rows) => partOf(rows, state),
  });
  const refresh = () => cache.invalidateQueries({ queryKey: KEY });
  const say = usePolicyWords();
  const columns: Column<Row>[] = [
    {
      name: t("room"),
      cell: ({ room, isKept }) => (
        <>
          {room === OTHERS ? t("others") : <RoomName id={room} />}{" "}
          {!isKept && <Badge>{t("usual")}</Badge>}
        </>
      ),
    },
    { name: t("lasting"), cell: say.lasting },
    { name: t("ahead"), cell: say.ahead },
    { name: t("around"), cell: say.around },
    { name: t("checkin"), cell: say.checkin },
    {
      name: t("requests"),
      isMinor: true,
      cell: ({ pending_holds }) => t(pending_holds ? "hold" : "holdNot"),
    },
    {
      name: "",
      cell: ({ room, isKept }) => (
        <Named room={room}>
          {(name) => (
            <RowButtons>
              <RowButton icon="edit" label={t("edit", { name })} onClick={() => setEdited(room)} />
              {isKept && (
                <RowButton
                  icon="trash"
                  label={t("remove", { name })}
                  isDanger
                  onClick={() => setLeaving(room)}
                />
              )}
            </RowButtons>
          )}
        </Named>
      ),
    },
  ];
  return (
    <>
      <PageHeader title={t("policies")} description={t("policiesAbout")}>
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setChoosing(true)}>
          {t("newPolicy")}
        </Button>
      </PageHeader>
      <RuleSections />
      <List
        label={t("policies")}
        query={query}
        state={state}
        rowKey={({ room }) => room}
        columns={columns}
        icon="settings"
        empty={t("others")}
      />
      {isChoosing && (
        <Dialog title={t("newPolicy")} close={() => setChoosing(false)}>
          <RoomPicker
            label={t("which")}
            description={t("whichAbout")}
            value={null}
            onChange={(chosen) => {
              if (chosen === null) return;
              setChoosing(false);
              setEdited(Number(chosen.id));
            }}
          />
        </Dialog>
      )}
      {edited !== undefined && (
        <PolicyEditor room={edited} saved={refresh} close={() => setEdited(undefined)} />
      )}
      {leaving !== undefined && (
        <Named room={leaving}>
          {(name) => (
            <Confirm
              title={t("removeTitle", { name })}
              action={t("drop")}
              act={async () => {
                const path = { room: String(leaving) };
                await take(
                  api.directory.DELETE("/api/booking-policies/{room}/", { params: { path } }),
                );
                toast("good", t("dropped"));
                setLeaving(undefined);
                await refresh();
              }}
              close={() => setLeaving(undefined)}
            >
              <p>{t(leaving === OTHERS ? "resetFollows" : "removeFollows")}</p>
              <p>{t("follows")}</p>
            </Confirm>
          )}
        </Named>
      )}
    </>
  );
}

function Named({ room, children }: { room: number; children: (name: string) => ReactNode }) {
  const t = useRulesText();
  const { data } = useRoom(room === OTHERS ? null : room);
  return children(room === OTHERS ? t("ofOthers") : (data?.name ?? `#${room}`));
}

/** Says rules in a few words. */
function usePolicyWords() {
  const t = useRulesText();
  return {
    lasting: ({ min_minutes: min, max_minutes: max }: Policy) => {
      if (min !== null && max !== null) return t("between", { min, max });
      if (min !== null) return t("atLeast", { count: min });
      return max === null ? t("any") : t("atMost", { count: max });
    },
    ahead: ({ horizon_days: count }: Policy) => (count === null ? t("any") : t("days", { count })),
    around: ({ buffer_before: before, buffer_after: after }: Policy) =>
      before + after === 0 ? t("nothing") : t("aroundBoth", { before, after }),
    checkin: (one: Policy) => {
      const { checkin_opens: before, checkin_closes: after, checkin_exempt_over: count } = one;
      if (after === null) return t("noCheckin");
      return (
        <span>
          {t("window", { before, after })}
          {count !== null && <span className={parts.more}>{t("exempt", { count })}</span>}
        </span>
      );
    },
  };
}

interface EditorProps {
  room: number;
  saved: () => Promise<unknown>;
  close: () => void;
}

/** Begins with what holds for the room now, whether or not it is its own. */
function PolicyEditor({ room, saved, close }: EditorProps) {
  const t = useRulesText();
  const query = useQuery({
    queryKey: [...KEY, room],
    queryFn: ({ signal }) => ruleOf(room, signal),
    // What is edited is not changed by what is asked meanwhile.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  return (
    <Named room={room}>
      {(name) =>
        query.data ? (
          <Editor policy={query.data} name={name} saved={saved} close={close} />
        ) : (
          <Dialog title={t("policyOf", { name })} close={close}>
            <Loaded query={query}>{() => null}</Loaded>
          </Dialog>
        )
      }
    </Named>
  );
}

const AMOUNTS = {
  min_minutes: { min: 1, max: WEEK_MINUTES, isOptional: true },
  max_minutes: { min: 1, max: WEEK_MINUTES, isOptional: true },
  horizon_days: { min: 1, max: 5 * 366, isOptional: true },
  buffer_before: { min: 0, max: WEEK_MINUTES },
  buffer_after: { min: 0, max: WEEK_MINUTES },
  checkin_opens: { min: 0, max: WEEK_MINUTES },
  checkin_closes: { min: 1, max: WEEK_MINUTES },
  checkin_exempt_over: { min: 1, max: WEEK_MINUTES, isOptional: true },
} as const satisfies Record<string, Limits>;
type Amount = keyof typeof AMOUNTS;
const NAMES = Object.keys(AMOUNTS) as Amount[];
const OF_CHECKIN: readonly Amount[] = ["checkin_opens", "checkin_closes", "checkin_exempt_over"];
const USUAL_CLOSES = 15;

interface FormProps {
  policy: Policy;
  name: string;
  saved: () => Promise<unknown>;
  close: () => void;
}

function Editor({ policy, name, saved, close }: FormProps) {
  const t = useRulesText();
  const say = usePartsText();
  const { number } = useFormats();
  const amountWords = useAmountWords();
  const written = (value: number | null) => (value === null ? "" : number(value));
  const draft = useDraft({
    min_minutes: written(policy.min_minutes),
    max_minutes: written(policy.max_minutes),
    horizon_days: written(policy.horizon_days),
    buffer_before: written(policy.buffer_before),
    buffer_after: written(policy.buffer_after),
    checkin_opens: written(policy.checkin_opens),
    checkin_closes: written(policy.checkin_closes ?? USUAL_CLOSES),
    checkin_exempt_over: written(policy.checkin_exempt_over),
    mustCheckIn: policy.checkin_closes !== null,
    pending_holds: policy.pending_holds,
  });
  const { values, wrong, set } = draft;
  const field = (of: Amount, about: string, isFirst = false) => (
    <AmountField
      label={t(of)}
      about={about}
      value={values[of]}
      error={wrong[of]}
      onChange={(value) => set({ [of]: value })}
      isFirst={isFirst}
    />
  );
  return (
    <FormDialog
      title={t("policyOf", { name })}
      draft={draft}
      check={(typed) => {
        const asked = NAMES.filter((of) => typed.mustCheckIn || !OF_CHECKIN.includes(of));
        const found = Object.fromEntries(
          asked.map((of) => [of, amountWords(typed[of], AMOUNTS[of])]),
        );
        const [min, max] = [amountIn(typed.min_minutes), amountIn(typed.max_minutes)];
        if (min !== null && max !== null && max < min) found.max_minutes ||= t("maxUnderMin");
        return found;
      }}
      save={async (typed) => {
        const read = (of: Amount) => amountIn(typed[of]);
        await take(
          api.directory.PUT("/api/booking-policies/{room}/", {
            params: { path: { room: String(policy.room) } },
            body: {
              min_minutes: read("min_minutes"),
              max_minutes: read("max_minutes"),
              horizon_days: read("horizon_days"),
              buffer_before: read("buffer_before") ?? 0,
              buffer_after: read("buffer_after") ?? 0,
              pending_holds: typed.pending_holds,
              ...(typed.mustCheckIn
                ? {
                    checkin_opens: read("checkin_opens") ?? 0,
                    checkin_closes: read("checkin_closes"),
                    checkin_exempt_over: read("checkin_exempt_over"),
                  }
                : { checkin_opens: policy.checkin_opens, checkin_closes: null }),
            },
          }),
        );
        toast("good", say("saved"));
        close();
        await saved();
      }}
      close={close}
    >
      <p className={parts.note}>{t("follows")}</p>
      <fieldset className={parts.group}>
        <legend>{t("lasting")}</legend>
        <Fields>
          {field("min_minutes", t("lengthAbout"), true)}
          {field("max_minutes", t("lengthAbout"))}
        </Fields>
        {field("horizon_days", t("horizonAbout"))}
      </fieldset>
      <fieldset className={parts.group}>
        <legend>{t("around")}</legend>
        <p className={parts.note}>{t("bufferAbout")}</p>
        <Fields>
          {field("buffer_before", "")}
          {field("buffer_after", "")}
        </Fields>
      </fieldset>
      <fieldset className={parts.group}>
        <legend>{t("checkin")}</legend>
        <Switch
          label={t("mustCheckIn")}
          description={t("mustAbout")}
          checked={values.mustCheckIn}
          onChange={(event) => set({ mustCheckIn: event.currentTarget.checked })}
        />
        {values.mustCheckIn && (
          <>
            <Fields>
              {field("checkin_opens", t("windowAbout"))}
              {field("checkin_closes", t("windowAbout"))}
            </Fields>
            {field("checkin_exempt_over", t("exemptAbout"))}
          </>
        )}
      </fieldset>
      <fieldset className={parts.group}>
        <legend>{t("requests")}</legend>
        <Switch
          label={t("pending")}
          description={t("pendingAbout")}
          checked={values.pending_holds}
          onChange={(event) => set({ pending_holds: event.currentTarget.checked })}
        />
      </fieldset>
    </FormDialog>
  );
}
