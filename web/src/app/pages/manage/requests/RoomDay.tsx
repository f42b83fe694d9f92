import { dayOf, minutesOf, momentOf } from "../../../days";
import { useFormats } from "../../../formats";
import { type Span, spanOf } from "./data";
import styles from "./requests.module.css";

interface Props {
  wanted: Span;
  zone: string;
  booked: readonly { id: string; startAt: string; endAt: string; purpose: string }[];
  asked: readonly { id: string; startAt: string; endAt: string; purpose: string }[];
}

const HOUR_MS = 3_600_000;
/** What is shown if nothing is outside of it, in minutes since midnight. */
const FROM = 8 * 60;
const TO = 18 * 60;

/** The day of a room in one line: what is booked, what is asked for, and what is wanted. */
export function RoomDay({ wanted, zone, booked, asked }: Props) {
  const formats = useFormats();
  const day = dayOf(wanted.start, zone);
  const from = Math.min(momentOf(day, FROM, zone), hour(wanted.start, Math.floor));
  const to = Math.max(momentOf(day, TO, zone), hour(wanted.end, Math.ceil));
  const place = ({ start, end }: Span) => {
    const [first, last] = [Math.max(start, from), Math.min(end, to)];
    return {
      insetInlineStart: `${((first - from) / (to - from)) * 100}%`,
      inlineSize: `${Math.max(0, ((last - first) / (to - from)) * 100)}%`,
    };
  };
  const isSeen = ({ start, end }: Span) => start < to && end > from;
  const every = (to - from) / HOUR_MS > 14 ? 4 : 2;
  const marks: number[] = [];
  for (let at = from; at <= to; at += HOUR_MS) {
    if (Math.floor(minutesOf(at, zone) / 60) % every === 0) marks.push(at);
  }
  return (
    <div className={styles.line} aria-hidden="true">
      <div className={styles.lane}>
        {booked
          .filter((one) => isSeen(spanOf(one)))
          .map((one) => (
            <span
              key={one.id}
              className={styles.block}
              data-kind="booked"
              style={place(spanOf(one))}
              title={one.purpose}
            />
          ))}
        {asked
          .filter((one) => isSeen(spanOf(one)))
          .map((one) => (
            <span
              key={one.id}
              className={styles.block}
              data-kind="asked"
              style={place(spanOf(one))}
              title={one.purpose}
            />
          ))}
        <span className={styles.block} data-kind="wanted" style={place(wanted)} />
      </div>
      <div className={styles.hours}>
        {marks.map((at) => (
          <span key={at} style={{ insetInlineStart: `${((at - from) / (to - from)) * 100}%` }}>
            {formats.time(at, zone)}
          </span>
        ))}
      </div>
    </div>
  );
}

/** The whole hour before or after a moment; zones that are half an hour off have marks at halves. */
function hour(moment: number, round: (hours: number) => number): number {
  return round(moment / HOUR_MS) * HOUR_MS;
}
