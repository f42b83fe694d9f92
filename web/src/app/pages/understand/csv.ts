/** A spreadsheet would run it as a formula. */
const RUNS = /^[=+\-@\t\r]/;

export type Cell = string | number | null;

/** Writes a table as CSV: UTF-8 with its mark, lines by CRLF (RFC 4180), figures with a point. */
export function csvOf(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const written = [head, ...rows].map((row) => row.map(cell).join(","));
  return `\ufeff${written.join("\r\n")}\r\n`;
}

function cell(value: Cell): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = RUNS.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Gives the browser a file to keep. */
export function save(name: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
