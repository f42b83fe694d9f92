import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Icon, type IconName } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Confirm } from "./Dialog";
import { type Column, List, partOptions, RowButton, RowButtons } from "./List";
import { ROWS, useListState } from "./list";
import { usePartsText } from "./texts";

export interface EditorProps<Row> {
  /** Nothing: a new one is made. */
  row: Row | undefined;
  /** It was written. */
  done: () => Promise<unknown>;
  close: () => void;
}

export interface KeptPageProps<Row> {
  title: string;
  about: string;
  create: string;
  icon: IconName;
  empty: string;
  /** What follows when one is deleted. */
  deleteFollows: string;
  /** Under which they are remembered, and what else has to be asked for anew after a change. */
  kind: string;
  beside?: readonly string[];
  list: (
    part: { limit: string; offset: string },
    signal: AbortSignal,
  ) => Promise<{ results: Row[]; count: number }>;
  remove: (key: string) => Promise<unknown>;
  nameOf: (row: Row) => string;
  columns: Column<Row>[];
  isFaded?: (row: Row) => boolean;
  /** What stands before the buttons of a row. */
  more?: (row: Row) => ReactNode;
  editor: (props: EditorProps<Row>) => ReactNode;
  /** Between the heading and the list. */
  children?: ReactNode;
}

/** What is kept in a list: each is made, edited and deleted there. */
export function KeptPage<Row extends { id: number }>(props: KeptPageProps<Row>) {
  const { kind, beside = [], list, remove, nameOf, columns, more, editor, ...shown } = props;
  const { title, about, create, deleteFollows, children, ...listed } = shown;
  const say = usePartsText();
  const state = useListState();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Row | "new">();
  const [leaving, setLeaving] = useState<Row>();
  const query = useQuery({
    queryKey: [kind, "list", state.page],
    queryFn: async ({ signal }) => {
      const part = { limit: String(ROWS), offset: String((state.page - 1) * ROWS) };
      const { results, count } = await list(part, signal);
      return { rows: results, count };
    },
    ...partOptions,
  });
  const refresh = () =>
    Promise.all([kind, ...beside].map((one) => cache.invalidateQueries({ queryKey: [one] })));
  const close = () => setEdited(undefined);
  const buttons: Column<Row> = {
    name: "",
    cell: (row) => (
      <RowButtons>
        {more?.(row)}
        <RowButton
          icon="edit"
          label={say("editOf", { name: nameOf(row) })}
          onClick={() => setEdited(row)}
        />
        <RowButton
          icon="trash"
          label={say("deleteOf", { name: nameOf(row) })}
          isDanger
          onClick={() => setLeaving(row)}
        />
      </RowButtons>
    ),
  };
  return (
    <>
      <PageHeader title={title} description={about}>
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setEdited("new")}>
          {create}
        </Button>
      </PageHeader>
      {children}
      <List
        {...listed}
        label={title}
        query={query}
        state={state}
        rowKey={({ id }) => id}
        columns={[...columns, buttons]}
      />
      {edited !== undefined &&
        editor({
          row: edited === "new" ? undefined : edited,
          done: () => {
            toast("good", say("saved"));
            close();
            return refresh();
          },
          close,
        })}
      {leaving && (
        <Confirm
          title={say("deleteTitle", { name: nameOf(leaving) })}
          action={say("delete")}
          act={async () => {
            await remove(String(leaving.id));
            toast("good", say("deleted"));
            setLeaving(undefined);
            await refresh();
          }}
          close={() => setLeaving(undefined)}
        >
          <p>{deleteFollows}</p>
        </Confirm>
      )}
    </>
  );
}
