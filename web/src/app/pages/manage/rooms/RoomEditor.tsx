import {
  Checkbox,
  Input,
  MultiSelect,
  SegmentedControl,
  Select,
  Switch,
  TextInput,
} from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useId } from "react";
import { api, take } from "../../../api";
import { dayOf } from "../../../days";
import { HERE } from "../../../formats";
import { type Role, useUser } from "../../../session";
import { useAppText } from "../../../texts";
import { DateField } from "../../../ui/DateField";
import { Loaded } from "../../../ui/states";
import { toast } from "../../../ui/toast";
import { Dialog, Fields, FormDialog } from "../parts/Dialog";
import { CountInput, minutesIn, TimeInput } from "../parts/fields";
import { type Draft, useDraft } from "../parts/form";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { type Amenity, type Building, type Room, useAmenities, useBuildings } from "./data";
import { useRoomsText } from "./texts";
import { KINDS, type Kind, type Weekday, type Windows, windowsOf, windowsToSend } from "./windows";
import { useWeek } from "./words";

const ROLES: readonly Role[] = ["STUDENT", "FACULTY", "STAFF", "ADMIN"];

interface Access {
  isLocked: boolean;
  roles: Role[];
}

interface Values extends Windows, Access {
  name: string;
  location: string | null;
  capacity: number | "";
  amenities: string[];
  isActive: boolean;
}

interface Props {
  /** None: a new one is made. */
  room: Room | undefined;
  close: () => void;
}

/** Makes or changes a room, when all that it is written with is known. */
export function RoomEditor({ room, close }: Props) {
  const t = useRoomsText();
  const { role } = useUser();
  const buildings = useBuildings();
  const amenities = useAmenities();
  const title = t(room ? "editRoom" : "newRoom");
  const access = useQuery({
    queryKey: ["rooms", "access", room?.id],
    queryFn: async ({ signal }): Promise<Access> => {
      const path = { room_id: String(room?.id) };
      const { data } = await take(
        api.university.GET("/api/admin/rooms/{room_id}", { params: { path }, signal }),
      );
      return { isLocked: data.isLocked, roles: data.restrictedRoles ?? [] };
    },
    enabled: room !== undefined && role === "ADMIN",
    gcTime: 0,
  });
  const isReady = room === undefined || role !== "ADMIN" || access.data !== undefined;
  if (!buildings.data || !amenities.data || !isReady) {
    const waiting = [buildings, amenities, access].find((query) => query.data === undefined);
    return (
      <Dialog title={title} close={close} isWide>
        <Loaded query={waiting as typeof access}>{() => null}</Loaded>
      </Dialog>
    );
  }
  return (
    <Editor
      title={title}
      room={room}
      access={access.data ?? { isLocked: false, roles: [] }}
      buildings={buildings.data}
      amenities={amenities.data}
      close={close}
    />
  );
}

interface EditorProps extends Props {
  title: string;
  access: Access;
  buildings: Building[];
  amenities: Amenity[];
}

