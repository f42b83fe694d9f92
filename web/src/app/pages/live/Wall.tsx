import { useEffect } from "react";
import { HERE, useFormats } from "../../formats";
import { Modal } from "../../ui/Modal";
import { useSeconds } from "./age";
import { gradeOf } from "./health";
import styles from "./live.module.css";
import { Fill, Health, LinkState, People } from "./parts";
import type { Place } from "./places";
import type { Live } from "./stream";
import { useLiveText } from "./texts";

interface Props {
  places: readonly Place[];
  live: Live;
  leave: () => void;
}

/** The counts in large type over the whole screen, which is kept awake. */
export function Wall({ places, live, leave }: Props) {
  const t = useLiveText();
  const { number } = useFormats();
  useAwake();
  const inside = live.facility?.facility_occupancy;
  const across = Math.ceil(Math.sqrt(places.length));
  return (
    <Modal
      opened
      fullScreen
      onClose={leave}
      transitionProps={{ duration: 0 }}
      title={
        <span className={styles.wallTitle}>
          {t("live.inside")}
          <strong>{inside === undefined ? "–" : number(inside)}</strong>
        </span>
      }
      closeButtonProps={{ "aria-label": t("live.wallLeave") }}
      classNames={{ content: styles.wall ?? "", body: styles.wallBody ?? "" }}
    >
      <div className={styles.wallHead}>
        <LinkState live={live} />
        <Clock />
      </div>
      <ul className={styles.wallTiles} style={{ "--across": across } as React.CSSProperties}>
        {places.map((place) => {
          const { count, limit, condition } = place;
          const grade = gradeOf(condition);
          return (
            <li key={place.key} className={styles.wallTile} data-grade={grade}>
              <div>
                <h3>{place.name || t("live.noPlace")}</h3>
                <People count={count} isOld={live.link === "cut" || grade === "bad"} />
                {limit !== undefined && (
                  <>
                    <Fill people={count?.people ?? 0} limit={limit} />
                    <p>{t("live.limit", { limit: number(limit) })}</p>
                  </>
                )}
                {grade !== "good" && <Health condition={condition} />}
              </div>
            </li>
          );
        })}
      </ul>
    </Modal>
  );
}

function Clock() {
  const formats = useFormats();
  const now = useSeconds();
  return (
    <p className={styles.clock}>
      {formats.date(now, HERE, "long")}
      <time>{formats.time(now, HERE)}</time>
    </p>
  );
}

/** Keeps the screen on while it is shown; where browsers do not let it, the system's own settings do. */
function useAwake(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | undefined;
    let isOver = false;
    const keep = async () => {
      if (document.visibilityState !== "visible") return;
      lock = await navigator.wakeLock?.request("screen").catch(() => undefined);
      if (isOver) void lock?.release();
    };
    void keep();
    document.addEventListener("visibilitychange", keep);
    return () => {
      isOver = true;
      document.removeEventListener("visibilitychange", keep);
      void lock?.release();
    };
  }, []);
}
