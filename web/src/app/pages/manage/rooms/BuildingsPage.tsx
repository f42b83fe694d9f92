import { Select, TextInput } from "@mantine/core";
import { useMemo } from "react";
import { api, take } from "../../../api";
import { HERE, useFormats } from "../../../formats";
import { Fields, FormDialog } from "../parts/Dialog";
import { minutesIn, TimeInput, timeIn } from "../parts/fields";
import { useDraft } from "../parts/form";
import { type EditorProps, KeptPage } from "../parts/KeptPage";
import { usePartsText } from "../parts/texts";
import type { Building } from "./data";
import { RoomSections } from "./RoomSections";
import { useRoomsText } from "./texts";

export default function BuildingsPage() {
  const t = useRoomsText();
  const formats = useFormats();
  const clock = (time: string) => formats.clock(minutesIn(time.slice(0, 5)) ?? 0);
  return (
    <KeptPage<Building>
      kind="buildings"
      beside={["rooms"]}
      title={t("buildings")}
      about={t("buildingsAbout")}
      create={t("newBuilding")}
      icon="building"
      empty={t("noBuildings")}
      deleteFollows={t("deleteFollows")}
      list={async (part, signal) => {
        const query = { ...part, whole: true };
        const found = await take(
          api.directory.GET("/api/locations/", { params: { query }, signal }),
        );
        return { ...found, results: found.results as Building[] };
      }}
      remove={(location_id) =>
        take(
          api.directory.DELETE("/api/locations/{location_id}/", {
            params: { path: { location_id } },
          }),
        )
      }
      nameOf={({ name }) => name}
      columns={[
        { name: t("name"), cell: ({ name }) => <bdi>{name}</bdi> },
        { name: t("hours"), cell: (one) => `${clock(one.opens_at)} – ${clock(one.closes_at)}` },
        { name: t("zone"), cell: ({ timezone }) => <bdi dir="ltr">{timezone}</bdi> },
      ]}
      editor={(props) => <BuildingEditor {...props} />}
    >
      <RoomSections />
    </KeptPage>
  );
}

function BuildingEditor({ row: building, done, close }: EditorProps<Building>) {
  const t = useRoomsText();
  const say = usePartsText();
  const draft = useDraft({
    name: building?.name ?? "",
    timezone: building?.timezone ?? HERE,
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
        await done();
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
