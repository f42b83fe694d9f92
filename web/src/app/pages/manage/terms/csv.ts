/**
 * Reads text of rows and cells (RFC 4180): cells between commas, semicolons or tabs, whichever the
 * first line has most of, some of them in quotes.
 */
export function readCells(text: string): { line: number; cells: string[] }[] {
  const plain = text.replace(/^\uFEFF/, "");
  const separator = separatorOf(
    plain.slice(0, (plain.search(/[\r\n]/) + 1 || plain.length + 1) - 1),
  );
  const rows: { line: number; cells: string[] }[] = [];
  let cells: string[] = [];
  let cell = "";
  let isQuoted = false;
  let line = 1;
  let began = 1;
  const endRow = () => {
    cells.push(cell);
    if (cells.some((one) => one.trim() !== "")) rows.push({ line: began, cells });
    cells = [];
    cell = "";
    began = line;
  };
  for (let at = 0; at < plain.length; at++) {
    const character = plain[at] ?? "";
    if (character === "\n") line++;
    if (isQuoted) {
      if (character !== '"') cell += character;
      else if (plain[at + 1] === '"') cell += plain[at++];
      else isQuoted = false;
    } else if (character === '"' && cell.trim() === "") {
      cell = "";
      isQuoted = true;
    } else if (character === separator) {
      cells.push(cell);
      cell = "";
    } else if (character === "\n") endRow();
    else if (character !== "\r") cell += character;
  }
  endRow();
  return rows;
}

function separatorOf(heading: string): string {
  const counted = [",", ";", "\t"].map((one) => [heading.split(one).length, one] as const);
  return counted.reduce((most, one) => (one[0] > most[0] ? one : most))[1];
}
