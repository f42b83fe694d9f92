import { Button, Select, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, take } from "../../../api";
import { useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Confirm, Fields, FormDialog } from "../parts/Dialog";
import { minutesIn, TimeInput, timeIn } from "../parts/fields";
import { useDraft } from "../parts/form";
import { type Column, List, partOptions, RowButton, RowButtons } from "../parts/List";
import { ROWS, useListState } from "../parts/list";
import { usePartsText } from "../parts/texts";
import type { Building } from "./data";
import { RoomSections } from "./RoomSections";
import { useRoomsText } from "./texts";

export default function BuildingsPage() {
  const t = useRoomsText();
  const say = usePartsText();
  const formats = useFormats();
  const state = useListState();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Building | "new">();
  const [leaving, setLeaving] = useState<Building>();
  const query = useQuery({
    queryKey: ["buildings", "list", state.page],
    queryFn: async ({ signal }) => {
      const part = { limit: String(ROWS), offset: String((state.page - 1) * ROWS), whole: true };
      const { results, count } = await take(
        api.directory.GET("/api/locations/", { params: { query: part }, signal }),
      );
      return { rows: results as Building[], count };
    },
    ...partOptions,
  });
  const clock = (time: string) => formats.clock(minutesIn(time.slice(0, 5)) ?? 0);
  const columns: Column<Building>[] = [
    { name: t("name"), cell: ({ name }) => <bdi>{name}</bdi> },
    {
      name: t("hours"),
      cell: (one) => `${clock(one.opens_at)} – ${clock(one.closes_at)}`,
    },
    { name: t("zone"), cell: ({ timezone }) => <bdi dir="ltr">{timezone}</bdi> },
    {
      name: "",
      cell: (one) => (
        <RowButtons>
          <RowButton
            icon="edit"
            label={t("editOf", { name: one.name })}
            onClick={() => setEdited(one)}
          />
          <RowButton
            icon="trash"
            label={t("deleteOf", { name: one.name })}
            isDanger
            onClick={() => setLeaving(one)}
          />
        </RowButtons>
      ),
    },
  ];
  return (
    <>
      <PageHeader title={t("buildings")} description={t("buildingsAbout")}>
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setEdited("new")}>
          {t("newBuilding")}
        </Button>
      </PageHeader>
      <RoomSections />
      <List
        label={t("buildings")}
        query={query}
        state={state}
        rowKey={({ id }) => id}
        columns={columns}
        icon="building"
        empty={t("noBuildings")}
      />
      {edited !== undefined && (
        <BuildingEditor
          building={edited === "new" ? undefined : edited}
          close={() => setEdited(undefined)}
        />
      )}
      {leaving && (
        <Confirm
          title={t("deleteTitle", { name: leaving.name })}
          action={say("delete")}
          act={async () => {
            const path = { location_id: String(leaving.id) };
            await take(api.directory.DELETE("/api/locations/{location_id}/", { params: { path } }));
            toast("good", say("deleted"));
            setLeaving(undefined);
            await cache.invalidateQueries({ queryKey: ["buildings"] });
          }}
          close={() => setLeaving(undefined)}
        >
          <p>{t("deleteFollows")}</p>
        </Confirm>
      )}
    </>
  );
}

function BuildingEditor({
  building,
  close,
}: {
  building: Building | undefined;
  close: () => void;
}) {
  const t = useRoomsText();
  const say = usePartsText();
  const cache = useQueryClient();
  const draft = useDraft({
    name: building?.name ?? "",
    timezone: building?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    opens_at: building?.opens_at.slice(0, 5) ?? "07:00",
    closes_at: building?.closes_at.slice(0, 5) ?? "19:00",
  });
  const zones = useMemo(() => [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC"])], []);
  const { values, wrong, set } = draft;
  return (
    <FormDialog
      title={t(building ? "editBuilding" : "newBuilding")}
      draft={draft}
      check={({ name, opens_at, closes_at }) => {
        const [opens, closes] = [minutesIn(opens_at), minutesIn(closes_at)];
        return {
          name: name.trim() ? "" : say("required"),
          opens_at: opens === undefined ? say("required") : "",
          closes_at:
            closes === undefined
              ? say("required")
              : opens !== undefined && closes <= opens
                ? say("server.closing")
                : "",
        };
      }}
      save={async (now) => {
        const body = {
          ...now,
          opens_at: timeIn(minutesIn(now.opens_at) ?? 0),
          closes_at: timeIn(minutesIn(now.closes_at) ?? 0),
        };
        await take(
          building
            ? api.directory.PATCH("/api/locations/{location_id}/", {
                params: { path: { location_id: String(building.id) } },
                body,
              })
            : api.directory.POST("/api/locations/", { body }),
        );
        toast("good", say("saved"));
        close();
        await Promise.all([
          cache.invalidateQueries({ queryKey: ["buildings"] }),
          cache.invalidateQueries({ queryKey: ["rooms"] }),
        ]);
      }}
      close={close}
    >
      <TextInput
        label={t("name")}
        value={values.name}
        error={wrong.name}
        maxLength={200}
        dir="auto"
        data-autofocus
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <Fields>
        <TimeInput
          label={t("opensAt")}
          value={values.opens_at}
          error={wrong.opens_at}
          onChange={(opens_at) => set({ opens_at })}
        />
        <TimeInput
          label={t("closesAt")}
          value={values.closes_at}
          error={wrong.closes_at}
          onChange={(closes_at) => set({ closes_at })}
        />
      </Fields>
      <Select
        label={t("zone")}
        data={zones}
        value={values.timezone}
        error={wrong.timezone}
        searchable
        limit={50}
        allowDeselect={false}
        onChange={(zone) => set({ timezone: zone ?? values.timezone })}
      />
    </FormDialog>
  );
}
