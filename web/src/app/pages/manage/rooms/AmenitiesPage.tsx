import { TextInput } from "@mantine/core";
import { api, take } from "../../../api";
import { FormDialog } from "../parts/Dialog";
import { useDraft } from "../parts/form";
import { type EditorProps, KeptPage } from "../parts/KeptPage";
import { usePartsText } from "../parts/texts";
import type { Amenity } from "./data";
import { RoomSections } from "./RoomSections";
import { useRoomsText } from "./texts";

export default function AmenitiesPage() {
  const t = useRoomsText();
  return (
    <KeptPage<Amenity>
      kind="amenities"
      beside={["rooms"]}
      title={t("amenities")}
      about={t("amenitiesAbout")}
      create={t("newAmenity")}
      icon="seats"
      empty={t("noAmenities")}
      deleteFollows={t("deleteFollows")}
      list={(query, signal) =>
        take(api.directory.GET("/api/amenities/", { params: { query }, signal }))
      }
      remove={(amenity_id) =>
        take(
          api.directory.DELETE("/api/amenities/{amenity_id}/", {
            params: { path: { amenity_id } },
          }),
        )
      }
      nameOf={({ name }) => name}
      columns={[{ name: t("name"), cell: ({ name }) => <bdi>{name}</bdi> }]}
      editor={(props) => <AmenityEditor {...props} />}
    >
      <RoomSections />
    </KeptPage>
  );
}

function AmenityEditor({ row: amenity, done, close }: EditorProps<Amenity>) {
  const t = useRoomsText();
  const say = usePartsText();
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
        await done();
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
