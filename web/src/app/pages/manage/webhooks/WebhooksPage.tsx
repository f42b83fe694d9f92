import { Button, Checkbox, CopyButton, Switch, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { ApiError, api, take } from "../../../api";
import { useErrorWords } from "../../../errors";
import { HERE, useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { Message } from "../../../ui/states";
import { toast } from "../../../ui/toast";
import { Confirm, Dialog, FormDialog } from "../parts/Dialog";
import { useDraft } from "../parts/form";
import { Badge, type Column, List, RowButton, RowButtons } from "../parts/List";
import { partOf, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { EVENTS, useEventWords, type Webhook } from "./data";
import { useWebhooksText } from "./texts";

export default function WebhooksPage() {
  const t = useWebhooksText();
  const say = usePartsText();
  const errorWords = useErrorWords();
  const eventWords = useEventWords();
  const formats = useFormats();
  const state = useListState();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Webhook | "new">();
  const [leaving, setLeaving] = useState<Webhook>();
  const [turningOff, setTurningOff] = useState<Webhook>();
  const [secret, setSecret] = useState<string>();
  const query = useQuery({
    queryKey: ["webhooks"],
    queryFn: async ({ signal }) =>
      (await take(api.circleTime.GET("/api/webhooks", { signal }))).data,
    select: (webhooks) => partOf(webhooks, state),
  });
  const refresh = () => cache.invalidateQueries({ queryKey: ["webhooks"] });
  const activate = useMutation({
    mutationFn: ({ id, active }: { id: string; active: boolean }) =>
      take(
        api.circleTime.PATCH("/api/webhooks/{webhook_id}", {
          params: { path: { webhook_id: id } },
          body: { active },
        }),
      ),
    onSuccess: ({ data }) => {
      toast("good", t(data.active ? "turnedOn" : "turnedOff"));
      return refresh();
    },
  });
  const columns: Column<Webhook>[] = [
    {
      name: t("url"),
      cell: ({ id, url }) => (
        <Link
          href={`/manage/webhooks/${id}`}
          className={parts.plainLink}
          aria-label={t("deliveriesOf", { url })}
        >
          <bdi dir="ltr">{url}</bdi>
        </Link>
      ),
    },
    {
      name: t("events"),
      cell: ({ events }) =>
        events === null ? t("everything") : formats.list(events.map(eventWords)),
    },
    {
      name: t("state"),
      cell: ({ active, failingSince, offReason }) => (
        <span>
          <Badge tone={!active ? "plain" : failingSince ? "bad" : "good"}>
            {active && failingSince
              ? t("failing", { when: formats.dateTime(Date.parse(failingSince), HERE) })
              : t(active ? "on" : "off")}
          </Badge>
          {offReason && (
            <span className={parts.more}>
              <bdi>{offReason}</bdi>
            </span>
          )}
        </span>
      ),
    },
    {
      name: t("made"),
      isMinor: true,
      cell: ({ createdAt }) => formats.date(Date.parse(createdAt), HERE),
    },
    {
      name: "",
      cell: (one) => (
        <RowButtons>
          <RowButton
            icon="edit"
            label={t("editOf", { url: one.url })}
            onClick={() => setEdited(one)}
          />
          {one.active ? (
            <RowButton
              icon="minus"
              label={t("turnOffOf", { url: one.url })}
              onClick={() => setTurningOff(one)}
            />
          ) : (
            <RowButton
              icon="check"
              label={t("turnOnOf", { url: one.url })}
              onClick={() =>
                activate.mutate(
                  { id: one.id, active: true },
                  { onError: (error) => toast("bad", errorWords(error)) },
                )
              }
            />
          )}
          <RowButton
            icon="trash"
            label={t("deleteOf", { url: one.url })}
            isDanger
            onClick={() => setLeaving(one)}
          />
        </RowButtons>
      ),
    },
  ];
  // Not a fault that passes: nobody has set what seals the secrets.
  const isOff =
    query.error instanceof ApiError && query.error.message.includes("BOOKINGS_SECRETS_KEY");
  return (
    <>
      <PageHeader title={t("title")} description={t("about")}>
        {!isOff && (
          <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setEdited("new")}>
            {t("new")}
          </Button>
        )}
      </PageHeader>
      {isOff ? (
        <Message icon="webhook" title={t("noKey")} />
      ) : (
        <List
          label={t("title")}
          query={query}
          state={state}
          rowKey={({ id }) => id}
          columns={columns}
          isFaded={({ active }) => !active}
          icon="webhook"
          empty={t("none")}
        />
      )}
      {edited !== undefined && (
        <WebhookEditor
          webhook={edited === "new" ? undefined : edited}
          made={setSecret}
          close={() => setEdited(undefined)}
        />
      )}
      {secret !== undefined && <Secret secret={secret} close={() => setSecret(undefined)} />}
      {turningOff && (
        <Confirm
          title={t("turnOffTitle")}
          action={t("turnOff")}
          act={async () => {
            await activate.mutateAsync({ id: turningOff.id, active: false });
            setTurningOff(undefined);
          }}
          close={() => setTurningOff(undefined)}
        >
          <p>
            <bdi dir="ltr">{turningOff.url}</bdi>
          </p>
          <p>{t("turnOffFollows")}</p>
        </Confirm>
      )}
      {leaving && (
        <Confirm
          title={t("deleteTitle")}
          action={say("delete")}
          act={async () => {
            const path = { webhook_id: leaving.id };
            await take(api.circleTime.DELETE("/api/webhooks/{webhook_id}", { params: { path } }));
            toast("good", say("deleted"));
            setLeaving(undefined);
            await refresh();
          }}
          close={() => setLeaving(undefined)}
        >
          <p>
            <bdi dir="ltr">{leaving.url}</bdi>
          </p>
          <p>{t("deleteFollows")}</p>
        </Confirm>
      )}
    </>
  );
}

function Secret({ secret, close }: { secret: string; close: () => void }) {
  const t = useWebhooksText();
  const say = usePartsText();
  return (
    <Dialog title={t("secretTitle")} close={close}>
      <div className={parts.form}>
        <p>{t("secretAbout")}</p>
        <div className={parts.secret}>
          <code dir="ltr">{secret}</code>
          <CopyButton value={secret}>
            {({ copied, copy }) => (
              <Button variant="light" onClick={copy} leftSection={<Icon name="copy" size={18} />}>
                {say(copied ? "copied" : "copy")}
              </Button>
            )}
          </CopyButton>
        </div>
        <div className={parts.formButtons}>
          <Button onClick={close}>{t("done")}</Button>
        </div>
      </div>
    </Dialog>
  );
}

interface EditorProps {
  webhook: Webhook | undefined;
  made: (secret: string) => void;
  close: () => void;
}

type Body = { url: string; events: `booking.${(typeof EVENTS)[number]}`[] | null };

function WebhookEditor({ webhook, made, close }: EditorProps) {
  const t = useWebhooksText();
  const say = usePartsText();
  const eventWords = useEventWords();
  const cache = useQueryClient();
  const draft = useDraft({
    url: webhook?.url ?? "",
    events: webhook?.events ?? [],
    active: webhook?.active ?? true,
  });
  const { values, wrong, set } = draft;
  return (
    <FormDialog
      title={t(webhook ? "edit" : "new")}
      draft={draft}
      check={({ url }) => ({ url: /^https?:\/\/[^\s/]+/.test(url.trim()) ? "" : t("urlWrong") })}
      save={async ({ url, events, active }) => {
        const body = { url: url.trim(), events: events.length > 0 ? events : null } as Body;
        if (webhook) {
          await take(
            api.circleTime.PATCH("/api/webhooks/{webhook_id}", {
              params: { path: { webhook_id: webhook.id } },
              body: { ...body, active },
            }),
          );
          toast("good", say("saved"));
        } else {
          const { data } = await take(api.circleTime.POST("/api/webhooks", { body }));
          if (data.secret !== null) made(data.secret);
        }
        close();
        await cache.invalidateQueries({ queryKey: ["webhooks"] });
      }}
      close={close}
    >
      <TextInput
        label={t("url")}
        description={t("urlAbout")}
        type="url"
        value={values.url}
        error={wrong.url}
        maxLength={2000}
        dir="ltr"
        placeholder="https://example.edu/hooks/atrium"
        data-autofocus
        onChange={(event) => set({ url: event.currentTarget.value })}
      />
      <Checkbox.Group
        label={t("events")}
        description={t("eventsAbout")}
        value={values.events}
        error={wrong.events}
        onChange={(events) => set({ events })}
      >
        <div className={parts.choices}>
          {EVENTS.map((name) => (
            <Checkbox key={name} value={`booking.${name}`} label={eventWords(`booking.${name}`)} />
          ))}
        </div>
      </Checkbox.Group>
      {webhook && (
        <Switch
          label={t("isOn")}
          description={t("isOnAbout")}
          checked={values.active}
          onChange={(event) => set({ active: event.currentTarget.checked })}
        />
      )}
    </FormDialog>
  );
}
