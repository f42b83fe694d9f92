import { Button, SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { useFormats } from "../../../formats";
import { Icon } from "../../../ui/icons";
import { PageHeader } from "../../../ui/PageHeader";
import { Loaded, Message } from "../../../ui/states";
import { type Column, List, Pager, Toolbar } from "../parts/List";
import { type ListState, useListState } from "../parts/list";
import parts from "../parts/parts.module.css";
import { type BookingRequest, REQUESTS, STATUSES, spanOf, useRequests, useWaiting } from "./data";
import { OverrideDialog } from "./OverrideDialog";
import { RequestCard } from "./RequestCard";
import styles from "./requests.module.css";
import { useRequestsText } from "./texts";

export default function RequestsPage() {
  const t = useRequestsText();
  const state = useListState();
  const [isOverriding, setOverriding] = useState(false);
  const status = STATUSES.find((one) => one === state.filter("status")) ?? "PENDING";
  return (
    <>
      <PageHeader title={t("title")} description={t("description")}>
        <Button
          variant="default"
          leftSection={<Icon name="plus" size={18} />}
          onClick={() => setOverriding(true)}
        >
          {t("newOverride")}
        </Button>
      </PageHeader>
      <Toolbar>
        <SegmentedControl
          className={styles.statuses ?? ""}
          aria-label={t("status")}
          value={status}
          data={STATUSES.map((one) => ({ value: one, label: t(one) }))}
          onChange={(value) => state.setFilter("status", value === "PENDING" ? "" : value)}
          withItemsBorders={false}
        />
      </Toolbar>
      {status === "PENDING" ? <Waiting state={state} /> : <Decided state={state} status={status} />}
      {isOverriding && <OverrideDialog close={() => setOverriding(false)} />}
    </>
  );
}

function Waiting({ state }: { state: ListState }) {
  const t = useRequestsText();
  const query = useWaiting();
  return (
    <Loaded query={query}>
      {(waiting) => {
        if (waiting.length === 0) return <Message icon="check" title={t("none.PENDING")} />;
        const shown = waiting.slice((state.page - 1) * REQUESTS, state.page * REQUESTS);
        return (
          <>
            <ul className={styles.cards}>
              {shown.map((request) => (
                <RequestCard key={request.id} request={request} waiting={waiting} />
              ))}
            </ul>
            <Pager state={state} count={waiting.length} shown={shown.length} rows={REQUESTS} />
          </>
        );
      }}
    </Loaded>
  );
}

function Decided({
  state,
  status,
}: {
  state: ListState;
  status: Exclude<(typeof STATUSES)[number], "PENDING">;
}) {
  const t = useRequestsText();
  const formats = useFormats();
  const query = useRequests(status, state.page);
  const columns: Column<BookingRequest>[] = [
    {
      name: t("purpose"),
      cell: (one) => (
        <>
          <bdi>{one.purpose}</bdi>
          <span className={parts.more}>
            <bdi>{one.user.name}</bdi>
          </span>
        </>
      ),
    },
    { name: t("room"), cell: (one) => <bdi>{one.room.name}</bdi> },
    {
      name: t("time"),
      cell: (one) => {
        const { start, end } = spanOf(one);
        const zone = one.room.timezone;
        return `${formats.date(start, zone, "short")} · ${formats.range(start, end, zone)}`;
      },
    },
    {
      name: t("decided"),
      isMinor: true,
      cell: (one) =>
        one.decidedAt ? formats.dateTime(Date.parse(one.decidedAt), one.room.timezone) : "–",
    },
    { name: t("words"), cell: (one) => <bdi>{one.reason ?? "–"}</bdi> },
  ];
  return (
    <List
      label={t(status)}
      query={query}
      state={state}
      rowsAPage={REQUESTS}
      rowKey={(one) => one.id}
      columns={columns}
      icon="requests"
      empty={t(`none.${status}`)}
    />
  );
}
