import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useTime } from "../shared/useTime";
import { bookingOffers, type Day, extensionOffers, toCheckIn } from "./day";
import type { Action, Door, DoorView, Outcome } from "./door";

const SHOWN_FOR_MS = 10_000;

interface Props {
  door: Door;
  day: Day;
  now: number;
  zone: string;
  view: DoorView;
}

/** What can be done at the door now. Cut off, that is to check in, which is kept and sent later. */
export function Actions({ door, day, now, zone, view }: Props) {
  const { t } = useTranslation();
  const time = useTime(zone);
  const [isBusy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ action: Action; outcome: Outcome }>();
  const [isEnding, setEnding] = useState(false);
  const wording = useWording();
  const { current } = day;
  const coming = view.isRoomGone ? undefined : toCheckIn(day, now, view.keptCheckIns);

  useEffect(() => {
    if (said === undefined) return;
    const timer = setTimeout(() => setSaid(undefined), SHOWN_FOR_MS);
    return () => clearTimeout(timer);
  }, [said]);

  const act = async (action: Action, made: Promise<Outcome>) => {
    setBusy(true);
    setEnding(false);
    try {
      setSaid({ action, outcome: await made });
    } finally {
      setBusy(false);
    }
  };

  const saying = said && wording(said.action, said.outcome);
  return (
    <div className="actions" aria-busy={isBusy}>
      {coming && (
        <button
          type="button"
          className="first"
          disabled={isBusy}
          onClick={() => act("checkIn", door.checkIn(coming.id))}
        >
          {coming === current
            ? t("action.checkIn")
            : t("action.checkInTo", { title: coming.title })}
        </button>
      )}
      {view.isLinked && current && (
        <>
          {extensionOffers(day).map(({ minutes, until }) => (
            <button
              key={minutes}
              type="button"
              disabled={isBusy}
              onClick={() => act("extend", door.extend(current.id, minutes))}
            >
              {t("action.extend", { count: minutes })}
              <small>{t("until", { time: time(until) })}</small>
            </button>
          ))}
          {current.checkedIn && (
            <Ending
              isAsked={isEnding}
              isBusy={isBusy}
              ask={setEnding}
              end={() => act("end", door.end(current.id))}
            />
          )}
        </>
      )}
      {view.isLinked && (
        <BookNow
          offers={bookingOffers(day, now)}
          time={time}
          isBusy={isBusy}
          book={(minutes) => act("book", door.book(minutes, t("bookedTitle")))}
        />
      )}
      <p className={saying?.isRefusal ? "said refusal" : "said"} role="status">
        {isBusy ? t("action.working") : saying?.text}
      </p>
    </div>
  );
}

interface BookNowProps {
  offers: ReturnType<typeof bookingOffers>;
  time: (moment: number) => string;
  isBusy: boolean;
  book: (minutes: number) => void;
}

function BookNow({ offers, time, isBusy, book }: BookNowProps) {
  const { t } = useTranslation();
  if (offers.length === 0) return null;
  return (
    <fieldset>
      <legend>{t("action.bookNow")}</legend>
      {offers.map(({ minutes, until }) => (
        <button key={minutes} type="button" disabled={isBusy} onClick={() => book(minutes)}>
          {t("action.book", { count: minutes })}
          <small>{t("until", { time: time(until) })}</small>
        </button>
      ))}
    </fieldset>
  );
}

interface EndingProps {
  isAsked: boolean;
  isBusy: boolean;
  ask: (isAsked: boolean) => void;
  end: () => void;
}

/** Asks once more: whoever leans on a panel must not end a meeting. */
function Ending({ isAsked, isBusy, ask, end }: EndingProps) {
  const { t } = useTranslation();
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isAsked) keep.current?.focus();
  }, [isAsked]);
  if (!isAsked) {
    return (
      <button type="button" disabled={isBusy} onClick={() => ask(true)}>
        {t("action.end")}
      </button>
    );
  }
  return (
    <fieldset className="sure">
      <legend>{t("action.endSure")}</legend>
      <button type="button" className="first" disabled={isBusy} onClick={end}>
        {t("action.endNow")}
      </button>
      <button ref={keep} type="button" disabled={isBusy} onClick={() => ask(false)}>
        {t("action.keep")}
      </button>
    </fieldset>
  );
}

/** Words what came of an action. */
function useWording() {
  const { t, i18n } = useTranslation();
  return (action: Action, outcome: Outcome) => {
    if (outcome === "done") return { text: t(`outcome.${action}`), isRefusal: false };
    if (outcome === "kept") return { text: t("outcome.checkInKept"), isRefusal: false };
    if ("away" in outcome) return { text: t("outcome.away"), isRefusal: true };
    const { message } = outcome.refusal;
    // In the language of the page, if it knows what is said; rules have words of their own.
    const known: Record<string, string> = t("refusal", { returnObjects: true });
    const text = known[message] ?? (i18n.language === "en" ? message : t("outcome.refused"));
    return { text, isRefusal: true };
  };
}
