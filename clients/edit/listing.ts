/** Listing: names in columns as wide as the longest of them, sorted downwards, as ls has them. Pure. */
import { visible, width } from "./width.ts";

const GAP = 2;

/** The rows, none wider than cols unless a name is. Nothing in a name reaches the terminal as it is. */
export function listing(names: readonly string[], cols: number): string[] {
  const safe = names.map(visible);
  const widths = safe.map(width);
  const column = widths.reduce((a, b) => Math.max(a, b), 0) + GAP;
  const across = Math.max(1, Math.floor((cols + GAP - 1) / column));
  const down = Math.ceil(safe.length / across);
  const rows: string[] = [];
  for (let r = 0; r < down; r++) {
    let row = "";
    for (let i = r; i < safe.length; i += down) row += i + down < safe.length ? safe[i]! + " ".repeat(column - widths[i]!) : safe[i]!;
    rows.push(row);
  }
  return rows;
}
