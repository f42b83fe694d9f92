import { notifyManager, QueryClient } from "@tanstack/react-query";
import { ApiError } from "./api";
import { watchLink } from "./link";

/** What was asked of the API, kept while it is shown and asked anew when it may have changed. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      gcTime: 10 * 60_000,
      // What got no answer was sent again already; what was refused stays so.
      retry: (count, error) => error instanceof ApiError && error.status >= 500 && count < 2,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

// Within the event that changed something: what is dropped is not drawn where it was before.
notifyManager.setScheduler(queueMicrotask);

watchLink((link) => {
  if (link.isUp) void queries.invalidateQueries();
});
