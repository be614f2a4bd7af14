/**
 * Words: one value <-> one word of the text form (print.ts). Invariant: what is written here reads
 * back as the same value. Only print.ts calls these.
 *
 * A string is rc's: '...' with '' for a quote, when every character is visible or a space;
 * otherwise $'...', where \n \t \r \\ \' mean what they mean in C and \xNN is one byte (of the UTF-8
 * of a character, or one that is no UTF-8). Bytes that are no text are x'...', two hex digits each.
 */
import { errno } from "./errors.ts";
import { NOFID, NOLENGTH, NOTAG, NOU32, type Cookie } from "./fcall.ts";
import type { Kind } from "./layout.ts";
import { qidPath, type Qid } from "./qid.ts";
import { decodeUtf8, encodeUtf8, utf8Length } from "./utf8.ts";

const hidden = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
const hiddens = new RegExp(`[\\\\']|${hidden.source}`, "gu");
const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\", "'": "\\'" };
const unescapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\\": "\\", "'": "'" };

/** Bits of qid.type from 0x80 down: directory, append, exclusive (l as in ls), mounted, Auth, temporary, symlink, hard link. */
const qidLetters = "dalmAtsh";
/** Bits of Dir.mode and Tcreate.perm: the same, then .u's Device, pipe, Socket, setuid, setgid, sticky. */
const permLetters: readonly (readonly [string, number])[] = [
  ["d", 0x80000000], ["a", 0x40000000], ["l", 0x20000000], ["m", 0x10000000], ["A", 0x08000000], ["t", 0x04000000],
  ["s", 0x02000000], ["D", 0x00800000], ["p", 0x00200000], ["S", 0x00100000], ["u", 0x00080000], ["g", 0x00040000], ["k", 0x00010000],
];
const errnos: Readonly<Record<string, number>> = errno;
const errnoNames = new Map<number, string>(Object.entries(errno).map(([name, n]) => [n, name]));

/** The bytes of a string. */
export function bytesOf(s: string): Uint8Array {
  const b = new Uint8Array(utf8Length(s));
  encodeUtf8(s, b, 0);
  return b;
}

function hex(b: Uint8Array, before = ""): string {
  let s = "";
  for (const x of b) s += before + x.toString(16).padStart(2, "0");
  return s;
}

/** A string. */
export function quote(s: string): string {
  if (!hidden.test(s)) return `'${s.replaceAll("'", "''")}'`;
  return `$'${s.replace(hiddens, (c) => escapes[c] ?? hex(bytesOf(c), "\\x"))}'`;
}

/** Bytes: as a string when they are text with nothing hidden but newlines and tabs, else in hex. */
export function quoteBytes(data: Uint8Array): string {
  const s = decodeUtf8(data, 0, data.length);
  return hidden.test(s.replace(/[\n\t]/g, " ")) ? `x'${hex(data)}'` : quote(s);
}

/** A number. */
export function showNumber(v: Cookie, kind: Kind): string {
  if (typeof v === "bigint") return String(v);
  switch (kind) {
    case "tag": return v === NOTAG ? "NOTAG" : String(v);
    case "fid": return v === NOFID ? "NOFID" : String(v);
    case "u2": return v === 0xffff ? "~" : String(v);
    case "u4": return v === NOU32 ? "~" : String(v);
    case "length": return v === NOLENGTH ? "~" : String(v);
    case "mask": return v === NOU32 ? "~" : v < 10 ? String(v) : `0x${v.toString(16)}`;
    case "octal": return v === NOU32 ? "~" : v === 0 ? "0" : `0${v.toString(8)}`;
    case "perm": return v === NOU32 ? "~" : showPerm(v);
    case "errno": return errnoNames.get(v) ?? String(v);
    default: return String(v);
  }
}

function showPerm(v: number): string {
  let letters = "";
  for (const [c, bit] of permLetters) {
    if ((v & bit) === 0) continue;
    letters += c;
    v = (v & ~bit) >>> 0;
  }
  return letters + v.toString(8);
}

/** (path version type), type letters or f. */
export function showQid(q: Qid): string {
  let letters = "";
  for (let i = 0; i < 8; i++) if (q.type & (0x80 >> i)) letters += qidLetters.charAt(i);
  return `(0x${qidPath(q).toString(16)} ${showNumber(q.vers, "u4")} ${letters || "f"})`;
}

/** A qid of a pattern; undefined stands for `*`. */
export interface QidPattern { path: bigint | undefined; vers: number | undefined; type: number | undefined }

/** The qid of a pattern without `*`. */
export function wholeQid(q: QidPattern): Qid | undefined {
  if (q.path === undefined || q.vers === undefined || q.type === undefined) return undefined;
  return { type: q.type, vers: q.vers, pathlo: Number(q.path & 0xffffffffn), pathhi: Number(q.path >> 32n) };
}

/** Is q as the pattern wants it? */
export function likeQid(want: QidPattern, q: Qid): boolean {
  return (want.path ?? qidPath(q)) === qidPath(q) && (want.vers ?? q.vers) === q.vers && (want.type ?? q.type) === q.type;
}

const widths: Partial<Record<Kind, number>> = { u1: 8, u2: 16, tag: 16, u8: 53, i8: 53, length: 53, cookie: 64 };

