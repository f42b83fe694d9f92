import type { Camera, Room } from "./data";
import { type Condition, conditionOf, worstOf } from "./health";
import type { Count, Live } from "./stream";

export const KINDS = ["building", "room", "camera"] as const;
export type Kind = (typeof KINDS)[number];

/** Where people are counted: a camera's view, a room by all its doors, or a building. */
export interface Place {
  key: string;
  kind: Kind;
  /** Empty: what has no building. */
  name: string;
  where: string;
  /** Not heard of yet if there is none. */
  count: Count | undefined;
  /** Since its cameras were set up. */
  entries: number;
  exits: number;
  /** How many people there may be, if anybody has said so. */
  limit: number | undefined;
  cameras: readonly Camera[];
  condition: Condition;
}

export type Places = Record<Kind, readonly Place[]>;

/** What is counted in places, by cameras in use; each kind by name. */
export function placesOf(
  equipment: readonly Camera[],
  rooms: ReadonlyMap<number, Room>,
  live: Live,
): Places {
  const active = equipment.filter((camera) => camera.is_active);
  const cameras = active.map((camera) => {
    const room = camera.room_id === null ? undefined : rooms.get(camera.room_id);
    return placeOf("camera", `camera-${camera.id}`, camera.camera_name, [camera], live, {
      where: [room?.name, buildingOf(camera, room)].filter(Boolean).join(" · "),
      count: live.cameras.get(camera.id),
      limit: camera.max_occupancy ?? undefined,
    });
  });

  const areas: (Place & { building: string })[] = [];
  const byRoom = Map.groupBy(active, (camera) => camera.room_id);
  for (const [id, doors] of byRoom) {
    if (id === null) continue;
    const room = rooms.get(id);
    const [first] = doors;
    const building = first ? buildingOf(first, room) : "";
    const limits = doors.map((door) => door.max_occupancy ?? 0);
    const place = placeOf("room", `room-${id}`, room?.name ?? `${id}`, doors, live, {
      where: building,
      count: live.rooms.get(id),
      limit: Math.max(...limits) || room?.capacity,
    });
    areas.push({ ...place, building });
  }
  // What is watched by a camera that is at no room's door is a place of its own.
  for (const place of cameras) {
    const [camera] = place.cameras;
    if (camera?.room_id !== null) continue;
    areas.push({ ...place, kind: "room", building: buildingOf(camera, undefined) });
  }

  const buildings = [...Map.groupBy(areas, (area) => area.building)].map(([name, inside]) => {
    const counts = inside.flatMap(({ count }) => count ?? []);
    const limits = inside.map(({ limit }) => limit);
    const doors = inside.flatMap((area) => area.cameras);
    return placeOf("building", `building-${name}`, name, doors, live, {
      where: "",
      count: counts.length === 0 ? undefined : sumOf(counts),
      limit: limits.some((limit) => limit === undefined)
        ? undefined
        : limits.reduce<number>((sum, limit) => sum + (limit ?? 0), 0),
    });
  });
  return { building: byName(buildings), room: byName(areas), camera: byName(cameras) };
}

function placeOf(
  kind: Kind,
  key: string,
  name: string,
  cameras: readonly Camera[],
  live: Live,
  more: Pick<Place, "where" | "count" | "limit">,
): Place {
  const sum = (what: "entries" | "exits") =>
    cameras.reduce((total, { id }) => total + (live.cameras.get(id)?.[what] ?? 0), 0);
  return {
    kind,
    key,
    name,
    cameras,
    entries: sum("entries"),
    exits: sum("exits"),
    condition: worstOf(cameras.map(conditionOf)),
    ...more,
  };
}

export function buildingOf(camera: Camera, room: Room | undefined): string {
  return room?.building ?? camera.location ?? "";
}

/** Adds counts of places that share nobody. */
export function sumOf(counts: readonly Count[]): Count {
  const sum = (name: "people" | "low" | "high") =>
    counts.reduce((total, count) => total + count[name], 0);
  return {
    people: sum("people"),
    low: sum("low"),
    high: sum("high"),
    changedAt: Math.max(...counts.map((count) => count.changedAt)),
  };
}

function byName<T extends Place>(places: readonly T[]): T[] {
  return places.toSorted((one, other) =>
    one.name.localeCompare(other.name, undefined, { numeric: true }),
  );
}
