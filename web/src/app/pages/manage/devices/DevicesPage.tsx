import { Button, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { components } from "../../../../shared/contracts/university";
import { api, take } from "../../../api";
import { HERE, useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Confirm, FormDialog } from "../parts/Dialog";
import { type Chosen, RoomName, RoomPicker } from "../parts/fields";
import { useDraft } from "../parts/form";
import {
  Badge,
  type Column,
  List,
  RowButton,
  RowButtons,
  SearchField,
  Toolbar,
} from "../parts/List";
import { has, partOf, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { useDevicesText } from "./texts";

type Device = components["schemas"]["ListedDevice"];

const TONES = { online: "good", offline: "bad", never_seen: "plain" } as const;
const LOOK_EVERY_MS = 10_000;

export default function DevicesPage() {
  const t = useDevicesText();
  const formats = useFormats();
  const state = useListState();
  const cache = useQueryClient();
  const [isPairing, setPairing] = useState(false);
  const [leaving, setLeaving] = useState<Device>();
  const query = useQuery({
    queryKey: ["devices"],
    queryFn: async ({ signal }) =>
      (await take(api.university.GET("/api/admin/devices", { signal }))).data,
    select: (devices) =>
      partOf(
        devices.filter(({ name }) => has(name, state.search)),
        state,
      ),
    refetchInterval: LOOK_EVERY_MS,
  });
  const columns: Column<Device>[] = [
    {
      name: t("name"),
      cell: ({ name, kind }) => (
        <>
          <bdi>{name}</bdi>
          <span className={parts.more}>{t(kind)}</span>
        </>
      ),
    },
    {
      name: t("room"),
      cell: ({ kind, roomId }) =>
        kind === "edge" && roomId === null ? "–" : <RoomName id={roomId} />,
    },
    {
      name: t("state"),
      cell: ({ status }) => <Badge tone={TONES[status]}>{t(status)}</Badge>,
    },
    {
      name: t("seen"),
      cell: ({ lastSeenAt }) => (lastSeenAt ? formats.dateTime(Date.parse(lastSeenAt), HERE) : "–"),
    },
    {
      name: t("battery"),
      isMinor: true,
      cell: ({ battery }) => (battery === null ? "–" : formats.percent(battery)),
    },
    {
      name: t("version"),
      isMinor: true,
      cell: ({ appVersion }) => <bdi>{appVersion ?? "–"}</bdi>,
    },
    {
      name: "",
      cell: (device) => (
        <RowButtons>
          <RowButton
            icon="trash"
            label={t("revokeOf", { name: device.name })}
            isDanger
            onClick={() => setLeaving(device)}
          />
        </RowButtons>
      ),
    },
  ];
  const pair = (
    <Button leftSection={<Icon name="link" size={18} />} onClick={() => setPairing(true)}>
      {t("pair")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("title")} description={t("about")}>
        {pair}
      </PageHeader>
      <Toolbar>
        <SearchField state={state} label={t("search")} />
      </Toolbar>
      <List
        label={t("title")}
        query={query}
        state={state}
        rowKey={({ id }) => id}
        columns={columns}
        icon="device"
        empty={t("none")}
      />
      {isPairing && <Pairing close={() => setPairing(false)} />}
      {leaving && (
        <Confirm
          title={t("revokeTitle", { name: leaving.name })}
          action={t("revoke")}
          act={async () => {
            const path = { device_id: leaving.id };
            await take(
              api.university.DELETE("/api/admin/devices/{device_id}", { params: { path } }),
            );
            toast("good", t("revoked", { name: leaving.name }));
            setLeaving(undefined);
            await cache.invalidateQueries({ queryKey: ["devices"] });
          }}
          close={() => setLeaving(undefined)}
        >
          <p>{t(leaving.kind === "edge" ? "edgeFollows" : "panelFollows")}</p>
        </Confirm>
      )}
    </>
  );
}

function Pairing({ close }: { close: () => void }) {
  const t = useDevicesText();
  const say = usePartsText();
  const cache = useQueryClient();
  const draft = useDraft({ code: "", name: "", room: null as Chosen | null });
  const { values, wrong, set } = draft;
  return (
    <FormDialog
      title={t("pair")}
      draft={draft}
      check={({ code, name, room }) => ({
        code: code.replace(/[^A-Z0-9]/g, "").length === 8 ? "" : t("codeWrong"),
        name: name.trim() ? "" : say("required"),
        room: room ? "" : say("required"),
      })}
      save={async ({ code, name, room }) => {
        await take(
          api.university.POST("/api/admin/devices", {
            body: { code, name, roomId: room?.id ?? "" },
          }),
        );
        toast("good", t("paired", { name, room: room?.name }));
        close();
        await cache.invalidateQueries({ queryKey: ["devices"] });
      }}
      names={{ roomId: "room" }}
      close={close}
      saveLabel={t("pair")}
    >
      <p className={parts.note}>{t("pairAbout")}</p>
      <TextInput
        label={t("code")}
        value={values.code}
        error={wrong.code}
        maxLength={9}
        dir="ltr"
        placeholder="ABCD-EFGH"
        autoComplete="off"
        autoCapitalize="characters"
        data-autofocus
        onChange={(event) => set({ code: event.currentTarget.value.toUpperCase() })}
      />
      <RoomPicker
        label={t("room")}
        value={values.room}
        error={wrong.room}
        required
        onChange={(room) => set({ room, ...(values.name === "" && room && { name: room.name }) })}
      />
      <TextInput
        label={t("name")}
        description={t("nameAbout")}
        value={values.name}
        error={wrong.name}
        maxLength={200}
        dir="auto"
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
    </FormDialog>
  );
}
