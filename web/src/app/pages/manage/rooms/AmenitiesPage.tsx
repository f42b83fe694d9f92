import { Button, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../../api";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Confirm, FormDialog } from "../parts/Dialog";
import { useDraft } from "../parts/form";
import { type Column, List, partOptions, RowButton, RowButtons } from "../parts/List";
import { ROWS, useListState } from "../parts/list";
import { usePartsText } from "../parts/texts";
import type { Amenity } from "./data";
import { RoomSections } from "./RoomSections";
import { useRoomsText } from "./texts";

export default function AmenitiesPage() {
  const t = useRoomsText();
  const say = usePartsText();
  const state = useListState();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Amenity | "new">();
  const [leaving, setLeaving] = useState<Amenity>();
  const query = useQuery({
    queryKey: ["amenities", "list", state.page],
    queryFn: async ({ signal }) => {
      const part = { limit: String(ROWS), offset: String((state.page - 1) * ROWS) };
      const { results, count } = await take(
        api.directory.GET("/api/amenities/", { params: { query: part }, signal }),
      );
      return { rows: results, count };
    },
    ...partOptions,
  });
  const columns: Column<Amenity>[] = [
    { name: t("name"), cell: ({ name }) => <bdi>{name}</bdi> },
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
      <PageHeader title={t("amenities")} description={t("amenitiesAbout")}>
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setEdited("new")}>
          {t("newAmenity")}
        </Button>
      </PageHeader>
      <RoomSections />
      <List
        label={t("amenities")}
        query={query}
        state={state}
        rowKey={({ id }) => id}
        columns={columns}
        icon="seats"
        empty={t("noAmenities")}
      />
      {edited !== undefined && (
        <AmenityEditor
          amenity={edited === "new" ? undefined : edited}
          close={() => setEdited(undefined)}
        />
      )}
      {leaving && (
        <Confirm
          title={t("deleteTitle", { name: leaving.name })}
          action={say("delete")}
          act={async () => {
            const path = { amenity_id: String(leaving.id) };
            await take(api.directory.DELETE("/api/amenities/{amenity_id}/", { params: { path } }));
            toast("good", say("deleted"));
            setLeaving(undefined);
            await cache.invalidateQueries({ queryKey: ["amenities"] });
          }}
          close={() => setLeaving(undefined)}
        >
          <p>{t("deleteFollows")}</p>
        </Confirm>
      )}
    </>
  );
}

function AmenityEditor({ amenity, close }: { amenity: Amenity | undefined; close: () => void }) {
  const t = useRoomsText();
  const say = usePartsText();
  const cache = useQueryClient();
  const draft = useDraft({ name: amenity?.name ?? "" });
  return (
    <FormDialog
      title={t(amenity ? "editAmenity" : "newAmenity")}
      draft={draft}
      check={({ name }) => ({ name: name.trim() ? "" : say("required") })}
      save={async (body) => {
        await take(
          amenity
            ? api.directory.PATCH("/api/amenities/{amenity_id}/", {
                params: { path: { amenity_id: String(amenity.id) } },
                body,
              })
            : api.directory.POST("/api/amenities/", { body }),
        );
        toast("good", say("saved"));
        close();
        await Promise.all([
          cache.invalidateQueries({ queryKey: ["amenities"] }),
          cache.invalidateQueries({ queryKey: ["rooms"] }),
        ]);
      }}
      close={close}
    >
      <TextInput
        label={t("name")}
        value={draft.values.name}
        error={draft.wrong.name}
        maxLength={200}
        dir="auto"
        data-autofocus
        onChange={(event) => draft.set({ name: event.currentTarget.value })}
      />
    </FormDialog>
  );
}
