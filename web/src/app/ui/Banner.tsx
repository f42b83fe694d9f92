import { HERE, useFormats } from "../formats";
import { useLink } from "../link";
import { useAppText } from "../texts";
import { Icon } from "./icons";
import styles from "./ui.module.css";

/** Says that there is no connection, and since when. */
export function Banner() {
  const t = useAppText();
  const formats = useFormats();
  const link = useLink();
  // It is there when it is empty too: screen readers tell what changes in it.
  return (
    <p className={styles.banner} role="alert">
      {!link.isUp && (
        <>
          <Icon name="offline" size={18} />
          {t("link.down", { time: formats.time(link.heardAt, HERE) })}
        </>
      )}
    </p>
  );
}
