import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { components } from "../shared/contracts/university";
import { api, take } from "./api";
import { useFormats } from "./formats";
import { useAppText } from "./texts";
import { toast } from "./ui/toast";

export type Notification = components["schemas"]["NotificationView"];

/** How often it is looked whether there are new ones, in milliseconds. */
const LOOK_EVERY_MS = 4000;

/** The newest notifications, looked for every few seconds while the page is in front. */
export function useNotifications() {
  return useQuery({
    queryKey: ["notifications"],
    queryFn: async ({ signal }) =>
      (
        await take(
          api.university.GET("/api/notifications", { params: { query: { limit: "50" } }, signal }),
        )
      ).data,
    refetchInterval: LOOK_EVERY_MS,
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
  const known = useRef<Set<string>>(undefined);
  useEffect(() => {
    if (data === undefined) return;
    const isFirst = known.current === undefined;
    const before = known.current ?? new Set();
    const fresh = data.notifications.filter((one) => !one.read && !before.has(one.id));
    known.current = new Set(data.notifications.map((one) => one.id));
    if (isFirst) return;
    for (const one of fresh.slice(0, 3)) {
      const said = words(one);
      const kind = /REJECTED|OVERRIDDEN|RELEASED|CANCELLED/.test(one.type) ? "info" : "good";
      toast(kind, said.text, said.title);
    }
  }, [data, words]);
}
