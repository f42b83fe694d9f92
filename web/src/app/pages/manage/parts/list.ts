import { useDeferredValue, useEffect, useState } from "react";
import { useSearchParams } from "wouter";

/** Rows of a page, where the server lets us say how many. */
export const ROWS = 25;

export interface ListState {
  /** From 1. */
  page: number;
  search: string;
  /** A filter's value, "" for none. */
  filter: (name: string) => string;
  goTo: (page: number) => void;
  searchFor: (text: string) => void;
  setFilter: (name: string, value: string) => void;
  setFilters: (values: Record<string, string>) => void;
}

/** Which part of a list is shown; it stands in the address, so that it can be gone back to. */
export function useListState(): ListState {
  const [params, setParams] = useSearchParams();
  const set = (values: Record<string, string>, isNewList: boolean) =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        if (isNewList) after.delete("page");
        for (const [name, value] of Object.entries(values)) {
          if (value === "") after.delete(name);
          else after.set(name, value);
        }
        return after;
      },
      { replace: isNewList },
    );
  return {
    page: Math.max(1, Math.trunc(Number(params.get("page"))) || 1),
    search: params.get("search") ?? "",
    filter: (name) => params.get(name) ?? "",
    goTo: (page) => set({ page: page > 1 ? String(page) : "" }, false),
    searchFor: (text) => set({ search: text }, true),
    setFilter: (name, value) => set({ [name]: value }, true),
    setFilters: (values) => set(values, true),
  };
}

const AFTER_MS = 250;

/** A text as it was when nothing was typed for a moment. */
export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), AFTER_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return useDeferredValue(settled);
}

/** The part of a list that the server gives whole. */
export function partOf<Row>(rows: readonly Row[], { page }: ListState) {
  return { rows: rows.slice((page - 1) * ROWS, page * ROWS), count: rows.length };
}

/** Whether a text has another in it, whatever the case. */
export const has = (text: string, part: string) =>
  text.toLocaleLowerCase().includes(part.trim().toLocaleLowerCase());
