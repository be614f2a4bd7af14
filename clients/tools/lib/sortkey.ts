/**
 * Sort keys: which part of a line counts, and the value it counts as. What a flag makes of a text is
 * made with strings of one character for each byte.
 */
import { Usage } from "./args.ts";
import { decode, encode, fromLatin1, latin1 } from "./bytes.ts";
import type { Compare, Level } from "./order.ts";
import { alike, compareTexts, six, type Texts, written } from "./texts.ts";

export interface Key {
  /** Fields to skip, then characters. */
  readonly from: readonly [fields: number, chars: number];
  /** Likewise, where the key ends; with no characters at the end of the last field skipped. undefined: the line's end. */
  readonly to: readonly [fields: number, chars: number] | undefined;
  /** Of bdfginrwM; b belongs to `from`. */
  readonly flags: string;
  /** The b of the end. */
  readonly blankEnd: boolean;
}

/** Levels of text beyond the rank; lines that are alike so far are compared. */
const DEPTH = 4;

const position = /^(\d{1,9})(?:\.(\d{1,9}))?([bdfginrwM]*)$/;

/** -k: fields and characters count from 1, the end is included. */
export function posixKey(text: string): Key {
  const [first = "", second, more] = text.split(",");
  const a = position.exec(first), b = second === undefined ? undefined : position.exec(second);
  if (!a || b === null || more !== undefined) throw new Usage();
  const field = Number(a[1]), char = Number(a[2] ?? 1);
  if (field < 1 || char < 1) throw new Usage();
  let to: readonly [number, number] | undefined;
  if (b) {
    const endField = Number(b[1]), endChar = Number(b[2] ?? 0);
    if (endField < 1) throw new Usage();
    to = endChar === 0 ? [endField, 0] : [endField - 1, endChar];
  }
  const ends = b?.[3] ?? "";
  return { from: [field - 1, char - 1], to, flags: (a[3] ?? "") + ends.replaceAll("b", ""), blankEnd: ends.includes("b") };
}

/** +pos1 -pos2, both without their sign: counts of what to skip. */
export function oldKey(first: string, second: string | undefined): Key {
  const a = position.exec(first), b = second === undefined ? undefined : position.exec(second);
  if (!a || b === null) throw new Usage();
  const ends = b?.[3] ?? "";
  return {
    from: [Number(a[1]), Number(a[2] ?? 0)],
    to: b ? [Number(b[1]), Number(b[2] ?? 0)] : undefined,
    flags: (a[3] ?? "") + ends.replaceAll("b", ""), blankEnd: ends.includes("b"),
  };
}

function isBlank(c: number): boolean {
  return c === 32 || c === 9;
}

function skipBlanks(b: Uint8Array, at: number, end: number): number {
  while (at < end && isBlank(b[at]!)) at++;
  return at;
}

/** The end of the n-th field that begins at `at`; with a tab, of what is before the n-th tab. */
function skipFields(b: Uint8Array, at: number, end: number, n: number, tab: Uint8Array | undefined): number {
  for (let i = 0; i < n && at < end; i++) {
    if (tab !== undefined) {
      if (i > 0) at += tab.length;
      while (at < end && !tab.every((c, k) => b[at + k] === c)) at++;
    } else {
      at = skipBlanks(b, at, end);
      while (at < end && !isBlank(b[at]!)) at++;
    }
  }
  return at;
}

/** The part of each line that is its key. */
function parts({ bytes, from, to }: Texts, key: Key, tab: Uint8Array | undefined): Texts {
  const begins = from.slice(), ends = to.slice();
  const [fields, chars] = key.from;
  const skips = key.flags.includes("b");
  for (let i = 0; i < from.length; i++) {
    const lineEnd = to[i]!;
    let start = skipFields(bytes, from[i]!, lineEnd, fields, tab);
    if (tab !== undefined && fields > 0 && start < lineEnd) start += tab.length;
    if (skips) start = skipBlanks(bytes, start, lineEnd);
    start = Math.min(start + chars, lineEnd);
    let end = lineEnd;
    if (key.to) {
      const [endFields, endChars] = key.to;
      end = skipFields(bytes, from[i]!, lineEnd, endFields, tab);
      if (endChars > 0) {
        if (tab !== undefined && endFields > 0 && end < lineEnd) end += tab.length;
        if (key.blankEnd) end = skipBlanks(bytes, end, lineEnd);
        end = Math.min(end + endChars, lineEnd);
      }
    }
    begins[i] = start;
    ends[i] = Math.max(start, end);
  }
  return { bytes, from: begins, to: ends };
}

/** The values of all lines under one key. */
export interface Column {
  /** The value, or a number in the same order as the values: equal ranks are decided by rest. */
  readonly rank: Float64Array;
  readonly rest: Texts | undefined;
  /** Bytes with which all of rest begin, where rank is the six after them. */
  readonly alike?: number;
  readonly reverse: boolean;
}