/** Reads one line from left to right. A # that begins a word begins a comment. */
export class Scanner {
  readonly line: string;
  private at = 0;

  constructor(line: string) {
    this.line = line;
    this.take(/\s*(#.*)?/sy);
  }

  /** Says what is wrong, and where. */
  fail(why: string): never {
    throw new SyntaxError(`${why}, at column ${this.at + 1} of: ${this.line}`);
  }

  get done(): boolean {
    return this.at >= this.line.length;
  }

  /** Consumes what `re` (sticky) matches here, and the space or comment behind it. */
  private take(re: RegExp): RegExpExecArray | undefined {
    re.lastIndex = this.at;
    const m = re.exec(this.line);
    if (!m) return undefined;
    const space = /\s*(#.*)?/sy;
    space.lastIndex = re.lastIndex;
    space.exec(this.line);
    this.at = space.lastIndex;
    return m;
  }

  /** A name or number, or undefined when something else stands here. */
  word(): string | undefined {
    return this.take(/[-~\w]+(?!')/y)?.[0];
  }

  /** Consumes this mark if it stands here. */
  mark(c: "*" | "(" | ")" | "{" | "}" | "..."): boolean {
    return this.line.startsWith(c, this.at) && this.take(c === "..." ? /\.\.\./y : /./y) !== undefined;
  }

  string(): string {
    return this.maybeString() ?? this.fail("a string in quotes is wanted");
  }

  private maybeString(): string | undefined {
    const plain = this.take(/'((?:[^']|'')*)'/y);
    if (plain) return plain[1]!.replaceAll("''", "'");
    const c = this.take(/\$'((?:[^'\\]|\\.)*)'/sy);
    return c && this.unescape(c[1]!);
  }

  bytes(): Uint8Array {
    const m = this.take(/x'([^']*)'/y);
    if (!m) return bytesOf(this.maybeString() ?? this.fail("a payload in quotes is wanted"));
    const digits = m[1]!.replace(/\s/g, "");
    if (!/^([0-9a-f]{2})*$/i.test(digits)) this.fail("x'...' wants two hex digits a byte");
    return Uint8Array.from(digits.match(/../g) ?? [], (d) => Number.parseInt(d, 16));
  }

  private unescape(body: string): string {
    const b: number[] = [];
    for (const [, x, e, c] of body.matchAll(/\\x([0-9a-f]{2})|\\(.)|([^\\]+)/gsui)) {
      if (x !== undefined) b.push(Number.parseInt(x, 16));
      else for (const byte of bytesOf(c ?? unescapes[e!] ?? this.fail(`unknown escape \\${e}`))) b.push(byte);
    }
    return decodeUtf8(Uint8Array.from(b), 0, b.length);
  }

  /** A number of a field of this kind; a bigint only above 2^53-1, which only a cookie can be. */
  cookie(kind: Kind): Cookie {
    const w = this.word() ?? this.fail("a number is wanted");
    const bits = widths[kind] ?? 32;
    if (w === "~" && kind === "length") return NOLENGTH;
    if (w === "~" && bits <= 32) return 2 ** bits - 1;
    if (w === "NOTAG" && kind === "tag") return NOTAG;
    if (w === "NOFID" && kind === "fid") return NOFID;
    if (kind === "errno" && errnos[w] !== undefined) return errnos[w];
    if (kind === "perm" && !/^0x/i.test(w)) return this.perm(w);
    const m = /^(-?)(0x[0-9a-f]+|[1-9][0-9]*|0[0-7]*)$/i.exec(w) ?? this.fail(`${w} is no number`);
    const n = BigInt(/^0[0-7]/.test(m[2]!) ? `0o${m[2]!.slice(1)}` : m[2]!);
    if (n >= 1n << BigInt(bits) || (m[1] && kind !== "i8")) this.fail(`${w} does not fit`);
    if (n > Number.MAX_SAFE_INTEGER) return n;
    return m[1] && n !== 0n ? -Number(n) : Number(n);
  }

  /** A number of a field that is no cookie. */
  number(kind: Kind): number {
    return Number(this.cookie(kind));
  }

  private perm(w: string): number {
    const m = /^([A-Za-z]*)([0-7]+)$/.exec(w) ?? this.fail(`${w} is no mode`);
    let v = Number.parseInt(m[2]!, 8);
    for (const c of m[1]!) v += permLetters.find(([l]) => l === c)?.[1] ?? this.fail(`${c} is no letter of a mode`);
    return v <= NOU32 ? v : this.fail(`${w} does not fit`);
  }

  /** A qid, any part of it `*`. */
  qid(): QidPattern {
    if (!this.mark("(")) this.fail("a qid is (path version type)");
    const path = this.mark("*") ? undefined : BigInt(this.cookie("cookie"));
    const vers = this.mark("*") ? undefined : this.number("u4");
    const type = this.mark("*") ? undefined : this.letters();
    if (!this.mark(")")) this.fail("a qid ends with )");
    return { path, vers, type };
  }

  private letters(): number {
    const w = this.word() ?? this.fail("the letters of a qid's type are wanted, f for none");
    let type = 0;
    for (const c of w === "f" ? "" : w) {
      const i = qidLetters.indexOf(c);
      if (i < 0) this.fail(`${c} is no letter of a qid's type`);
      type |= 0x80 >> i;
    }
    return type;
  }
}
