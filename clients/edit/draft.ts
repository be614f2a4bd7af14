/**
 * Draft: the text being edited, with its cursor, and the commands of Emacs that change it or move in
 * it; undo and the kills. Invariants: the cursor never stands within a character; every change goes
 * through replace(), which undo takes back; kills that follow one another are one. The kills outlive
 * the text: one Draft serves all lines of an editor.
 */
import { after, before } from "./width.ts";

interface Change {
  readonly at: number;
  readonly removed: string;
  readonly inserted: string;
  /** Where the cursor was. */
  readonly cursor: number;
}

const KILLS = 32;
const CHANGES = 1000;
const WORD = /[\p{L}\p{N}\p{M}]/u;
const BLANK = /\s/;

export class Draft {
  text = "";
  cursor = 0;
  private changes: Change[] = [];
  private readonly kills: string[] = [];
  /** The last command killed, or yanked: what, and where it ends. */
  private killing = false;
  private yanked: { readonly kill: number; readonly length: number } | undefined;
  private typing = false;

  /** Another text, which undo does not go behind; the cursor at its end. */
  set(text: string): void {
    this.text = text;
    this.cursor = text.length;
    this.changes = [];
    this.over();
  }

  /** Another text as a change. */
  become(text: string, cursor: number = text.length): void {
    this.over();
    this.replace(0, this.text.length, text);
    this.cursor = cursor;
  }

  insert(text: string): void {
    const { typing } = this;
    const last = this.changes.at(-1);
    this.over();
    const at = this.cursor;
    // What is typed at a stretch is undone at once.
    if (typing && last && last.removed === "" && last.at + last.inserted.length === at) {
      this.changes[this.changes.length - 1] = { ...last, inserted: last.inserted + text };
      this.text = this.text.slice(0, at) + text + this.text.slice(at);
      this.cursor = at + text.length;
    } else this.replace(at, at, text);
    this.typing = true;
  }

  /** The only change there is: from..to becomes text, and the cursor stands behind it. */
  replace(from: number, to: number, text: string): void {
    this.changes.push({ at: from, removed: this.text.slice(from, to), inserted: text, cursor: this.cursor });
    if (this.changes.length > CHANGES) this.changes.shift();
    this.text = this.text.slice(0, from) + text + this.text.slice(to);
    this.cursor = from + text.length;
  }

  /** Does the command of that name; false when there is none. */
  command(name: string): boolean {
    const run = COMMANDS[name];
    if (!run) return false;
    const { killing, yanked } = this;
    this.over();
    run(this, killing, yanked);
    return true;
  }

  /** The command is over: what is typed, killed or yanked next is by itself. */
  over(): void {
    this.killing = false;
    this.yanked = undefined;
    this.typing = false;
  }

  /** Index of the beginning of the cursor's line, and of its end. */
  get line(): { readonly start: number; readonly end: number } {
    const end = this.text.indexOf("\n", this.cursor);
    return { start: this.cursor === 0 ? 0 : this.text.lastIndexOf("\n", this.cursor - 1) + 1, end: end < 0 ? this.text.length : end };
  }

  /** To the line above, -1, or below, 1; false when there is none. */
  vertical(by: -1 | 1): boolean {
    const { start, end } = this.line;
    if (by < 0 ? start === 0 : end === this.text.length) return false;
    const col = this.cursor - start;
    this.over();
    const from = by < 0 ? (start === 1 ? 0 : this.text.lastIndexOf("\n", start - 2) + 1) : end + 1;
    this.cursor = from;
    const to = Math.min(from + col, this.line.end);
    while (this.cursor < to) this.cursor = after(this.text, this.cursor);
    return true;
  }

  undo(): void {
    const change = this.changes.pop();
    if (!change) return;
    this.text = this.text.slice(0, change.at) + change.removed + this.text.slice(change.at + change.inserted.length);
    this.cursor = change.cursor;
  }

  /** Removes from..to and keeps it; what was killed just before is the same kill. */
  kill(from: number, to: number, more: boolean): void {
    const text = this.text.slice(from, to);
    const ahead = from === this.cursor;
    this.killing = true;
    if (text === "") return;
    this.replace(from, to, "");
    if (more && this.kills.length > 0) {
      const last = this.kills.pop()!;
      this.kills.push(ahead ? last + text : text + last);
    } else this.kills.push(text);
    if (this.kills.length > KILLS) this.kills.shift();
  }

  yank(): void {
    const kill = this.kills.length - 1;
    const text = this.kills[kill];
    if (text === undefined) return;
    this.replace(this.cursor, this.cursor, text);
    this.yanked = { kill, length: text.length };
  }

