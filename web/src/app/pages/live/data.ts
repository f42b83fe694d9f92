import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { components } from "../../../shared/contracts/occupancy";
import { allParts, api, take } from "../../api";

type Schemas = components["schemas"];
export type Camera = Schemas["Equipment"];
export type Line = Schemas["EquipmentLine"];
export type Report = Schemas["ReportingEdge"];
export type Alert = Schemas["AlertView"];
export type CameraChange = Partial<Schemas["CameraBody"]>;
export type LineBody = Required<Schemas["LineBody"]>;

export interface Room {
  id: number;
  name: string;
  building: string;
  capacity: number;
}

/** Edges report every ten seconds. */
const EQUIPMENT_EVERY_MS = 5000;
const ALERTS_EVERY_MS = 4000;
const ROOMS_EVERY_MS = 5 * 60_000;
const KEY = "occupancy";

/** Every camera, also those out of use, with its lines and what edges say of it; by name. */
export function useCameras() {
  return useQuery({
    queryKey: [KEY, "equipment"],
    queryFn: async ({ signal }) => take(api.occupancy.GET("/api/occupancy/equipment", { signal })),
    refetchInterval: EQUIPMENT_EVERY_MS,
  });
}

/** What is not resolved, the newest first. */
export function useAlerts() {
  return useQuery({
    queryKey: [KEY, "alerts"],
    queryFn: async ({ signal }) => {
      const found = await take(api.occupancy.GET("/api/occupancy/alerts", { signal }));
      return found.toSorted((one, other) => other.timestamp.localeCompare(one.timestamp));
    },
    refetchInterval: ALERTS_EVERY_MS,
  });
}

/** Every room by its integer id, which cameras know it by. */
export function useRooms() {
  return useQuery({
    queryKey: ["directory", "rooms"],
    queryFn: async ({ signal }) => {
      const found = await allParts((query) =>
        take(api.directory.GET("/api/rooms/", { params: { query }, signal })),
      );
      return new Map(
        found.map(({ id, name, location: { name: building }, capacity }): [number, Room] => [
          id,
          { id, name, building, capacity },
        ]),
      );
    },
    staleTime: ROOMS_EVERY_MS,
    refetchInterval: ROOMS_EVERY_MS,
  });
}

/** A change, after which all that is known of cameras is asked anew before it is said to be done. */
function useChange<T, R>(change: (what: T) => Promise<R>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => client.invalidateQueries({ queryKey: [KEY] }),
  });
}

/** Makes a camera, or changes parts of one; returns its id. */
export function useSaveCamera() {
  return useChange(async ({ id, body }: { id: number | undefined; body: CameraChange }) => {
    if (id === undefined) {
      const made = body as Schemas["CameraBody"];
      return (await take(api.occupancy.POST("/api/occupancy/cameras", { body: made }))).id;
    }
    const params = { path: { camera_id: id } };
    const part = body as Schemas["CameraPart"];
    await take(api.occupancy.PUT("/api/occupancy/cameras/{camera_id}", { params, body: part }));
    return id;
  });
}

/** Makes a line, or changes it; a camera without a size gets the one that the line was drawn in. */
export function useSaveLine() {
  return useChange(
    async ({ id, body, size }: { id: number | undefined; body: LineBody; size?: Size }) => {
      if (size !== undefined) {
        await take(
          api.occupancy.PUT("/api/occupancy/cameras/{camera_id}", {
            params: { path: { camera_id: body.camera_id } },
            body: {
              resolution_width: size.width,
              resolution_height: size.height,
            } as Schemas["CameraPart"],
          }),
        );
      }
      if (id === undefined) {
        return (await take(api.occupancy.POST("/api/occupancy/lines", { body }))).id;
      }
      const { camera_id: _, ...part } = body;
      const params = { path: { line_id: id } };
      await take(api.occupancy.PUT("/api/occupancy/lines/{line_id}", { params, body: part }));
      return id;
    },
  );
}

export function useHeadcount() {
  return useChange(({ id, people, notes }: { id: number; people: number; notes: string | null }) =>
    take(
      api.occupancy.POST("/api/occupancy/cameras/{camera_id}/calibrate", {
        params: { path: { camera_id: id } },
        body: { occupancy_value: people, notes },
      }),
    ),
  );
}

export function useAcknowledge() {
  return useChange((id: number) =>
    take(
      api.occupancy.PUT("/api/occupancy/alerts/{alert_id}/resolve", {
        params: { path: { alert_id: id } },
      }),
    ),
  );
}

export interface Size {
  width: number;
  height: number;
}

/** A picture in memory, at a URL that has to be revoked; lines are in pixels of its size. */
export interface Picture extends Size {
  url: string;
  takenAt: number;
}

/** Asks the camera's edge for a picture; nothing keeps it but whoever has its URL. */
export async function askForPicture(cameraId: number): Promise<Picture> {
  const asked = api.occupancy.POST("/api/occupancy/cameras/{camera_id}/snapshot", {
    params: { path: { camera_id: cameraId } },
    parseAs: "blob",
  });
  const blob = await take(asked);
  const { headers } = (await asked).response;
  return {
    url: URL.createObjectURL(blob),
    width: Number(headers.get("x-lines-width")),
    height: Number(headers.get("x-lines-height")),
    takenAt: Date.now(),
  };
}
