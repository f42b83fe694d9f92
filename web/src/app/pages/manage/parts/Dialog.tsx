import { Alert, Button } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useAppText } from "../../../texts";
import { Icon } from "../../../ui/icons";
import { Modal } from "../../../ui/Modal";
import { type Draft, useRefusalWords, type Wrong } from "./form";
import styles from "./parts.module.css";
import { usePartsText } from "./texts";

interface DialogProps {
  title: string;
  close: () => void;
  children: ReactNode;
  isWide?: boolean;
}

/** Something over the page; on phones it is the page. */
export function Dialog({ title, close, children, isWide = false }: DialogProps) {
  const t = useAppText();
  const isPhone = useMediaQuery("(max-width: 40rem)", false, { getInitialValueInEffect: false });
  return (
    <Modal
      opened
      onClose={close}
      title={title}
      size={isWide ? "56rem" : "36rem"}
      fullScreen={isPhone}
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": t("close") }}
      classNames={{ title: styles.dialogTitle ?? "" }}
      transitionProps={{ duration: 120 }}
    >
      {children}
    </Modal>
  );
}

interface FormProps<T extends object> {
  title: string;
  draft: Draft<T>;
  /** What can be seen to be wrong before it is sent. */
  check?: (values: T) => Wrong<T>;
  save: (values: T) => Promise<unknown>;
  /** Names of the server's fields in the form, where they differ. */
  names?: Record<string, keyof T>;
  close: () => void;
  saveLabel?: string;
  isDanger?: boolean;
  isWide?: boolean;
  children: ReactNode;
  /** Shown beside the buttons when saving was refused. */
  wayOut?: (error: unknown) => ReactNode;
}

/**
 * A form in a dialog: what was typed stays when the server refuses it, what is wrong is said at its
 * field, and nobody loses by a slip what they have written.
 */
export function FormDialog<T extends object>(props: FormProps<T>) {
  const { title, draft, check, save, names, close, isDanger = false, isWide = false } = props;
  const t = useAppText();
  const say = usePartsText();
  const refusal = useRefusalWords();
  const form = useRef<HTMLFormElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const [failed, setFailed] = useState<{ error: unknown; text: string | undefined }>();
  const [refusals, setRefusals] = useState(0);

  // Whoever cannot see the field in red is led to it.
  useEffect(() => {
    if (refusals === 0) return;
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [refusals]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    // A dialog over this one is a part of it to React.
    event.stopPropagation();
    if (isBusy) return;
    setFailed(undefined);
    if (draft.refuse(check?.(draft.values) ?? {})) {
      setRefusals((count) => count + 1);
      return;
    }
    setBusy(true);
    try {
      await save(draft.values);
    } catch (error) {
      const { wrong, text } = refusal(error, draft.values, names);
      draft.refuse(wrong);
      setFailed({ error, text });
      setRefusals((count) => count + 1);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={title}
      close={() => (draft.isChanged ? setLeaving(true) : close())}
      isWide={isWide}
    >
      <form ref={form} onSubmit={submit} noValidate className={styles.form}>
        {props.children}
        <div role="alert">
          {failed?.text !== undefined && (
            <Alert color="red" variant="light" icon={<Icon name="alert" />}>
              <bdi>{failed.text}</bdi>
            </Alert>
          )}
        </div>
        {failed && props.wayOut?.(failed.error)}
        {isLeaving ? (
          <div className={styles.leaving} role="alertdialog" aria-label={say("unsaved")}>
            <p>{say("unsaved")}</p>
            <div className={styles.formButtons}>
              <Button variant="default" onClick={() => setLeaving(false)} autoFocus>
                {say("stay")}
              </Button>
              <Button color="red" variant="light" onClick={close}>
                {say("leave")}
              </Button>
            </div>
          </div>
        ) : (
          <div className={styles.formButtons}>
            <Button
              variant="default"
              onClick={() => (draft.isChanged ? setLeaving(true) : close())}
            >
              {t("cancel")}
            </Button>
            <Button type="submit" loading={isBusy} {...(isDanger ? { color: "red" } : {})}>
              {props.saveLabel ?? t("save")}
            </Button>
          </div>
        )}
      </form>
    </Dialog>
  );
}

interface ConfirmProps {
  title: string;
  /** What follows. */
  children: ReactNode;
  /** What is done, in a word or two. */
  action: string;
  act: () => Promise<unknown>;
  close: () => void;
  /** Nothing is lost by it. */
  isHarmless?: boolean;
}

/** Asks before something that cannot simply be taken back. */
export function Confirm(props: ConfirmProps) {
  const { title, children, action, act, close, isHarmless = false } = props;
  const t = useAppText();
  const refusal = useRefusalWords();
  const [isBusy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const go = async () => {
    setBusy(true);
    setFailed(undefined);
    try {
      await act();
    } catch (error) {
      setFailed(refusal(error, {}).text);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} close={close}>
      <div className={styles.form}>
        <div className={styles.follows}>{children}</div>
        <div role="alert">
          {failed !== undefined && (
            <Alert color="red" variant="light" icon={<Icon name="alert" />}>
              <bdi>{failed}</bdi>
            </Alert>
          )}
        </div>
        <div className={styles.formButtons}>
          <Button variant="default" onClick={close} data-autofocus>
            {t("cancel")}
          </Button>
          <Button
            {...(isHarmless ? {} : { color: "red" })}
            loading={isBusy}
            onClick={() => void go()}
          >
            {action}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

/** Fields beside each other where there is room. */
export function Fields({ children }: { children: ReactNode }) {
  return <div className={styles.fields}>{children}</div>;
}
