import { ActionIcon, Button, TextInput } from "@mantine/core";
import { keepPreviousData, type UseQueryResult } from "@tanstack/react-query";
import { type Key, type ReactNode, useEffect, useRef, useState } from "react";
import { useFormats } from "../../../formats";
import { Icon, type IconName } from "../../../ui/icons";
import { Loaded, Message } from "../../../ui/states";
import { type ListState, ROWS, useSettled } from "./list";
import styles from "./parts.module.css";
import { usePartsText } from "./texts";

export interface Column<Row> {
  /** Its heading; "" for one of buttons. */
  name: string;
  cell: (row: Row) => ReactNode;
  /** Numbers and times stand under each other. */
  isNumber?: boolean;
  /** It gives way when there is little room. */
  isMinor?: boolean;
}

interface TableProps<Row> {
  label: string;
  rows: readonly Row[];
  rowKey: (row: Row) => Key;
  /** The first one names the row. */
  columns: readonly Column<Row>[];
  isFaded?: (row: Row) => boolean;
}

/** A table, which on phones is a list of cards. */
export function DataTable<Row>({ label, rows, rowKey, columns, isFaded }: TableProps<Row>) {
  return (
    <div className={styles.tableFrame}>
      <table className={styles.table} aria-label={label}>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th
                key={column.name || index}
                scope="col"
                data-number={column.isNumber || undefined}
                data-minor={column.isMinor || undefined}
              >
                {column.name || <Unseen />}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} data-faded={isFaded?.(row) || undefined}>
              {columns.map((column, index) => {
                const about = {
                  "data-number": column.isNumber || undefined,
                  "data-minor": column.isMinor || undefined,
                  "data-buttons": column.name === "" || undefined,
                };
                return index === 0 ? (
                  <th key={column.name} scope="row" {...about}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.name || index} {...about}>
                    {column.name && (
                      <span className={styles.cellName} aria-hidden="true">
                        {column.name}
                      </span>
                    )}
                    {column.cell(row)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Unseen() {
  const t = usePartsText();
  return <span className="unseen">{t("actions")}</span>;
}

export interface Part<Row> {
  rows: Row[];
  count: number;
}

/** What every query of a part of a list has: the part before it stays until it is there. */
export const partOptions = { placeholderData: keepPreviousData };

interface ListProps<Row> extends Omit<TableProps<Row>, "rows"> {
  query: UseQueryResult<Part<Row>>;
  state: ListState;
  icon: IconName;
  /** What is said when there is nothing at all. */
  empty: string;
  /** What can be done then. */
  begin?: ReactNode;
  rowsAPage?: number;
}

/** A part of a long list, with the way to the others. */
export function List<Row>(props: ListProps<Row>) {
  const { query, state, icon, empty, begin, rowsAPage, ...table } = props;
  const t = usePartsText();
  return (
    <Loaded query={query}>
      {({ rows, count }) => {
        if (count === 0 && state.search !== "") {
          return (
            <Message icon="search" title={t("nothingFound", { search: state.search })}>
              <Button variant="light" onClick={() => state.searchFor("")}>
                {t("clear")}
              </Button>
            </Message>
          );
        }
        if (count === 0) {
          return (
            <Message icon={icon} title={empty}>
              {begin}
            </Message>
          );
        }
        return (
          <div aria-busy={query.isPlaceholderData}>
            <DataTable {...table} rows={rows} />
            <Pager state={state} count={count} shown={rows.length} rows={rowsAPage} />
          </div>
        );
      }}
    </Loaded>
  );
}

interface PagerProps {
  state: ListState;
  count: number;
  shown: number;
  rows?: number | undefined;
}

export function Pager({ state, count, shown, rows = ROWS }: PagerProps) {
  const t = usePartsText();
  const { page, goTo } = state;
  const last = Math.max(1, Math.ceil(count / rows));
  // Somebody has deleted what was on the last page.
  useEffect(() => {
    if (page > last) goTo(last);
  }, [page, last, goTo]);
  const from = (page - 1) * rows + 1;
  return (
    <nav className={styles.pager} aria-label={t("pages")}>
      <span role="status">{t("of", { from, to: from + shown - 1, count })}</span>
      {last > 1 && (
        <span className={styles.pagerButtons}>
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={t("previous")}
            disabled={page <= 1}
            onClick={() => goTo(page - 1)}
          >
            <Icon name="back" size={18} />
          </ActionIcon>
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={t("next")}
            disabled={page >= last}
            onClick={() => goTo(page + 1)}
          >
            <Icon name="forward" size={18} />
          </ActionIcon>
        </span>
      )}
    </nav>
  );
}

/** The line above a list: search, filters, and what else its page puts there. */
export function Toolbar({ children }: { children: ReactNode }) {
  return <div className={styles.toolbar}>{children}</div>;
}

export function SearchField({ state, label }: { state: ListState; label: string }) {
  const [text, setText] = useState(state.search);
  const settled = useSettled(text);
  const { search, searchFor } = state;
  const searched = useRef(search);
  useEffect(() => {
    if (settled === searched.current) return;
    searched.current = settled;
    searchFor(settled);
  }, [settled, searchFor]);
  // The address has changed: by the way back, or by "Show all".
  useEffect(() => {
    if (search === searched.current) return;
    searched.current = search;
    setText(search);
  }, [search]);
  return (
    <TextInput
      className={styles.search}
      type="search"
      aria-label={label}
      placeholder={label}
      leftSection={<Icon name="search" size={18} />}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
    />
  );
}

type Tone = "good" | "warn" | "bad" | "info" | "plain";

/** A state in a word; its colour says nothing that the word does not. */
export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span className={styles.badge} data-tone={tone}>
      {children}
    </span>
  );
}

interface RowButtonProps {
  icon: IconName;
  label: string;
  onClick: () => void;
  isDanger?: boolean;
}

/** A button in a row; its label names the row too. */
export function RowButton({ icon, label, onClick, isDanger = false }: RowButtonProps) {
  const { language } = useFormats();
  return (
    <ActionIcon
      variant="subtle"
      color={isDanger ? "red" : "gray"}
      size="lg"
      aria-label={label}
      title={label}
      lang={language}
      onClick={onClick}
    >
      <Icon name={icon} size={18} />
    </ActionIcon>
  );
}

export function RowButtons({ children }: { children: ReactNode }) {
  return <span className={styles.rowButtons}>{children}</span>;
}
