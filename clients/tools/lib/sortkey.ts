/**
 * Sort keys: which part of a line counts, and the value it counts as. Lines are strings of one
 * character for each byte.
 */
import { Usage } from "./args.ts";
import { decode, encode, fromLatin1, latin1 } from "./bytes.ts";

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

function isBlank(line: string, at: number): boolean {
  const c = line.charCodeAt(at);
  return c === 32 || c === 9;
}

function skipBlanks(line: string, at: number): number {
  while (at < line.length && isBlank(line, at)) at++;
  return at;
}

/** The end of the n-th field that begins at `at`; with a tab, of what is before the n-th tab. */
function skipFields(line: string, n: number, tab: string | undefined): number {
  let at = 0;
  for (let i = 0; i < n && at < line.length; i++) {
    if (tab !== undefined) {
      if (i > 0) at++;
      const next = line.indexOf(tab, at);
      at = next < 0 ? line.length : next;
    } else {
      at = skipBlanks(line, at);
      while (at < line.length && !isBlank(line, at)) at++;
    }
  }
  return at;
}

function part(line: string, key: Key, tab: string | undefined): string {
  const [fields, chars] = key.from;
  let start = skipFields(line, fields, tab);
  if (tab !== undefined && fields > 0 && start < line.length) start++;
  if (key.flags.includes("b")) start = skipBlanks(line, start);
  start += chars;
  if (!key.to) return line.slice(start);
  const [endFields, endChars] = key.to;
  let end = skipFields(line, endFields, tab);
  if (endChars > 0) {
    if (tab !== undefined && endFields > 0 && end < line.length) end++;
    if (key.blankEnd) end = skipBlanks(line, end);
    end += endChars;
  }
  return line.slice(start, Math.max(start, end));
}

/** The values of all lines under one key. */
export interface Column {
  /** The value, or a number in the same order as the values: equal ranks are decided by rest. */
  readonly rank: Float64Array;
  readonly rest: readonly string[] | undefined;
  readonly reverse: boolean;
}

export function column(lines: readonly string[], key: Key, tab: string | undefined): Column {
  const { flags } = key;
  const whole = key.from[0] === 0 && key.from[1] === 0 && !key.to && !flags.includes("b");
  const parts = whole ? lines : lines.map((line) => part(line, key, tab));
  const reverse = flags.includes("r");
  if (flags.includes("n")) {
    const texts = parts.map((s) => /^[ \t]*([+-]?(?:\d+(?:\.\d*)?|\.\d+))/.exec(s)?.[1] ?? "0");
    // So many digits are a double's own; more need their text.
    const exact = texts.every((s) => s.length <= 15);
    return { rank: Float64Array.from(texts, Number), rest: exact ? undefined : texts.map(numeric), reverse };
  }
  if (flags.includes("g")) {
    return { rank: Float64Array.from(parts, (s) => Number(/^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/.exec(s)?.[1] ?? 0)), rest: undefined, reverse };
  }
  if (flags.includes("M")) return { rank: Float64Array.from(parts, month), rest: undefined, reverse };
  const rest = /[diwf]/.test(flags) ? parts.map((s) => plain(s, flags)) : parts;
  return { rank: Float64Array.from(rest, beginning), rest, reverse };
}

/** A comparison of lines by their numbers. */
export function byColumns(columns: readonly Column[]): (a: number, b: number) => number {
  return (a, b) => {
    for (const { rank, rest, reverse } of columns) {
      let d = rank[a]! - rank[b]!;
      if (d === 0 && rest) {
        const x = rest[a]!, y = rest[b]!;
        d = x === y ? 0 : x < y ? -1 : 1;
      }
      if (d !== 0) return reverse ? -d : d;
    }
    return 0;
  };
}

/** The first six bytes: most lines differ there, and numbers compare quickly. */
function beginning(s: string): number {
  let n = 0;
  for (let i = 0; i < 6; i++) n = n * 256 + (i < s.length ? s.charCodeAt(i) : 0);
  return n;
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
