import { Button, Checkbox, NativeSelect, SegmentedControl, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { ApiError } from "../../api";
import { useErrorWords } from "../../errors";
import { HERE, useFormats } from "../../formats";
import { useAppText } from "../../texts";
import { Icon } from "../../ui/icons";
import { NumberField } from "../../ui/NumberField";
import { toast } from "../../ui/toast";
import { askForPicture, type Camera, type Line, type Size, useSaveLine } from "./data";
import { firstEnds, isTooShort } from "./geometry";
import { LineField } from "./LineField";
import styles from "./live.module.css";
import { useLiveText } from "./texts";

/** A line as it is being drawn; without an id it is new. */
export type Draft = Omit<Line, "id" | "created_at"> & { id: number | undefined };

const FIRST_CONFIDENCE = 0.5;
const DIRECTIONS = ["bidirectional", "entry", "exit"] as const;
const DIRECTION_WORDS = { bidirectional: "both", entry: "entryOnly", exit: "exitOnly" } as const;
const CONFIDENCES = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** What the edge refuses with words that say more than ours. */
const REFUSED = [400, 404, 409, 504];

interface Props {
  camera: Camera;
  onSaved: () => void;
}

/** The camera's lines, and a picture to draw them on, which is there only while it is looked at. */
export function Lines({ camera, onSaved }: Props) {
  const t = useLiveText();
  const { number } = useFormats();
  const [draft, setDraft] = useState<Draft>();
  const { picture, ask, putAway } = usePicture(camera.id);
  const size = picture ?? sizeOf(camera);

  const begin = () => {
    if (size === undefined) return;
    setDraft({
      id: undefined,
      camera_id: camera.id,
      line_name: t("lines.nameNew", { count: camera.lines.length + 1 }),
      direction: "bidirectional",
      entry_side: "left",
      is_active: true,
      confidence_threshold: FIRST_CONFIDENCE,
      ...firstEnds(size),
    });
  };
  return (
    <section className={styles.lines} aria-label={t("lines.title")}>
      <div className={styles.linesHead}>
        <h2>{t("lines.title")}</h2>
        <div className={styles.buttonsInline}>
          {picture && (
            <Button variant="default" onClick={putAway}>
              {t("lines.pictureHide")}
            </Button>
          )}
          <Button
            variant={picture ? "default" : "filled"}
            leftSection={<Icon name="camera" size={18} />}
            loading={ask.isPending}
            disabled={!camera.is_active}
            onClick={() => ask.mutate()}
          >
            {picture ? t("lines.pictureAnew") : t("lines.picture")}
          </Button>
          <Button
            variant={picture ? "filled" : "default"}
            leftSection={<Icon name="plus" size={18} />}
            disabled={size === undefined || draft !== undefined}
            onClick={begin}
          >
            {t("lines.new")}
          </Button>
        </div>
      </div>
      <Refused error={ask.error} />
      {size === undefined ? (
        <div className={styles.noPicture}>
          <Icon name="camera" size={32} />
          <p>{t("lines.pictureNoneSize")}</p>
        </div>
      ) : (
        <LineField
          key={draft?.id ?? (draft ? "new" : "none")}
          size={size}
          picture={picture?.url}
          lines={camera.lines.filter((line) => line.id !== draft?.id)}
          draft={draft}
          change={(ends) => setDraft((known) => known && { ...known, ...ends })}
        />
      )}
      <PictureWords takenAt={picture?.takenAt} />
      {draft && size && (
        <Editor
          draft={draft}
          size={size}
          change={setDraft}
          isSizeNew={camera.resolution_width === null || camera.resolution_height === null}
          onClose={() => setDraft(undefined)}
          onSaved={onSaved}
        />
      )}
      {!draft && (
        <ul className={styles.lineList}>
          {camera.lines.length === 0 && <li className={styles.quiet}>{t("lines.none")}</li>}
          {camera.lines.map((line, index) => (
            <li key={line.id} data-off={!line.is_active || undefined}>
              <span className={styles.number} aria-hidden="true">
                {number(index + 1)}
              </span>
              <span>
                {line.line_name}
                <small>
                  {[
                    t(`lines.${DIRECTION_WORDS[line.direction]}`),
                    !line.is_active && t("lines.inactive"),
                  ]
                    .filter(Boolean)
                    .join(" · ")}
                </small>
              </span>
              <Button
                size="xs"
                variant="subtle"
                aria-label={t("lines.edit", { name: line.line_name })}
                disabled={size === undefined}
                onClick={() => setDraft(line)}
              >
                {t("camera.edit")}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function sizeOf(camera: Camera): Size | undefined {
  const { resolution_width: width, resolution_height: height } = camera;
  return width === null || height === null ? undefined : { width, height };
}

/** A picture that is asked for, shown, and revoked when it is put away or the page is left. */
function usePicture(cameraId: number) {
  const urls = useRef(new Set<string>());
  const revoke = () => {
    for (const url of urls.current) URL.revokeObjectURL(url);
    urls.current.clear();
  };
  const isGone = useRef(false);
  const ask = useMutation({
    mutationFn: () => askForPicture(cameraId),
    gcTime: 0,
    onSuccess: ({ url }) => {
      revoke();
      urls.current.add(url);
      // It came after whoever asked had left.
      if (isGone.current) revoke();
    },
  });
  useEffect(() => {
    isGone.current = false;
    const known = urls.current;
    return () => {
      isGone.current = true;
      for (const url of known) URL.revokeObjectURL(url);
      known.clear();
    };
  }, []);
  const putAway = () => {
    revoke();
    ask.reset();
  };
  const [shown, setShown] = useState(ask.data);
  // While another one is on its way the one before is still looked at.
  if (ask.data !== undefined && ask.data !== shown) setShown(ask.data);
  if (ask.isIdle && shown !== undefined) setShown(undefined);
  return { picture: shown, ask, putAway };
}

function Refused({ error }: { error: Error | null }) {
  const t = useLiveText();
  const words = useErrorWords();
  const said = error instanceof ApiError ? error : undefined;
  return (
    <div role="alert">
      {error && (
        <div className={styles.refused}>
          <Icon name="alert" />
          <div>
            <strong>{t("lines.refused")}</strong>
            {said && REFUSED.includes(said.status) ? (
              <p lang="en" dir="ltr">
                {said.message}
              </p>
            ) : (
              <p>{said?.status === 429 ? t("lines.tooOften") : words(error)}</p>
            )}
          </div>
        </div>
      )}
    </div>
  );
}

function PictureWords({ takenAt }: { takenAt: number | undefined }) {
  const t = useLiveText();
  const formats = useFormats();
  return (
    <p className={styles.quiet}>
      {takenAt === undefined
        ? `${t("lines.pictureNone")} ${t("lines.pictureWhy")}`
        : t("lines.pictureFrom", { time: formats.time(takenAt, HERE) })}
    </p>
  );
}

interface EditorProps {
  draft: Draft;
  size: Size;
  change: (draft: Draft) => void;
  /** Whether the camera has no size yet, and gets the one that is drawn in. */
  isSizeNew: boolean;
  onClose: () => void;
  onSaved: () => void;
}

function Editor({ draft, size, change, isSizeNew, onClose, onSaved }: EditorProps) {
  const t = useLiveText();
  const app = useAppText();
  const { percent } = useFormats();
  const errorWords = useErrorWords();
  const save = useSaveLine();
  const isShort = isTooShort(draft, size);
  const hasNoName = draft.line_name.trim() === "";
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (isShort || hasNoName) return;
    const { id, ...body } = draft;
    const named = { ...body, line_name: draft.line_name.trim() };
    try {
      await save.mutateAsync({
        id,
        body: bodyOf(named),
        ...(isSizeNew && { size: { width: size.width, height: size.height } }),
      });
      onSaved();
      toast("good", t("lines.saved"), named.line_name);
      onClose();
    } catch {
      // It is shown in the form.
    }
  };
  const thresholds = [...new Set([...CONFIDENCES, draft.confidence_threshold])].toSorted();
  return (
    <form className={styles.editor} onSubmit={(event) => void send(event)}>
      <p className={styles.hint}>{t("lines.hint")}</p>
      <TextInput
        label={t("lines.name")}
        required
        maxLength={200}
        value={draft.line_name}
        error={hasNoName && t("form.required")}
        onChange={(event) => change({ ...draft, line_name: event.currentTarget.value })}
      />
      <div className={styles.side}>
        <span className={styles.label}>{t("lines.side")}</span>
        <Button
          variant="light"
          leftSection={<Icon name="repeat" size={18} />}
          onClick={() =>
            change({ ...draft, entry_side: draft.entry_side === "left" ? "right" : "left" })
          }
        >
          {t("lines.switch")}
        </Button>
        <p className={styles.quiet} aria-live="polite">
          {t(`lines.switched_${draft.entry_side}`)}
        </p>
      </div>
      <div>
        <span className={styles.label} aria-hidden="true">
          {t("lines.direction")}
        </span>
        <SegmentedControl
          fullWidth
          aria-label={t("lines.direction")}
          value={draft.direction}
          onChange={(value) => change({ ...draft, direction: value as Draft["direction"] })}
          data={DIRECTIONS.map((value) => ({ value, label: t(`lines.${DIRECTION_WORDS[value]}`) }))}
        />
      </div>
      <NativeSelect
        label={t("lines.confidence")}
        description={t("lines.confidenceWhy")}
        value={String(draft.confidence_threshold)}
        data={thresholds.map((value) => ({ value: String(value), label: percent(value) }))}
        onChange={(event) =>
          change({ ...draft, confidence_threshold: Number(event.currentTarget.value) })
        }
      />
      <fieldset className={styles.ends}>
        <legend>{t("lines.exact")}</legend>
        {(["x1", "y1", "x2", "y2"] as const).map((name) => (
          <NumberField
            key={name}
            label={t(`lines.${name}`)}
            value={draft[name]}
            max={name.startsWith("x") ? size.width : size.height}
            onChange={(value) => change({ ...draft, [name]: value })}
          />
        ))}
      </fieldset>
      <Checkbox
        label={t("lines.active")}
        checked={draft.is_active}
        onChange={(event) => change({ ...draft, is_active: event.currentTarget.checked })}
      />
      <p className={styles.wrong} role="alert">
        {isShort ? t("lines.short") : save.error && errorWords(save.error)}
      </p>
      <div className={styles.buttons}>
        <Button variant="default" onClick={onClose}>
          {app("cancel")}
        </Button>
        <Button type="submit" loading={save.isPending}>
          {t("lines.save")}
        </Button>
      </div>
    </form>
  );
}

function bodyOf(line: Omit<Draft, "id">) {
  const { camera_id, line_name, x1, y1, x2, y2 } = line;
  const { direction, confidence_threshold, entry_side, is_active } = line;
  const ends = { x1, y1, x2, y2 };
  return { camera_id, line_name, ...ends, direction, confidence_threshold, entry_side, is_active };
}