/** tab: the character between fields, undefined for blanks. */
export function column(lines: Texts, key: Key, tab: Uint8Array | undefined): Column {
  const { flags } = key;
  const n = lines.from.length;
  const whole = key.from[0] === 0 && key.from[1] === 0 && !key.to && !flags.includes("b");
  const keys = whole ? lines : parts(lines, key, tab);
  const reverse = flags.includes("r");
  const text = (i: number): string => latin1(keys.bytes.subarray(keys.from[i], keys.to[i]));
  if (flags.includes("n")) return { ...numbers(keys, text), reverse };
  if (flags.includes("g")) return { rank: ranks(n, (i) => Number(/^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/.exec(text(i))?.[1] ?? 0)), rest: undefined, reverse };
  if (flags.includes("M")) return { rank: ranks(n, (i) => month(text(i))), rest: undefined, reverse };
  const rest = /[diwf]/.test(flags) ? written(n, (i) => fromLatin1(plain(text(i), flags))) : keys;
  const same = alike(rest);
  const rank = new Float64Array(n);
  six(rest, same, Uint32Array.from(rank.keys()), 0, n, rank);
  return { rank, rest, alike: same, reverse };
}

function ranks(n: number, rank: (i: number) => number): Float64Array {
  const all = new Float64Array(n);
  for (let i = 0; i < n; i++) all[i] = rank(i);
  return all;
}

function numbers(keys: Texts, text: (i: number) => string): Pick<Column, "rank" | "rest"> {
  let exact = true;
  const number = (i: number): string => /^[ \t]*([+-]?(?:\d+(?:\.\d*)?|\.\d+))/.exec(text(i))?.[1] ?? "0";
  const rank = ranks(keys.from.length, (i) => {
    const value = decimal(keys, i);
    if (value !== undefined) return value;
    exact = false;
    return Number(number(i));
  });
  return { rank, rest: exact ? undefined : written(keys.from.length, (i) => fromLatin1(numeric(number(i)))) };
}

/** The decimal number that text i begins with, 0 for none; undefined when a double does not hold all of its digits. */
function decimal({ bytes, from, to }: Texts, i: number): number | undefined {
  const end = to[i]!;
  let at = skipBlanks(bytes, from[i]!, end);
  const sign = bytes[at] === 0x2d ? -1 : 1;
  if (at < end && (bytes[at] === 0x2d || bytes[at] === 0x2b)) at++;
  let value = 0, digits = 0, scale = 1, point = false;
  for (; at < end; at++) {
    const c = bytes[at]!;
    if (c === 0x2e && !point) {
      point = true;
      continue;
    }
    if (c < 0x30 || c > 0x39) break;
    if (++digits > 15) return undefined;
    value = value * 10 + (c - 0x30);
    if (point) scale *= 10;
  }
  // Both are exact, so this is the double nearest to the number.
  return (sign * value) / scale;
}

/**
 * What lines are ordered by before they have to be compared: ranks, and of the first text, since many
 * begin alike, some bytes after it.
 */
export function levels(columns: readonly Column[]): Level[] {
  const all: Level[] = [];
  for (const { rank, rest, alike: same, reverse } of columns) {
    const add = (level: Level): unknown => all.push(reverse ? negative(level) : level);
    add((items, lo, hi, out) => {
      for (let k = lo; k < hi; k++) out[k] = rank[items[k]!]!;
    });
    if (!rest) continue;
    if (same === undefined) break;
    for (let n = 1; n <= DEPTH; n++) add((items, lo, hi, out) => six(rest, same + 6 * n, items, lo, hi, out));
    break;
  }
  return all;
}

function negative(level: Level): Level {
  return (items, lo, hi, out) => {
    level(items, lo, hi, out);
    for (let k = lo; k < hi; k++) out[k] = -out[k]!;
  };
}

/** A comparison of lines by their numbers. */
export function byColumns(columns: readonly Column[]): Compare {
  return (a, b) => {
    for (const { rank, rest, reverse } of columns) {
      let d = rank[a]! - rank[b]!;
      if (d === 0 && rest) d = compareTexts(rest, a, b);
      if (d !== 0) return reverse ? -d : d;
    }
    return 0;
  };
}

function month(s: string): number {
  const name = s.trimStart().slice(0, 3).toUpperCase();
  return name.length < 3 ? 0 : Math.ceil(("JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC".indexOf(name) + 1) / 3);
}

function plain(s: string, flags: string): string {
  // Characters that are not ASCII are taken for letters.
  if (flags.includes("d")) s = s.replace(/[^A-Za-z0-9 \t\x80-\xff]/g, "");
  if (flags.includes("i")) s = s.replace(/[^\x20-\x7e]/g, "");
  if (flags.includes("w")) s = s.replace(/[ \t]/g, "");
  return flags.includes("f") ? fold(s) : s;
}

/** Upper case, accents left out. */
function fold(s: string): string {
  if (!/[\x80-\xff]/.test(s)) return s.toUpperCase();
  return latin1(encode(decode(fromLatin1(s)).normalize("NFD").replace(/\p{M}/gu, "").toUpperCase()));
}

/**
 * A number of any length as a string in the order of values: sign, length of the whole part, its
 * digits, the fraction; for negative ones the complement of all that, closed by what is above it.
 */
function numeric(text: string): string {
  const m = /^([+-]?)0*(\d*)(?:\.(\d*))?/.exec(text);
  const whole = m?.[2] ?? "", fraction = (m?.[3] ?? "").replace(/0+$/, "");
  if (whole === "" && fraction === "") return "1";
  const value = String(whole.length).padStart(10, "0") + whole + fraction;
  if (m?.[1] !== "-") return `2${value}`;
  return `0${value.replace(/\d/g, (d) => String(9 - Number(d)))}~`;
}
