import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { components } from "../shared/contracts/university";
import { api, distinct, take } from "./api";
import { useFormats } from "./formats";
import { useAppText } from "./texts";
import { toast } from "./ui/toast";

export type Notification = components["schemas"]["NotificationView"];

const KEY = ["notifications"];
/** How often it is looked whether there are new ones, in milliseconds. */
const LOOK_EVERY_MS = 4000;
/** How many are told at once. */
const NEWEST = 50;

/** The newest notifications, looked for every few seconds while the page is in front. */
export function useNotifications() {
  return useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => {
      const query = { limit: `${NEWEST}` };
      return (await take(api.university.GET("/api/notifications", { params: { query }, signal })))
        .data;
    },
    refetchInterval: LOOK_EVERY_MS,
  });
}

/** All notifications, the newest first, part after part; asked for anew when there is a new one. */
export function useEveryNotification() {
  return useInfiniteQuery({
    queryKey: [...KEY, "every"],
    initialPageParam: 1,
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: `${NEWEST}`, page: `${pageParam}` };
      return (await take(api.university.GET("/api/notifications", { params: { query }, signal })))
        .data;
    },
    getNextPageParam: ({ pagination: { total } }, pages) =>
      pages.length * NEWEST < total ? pages.length + 1 : undefined,
    select: ({ pages }) => distinct(pages.flatMap(({ notifications }) => notifications)),
  });
}

export function useUnread(): number {
  return useNotifications().data?.unreadCount ?? 0;
}

/** Words notifications in the language of the page. */
export function useNotificationWords() {
  const t = useAppText();
  const formats = useFormats();
  return ({ type, title, metadata }: Notification) => {
    const kind = `told.${type}` as "told.REQUEST_APPROVED";
    const known = t(kind);
    const { roomName, startAt, endAt, timezone, reason } = metadata as Record<string, string>;
    const zone = timezone ?? "UTC";
    const when =
      startAt && endAt
        ? `${formats.date(Date.parse(startAt), zone, "short")} · ${formats.range(Date.parse(startAt), Date.parse(endAt), zone)}`
        : "";
    return {
      title: known === kind ? title : known,
      text: [roomName, when].filter(Boolean).join(" · "),
      reason: reason ?? undefined,
    };
  };
}

/** Says new notifications on whichever page is open. */
export function useNotificationToasts(): void {
  const { data } = useNotifications();
  const words = useNotificationWords();
  const cache = useQueryClient();
  const known = useRef<Set<string>>(undefined);
  useEffect(() => {
    if (data === undefined) return;
    const isFirst = known.current === undefined;
    const before = known.current ?? new Set();
    const fresh = data.notifications.filter((one) => !one.read && !before.has(one.id));
    known.current = new Set(data.notifications.map((one) => one.id));
    if (isFirst || fresh.length === 0) return;
    void cache.invalidateQueries({ queryKey: [...KEY, "every"] });
    for (const one of fresh.slice(0, 3)) {
      const said = words(one);
      const kind = /REJECTED|OVERRIDDEN|RELEASED|CANCELLED/.test(one.type) ? "info" : "good";
      toast(kind, said.text, said.title);
    }
  }, [data, words, cache]);
}
