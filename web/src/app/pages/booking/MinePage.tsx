import { Button, Tabs } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link, useSearchParams } from "wouter";
import type { components } from "../../../shared/contracts/university";
import { allPages, api, distinct, take } from "../../api";
import { HERE, useFormats } from "../../formats";
import { useUser } from "../../session";
import { Icon } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Loaded, Message, Older } from "../../ui/states";
import { toast } from "../../ui/toast";
import { BookingDialog, type Draft } from "./BookingDialog";
import styles from "./booking.module.css";
import { CalendarLink } from "./CalendarLink";
import { CancelDialog } from "./CancelDialog";
import { useRefusalWords } from "./refusals";
import { iso, useCheckIn, useEnd, useWithdraw } from "./save";
import { useBookingText } from "./texts";
import { useNow } from "./useNow";

type Mine = components["schemas"]["BookingView"];
type Request = components["schemas"]["RequestView"];

const LOOK_EVERY_MS = 10_000;
const PAST_EVERY_MS = 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** How far back the past is shown at once. */
const PAST_DAYS = 90;
const REQUESTS = 50;
const TABS = ["coming", "requests", "past"] as const;

/** One's own bookings that end after a time, and begin before another; ascending. */
function askMine(range: { from: string; to?: string }, signal: AbortSignal): Promise<Mine[]> {
  return allPages((part) => {
    const query = { ...part, mine: "true", ...range };
    return take(api.university.GET("/api/bookings", { params: { query }, signal }));
  });
}

function useComing() {
  return useQuery({
    queryKey: ["mine", "coming"],
    queryFn: ({ signal }) => askMine({ from: iso(Date.now()) }, signal),
    refetchInterval: LOOK_EVERY_MS,
  });
}

/** What began before now, the newest first; three months, and three more each time. */
function usePast() {
  return useInfiniteQuery({
    queryKey: ["mine", "past"],
    initialPageParam: 0,
    queryFn: async ({ pageParam, signal }) => {
      const to = Date.now() - pageParam * PAST_DAYS * DAY_MS;
      const from = to - PAST_DAYS * DAY_MS;
      return { from, found: await askMine({ from: iso(from), to: iso(to) }, signal) };
    },
    getNextPageParam: (_, pages) => pages.length,
    select: ({ pages }) => ({
      found: distinct(pages.flatMap(({ found }) => found.toReversed())),
      from: pages.at(-1)?.from ?? Date.now(),
    }),
    refetchInterval: PAST_EVERY_MS,
  });
}

/** One's own requests, the newest first. */
function useRequests() {
  return useInfiniteQuery({
    queryKey: ["requests", "mine"],
    initialPageParam: 1,
    queryFn: async ({ pageParam, signal }) => {
      const query = { mine: "true", limit: `${REQUESTS}`, page: `${pageParam}` };
      return (await take(api.university.GET("/api/requests", { params: { query }, signal }))).data;
    },
    getNextPageParam: ({ pagination: { total } }, pages) =>
      pages.length * REQUESTS < total ? pages.length + 1 : undefined,
    select: ({ pages }) => distinct(pages.flatMap(({ data }) => data)),
    refetchInterval: LOOK_EVERY_MS,
  });
}

/** How many of one's own requests nobody has decided yet. */
function useWaitingCount() {
  return useQuery({
    queryKey: ["requests", "waiting"],
    queryFn: async ({ signal }) => {
      const query = { mine: "true", status: "PENDING", limit: "1" } as const;
      const { data } = await take(
        api.university.GET("/api/requests", { params: { query }, signal }),
      );
      return data.pagination.total;
    },
    refetchInterval: LOOK_EVERY_MS,
  });
}