function Editor({ title, room, access, buildings, amenities, close }: EditorProps) {
  const t = useRoomsText();
  const say = usePartsText();
  const app = useAppText();
  const cache = useQueryClient();
  const isAdmin = useUser().role === "ADMIN";
  const zoneOf = (id: string | null) =>
    buildings.find((one) => String(one.id) === id)?.timezone ?? HERE;
  const location = room ? String(room.location.id) : null;
  const windows = windowsOf(room, zoneOf(location));
  const draft = useDraft<Values>({
    name: room?.name ?? "",
    location,
    capacity: room?.capacity ?? "",
    amenities: room?.amenities.map(({ id }) => String(id)) ?? [],
    isActive: room?.is_active ?? true,
    ...access,
    ...windows,
    // Only who may make rooms by the other contract can leave it to the building.
    kind: room || isAdmin ? windows.kind : "weekly",
  });
  const { values, wrong, set } = draft;
  const zone = zoneOf(values.location);

  const check = (now: Values) => {
    const sent = now.kind === "building" || windowsToSend(now, zone);
    const isBackwards =
      now.kind === "once" && typeof sent === "object" && sent.end_datetime <= sent.start_datetime;
    return {
      name: now.name.trim() ? "" : say("required"),
      location: now.location ? "" : t("noBuilding"),
      capacity: !now.capacity ? say("wholeNumber", { min: 1 }) : "",
      opens: minutesIn(now.opens) === undefined ? say("required") : "",
      closes: !sent ? say("required") : isBackwards ? say("endBeforeStart") : "",
      weekdays: now.kind === "weekly" && now.weekdays.length === 0 ? t("noDays") : "",
      rule:
        now.kind === "rule" && !/^FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)/.test(now.rule.trim())
          ? t("ruleWrong")
          : "",
    };
  };
  const save = async (now: Values) => {
    const own = now.kind === "building" ? undefined : windowsToSend(now, zone);
    const body = {
      name: now.name,
      location: Number(now.location),
      capacity: Number(now.capacity),
      amenities_id: now.amenities.map(Number),
      is_active: now.isActive,
    };
    let id = room?.id ?? 0;
    if (room) {
      const path = { room_id: String(id) };
      await take(
        api.directory.PATCH("/api/rooms/{room_id}/", {
          params: { path },
          body: { ...body, ...own },
        }),
      );
    } else if (own) {
      id = (await take(api.directory.POST("/api/rooms/", { body: { ...body, ...own } }))).id;
    }
    const restricted = { isLocked: now.isLocked, restrictedRoles: now.roles };
    const isSame = now.isLocked === access.isLocked && now.roles.join() === access.roles.join();
    if (room || own) {
      const path = { room_id: String(id) };
      if (!isSame) {
        await take(
          api.university.PUT("/api/admin/rooms/{room_id}", {
            params: { path },
            body: restricted,
          }),
        );
      }
    } else {
      await take(
        api.university.POST("/api/admin/rooms", {
          body: {
            name: now.name,
            building: buildings.find((one) => String(one.id) === now.location)?.name ?? "",
            capacity: Number(now.capacity),
            equipment: amenities
              .filter((one) => now.amenities.includes(String(one.id)))
              .map((one) => one.name),
            images: [],
            isActive: now.isActive,
            ...restricted,
          },
        }),
      );
    }
    toast("good", say("saved"));
    close();
    await cache.invalidateQueries({ queryKey: ["rooms"] });
  };

  return (
    <FormDialog
      title={title}
      draft={draft}
      check={check}
      save={save}
      names={{
        start_datetime: "opens",
        end_datetime: "closes",
        recurrence_rule: "rule",
        amenities_id: "amenities",
        equipment: "amenities",
        building: "location",
      }}
      close={close}
      isWide
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
        <Select
          label={t("building")}
          data={buildings.map(({ id, name }) => ({ value: String(id), label: name }))}
          value={values.location}
          error={wrong.location}
          searchable
          onChange={(chosen) => set({ location: chosen })}
        />
        <CountInput
          label={t("capacity")}
          value={values.capacity}
          error={wrong.capacity}
          onChange={(capacity) => set({ capacity })}
        />
      </Fields>
      <MultiSelect
        label={t("amenities")}
        data={amenities.map(({ id, name }) => ({ value: String(id), label: name }))}
        value={values.amenities}
        error={wrong.amenities}
        searchable
        onChange={(chosen) => set({ amenities: chosen })}
      />
      <WindowFields
        draft={draft as unknown as Draft<Windows>}
        zone={zone}
        // It stays with windows of its own once it has some.
        kinds={KINDS.filter((kind) => kind !== "building" || windows.kind === "building").filter(
          (kind) => kind !== "building" || room || isAdmin,
        )}
      />
      <Fields>
        <Switch
          label={t("active")}
          description={t("activeAbout")}
          checked={values.isActive}
          onChange={(event) => set({ isActive: event.currentTarget.checked })}
        />
        {isAdmin && (
          <Switch
            label={t("locked")}
            description={t("lockedAbout")}
            checked={values.isLocked}
            onChange={(event) => set({ isLocked: event.currentTarget.checked })}
          />
        )}
      </Fields>
      {isAdmin && (
        <Checkbox.Group
          label={t("roles")}
          description={t("rolesAbout")}
          value={values.roles}
          onChange={(chosen) => set({ roles: chosen as Role[] })}
        >
          <div className={parts.choices}>
            {ROLES.map((one) => (
              <Checkbox key={one} value={one} label={app(`roles.${one}`)} />
            ))}
          </div>
        </Checkbox.Group>
      )}
    </FormDialog>
  );
}

interface WindowProps {
  draft: Draft<Windows>;
  zone: string;
  kinds: Kind[];
}

function WindowFields({ draft, zone, kinds }: WindowProps) {
  const t = useRoomsText();
  const week = useWeek();
  const label = useId();
  const { values, wrong, set } = draft;
  const today = dayOf(Date.now(), zone);
  return (
    <fieldset className={parts.group}>
      <legend id={label}>{t("openingHours")}</legend>
      <SegmentedControl
        aria-labelledby={label}
        value={values.kind}
        data={kinds.map((kind) => ({ value: kind, label: t(`kind.${kind}`) }))}
        onChange={(kind) => set({ kind: kind as Kind })}
        className={parts.kinds ?? ""}
        withItemsBorders={false}
      />
      {values.kind === "weekly" && (
        <Checkbox.Group
          label={t("days")}
          value={values.weekdays}
          error={wrong.weekdays}
          onChange={(chosen) => set({ weekdays: chosen as Weekday[] })}
        >
          <div className={parts.choices}>
            {week.map(({ weekday, name }) => (
              <Checkbox key={weekday} value={weekday} label={name} />
            ))}
          </div>
        </Checkbox.Group>
      )}
      {values.kind === "rule" && (
        <TextInput
          label={t("rule")}
          dir="ltr"
          value={values.rule}
          error={wrong.rule}
          maxLength={500}
          onChange={(event) => set({ rule: event.currentTarget.value })}
        />
      )}
      {values.kind !== "building" && (
        <div className={parts.row}>
          <DateField
            label={t("firstDay")}
            value={values.firstDay}
            today={today}
            onChange={(firstDay) => set({ firstDay })}
          />
          <TimeInput
            label={t("from")}
            value={values.opens}
            error={wrong.opens}
            onChange={(opens) => set({ opens })}
          />
          <TimeInput
            label={t("to")}
            value={values.closes}
            error={wrong.closes}
            onChange={(closes) => set({ closes })}
          />
        </div>
      )}
      {(values.kind === "weekly" || values.kind === "once") && (
        <div className={parts.row}>
          <Checkbox
            label={t("hasEnd")}
            checked={values.lastDay !== ""}
            onChange={(event) =>
              set({ lastDay: event.currentTarget.checked ? values.firstDay : "" })
            }
          />
          {values.lastDay !== "" && (
            <DateField
              label={t("lastDay")}
              value={values.lastDay}
              today={today}
              min={values.firstDay}
              onChange={(lastDay) => set({ lastDay })}
            />
          )}
        </div>
      )}
      {wrong.kind && <Input.Error component="p">{wrong.kind}</Input.Error>}
    </fieldset>
  );
}
