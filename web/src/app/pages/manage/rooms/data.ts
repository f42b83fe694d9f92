import { useQuery } from "@tanstack/react-query";
import type { components } from "../../../../shared/contracts/directory";
import { api, take } from "../../../api";

export type Room = components["schemas"]["RoomView"];
export type Building = components["schemas"]["WholeLocation"];
export type Amenity = components["schemas"]["NamedView"];

const MOST = 100;

interface Answer<T> {
  results: T[];
  next: string | null;
}

/** Asks for part after part of a list until there is no more. */
export async function all<T>(ask: (part: { limit: string; offset: string }) => Promise<Answer<T>>) {
  const found: T[] = [];
  for (;;) {
    const { results, next } = await ask({ limit: String(MOST), offset: String(found.length) });
    found.push(...results);
    if (next === null) return found;
  }
}

export function useBuildings() {
  return useQuery({
    queryKey: ["buildings", "all"],
    queryFn: ({ signal }) =>
      all((part) =>
        take(
          api.directory.GET("/api/locations/", {
            params: { query: { ...part, whole: true } },
            signal,
          }),
        ),
      ) as Promise<Building[]>,
    staleTime: 60_000,
  });
}

export function useAmenities() {
  return useQuery({
    queryKey: ["amenities", "all"],
    queryFn: ({ signal }) =>
      all((query) => take(api.directory.GET("/api/amenities/", { params: { query }, signal }))),
    staleTime: 60_000,
  });
}
