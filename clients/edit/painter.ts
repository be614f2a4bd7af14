/**
 * Painter: keeps what a terminal shows the same as a View, and says what to write to that end: as
 * little as will do, so that typing costs a few bytes however long the text is. Invariants: it moves
 * only relative to where it began, and never above; it believes what it wrote stands there, until it
 * is told otherwise (forget, resized); a text taller than the screen is seen through a window that
 * the cursor is in.
 */
import { layout, type Row, type View } from "./layout.ts";
import { combines, width } from "./width.ts";

export interface Size {
  /** 0 of either: not known. */
  readonly rows: number;
  readonly cols: number;
}

const ESC = "\x1b[";
const ROWS = 24;
const COLS = 80;
const BLANK: Row = { text: "", width: 0, soft: false, fixed: 0 };
/** Like no other. */
const UNKNOWN: Row = { ...BLANK, text: "\0" };

export class Painter {
  private size: Size;
  /** What stands there, from row `top` of the layout on. */
  private shown: Row[] = [];
  private top = 0;
  /** The cursor, `row` counted in shown; col is cols when the terminal is about to wrap. */
  private row = 0;
  private col = 0;
  private out = "";

  constructor(size: Size) {
    this.size = known(size);
  }

  /** What to write so that the view is seen. */
  paint(view: View): string {
    const { cols, rows: height } = this.size;
    const { rows, row, col } = layout(view, cols);
    const top = Math.max(0, Math.min(Math.max(Math.min(this.top, row), row - height + 1), rows.length - height));
    const seen = rows.slice(top, top + height);
    const by = top - this.top;
    // The screen goes up by itself when the view is all of it.
    if (by > 0 && by < height && this.shown.length === height) {
      this.move(height - 1, 0);
      this.out += "\n".repeat(by);
      this.shown.splice(0, by);
      while (this.shown.length < height) this.shown.push(BLANK);
    }
    this.top = top;
    for (let i = 0; i < seen.length; i++) this.write(i, seen[i]!, i > 0 ? seen[i - 1] : undefined);
    if (this.shown.length > seen.length) {
      this.move(seen.length, 0);
      this.out += `${ESC}J`;
    }
    this.shown = [...seen];
    this.move(row - top, col);
    return this.take();
  }

  /** To the row below the view, which stays. */
  leave(view: View): string {
    this.out = this.paint({ ...view, cursor: view.text.length });
    // Behind a full row the cursor stands on a new one already.
    if (this.row === 0 || this.shown[this.row]?.text !== "" || !this.shown[this.row - 1]?.soft) this.out += "\r\n";
    this.forget();
    return this.take();
  }

  /** The cursor is at the beginning of a row that is empty, and nothing of ours is on the screen. */
  forget(): void {
    this.shown = [];
    this.top = 0;
    this.row = 0;
    this.col = 0;
  }

  /**
   * The terminal has another size now. Terminals differ in what becomes of wrapped lines then: where
   * the cursor is now, if that is known (column from 0), tells. What to write to be at the beginning
   * of where the view stands, with nothing below.
   */
  resized(size: Size, cursor: number | undefined): string {
    const old = this.size.cols;
    this.size = known(size);
    const { cols, rows } = this.size;
    let above = 0;
    let start = 0;
    for (let i = 0, line = ""; i < this.row; i++) {
      line += this.shown[i]?.text ?? "";
      if (this.shown[i]?.soft) continue;
      above += wrapped(line, cols);
      start = i + 1;
      line = "";
    }
    const offset = (this.row - start) * old + Math.min(this.col, old - 1);
    const kept = { up: above + this.row - start, col: Math.min(this.col, cols - 1) };
    const flowed = { up: above + Math.floor(offset / cols), col: offset % cols };
    const guess = kept.col === flowed.col || cursor === undefined || (cursor !== kept.col && cursor !== flowed.col)
      ? Math.min(kept.up, flowed.up) : cursor === kept.col ? kept.up : flowed.up;
    const up = Math.min(guess, rows - 1);
    this.forget();
    return `\r${up > 0 ? `${ESC}${up}A` : ""}${ESC}J`;
  }

  private write(i: number, row: Row, above: Row | undefined): void {
    const old = this.shown[i];
    if (old && old.text === row.text && old.soft === row.soft) return;
    const same = old && old.soft === row.soft ? common(old, row) : 0;
    const rest = row.text.slice(same);
    // A line that goes on is wrapped by the terminal, which then knows that it is one.
    const wraps = same === 0 && above?.soft === true && this.row === i - 1 && this.col === this.size.cols;
    if (!wraps) this.move(i, same === 0 ? 0 : row.width - width(rest));
    if (rest !== "") this.col = row.width;
    else if (wraps) this.col = 0;
    this.out += rest === "" && wraps ? " \r" : rest;
    this.row = i;
    if (old && old.width > row.width) this.out += `${ESC}${old.width - row.width}X`;
    this.shown[i] = row;
    const next = this.shown[i + 1];
    if (!old || old.soft === row.soft || !next) return;
    // The terminal is to know that the next row goes on with this one, or no more: it is wrapped anew, or entered by a newline.
    if (row.soft) this.shown[i + 1] = { ...UNKNOWN, width: this.size.cols, soft: next.soft };
    else this.newline();
  }

  private move(row: number, col: number): void {
    if (row === this.row && col === this.col) return;
    const { cols } = this.size;
    const last = this.shown.length - 1;
    if (row > this.row && row > last) {
      // Only a row that is not there yet is entered by a newline: rows that go on with those above stay so.
      if (last > this.row) this.move(last, 0);
      while (row > this.row) this.newline();
    } else if (row > this.row) this.out += `${this.col >= cols ? "\r" : ""}${ESC}${row - this.row}B`;
    else if (row < this.row) this.out += `${this.col >= cols ? "\r" : ""}${ESC}${this.row - row}A`;
    if (row !== this.row && this.col >= cols) this.col = 0;
    this.row = row;
    if (col === this.col) return;
    if (col === 0 || this.col >= cols) {
      this.out += "\r";
      this.col = 0;
    }
    if (col === this.col - 1) this.out += "\b";
    else if (col < this.col) this.out += `${ESC}${this.col - col}D`;
    else if (col > this.col) this.out += `${ESC}${col - this.col}C`;
    this.col = col;
  }

  /** To the beginning of the next row, which is one by itself then. */
  private newline(): void {
    this.out += "\r\n";
    this.row++;
    this.col = 0;
  }

  private take(): string {
    const { out } = this;
    this.out = "";
    return out;
  }
}

function known(size: Size): Size {
  return { rows: size.rows > 0 ? size.rows : ROWS, cols: size.cols > 0 ? size.cols : COLS };
}

/** Rows that a line takes. */
function wrapped(line: string, cols: number): number {
  const { rows } = layout({ prompt: line, more: "", text: "", cursor: 0 }, cols);
  // The cursor's own is no row yet.
  return rows.length > 1 && rows.at(-1)?.text === "" ? rows.length - 1 : rows.length;
}

/** How much of the beginning may stay: none if it ends inside of what must be written as a whole. */
function common(old: Row, row: Row): number {
  let n = 0;
  while (n < old.text.length && n < row.text.length && old.text[n] === row.text[n]) n++;
  for (const { text, fixed } of [old, row]) {
    if (n < fixed) return 0;
    while (n > 0 && n < text.length && (combines(text, n) || (text.charCodeAt(n) & 0xfc00) === 0xdc00)) n--;
  }
  return n;
}
