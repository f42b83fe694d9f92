import { ActionIcon, Button, CopyButton, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take } from "../../api";
import { useErrorWords } from "../../errors";
import { HERE, useFormats } from "../../formats";
import { Icon } from "../../ui/icons";
import { toast } from "../../ui/toast";
import styles from "./booking.module.css";
import { useBookingText } from "./texts";

/** A secret address under which a calendar program finds one's bookings; shown once. */
export function CalendarLink() {
  const t = useBookingText();
  const formats = useFormats();
  const words = useErrorWords();
  const cache = useQueryClient();
  const feeds = useQuery({
    queryKey: ["feeds"],
    queryFn: async ({ signal }) =>
      (await take(api.circleTime.GET("/api/feeds", { signal }))).data.filter(
        ({ scope }) => scope === "mine",
      ),
  });
  const onSettled = () => cache.invalidateQueries({ queryKey: ["feeds"] });
  const onError = (error: unknown) => toast("bad", words(error));
  const make = useMutation({
    mutationFn: async () => (await take(api.circleTime.POST("/api/feeds", { body: {} }))).data,
    onSettled,
    onError,
  });
  const revoke = useMutation({
    mutationFn: (id: string) =>
      take(api.circleTime.DELETE("/api/feeds/{feed_id}", { params: { path: { feed_id: id } } })),
    onSettled,
    onError,
  });
  const url = make.data?.url;
  return (
    <section className={styles.feed} aria-labelledby="feed">
      <div>
        <h2 id="feed">{t("feed.title")}</h2>
        <p>{t("feed.text")}</p>
      </div>
      {url ? (
        <div className={styles.secret} role="status">
          <TextInput
            label={t("feed.address")}
            description={t("feed.once")}
            readOnly
            dir="ltr"
            value={url}
            onFocus={(event) => event.currentTarget.select()}
          />
          <CopyButton value={url}>
            {({ copied, copy }) => (
              <Button
                variant="light"
                onClick={copy}
                leftSection={<Icon name={copied ? "check" : "copy"} size={16} />}
              >
                {t(copied ? "feed.copied" : "feed.copy")}
              </Button>
            )}
          </CopyButton>
        </div>
      ) : (
        <Button
          variant="light"
          loading={make.isPending}
          leftSection={<Icon name="link" size={16} />}
          onClick={() => make.mutate()}
        >
          {t("feed.make")}
        </Button>
      )}
      {feeds.data !== undefined && feeds.data.length > 0 && (
        <ul className={styles.tags} aria-label={t("feed.list")}>
          {feeds.data.map(({ id, createdAt }) => {
            const since = formats.date(Date.parse(createdAt), HERE);
            return (
              <li key={id}>
                {t("feed.since", { date: since })}
                <ActionIcon
                  size="sm"
                  variant="subtle"
                  color="red"
                  aria-label={`${t("feed.revoke")}: ${since}`}
                  onClick={() => revoke.mutate(id)}
                >
                  <Icon name="close" size={14} />
                </ActionIcon>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
