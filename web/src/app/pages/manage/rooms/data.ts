import { useQuery } from "@tanstack/react-query";
import type { components } from "../../../../shared/contracts/directory";
import { allParts, api, take } from "../../../api";

export type Room = components["schemas"]["RoomView"];
export type Building = components["schemas"]["WholeLocation"];
export type Amenity = components["schemas"]["NamedView"];

export function useBuildings() {
  return useQuery({
    queryKey: ["buildings", "all"],
    queryFn: ({ signal }) =>
      allParts((part) =>
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
      allParts((query) =>
        take(api.directory.GET("/api/amenities/", { params: { query }, signal })),
      ),
    staleTime: 60_000,
  });
}
