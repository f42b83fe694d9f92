import { Button, Radio } from "@mantine/core";
import { useState } from "react";
import { useAppText } from "../../texts";
import { Modal } from "../../ui/Modal";
import { toast } from "../../ui/toast";
import styles from "./booking.module.css";
import { useRefusalWords } from "./refusals";
import { type Scope, useCancel } from "./save";
import { useBookingText } from "./texts";

const SCOPES: readonly Scope[] = ["this", "following", "all"];

interface Props {
  id: string;
  title: string;
  isSeries: boolean;
  onClose: () => void;
}

/** Asks once more before a booking is cancelled, and how much of a series. */
export function CancelDialog({ id, title, isSeries, onClose }: Props) {
  const t = useBookingText();
  const app = useAppText();
  const words = useRefusalWords();
  const cancel = useCancel();
  const [scope, setScope] = useState<Scope>("this");
  const sure = async () => {
    try {
      await cancel.mutateAsync({ id, scope });
      toast("good", t("done.cancelled"), title);
      onClose();
    } catch {
      // It is shown in the dialog.
    }
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("cancel.title")}
      closeButtonProps={{ "aria-label": app("close") }}
    >
      <div className={styles.form}>
        <p>{t("cancel.text", { title })}</p>
        {isSeries && (
          <Radio.Group
            label={t("cancel.scope")}
            value={scope}
            onChange={(value) => setScope(value as Scope)}
          >
            {SCOPES.map((one) => (
              <Radio key={one} value={one} label={t(`cancel.${one}`)} mt="xs" />
            ))}
          </Radio.Group>
        )}
        <div role="alert" className={styles.verdict}>
          {cancel.error && <p data-verdict="bad">{words(cancel.error)}</p>}
        </div>
        <div className={styles.buttons}>
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("cancel.keep")}
          </Button>
          <Button color="red" loading={cancel.isPending} onClick={() => void sure()}>
            {t("cancel.sure")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
