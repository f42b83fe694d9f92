import { Button } from "@mantine/core";
import type { components } from "../../../../shared/contracts/directory";
import { useFormats } from "../../../formats";
import { Dialog } from "../parts/Dialog";
import styles from "../parts/parts.module.css";
import { Sections } from "../parts/Sections";
import { useClosuresText } from "./texts";

export type Blackout = components["schemas"]["BlackoutView"];
export type Holiday = components["schemas"]["HolidayView"];
export type Met = components["schemas"]["MetView"];

const SHOWN = 12;

export function ClosureSections() {
  const t = useClosuresText();
  return (
    <Sections
      label={t("sections")}
      sections={[
        { path: "/manage/closures", name: t("blackouts") },
        { path: "/manage/closures/holidays", name: t("holidays") },
      ]}
    />
  );
}

/** What a closure that was just written meets: somebody has to move it. */
export function MetDialog({ met, close }: { met: Met; close: () => void }) {
  const t = useClosuresText();
  const formats = useFormats();
  const titles = [...new Set(met.results.map(({ title }) => title))];
  return (
    <Dialog title={t("metTitle")} close={close}>
      <div className={styles.form}>
        <p>{t("met", { count: met.count })}</p>
        <p>
          <bdi>{formats.list(titles.slice(0, SHOWN))}</bdi>{" "}
          {titles.length > SHOWN && t("metMore", { count: titles.length - SHOWN })}
        </p>
        <div className={styles.formButtons}>
          <Button onClick={close}>{t("understood")}</Button>
        </div>
      </div>
    </Dialog>
  );
}
