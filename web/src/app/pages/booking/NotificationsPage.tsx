import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../api";
import { useErrorWords } from "../../errors";
import { HERE, useFormats } from "../../formats";
import {
  type Notification,
  useEveryNotification,
  useNotificationWords,
  useUnread,
} from "../../notifications";
import { Icon } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message, Older } from "../../ui/states";
import { toast } from "../../ui/toast";
import styles from "./booking.module.css";
import { useBookingText } from "./texts";

export default function NotificationsPage() {
  const t = useBookingText();
  const query = useEveryNotification();
  const unread = useUnread();
  const cache = useQueryClient();
  const words = useErrorWords();
  const read = useMutation({
    mutationFn: (id: string | undefined) =>
      id === undefined
        ? take(api.university.POST("/api/notifications/read-all"))
        : take(
            api.university.POST("/api/notifications/{notification_id}/read", {
              params: { path: { notification_id: id } },
            }),
          ),
    onError: (error) => toast("bad", words(error)),
    onSettled: () => cache.invalidateQueries({ queryKey: ["notifications"] }),
  });
  return (
    <>
      <PageHeader title={t("notifications.title")} description={t("notifications.description")}>
        <Button variant="default" disabled={unread === 0} onClick={() => read.mutate(undefined)}>
          {t("notifications.readAll")}
        </Button>
      </PageHeader>
      <Loaded query={query}>
        {(notifications) =>
          notifications.length === 0 ? (
            <Message icon="bell" title={t("notifications.none")} />
          ) : (
            <>
              <ul className={styles.list}>
                {notifications.map((one) => (
                  <Entry key={one.id} one={one} read={() => read.mutate(one.id)} />
                ))}
              </ul>
              <Older query={query} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

function Entry({ one, read }: { one: Notification; read: () => void }) {
  const t = useBookingText();
  const formats = useFormats();
  const words = useNotificationWords();
  const said = words(one);
  return (
    <li className={styles.notification} data-unread={!one.read || undefined}>
      <div>
        <strong>
          {said.title}
          {!one.read && <span className={styles.new}>{t("notifications.unread")}</span>}
        </strong>
        {said.text && <p>{said.text}</p>}
        {said.reason && <p>{t("notifications.reason", { reason: said.reason })}</p>}
        <time dateTime={one.createdAt}>{formats.dateTime(Date.parse(one.createdAt), HERE)}</time>
      </div>
      {!one.read && (
        <Button
          size="xs"
          variant="subtle"
          onClick={read}
          leftSection={<Icon name="check" size={16} />}
          aria-label={`${t("notifications.markRead")}: ${said.title}`}
        >
          {t("notifications.markRead")}
        </Button>
      )}
    </li>
  );
}
