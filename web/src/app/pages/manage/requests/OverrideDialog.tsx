import { Textarea, TextInput } from "@mantine/core";
import { api, take } from "../../../api";
import { dayOf, minutesOf, momentOf } from "../../../days";
import { useErrorWords } from "../../../errors";
import { HERE, useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { toast } from "../../../ui/toast";
import { Fields, FormDialog } from "../parts/Dialog";
import {
  type Chosen,
  MomentField,
  minutesIn,
  PersonPicker,
  RoomPicker,
  timeIn,
} from "../parts/fields";
import { useDraft } from "../parts/form";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { type BookingRequest, meet, spanOf, useBookingsOf, useDecided } from "./data";
import { focusHeading } from "./focus";
import styles from "./requests.module.css";
import { useRequestsText } from "./texts";

const HOUR_MS = 3_600_000;

interface Values {
  room: Chosen | null;
  person: Chosen | null;
  startDay: string;
  startTime: string;
  endDay: string;
  endTime: string;
  purpose: string;
  reason: string;
}

/** Books a room whatever is booked there, in the place of a request if one is given. */
export function OverrideDialog({
  request,
  close,
}: {
  request?: BookingRequest;
  close: () => void;
}) {
  const t = useRequestsText();
  const say = usePartsText();
  const formats = useFormats();
  const decided = useDecided();
  const errorWords = useErrorWords();
  const zone = request?.room.timezone ?? HERE;
  const soon = Math.ceil((Date.now() + HOUR_MS) / HOUR_MS) * HOUR_MS;
  const { start, end } = request ? spanOf(request) : { start: soon, end: soon + HOUR_MS };
  const draft = useDraft<Values>({
    room: request ? { id: request.roomId, name: request.room.name } : null,
    person: request ? { id: request.userId, name: request.user.name } : null,
    startDay: dayOf(start, zone),
    startTime: timeIn(minutesOf(start, zone)),
    endDay: dayOf(end, zone),
    endTime: timeIn(minutesOf(end, zone)),
    purpose: request?.purpose ?? "",
    reason: "",
  });
  const { values, wrong, set } = draft;
  const minutes = { from: minutesIn(values.startTime), to: minutesIn(values.endTime) };
  const span = {
    start: minutes.from === undefined ? 0 : momentOf(values.startDay, minutes.from, zone),
    end: minutes.to === undefined ? 0 : momentOf(values.endDay, minutes.to, zone),
  };
  const there = useBookingsOf(values.room?.id, span);
  const losing = there.data?.filter((one) => meet(spanOf(one), span)) ?? [];
  const needed = (value: unknown) => (value ? "" : say("required"));
  const check = () => ({
    room: needed(values.room),
    person: needed(values.person),
    purpose: needed(values.purpose.trim()),
    reason: needed(values.reason.trim()),
    endTime: span.start > 0 && span.end > span.start ? "" : say("endBeforeStart"),
  });
  const save = async () => {
    if (!values.room || !values.person) return;
    await take(
      api.university.POST("/api/bookings/override", {
        body: {
          roomId: values.room.id,
          userId: values.person.id,
          startAt: new Date(span.start).toISOString(),
          endAt: new Date(span.end).toISOString(),
          purpose: values.purpose,
          reason: values.reason,
        },
      }),
    );
    close();
    focusHeading();
    toast("good", t("overridden", { purpose: values.purpose }));
    if (request) {
      const reason = t("closedByOverride", { reason: values.reason }).slice(0, 1000);
      const params = { path: { request_id: request.id } };
      const body = { status: "REJECTED", reason } as const;
      try {
        await take(api.university.PATCH("/api/requests/{request_id}", { params, body }));
      } catch (error) {
        // The room is booked; it is the request that goes on waiting.
        toast("bad", errorWords(error), t("stillWaits", { purpose: request.purpose }));
      }
    }
    await decided();
  };
  return (
    <FormDialog
      title={t("overrideTitle")}
      draft={draft}
      check={check}
      save={save}
      names={{ roomId: "room", userId: "person", startAt: "startTime", endAt: "endTime" }}
      close={close}
      saveLabel={t(losing.length > 0 ? "overrideDo" : "overrideDoFree")}
      isDanger={losing.length > 0}
    >
      <p className={parts.note}>
        {t("overrideFollows")} {request && t("overrideCloses")}
      </p>
      <Fields>
        <RoomPicker
          label={t("room")}
          value={values.room}
          error={wrong.room}
          onChange={(room) => set({ room })}
          disabled={request !== undefined}
          required
        />
        <PersonPicker
          label={t("forWhom")}
          value={values.person}
          error={wrong.person}
          onChange={(person) => set({ person })}
          disabled={request !== undefined}
          required
        />
      </Fields>
      <Fields>
        <MomentField
          label={say("start")}
          day={values.startDay}
          time={values.startTime}
          zone={zone}
          error={wrong.startTime}
          onChange={({ day, time }) =>
            set({
              ...(day && { startDay: day, endDay: day }),
              ...(time !== undefined && { startTime: time }),
            })
          }
        />
        <MomentField
          label={say("end")}
          day={values.endDay}
          time={values.endTime}
          zone={zone}
          error={wrong.endTime}
          onChange={({ day, time }) =>
            set({ ...(day && { endDay: day }), ...(time !== undefined && { endTime: time }) })
          }
        />
      </Fields>
      <p className={parts.note}>{t("zone", { zone })}</p>
      <TextInput
        label={t("purposeLong")}
        value={values.purpose}
        error={wrong.purpose}
        maxLength={500}
        dir="auto"
        onChange={(event) => set({ purpose: event.currentTarget.value })}
      />
      <Textarea
        label={t("reason")}
        value={values.reason}
        error={wrong.reason}
        maxLength={900}
        autosize
        minRows={2}
        dir="auto"
        onChange={(event) => set({ reason: event.currentTarget.value })}
      />
      <div role="status">
        {losing.length > 0 && (
          <>
            <p className={styles.losing}>{t("displaced")}</p>
            <ul className={styles.met}>
              {losing.map((one) => (
                <li key={one.id} data-kind="booked">
                  <strong>
                    <bdi>{one.purpose}</bdi>
                  </strong>
                  <small>
                    <bdi>{one.user.name}</bdi> ·{" "}
                    {formats.range(spanOf(one).start, spanOf(one).end, zone)}
                  </small>
                </li>
              ))}
            </ul>
          </>
        )}
        {there.data && losing.length === 0 && (
          <p className={styles.free}>
            <Icon name="check" size={16} /> {t("displacesNobody")}
          </p>
        )}
      </div>
    </FormDialog>
  );
}