  /** What was yanked just now becomes the kill before it. */
  yankPop(last: { readonly kill: number; readonly length: number } | undefined): void {
    if (!last) return;
    const kill = (last.kill + this.kills.length - 1) % this.kills.length;
    const text = this.kills[kill]!;
    this.replace(this.cursor - last.length, this.cursor, text);
    this.yanked = { kill, length: text.length };
  }

  /** Where the word after the cursor ends, and where the one before it begins. */
  wordEnd(at: number = this.cursor): number {
    let i = at;
    while (i < this.text.length && !WORD.test(char(this.text, i))) i = after(this.text, i);
    while (i < this.text.length && WORD.test(char(this.text, i))) i = after(this.text, i);
    return i;
  }

  wordStart(at: number = this.cursor, part: RegExp = WORD, inside: boolean = true): number {
    let i = at;
    while (i > 0 && part.test(char(this.text, before(this.text, i))) !== inside) i = before(this.text, i);
    while (i > 0 && part.test(char(this.text, before(this.text, i))) === inside) i = before(this.text, i);
    return i;
  }
}

function char(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at)!);
}

type Command = (b: Draft, killing: boolean, yanked: { readonly kill: number; readonly length: number } | undefined) => void;

function recase(change: (word: string) => string): Command {
  return (b) => {
    const end = b.wordEnd();
    b.replace(b.cursor, end, change(b.text.slice(b.cursor, end)));
  };
}

/** C-t: the character before the cursor changes places with the one at it, at the end of a line the two before it. */
function transpose(b: Draft): void {
  const { start, end } = b.line;
  const at = b.cursor === end ? before(b.text, b.cursor) : b.cursor;
  if (at <= start) return;
  const first = before(b.text, at);
  const next = after(b.text, at);
  b.replace(first, next, b.text.slice(at, next) + b.text.slice(first, at));
}

/** M-t: the same with words. */
function transposeWords(b: Draft): void {
  const end = b.wordEnd();
  const start = b.wordStart(end);
  const first = b.wordStart(start);
  if (first === start) return;
  let firstEnd = first;
  while (firstEnd < start && WORD.test(char(b.text, firstEnd))) firstEnd = after(b.text, firstEnd);
  b.replace(first, end, b.text.slice(start, end) + b.text.slice(firstEnd, start) + b.text.slice(first, firstEnd));
}

const left: Command = (b) => void (b.cursor = before(b.text, b.cursor));
const right: Command = (b) => void (b.cursor = after(b.text, b.cursor));
const home: Command = (b) => void (b.cursor = b.line.start);
const end: Command = (b) => void (b.cursor = b.line.end);
const wordLeft: Command = (b) => void (b.cursor = b.wordStart());
const wordRight: Command = (b) => void (b.cursor = b.wordEnd());
const erase: Command = (b) => b.cursor > 0 && b.replace(before(b.text, b.cursor), b.cursor, "");
const del: Command = (b) => {
  const at = b.cursor;
  if (at < b.text.length) b.replace(at, after(b.text, at), "");
};
const killWordLeft: Command = (b, more) => b.kill(b.wordStart(), b.cursor, more);
const killWordRight: Command = (b, more) => b.kill(b.cursor, b.wordEnd(), more);
const undo: Command = (b) => b.undo();

/** C-k: to the end of the line, and at its end the newline. */
const killLine: Command = (b, more) => b.kill(b.cursor, b.line.end === b.cursor ? after(b.text, b.cursor) : b.line.end, more);
/** C-u: to the beginning of the line, and at its beginning the newline before. */
const killBack: Command = (b, more) => b.kill(b.line.start === b.cursor ? before(b.text, b.cursor) : b.line.start, b.cursor, more);

const COMMANDS: Readonly<Record<string, Command>> = {
  "C-a": home, Home: home, "C-e": end, End: end, "C-b": left, Left: left, "C-f": right, Right: right,
  "M-b": wordLeft, "M-Left": wordLeft, "C-Left": wordLeft, "M-f": wordRight, "M-Right": wordRight, "C-Right": wordRight,
  "M-<": (b) => void (b.cursor = 0), "M->": (b) => void (b.cursor = b.text.length),
  Backspace: erase, "C-h": erase, "C-d": del, Delete: del, "C-t": transpose, "M-t": transposeWords,
  "C-k": killLine, "C-u": killBack, "C-w": (b, more) => b.kill(b.wordStart(b.cursor, BLANK, false), b.cursor, more),
  "M-d": killWordRight, "M-Delete": killWordRight, "C-Delete": killWordRight, "M-Backspace": killWordLeft, "C-M-h": killWordLeft,
  "C-y": (b) => b.yank(), "M-y": (b, _, yanked) => b.yankPop(yanked), "C-_": undo,
  "M-u": recase((w) => w.toUpperCase()), "M-l": recase((w) => w.toLowerCase()),
  "M-c": recase((w) => w.toLowerCase().replace(/\p{L}/u, (c) => c.toUpperCase())),
};
