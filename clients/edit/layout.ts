/**
 * Layout: a prompt and the text behind it as rows of a screen, and the cursor's place among them.
 * Invariants: no row is wider than the screen; a row that is full and goes on softly is followed by
 * the rest of the same line, as the terminal itself would wrap it; a wide character that does not fit
 * leaves a blank. Pure.
 */
import { columns, escapeLength, isControl, shown, tab } from "./width.ts";

/** What is to be seen. */
export interface View {
  /** In front of the first line; escape sequences in it take no columns. */
  readonly prompt: string;
  /** In front of each further line. */
  readonly more: string;
  readonly text: string;
  /** Index into text. */
  readonly cursor: number;
}

export interface Row {
  readonly text: string;
  readonly width: number;
  /** The next row goes on with the same line. */
  readonly soft: boolean;
  /** The length of what must be written as a whole: a prompt with escape sequences. */
  readonly fixed: number;
}

export interface Layout {
  readonly rows: readonly Row[];
  readonly row: number;
  readonly col: number;
}

/** Rows of this many columns, at least one row. */
export function layout(view: View, cols: number): Layout {
  const rows = new Rows(Math.max(1, cols));
  rows.prompt(view.prompt);
  const { text, cursor } = view;
  let place = { row: 0, col: 0 };
  for (let i = 0; i < text.length;) {
    // A run of printable ASCII is the usual thing.
    const end = Math.min(run(text, i), i < cursor ? cursor : text.length);
    if (end > i && i !== cursor) {
      rows.plain(text, i, end);
      i = end;
      continue;
    }
    const code = text.codePointAt(i)!;
    if (i === cursor) place = rows.place(code === 0x0a ? 0 : rows.width(code));
    if (code === 0x0a) {
      rows.end(false);
      rows.prompt(view.more);
    } else rows.put(code);
    i += code > 0xffff ? 2 : 1;
  }
  if (cursor >= text.length) place = rows.place(1);
  return { rows: rows.finish(), ...place };
}

/** Where the printable ASCII that begins at i ends. */
function run(text: string, i: number): number {
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || c > 0x7e) break;
    i++;
  }
  return i;
}

class Rows {
  private readonly rows: Row[] = [];
  private readonly cols: number;
  private text = "";
  private col = 0;
  private fixed = 0;

  constructor(cols: number) {
    this.cols = cols;
  }

  prompt(prompt: string): void {
    for (let i = 0; i < prompt.length;) {
      const n = escapeLength(prompt, i);
      if (n > 0) {
        this.text += prompt.slice(i, i + n);
        this.fixed = this.text.length;
        i += n;
        continue;
      }
      const code = prompt.codePointAt(i)!;
      if (code === 0x0a) this.end(false);
      else this.put(code);
      i += code > 0xffff ? 2 : 1;
    }
  }

  /** Columns of a character at this place. */
  width(code: number): number {
    if (code === 0x09) return Math.min(tab(this.col % this.cols), this.cols - (this.col % this.cols));
    if (isControl(code)) return 1;
    return Math.min(columns(code), this.cols);
  }

  put(code: number): void {
    if (code === 0x09) {
      this.fit(1);
      this.add(" ".repeat(this.width(code)), this.width(code));
    } else if (isControl(code)) this.plain(shown(code), 0, shown(code).length);
    else {
      const w = columns(code);
      // What is wider than the screen cannot be shown on it.
      const c = w > this.cols ? "?" : String.fromCodePoint(code);
      this.fit(Math.min(w, this.cols));
      this.add(c, Math.min(w, this.cols));
    }
  }

  plain(text: string, from: number, to: number): void {
    for (let at = from; at < to;) {
      this.fit(1);
      const n = Math.min(to - at, this.cols - this.col);
      this.add(text.slice(at, at + n), n);
      at += n;
    }
  }

  /** Where what takes w columns would go. */
  place(w: number): { row: number; col: number } {
    // At the end of a line that fills its row the cursor stands on the last column until more comes.
    if (w === 0 && this.col === this.cols) return { row: this.rows.length, col: this.cols - 1 };
    return this.col + w > this.cols ? { row: this.rows.length + 1, col: 0 } : { row: this.rows.length, col: this.col };
  }

  /** The row is over. */
  end(soft: boolean): void {
    this.rows.push({ text: this.text, width: this.col, soft, fixed: this.fixed });
    this.text = "";
    this.col = 0;
    this.fixed = 0;
  }

  /** The rows; a cursor behind a full last row has one to stand on. */
  finish(): Row[] {
    const full = this.col === this.cols;
    this.end(full);
    if (full) this.end(false);
    return this.rows;
  }

  private fit(w: number): void {
    if (this.col + w <= this.cols) return;
    if (this.col < this.cols) this.add(" ".repeat(this.cols - this.col), this.cols - this.col);
    this.end(true);
  }

  private add(text: string, w: number): void {
    this.text += text;
    this.col += w;
  }
}
