import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ComponentType, useState } from "react";
import { Icon, type IconName } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { toast } from "../../../ui/toast";
import { Confirm } from "../parts/Dialog";
import { type Column, List, partOptions, RowButton, RowButtons } from "../parts/List";
import { ROWS, useListState } from "../parts/list";
import { usePartsText } from "../parts/texts";
import { ClosureSections, type Met, MetDialog } from "./parts";
import { useClosuresText } from "./texts";

export interface EditorProps<Row> {
  /** Nothing: a new one is made. */
  row: Row | undefined;
  /** It was written. */
  done: (made: { allocations?: Met | null }) => Promise<unknown>;
  close: () => void;
}

interface Props<Row> {
  /** What the server calls them. */
  kind: "blackouts" | "holidays";
  create: string;
  about: string;
  icon: IconName;
  empty: string;
  list: (
    part: { limit: string; offset: string },
    signal: AbortSignal,
  ) => Promise<{ results: Row[]; count: number }>;
  remove: (key: string) => Promise<unknown>;
  nameOf: (row: Row) => string;
  columns: Column<Row>[];
  isFaded?: (row: Row) => boolean;
  Editor: ComponentType<EditorProps<Row>>;
}

/** Closures of a kind: their list, and how one is made, changed and deleted. */
export function ClosurePage<Row extends { id: number }>(props: Props<Row>) {
  const { kind, create, about, list, remove, nameOf, columns, Editor, ...shown } = props;
  const t = useClosuresText();
  const say = usePartsText();
  const state = useListState();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Row | "new">();
  const [leaving, setLeaving] = useState<Row>();
  const [met, setMet] = useState<Met>();
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
    Promise.all([[kind], ["closures"]].map((queryKey) => cache.invalidateQueries({ queryKey })));
  const close = () => setEdited(undefined);
  const buttons: Column<Row> = {
    name: "",
    cell: (row) => (
      <RowButtons>
        <RowButton
          icon="edit"
          label={t("editOf", { name: nameOf(row) })}
          onClick={() => setEdited(row)}
        />
        <RowButton
          icon="trash"
          label={t("deleteOf", { name: nameOf(row) })}
          isDanger
          onClick={() => setLeaving(row)}
        />
      </RowButtons>
    ),
  };
  return (
    <>
      <PageHeader title={t(kind)} description={about}>
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setEdited("new")}>
          {create}
        </Button>
      </PageHeader>
      <ClosureSections />
      <List
        {...shown}
        label={t(kind)}
        query={query}
        state={state}
        rowKey={({ id }) => id}
        columns={[...columns, buttons]}
      />
      {edited !== undefined && (
        <Editor
          row={edited === "new" ? undefined : edited}
          done={({ allocations }) => {
            toast("good", say("saved"));
            close();
            setMet(allocations ?? undefined);
            return refresh();
          }}
          close={close}
        />
      )}
      {met && <MetDialog met={met} close={() => setMet(undefined)} />}
      {leaving && (
        <Confirm
          title={t("deleteTitle", { name: nameOf(leaving) })}
          action={say("delete")}
          act={async () => {
            await remove(String(leaving.id));
            toast("good", say("deleted"));
            setLeaving(undefined);
            await refresh();
          }}
          close={() => setLeaving(undefined)}
        >
          <p>{t("deleteFollows")}</p>
        </Confirm>
      )}
    </>
  );
}
