import type { QueryClient } from "@tanstack/react-query";
import { allParts, api, take } from "../../../api";

/** The ids of all rooms by their names in small letters. */
export function allRooms(cache: QueryClient): Promise<Map<string, number[]>> {
  return cache
    .fetchQuery({
      queryKey: ["rooms", "names"],
      queryFn: async () => {
        const rooms = await allParts((query) =>
          take(api.directory.GET("/api/rooms/", { params: { query } })),
        );
        return Map.groupBy(rooms, ({ name }) => name.toLocaleLowerCase());
      },
      staleTime: 60_000,
    })
    .then((named) => new Map([...named].map(([name, rooms]) => [name, rooms.map(({ id }) => id)])));
}
