import { Button, Checkbox, NativeSelect, Select, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { ApiError } from "../../api";
import { useErrorWords } from "../../errors";
import { useAppText } from "../../texts";
import { Modal } from "../../ui/Modal";
import { NumberField } from "../../ui/NumberField";
import { toast } from "../../ui/toast";
import { type Camera, type CameraChange, useRooms, useSaveCamera } from "./data";
import styles from "./live.module.css";
import { useLiveText } from "./texts";

const TYPES = ["bidirectional", "entry_only", "exit_only"] as const;
const FIRST_LIMIT = 30;

interface Props {
  /** None: one is made. */
  camera: Camera | undefined;
  onClose: () => void;
}

/** Makes a camera, or changes what is known of one. */
export function CameraForm({ camera, onClose }: Props) {
  const t = useLiveText();
  const app = useAppText();
  const errorWords = useErrorWords();
  const rooms = useRooms();
  const save = useSaveCamera();
  const [, navigate] = useLocation();
  const [isSent, setSent] = useState(false);
  const [name, setName] = useState(camera?.camera_name ?? "");
  const [code, setCode] = useState(camera?.camera_id ?? "");
  const [location, setLocation] = useState(camera?.location ?? "");
  const [room, setRoom] = useState(camera?.room_id ?? null);
  const [type, setType] = useState(camera?.camera_type ?? "bidirectional");
  const [isLimited, setLimited] = useState(camera?.max_occupancy != null);
  const [limit, setLimit] = useState(camera?.max_occupancy ?? FIRST_LIMIT);
  const [edge, setEdge] = useState(camera?.edge_id ?? "");
  const [stream, setStream] = useState("");

  const missing = (value: string) => (isSent && value.trim() === "" ? t("form.required") : null);
  const isTaken = save.error instanceof ApiError && save.error.status === 409;

  const send = async (event: FormEvent) => {
    event.preventDefault();
    setSent(true);
    if (name.trim() === "" || code.trim() === "") return;
    const body: CameraChange = {
      camera_name: name.trim(),
      camera_id: code.trim(),
      location: location.trim() || null,
      room_id: room,
      camera_type: type,
      max_occupancy: isLimited ? limit : null,
      edge_id: edge.trim() || null,
      ...(stream.trim() && { stream_url: stream.trim() }),
    };
    try {
      const id = await save.mutateAsync({ id: camera?.id, body });
      toast("good", camera ? t("form.saved") : t("form.made"), name);
      onClose();
      if (!camera) navigate(`/cameras/${id}`);
    } catch {
      // It is shown in the form.
    }
  };

  const choices = [...(rooms.data?.values() ?? [])].map((one) => ({
    value: String(one.id),
    label: `${one.name} · ${one.building}`,
  }));
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={camera ? t("form.edit") : t("form.new")}
      closeButtonProps={{ "aria-label": app("close") }}
    >
      <form className={styles.form} onSubmit={(event) => void send(event)} noValidate>
        <TextInput
          label={t("form.name")}
          required
          maxLength={200}
          value={name}
          error={missing(name)}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <TextInput
          label={t("form.code")}
          description={t("form.codeHint")}
          required
          maxLength={50}
          value={code}
          error={missing(code) ?? (isTaken && t("form.taken"))}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        <Select
          label={t("form.room")}
          placeholder={t("form.roomNone")}
          searchable
          clearable
          clearButtonProps={{ "aria-label": t("form.roomNone") }}
          data={choices}
          value={room === null ? null : String(room)}
          onChange={(value) => setRoom(value === null ? null : Number(value))}
        />
        <TextInput
          label={t("form.location")}
          description={t("form.locationHint")}
          maxLength={200}
          value={location}
          onChange={(event) => setLocation(event.currentTarget.value)}
        />
        <NativeSelect
          label={t("form.type")}
          value={type}
          data={TYPES.map((value) => ({ value, label: t(`types.${value}`) }))}
          onChange={(event) => setType(event.currentTarget.value as typeof type)}
        />
        <TextInput
          label={t("form.edge")}
          description={t("form.edgeHint")}
          value={edge}
          onChange={(event) => setEdge(event.currentTarget.value)}
        />
        <Checkbox
          className={styles.wide ?? ""}
          label={t("form.limited")}
          checked={isLimited}
          onChange={(event) => setLimited(event.currentTarget.checked)}
        />
        {isLimited && (
          <NumberField
            label={t("form.limit")}
            value={limit}
            min={1}
            max={1_000_000}
            onChange={setLimit}
          />
        )}
        <TextInput
          className={styles.wide ?? ""}
          label={t("form.stream")}
          description={camera?.has_stream_url ? t("form.streamKept") : t("form.streamHint")}
          autoComplete="off"
          dir="ltr"
          value={stream}
          onChange={(event) => setStream(event.currentTarget.value)}
        />
        <p className={styles.wrong} role="alert">
          {save.error && !isTaken && errorWords(save.error)}
        </p>
        <div className={styles.buttons}>
          <Button variant="default" onClick={onClose}>
            {app("cancel")}
          </Button>
          <Button type="submit" loading={save.isPending}>
            {app("save")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
