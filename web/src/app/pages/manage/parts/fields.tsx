import { Input, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { api, take } from "../../../api";
import { type Day, dayOf } from "../../../days";
import { latin, useDigits } from "../../../formats";
import { DateField } from "../../../ui/DateField";
import { partOptions } from "./List";
import { has, useSettled } from "./list";
import styles from "./parts.module.css";
import { usePartsText } from "./texts";

const FOUND = "20";

export interface Chosen {
  id: string;
  name: string;
}

interface Found extends Chosen {
  more: string;
}

interface PickerProps {
  label: string;
  value: Chosen | null;
  onChange: (chosen: Chosen | null) => void;
  error?: string | undefined;
  required?: boolean;
  description?: string;
  placeholder?: string;
  disabled?: boolean;
}

/** A room, found by its name or its building's; its id is the number. */
export function RoomPicker(props: PickerProps) {
  const t = usePartsText();
  const [text, setText] = useState(props.value?.name ?? "");
  const wanted = text === props.value?.name ? "" : text;
  const search = useSettled(wanted);
  const { data, isFetching, isPlaceholderData } = useQuery({
    queryKey: ["rooms", "found", search],
    queryFn: async ({ signal }) => {
      const query = { search, limit: FOUND, ordering: ["name"] };
      const { results } = await take(
        api.directory.GET("/api/rooms/", { params: { query }, signal }),
      );
      return results.map((room) => ({
        id: String(room.id),
        name: room.name,
        more: room.location.name,
      }));
    },
    ...partOptions,
  });
  const isOld = search !== wanted || isPlaceholderData;
  return (
    <Picker
      {...props}
      text={text}
      setText={setText}
      found={isOld ? fitting(data, wanted) : (data ?? [])}
      nothing={isFetching || isOld ? t("loading") : t("noRoom")}
    />
  );
}

/** Somebody, found by name or email. */
export function PersonPicker(props: PickerProps) {
  const t = usePartsText();
  const [text, setText] = useState(props.value?.name ?? "");
  const wanted = text === props.value?.name ? "" : text;
  const search = useSettled(wanted);
  const { data, isFetching, isPlaceholderData } = useQuery({
    queryKey: ["users", "found", search],
    queryFn: async ({ signal }) => {
      const query = { limit: FOUND, ...(search ? { search } : {}) };
      const { data } = await take(
        api.university.GET("/api/admin/users", { params: { query }, signal }),
      );
      return data.data.map(({ id, name, email }) => ({ id, name, more: email }));
    },
    ...partOptions,
  });
  const isOld = search !== wanted || isPlaceholderData;
  return (
    <Picker
      {...props}
      text={text}
      setText={setText}
      found={isOld ? fitting(data, wanted) : (data ?? [])}
      nothing={isFetching || isOld ? t("loading") : t("noPerson")}
    />
  );
}

/** Of what was found for another text what fits: who types on and presses Enter chooses no other. */
function fitting(found: Found[] | undefined, text: string): Found[] {
  return found?.filter(({ name, more }) => has(`${name} ${more}`, text)) ?? [];
}

interface FoundProps extends PickerProps {
  text: string;
  setText: (text: string) => void;
  found: Found[];
  nothing: string;
}

function Picker({ value, onChange, text, setText, found, nothing, ...props }: FoundProps) {
  const t = usePartsText();
  const options = found.map(({ id, name }) => ({ value: id, label: name }));
  // What is chosen stays an option, whatever is searched for.
  if (value && !options.some((one) => one.value === value.id)) {
    options.push({ value: value.id, label: value.name });
  }
  const more = new Map(found.map((one) => [one.id, one.more]));
  return (
    <Select
      label={props.label}
      description={props.description}
      placeholder={props.placeholder ?? t("typeToSearch")}
      error={props.error}
      required={props.required ?? false}
      withAsterisk={false}
      disabled={props.disabled ?? false}
      searchable
      clearable={!props.required}
      data={options}
      filter={({ options: all }) => all}
      value={value?.id ?? null}
      searchValue={text}
      onSearchChange={setText}
      onChange={(id, option) =>
        onChange(id === null || !option ? null : { id, name: option.label })
      }
      nothingFoundMessage={nothing}
      renderOption={({ option }) => (
        <span className={styles.option}>
          <bdi>{option.label}</bdi>
          <small>
            <bdi>{more.get(option.value)}</bdi>
          </small>
        </span>
      )}
    />
  );
}

/** The name of a room by either of its ids. */
export function RoomName({ id }: { id: number | string | null }) {
  const t = usePartsText();
  const { data, isError } = useRoom(id);
  if (id === null) return t("everyRoom");
  if (isError) return <bdi>#{id}</bdi>;
  return <bdi>{data?.name ?? "…"}</bdi>;
}

export function useRoom(id: number | string | null) {
  return useQuery({
    queryKey: ["rooms", "one", String(id)],
    queryFn: ({ signal }) =>
      take(
        api.directory.GET("/api/rooms/{room_id}/", {
          params: { path: { room_id: String(id) } },
          signal,
        }),
      ),
    enabled: id !== null,
    staleTime: 60_000,
  });
}

interface MomentProps {
  label: string;
  day: Day;
  /** `09:30`. */
  time: string;
  onChange: (part: { day?: Day; time?: string }) => void;
  zone: string;
  error?: string | undefined;
}

/** A day in the calendar that is preferred, and a time of day. */
export function MomentField({ label, day, time, onChange, zone, error }: MomentProps) {
  const t = usePartsText();
  const id = useId();
  return (
    <fieldset className={styles.moment} aria-describedby={error ? id : undefined}>
      <legend>{label}</legend>
      <div>
        <DateField
          label={`${label}: ${t("date")}`}
          hideLabel
          value={day}
          onChange={(chosen) => onChange({ day: chosen })}
          today={dayOf(Date.now(), zone)}
        />
        <TimeInput
          label={`${label}: ${t("time")}`}
          hideLabel
          value={time}
          onChange={(typed) => onChange({ time: typed })}
          isWrong={error !== undefined}
        />
      </div>
      {error !== undefined && (
        <Input.Error id={id} component="p">
          {error}
        </Input.Error>
      )}
    </fieldset>
  );
}

interface TimeProps {
  label: string;
  value: string;
  onChange: (time: string) => void;
  hideLabel?: boolean;
  isWrong?: boolean;
  error?: string | undefined;
}

/** A time of day, `09:30`; it is typed as on a clock of 24 hours, whatever the browser likes. */
export function TimeInput({ label, value, onChange, hideLabel, isWrong, error }: TimeProps) {
  const inDigits = useDigits();
  return (
    <TextInput
      {...(hideLabel ? { "aria-label": label } : { label })}
      className={styles.time ?? ""}
      dir="ltr"
      inputMode="numeric"
      placeholder={inDigits("09:30")}
      maxLength={5}
      value={inDigits(value)}
      error={error ?? (isWrong || (value !== "" && minutesIn(value) === undefined))}
      onChange={(event) => onChange(latin(event.currentTarget.value))}
      onBlur={() => {
        const minutes = minutesIn(value);
        if (minutes !== undefined) onChange(timeIn(minutes));
      }}
    />
  );
}

interface CountProps {
  label: string;
  /** Empty: none was written yet. */
  value: number | "";
  error: string | undefined;
  onChange: (value: number | "") => void;
}

/** How many there are of something. */
export function CountInput({ label, value, error, onChange }: CountProps) {
  const inDigits = useDigits();
  return (
    <TextInput
      label={label}
      inputMode="numeric"
      autoComplete="off"
      maxLength={7}
      value={inDigits(String(value))}
      error={error}
      onChange={(event) => {
        const digits = latin(event.currentTarget.value).replace(/\D/g, "");
        onChange(digits === "" ? "" : Number(digits));
      }}
    />
  );
}

/** Minutes since midnight of `9`, `930`, `9:30` or `09:30`. */
export function minutesIn(time: string): number | undefined {
  const found = /^(\d{1,2}?):?(\d{2})?$/.exec(time.trim());
  if (!found) return undefined;
  const [hours, minutes] = [Number(found[1]), Number(found[2] ?? 0)];
  return hours < 24 && minutes < 60 ? hours * 60 + minutes : undefined;
}

export function timeIn(minutes: number): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
