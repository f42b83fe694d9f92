import { Button, Textarea } from "@mantine/core";
import { useState } from "react";
import { useErrorWords } from "../../errors";
import { useFormats } from "../../formats";
import { useAppText } from "../../texts";
import { Modal } from "../../ui/Modal";
import { NumberField } from "../../ui/NumberField";
import { toast } from "../../ui/toast";
import { type Camera, useHeadcount } from "./data";
import styles from "./live.module.css";
import { useLiveText } from "./texts";

interface Props {
  camera: Camera;
  people: number;
  onClose: () => void;
}

/** Sets a count to what somebody has counted by hand. */
export function Headcount({ camera, people, onClose }: Props) {
  const t = useLiveText();
  const app = useAppText();
  const { number } = useFormats();
  const errorWords = useErrorWords();
  const headcount = useHeadcount();
  const [value, setValue] = useState(people);
  const [notes, setNotes] = useState("");
  const send = async (counted: number) => {
    try {
      await headcount.mutateAsync({ id: camera.id, people: counted, notes: notes.trim() || null });
      toast("good", t("headcount.done", { people: number(counted) }), camera.camera_name);
      onClose();
    } catch {
      // It is shown in the dialog.
    }
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("headcount.title")}
      closeButtonProps={{ "aria-label": app("close") }}
    >
      <form
        className={styles.stack}
        onSubmit={(event) => {
          event.preventDefault();
          void send(value);
        }}
      >
        <p>{t("headcount.text")}</p>
        <NumberField
          label={t("headcount.people")}
          value={value}
          max={1_000_000}
          onChange={setValue}
        />
        <Textarea
          label={t("headcount.notes")}
          description={t("headcount.notesHint")}
          maxLength={1000}
          value={notes}
          onChange={(event) => setNotes(event.currentTarget.value)}
        />
        <p className={styles.wrong} role="alert">
          {headcount.error && errorWords(headcount.error)}
        </p>
        <div className={styles.buttons}>
          <Button variant="default" onClick={() => void send(0)} disabled={headcount.isPending}>
            {t("headcount.empty")}
          </Button>
          <Button type="submit" loading={headcount.isPending}>
            {t("headcount.save")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
