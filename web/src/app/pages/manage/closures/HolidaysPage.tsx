import { TextInput } from "@mantine/core";
import { api, take } from "../../../api";
import { dayOf } from "../../../days";
import { HERE, useFormats } from "../../../formats";
import { DateField } from "../../../ui/DateField";
import { FormDialog } from "../parts/Dialog";
import { useDraft } from "../parts/form";
import parts from "../parts/parts.module.css";
import { usePartsText } from "../parts/texts";
import { type ClosureEditorProps, ClosurePage } from "./ClosurePage";
import type { Holiday } from "./parts";
import { useClosuresText } from "./texts";

export default function HolidaysPage() {
  const t = useClosuresText();
  const formats = useFormats();
  return (
    <ClosurePage<Holiday>
      kind="holidays"
      create={t("newHoliday")}
      about={t("holidaysAbout")}
      icon="calendar"
      empty={t("noHolidays")}
      list={(query, signal) =>
        take(api.directory.GET("/api/holidays/", { params: { query }, signal }))
      }
      remove={(key) =>
        take(api.directory.DELETE("/api/holidays/{key}/", { params: { path: { key } } }))
      }
      nameOf={({ name }) => name}
      columns={[
        { name: t("name"), cell: ({ name }) => <bdi>{name}</bdi> },
        { name: t("date"), cell: ({ date }) => formats.day(date, "long") },
      ]}
      editor={(props) => <HolidayEditor {...props} />}
    />
  );
}

function HolidayEditor({ row: holiday, done, close }: ClosureEditorProps<Holiday>) {
  const t = useClosuresText();
  const say = usePartsText();
  const today = dayOf(Date.now(), HERE);
  const draft = useDraft({ date: holiday?.date ?? today, name: holiday?.name ?? "" });
  const { values, wrong, set } = draft;
  return (
    <FormDialog
      title={t(holiday ? "editHoliday" : "newHoliday")}
      draft={draft}
      check={({ name }) => ({ name: name.trim() ? "" : say("required") })}
      save={async (body) => {
        const made = await take(
          holiday
            ? api.directory.PUT("/api/holidays/{key}/", {
                params: { path: { key: String(holiday.id) } },
                body,
              })
            : api.directory.POST("/api/holidays/", { body }),
        );
        await done(made);
      }}
      close={close}
    >
      <p className={parts.note}>{t("follows")}</p>
      <TextInput
        label={t("name")}
        value={values.name}
        error={wrong.name}
        maxLength={200}
        dir="auto"
        data-autofocus
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <DateField
        label={t("date")}
        value={values.date}
        today={today}
        onChange={(date) => set({ date })}
      />
      {wrong.date && <p className={parts.wrong}>{wrong.date}</p>}
    </FormDialog>
  );
}
