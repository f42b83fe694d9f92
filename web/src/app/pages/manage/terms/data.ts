import { useQuery } from "@tanstack/react-query";
import type { components } from "../../../../shared/contracts/directory";
import { api, take } from "../../../api";

export type Term = components["schemas"]["TermView"];
export type Allocation = components["schemas"]["AllocationView"];
export type Difference = components["schemas"]["DifferenceView"];

export function useTerm(id: string) {
  return useQuery({
    queryKey: ["terms", "one", id],
    queryFn: ({ signal }) =>
      take(
        api.directory.GET("/api/terms/{term_id}/", { params: { path: { term_id: id } }, signal }),
      ),
  });
}
