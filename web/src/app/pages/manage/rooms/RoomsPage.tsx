import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "../../../api";
import { useErrorWords } from "../../../errors";
import { useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Confirm } from "../parts/Dialog";
import {
  Badge,
  type Column,
  List,
  partOptions,
  RowButton,
  RowButtons,
  SearchField,
  Toolbar,
} from "../parts/List";
import { ROWS, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { type Room, useBuildings } from "./data";
import { RoomEditor } from "./RoomEditor";
import { RoomSections } from "./RoomSections";
import { useRoomsText } from "./texts";
import { useWindowWords } from "./words";

const SHOWN_AMENITIES = 3;

export default function RoomsPage() {
  const t = useRoomsText();
  const formats = useFormats();
  const errorWords = useErrorWords();
  const windowWords = useWindowWords();
  const state = useListState();
  const cache = useQueryClient();
  const buildings = useBuildings();
  const [edited, setEdited] = useState<Room | "new">();
  const [leaving, setLeaving] = useState<Room>();
  const query = useQuery({
    queryKey: ["rooms", "list", state.search, state.page],
    queryFn: async ({ signal }) => {
      const { results, count } = await take(
        api.directory.GET("/api/rooms/", {
          params: {
            query: {
              ...(state.search && { search: state.search }),
              ordering: ["name"],
              limit: String(ROWS),
              offset: String((state.page - 1) * ROWS),
            },
          },
          signal,
        }),
      );
      return { rows: results, count };
    },
    ...partOptions,
  });
  const activate = useMutation({
    mutationFn: ({ room, is_active }: { room: Room; is_active: boolean }) =>
      take(
        api.directory.PATCH("/api/rooms/{room_id}/", {
          params: { path: { room_id: String(room.id) } },
          body: { is_active },
        }),
      ),
    onSuccess: (room) => {
      toast("good", t(room.is_active ? "activated" : "deactivated", { name: room.name }));
      return cache.invalidateQueries({ queryKey: ["rooms"] });
    },
  });
  const zoneOf = (room: Room) =>
    buildings.data?.find(({ id }) => id === room.location.id)?.timezone ?? "UTC";

  const columns: Column<Room>[] = [
    { name: t("name"), cell: (room) => <bdi>{room.name}</bdi> },
    { name: t("building"), cell: (room) => <bdi>{room.location.name}</bdi> },
    { name: t("capacity"), isNumber: true, cell: (room) => formats.number(room.capacity) },
    {
      name: t("amenities"),
      isMinor: true,
      cell: ({ amenities }) => (
        <span className={parts.badges}>
          {amenities.slice(0, SHOWN_AMENITIES).map(({ id, name }) => (
            <Badge key={id}>
              <bdi>{name}</bdi>
            </Badge>
          ))}
          {amenities.length > SHOWN_AMENITIES && (
            <Badge>{t("more", { count: amenities.length - SHOWN_AMENITIES })}</Badge>
          )}
          {amenities.length === 0 && "–"}
        </span>
      ),
    },
    {
      name: t("open"),
      isMinor: true,
      cell: (room) =>
        windowWords(
          room,
          zoneOf(room),
          buildings.data?.find(({ id }) => id === room.location.id),
        ),
    },
    {
      name: t("state"),
      cell: (room) => (
        <Badge tone={room.is_active ? "good" : "plain"}>
          {t(room.is_active ? "active" : "inactive")}
        </Badge>
      ),
    },
    {
      name: "",
      cell: (room) => (
        <RowButtons>
          <RowButton
            icon="edit"
            label={t("editOf", { name: room.name })}
            onClick={() => setEdited(room)}
          />
          {room.is_active ? (
            <RowButton
              icon="minus"
              label={t("deactivateOf", { name: room.name })}
              isDanger
              onClick={() => setLeaving(room)}
            />
          ) : (
            <RowButton
              icon="check"
              label={t("activateOf", { name: room.name })}
              onClick={() =>
                activate.mutate(
                  { room, is_active: true },
                  { onError: (error) => toast("bad", errorWords(error)) },
                )
              }
            />
          )}
        </RowButtons>
      ),
    },
  ];
  const make = (
    <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setEdited("new")}>
      {t("newRoom")}
    </Button>
  );

  return (
    <>
      <PageHeader title={t("rooms")} description={t("roomsAbout")}>
        {make}
      </PageHeader>
      <RoomSections />
      <Toolbar>
        <SearchField state={state} label={t("search")} />
      </Toolbar>
      <List
        label={t("rooms")}
        query={query}
        state={state}
        rowKey={(room) => room.id}
        columns={columns}
        isFaded={(room) => !room.is_active}
        icon="rooms"
        empty={t("noRooms")}
      />
      {edited !== undefined && (
        <RoomEditor
          room={edited === "new" ? undefined : edited}
          close={() => setEdited(undefined)}
        />
      )}
      {leaving && (
        <Confirm
          title={t("deactivateTitle", { name: leaving.name })}
          action={t("deactivate")}
          act={async () => {
            await activate.mutateAsync({ room: leaving, is_active: false });
            setLeaving(undefined);
          }}
          close={() => setLeaving(undefined)}
        >
          <p>{t("deactivateFollows")}</p>
        </Confirm>
      )}
    </>
  );
}