export default function MinePage() {
  const t = useBookingText();
  const formats = useFormats();
  const requests = useRequests();
  const [search, setSearch] = useSearchParams();
  const [draft, setDraft] = useState<Draft>();
  const asked = search.get("tab");
  const tab = TABS.find((one) => one === asked) ?? "coming";
  const waiting = useWaitingCount().data ?? 0;
  return (
    <>
      <PageHeader title={t("mine.title")} description={t("mine.description")}>
        <Button component={Link} href="/" leftSection={<Icon name="plus" size={18} />}>
          {t("mine.new")}
        </Button>
      </PageHeader>
      <Tabs
        value={tab}
        onChange={(value) => setSearch({ tab: value ?? "coming" }, { replace: true })}
        keepMounted={false}
      >
        <Tabs.List>
          <Tabs.Tab value="coming">{t("mine.coming")}</Tabs.Tab>
          <Tabs.Tab
            value="requests"
            rightSection={
              waiting > 0 && <span className={styles.new}>{formats.number(waiting)}</span>
            }
          >
            {t("mine.requests")}
          </Tabs.Tab>
          <Tabs.Tab value="past">{t("mine.past")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="coming" pt="md">
          <Coming edit={setDraft} />
          <CalendarLink />
        </Tabs.Panel>
        <Tabs.Panel value="requests" pt="md">
          <Loaded query={requests}>
            {(found) =>
              found.length === 0 ? (
                <Message icon="requests" title={t("mine.noRequests")} />
              ) : (
                <>
                  <ul className={styles.list}>
                    {found.map((one) => (
                      <RequestEntry key={one.id} request={one} />
                    ))}
                  </ul>
                  <Older query={requests} />
                </>
              )
            }
          </Loaded>
        </Tabs.Panel>
        <Tabs.Panel value="past" pt="md">
          <Past />
        </Tabs.Panel>
      </Tabs>
      {draft && <BookingDialog draft={draft} onClose={() => setDraft(undefined)} />}
    </>
  );
}

const isOver = (one: Mine, now: number) =>
  Date.parse(one.endAt) <= now || one.status === "completed" || one.status === "no_show";

function Coming({ edit }: { edit: (draft: Draft) => void }) {
  const t = useBookingText();
  const now = useNow();
  const query = useComing();
  return (
    <Loaded query={query}>
      {(found) => {
        const coming = found.filter((one) => !isOver(one, now));
        if (coming.length === 0) {
          return (
            <Message icon="bookings" title={t("mine.none")}>
              <Button component={Link} href="/" variant="light">
                {t("find.title")}
              </Button>
            </Message>
          );
        }
        return (
          <ul className={styles.list}>
            {coming.map((one) => (
              <ComingEntry key={one.id} booking={one} now={now} edit={edit} />
            ))}
          </ul>
        );
      }}
    </Loaded>
  );
}

function Past() {
  const t = useBookingText();
  const now = useNow();
  const formats = useFormats();
  const query = usePast();
  return (
    <Loaded query={query}>
      {({ found, from }) => {
        const past = found.filter((one) => isOver(one, now));
        const since = formats.date(from, HERE, "long");
        return (
          <>
            {past.length === 0 ? (
              <Message icon="history" title={t("mine.noPast", { since })} />
            ) : (
              <ul className={styles.list}>
                {past.map((one) => (
                  <Entry
                    key={one.id}
                    one={one}
                    status={one.status === "no_show" ? "missed" : "held"}
                    tone={one.status === "no_show" ? "bad" : "quiet"}
                  />
                ))}
              </ul>
            )}
            <Older query={query} />
          </>
        );
      }}
    </Loaded>
  );
}

interface ComingProps {
  booking: Mine;
  now: number;
  edit: (draft: Draft) => void;
}

function ComingEntry({ booking, now, edit }: ComingProps) {
  const t = useBookingText();
  const formats = useFormats();
  const words = useRefusalWords();
  const user = useUser();
  const checkIn = useCheckIn();
  const end = useEnd();
  const [isCancelling, setCancelling] = useState(false);
  const { id, checkIn: window, checkedInAt, startAt, endAt, room, isOverridden } = booking;
  const zone = room.timezone;
  const opens = window ? Date.parse(window.opensAt) : Number.POSITIVE_INFINITY;
  const closes = window ? Date.parse(window.closesAt) : Number.POSITIVE_INFINITY;
  const canCheckIn = checkedInAt === null && now >= opens && now < closes && !isOverridden;
  const isRunning = checkedInAt !== null && now < Date.parse(endAt);
  const isOwn = booking.userId === user.id || user.role === "ADMIN";

  const act = async (doing: Promise<unknown>, done: "checkedIn" | "ended") => {
    try {
      await doing;
      toast("good", t(`done.${done}`), booking.purpose);
    } catch (refusal) {
      toast("bad", words(refusal), booking.purpose);
    }
  };

  let status: "confirmed" | "checkedIn" | "displaced" = "confirmed";
  if (isOverridden) status = "displaced";
  else if (checkedInAt !== null) status = "checkedIn";
  return (
    <Entry
      one={booking}
      status={status}
      tone={isOverridden ? "bad" : "good"}
      note={
        checkedInAt === null && window !== null && !isOverridden
          ? t(canCheckIn ? "mine.checkInUntil" : "mine.checkInFrom", {
              time: formats.time(canCheckIn ? closes : opens, zone),
            })
          : undefined
      }
    >
      {canCheckIn && (
        <Button
          loading={checkIn.isPending}
          leftSection={<Icon name="check" size={18} />}
          aria-label={`${t("mine.checkIn")}: ${booking.purpose}`}
          onClick={() => void act(checkIn.mutateAsync(id), "checkedIn")}
        >
          {t("mine.checkIn")}
        </Button>
      )}
      {isRunning && isOwn && (
        <Button
          variant="default"
          loading={end.isPending}
          aria-label={`${t("mine.end")}: ${booking.purpose}`}
          onClick={() => void act(end.mutateAsync(id), "ended")}
        >
          {t("mine.end")}
        </Button>
      )}
      {isOwn && !isOverridden && checkedInAt === null && (
        <Button
          variant="default"
          aria-label={`${t("mine.change")}: ${booking.purpose}`}
          onClick={() =>
            edit({
              id,
              roomId: booking.roomId,
              title: booking.purpose,
              start: Date.parse(startAt),
              end: Date.parse(endAt),
            })
          }
        >
          {t("mine.change")}
        </Button>
      )}
      {isOwn && (
        <Button
          variant="subtle"
          color="red"
          aria-label={`${t("mine.cancel")}: ${booking.purpose}`}
          onClick={() => setCancelling(true)}
        >
          {t("mine.cancel")}
        </Button>
      )}
      {isCancelling && (
        <CancelDialog
          id={id}
          title={booking.purpose}
          isSeries={booking.seriesId !== null}
          onClose={() => setCancelling(false)}
        />
      )}
    </Entry>
  );
}

const TONES = { PENDING: "warn", APPROVED: "good", REJECTED: "bad", CANCELLED: "quiet" } as const;

function RequestEntry({ request }: { request: Request }) {
  const t = useBookingText();
  const words = useRefusalWords();
  const withdraw = useWithdraw();
  const { status, reason } = request;
  const back = async () => {
    try {
      await withdraw.mutateAsync(request.id);
      toast("good", t("done.withdrawn"), request.purpose);
    } catch (refusal) {
      toast("bad", words(refusal), request.purpose);
    }
  };
  return (
    <Entry
      one={request}
      status={status}
      tone={TONES[status]}
      note={reason ? t("notifications.reason", { reason }) : undefined}
    >
      {status === "PENDING" && (
        <Button
          variant="default"
          loading={withdraw.isPending}
          aria-label={`${t("mine.withdraw")}: ${request.purpose}`}
          onClick={() => void back()}
        >
          {t("mine.withdraw")}
        </Button>
      )}
    </Entry>
  );
}

type Status = Request["status"] | "confirmed" | "checkedIn" | "displaced" | "missed" | "held";

interface EntryProps {
  one: Mine | Request;
  status: Status;
  tone: "good" | "warn" | "bad" | "quiet";
  note?: string | undefined;
  children?: ReactNode;
}

function Entry({ one, status, tone, note, children }: EntryProps) {
  const t = useBookingText();
  const formats = useFormats();
  const { room, purpose, seriesId } = one;
  const [start, end] = [Date.parse(one.startAt), Date.parse(one.endAt)];
  const zone = room.timezone;
  return (
    <li className={styles.entry}>
      <time dateTime={one.startAt} className={styles.leaf}>
        <strong>{formats.date(start, zone, "day")}</strong>
        <span>{formats.date(start, zone, "monthName")}</span>
        <span>{formats.date(start, zone, "weekday")}</span>
      </time>
      <div>
        <h2>
          <bdi>{purpose}</bdi>
          <span className={styles.badge} data-tone={tone}>
            {t(`status.${status}`)}
          </span>
        </h2>
        <p>
          <Icon name="clock" size={16} /> {formats.range(start, end, zone)}
          {seriesId !== null && (
            <>
              {" · "}
              <Icon name="repeat" size={16} /> {t("mine.series")}
            </>
          )}
        </p>
        <p>
          <Icon name="rooms" size={16} /> <bdi>{room.name}</bdi> · <bdi>{room.building}</bdi>
        </p>
        {note && <p className={styles.note}>{note}</p>}
      </div>
      <div className={styles.buttons}>{children}</div>
    </li>
  );
}
