import { Button, Checkbox, Textarea } from "@mantine/core";
import { ApiError, api, take } from "../../../api";
import { dayOf, minutesOf, momentOf } from "../../../days";
import { toast } from "../../../ui/toast";
import { FormDialog } from "../parts/Dialog";
import { MomentField, minutesIn, timeIn } from "../parts/fields";
import { useDraft } from "../parts/form";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { type BookingRequest, spanOf, useDecided } from "./data";
import { focusHeading } from "./focus";
import { useRequestsText } from "./texts";

interface Props {
  request: BookingRequest;
  isApproval: boolean;
  close: () => void;
  override: () => void;
}

export function DecisionDialog({ request, isApproval, close, override }: Props) {
  const t = useRequestsText();
  const say = usePartsText();
  const decided = useDecided();
  const zone = request.room.timezone;
  const { start, end } = spanOf(request);
  const draft = useDraft({
    reason: isApproval ? t("approvedWords") : "",
    isOther: false,
    day: dayOf(start, zone),
    startTime: timeIn(minutesOf(start, zone)),
    endDay: dayOf(end, zone),
    endTime: timeIn(minutesOf(end, zone)),
  });
  const { values, wrong, set } = draft;
  const times = () => {
    const [from, to] = [minutesIn(values.startTime), minutesIn(values.endTime)];
    if (from === undefined || to === undefined) return undefined;
    return {
      startAt: momentOf(values.day, from, zone),
      endAt: momentOf(values.endDay, to, zone),
    };
  };
  const check = () => {
    const chosen = times();
    return {
      reason: values.reason.trim() === "" ? say("required") : "",
      endTime:
        values.isOther && (!chosen || chosen.endAt <= chosen.startAt) ? say("endBeforeStart") : "",
    };
  };
  const save = async () => {
    const chosen = values.isOther ? times() : undefined;
    await take(
      api.university.PATCH("/api/requests/{request_id}", {
        params: { path: { request_id: request.id } },
        body: {
          status: isApproval ? "APPROVED" : "REJECTED",
          reason: values.reason,
          ...(chosen && {
            startAt: new Date(chosen.startAt).toISOString(),
            endAt: new Date(chosen.endAt).toISOString(),
          }),
        },
      }),
    );
    close();
    focusHeading();
    toast("good", t(isApproval ? "approved" : "declined", { purpose: request.purpose }));
    await decided();
  };
  return (
    <FormDialog
      title={t(isApproval ? "approveTitle" : "declineTitle")}
      draft={draft}
      check={check}
      save={save}
      names={{ startAt: "startTime", endAt: "endTime" }}
      close={close}
      saveLabel={t(isApproval ? "approve" : "decline")}
      isDanger={!isApproval}
      wayOut={(error) =>
        error instanceof ApiError &&
        error.status === 409 &&
        isApproval && (
          <p>
            {t("takenNow")}{" "}
            <Button variant="subtle" color="red" size="compact-sm" onClick={override}>
              {t("overrideInstead")}
            </Button>
          </p>
        )
      }
    >
      <p className={parts.note}>
        <strong>
          <bdi>{request.purpose}</bdi>
        </strong>
        <br />
        {t(isApproval ? "approveFollows" : "declineFollows", { name: request.user.name })}
      </p>
      <Textarea
        label={t("yourWords")}
        value={values.reason}
        error={wrong.reason}
        maxLength={1000}
        autosize
        minRows={2}
        data-autofocus
        dir="auto"
        onChange={(event) => set({ reason: event.currentTarget.value })}
      />
      {isApproval && (
        <Checkbox
          label={t("otherTime")}
          checked={values.isOther}
          onChange={(event) => set({ isOther: event.currentTarget.checked })}
        />
      )}
      {values.isOther && (
        <>
          <MomentField
            label={say("start")}
            day={values.day}
            time={values.startTime}
            zone={zone}
            error={wrong.startTime}
            onChange={({ day, time }) =>
              set({
                ...(day && { day, endDay: day }),
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
        </>
      )}
    </FormDialog>
  );
}
