import { Button, Skeleton } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useErrorWords } from "../errors";
import { HERE, useFormats } from "../formats";
import { useAppText } from "../texts";
import { Icon, type IconName } from "./icons";
import styles from "./ui.module.css";

interface MessageProps {
  icon: IconName;
  title: string;
  children?: ReactNode;
  isAlert?: boolean;
}

/** Says in the place of something why it is not there, and what can be done. */
export function Message({ icon, title, children, isAlert = false }: MessageProps) {
  return (
    <div className={styles.message} role={isAlert ? "alert" : undefined}>
      <span className={styles.messageIcon}>
        <Icon name={icon} size={28} />
      </span>
      <p className={styles.messageTitle}>{title}</p>
      {children}
    </div>
  );
}

export function PageLoading() {
  const t = useAppText();
  return (
    <div className={styles.loading} role="status" aria-label={t("loading")}>
      <Skeleton height={32} width="40%" />
      <Skeleton height={18} width="65%" />
      <Skeleton height={120} />
      <Skeleton height={120} />
    </div>
  );
}

interface OlderProps {
  query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
}

/** Goes on with what is older, below a list that begins with the newest. */
export function Older({ query }: OlderProps) {
  const t = useAppText();
  if (!query.hasNextPage) return null;
  return (
    <div className={styles.older}>
      <Button
        variant="default"
        loading={query.isFetchingNextPage}
        onClick={() => void query.fetchNextPage()}
      >
        {t("older")}
      </Button>
    </div>
  );
}

interface LoadedProps<T> {
  query: Pick<UseQueryResult<T>, "data" | "dataUpdatedAt" | "error" | "isError" | "isFetching"> & {
    refetch: () => unknown;
  };
  children: (data: T) => ReactNode;
  /** Shown until the first answer; rows of grey by default. */
  loading?: ReactNode;
}

/** Shows what a query has found, or that it is on its way, or why it failed and how to go on. */
export function Loaded<T>({ query, children, loading }: LoadedProps<T>) {
  const t = useAppText();
  const words = useErrorWords();
  const formats = useFormats();
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && (
          <p className={styles.stale} role="status">
            <Icon name="offline" size={16} />
            {t("stale", { time: formats.time(query.dataUpdatedAt, HERE) })}
          </p>
        )}
        {children(query.data)}
      </>
    );
  }
  if (query.isError) {
    return (
      <Message icon="alert" title={words(query.error)} isAlert>
        <Button variant="light" loading={query.isFetching} onClick={() => void query.refetch()}>
          {t("retry")}
        </Button>
      </Message>
    );
  }
  return (
    loading ?? (
      <div className={styles.loading} role="status" aria-label={t("loading")}>
        <Skeleton height={72} />
        <Skeleton height={72} />
        <Skeleton height={72} />
      </div>
    )
  );
}
