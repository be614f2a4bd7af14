/**
 * Print: a message <-> one line of text, in the manner of Plan 9's fcallfmt: the language of
 * --trace and of test/transcripts/*.9p. Invariant: parse(print(f, tag)) is f, for every message
 * that can be decoded; it never depends on a dialect.
 *
 *   Twalk tag 3 fid 0 newfid 1 'a' 'b'
 *   Rwalk tag 3 (0x1f 0 d) (0x20 4 f)
 *   Rread tag 4 count 6 $'hello\n'
 *
 * After the name comes `tag`, then field names with their values in any order, then what is bare:
 * names, qids, payload. Strings are always quoted, a payload is x'00ff' when it is not text
 * (words.ts); its `count` is checked when given. Numbers are decimal, 0x hex, 0 octal; ~ is all
 * ones, also NOTAG and NOFID. A qid is (path version type): type letters dalmAtsh, f for none. Plan
 * 9 modes are letters before octal digits: d755. Linux modes are octal, errors go by name. An
 * entry of Rreaddir is {qid offset type 'name'}. Left out when they say nothing: n_uname and n_*
 * without a number, errno 0, empty extension, in Twstat what is not touched, zeros in Rgetattr and
 * Tsetattr. A line ending in ... was cut (`max`) and does not parse.
 *
 * In a pattern (see mismatch) `*` stands for any value: of a field, a name, a qid or part of a qid,
 * the payload, the tag; `...` at the end for any fields not named, and any continuation of what is
 * bare. A transcript has such lines after "-> " (to the server) and "<- " (from it), blank lines, and
 * comments from a # to the end of the line.
 */
import { packDirent, sizeofDirent, unpackDirents, type Dirent } from "./dir.ts";
import { NineError } from "./errors.ts";
import type { Fcall } from "./fcall.ts";
import { isBare, layouts, layoutsByName, type Field, type Kind, type Layout } from "./layout.ts";
import { isQid } from "./qid.ts";
import { Scanner, likeQid, quote, quoteBytes, showNumber, showQid, wholeQid, type QidPattern } from "./words.ts";

/** The fields of a message and of its stat by name; `type` is the stat's when there is one. */
function valuesOf(f: Fcall): Readonly<Record<string, unknown>> {
  return "stat" in f ? { ...f, ...f.stat } : { ...f };
}

function show(v: unknown, kind: Kind): string {
  if (typeof v === "string") return quote(v);
  if (typeof v === "number" || typeof v === "bigint") return showNumber(v, kind);
  return isQid(v) ? showQid(v) : "?";
}

function saysNothing(v: unknown, field: Field): boolean {
  return field.absent !== undefined && show(v, field.kind) === show(field.absent, field.kind);
}

/** The line of a message. `max`: so many bytes of payload are shown, then `...`. */
export function print(f: Fcall, tag: number, max: number = Infinity): string {
  const layout = layouts.get(f.type);
  if (!layout) return `unknown message type ${f.type} tag ${tag}`;
  const values = valuesOf(f);
  const words = [layout.name, "tag", showNumber(tag, "tag")];
  for (const field of layout.fields) {
    const v = values[field.name];
    if (v instanceof Uint8Array) {
      words.push("count", String(v.length), ...(field.kind === "dirents" ? showEntries(v, max) : [showData(v, max)]));
    } else if (Array.isArray(v)) words.push(...v.map((x) => show(x, field.kind)));
    else if (!saysNothing(v, field)) words.push(field.name, show(v, field.kind));
  }
  return words.join(" ");
}

/** The beginning of a payload; text is cut before a character. */
function showData(data: Uint8Array, max: number): string {
  if (data.length <= max) return quoteBytes(data);
  let n = max;
  while (n > 0 && n > max - 3 && (data[n]! & 0xc0) === 0x80) n--;
  const text = quoteBytes(data.subarray(0, n));
  return `${text.startsWith("x") ? quoteBytes(data.subarray(0, max)) : text}...`;
}

/** Whole entries; what is not entries, as any payload. */
function showEntries(data: Uint8Array, max: number): string[] {
  let entries: Dirent[];
  try {
    entries = unpackDirents(data);
  } catch (e) {
    if (e instanceof NineError) return [showData(data, max)];
    throw e;
  }
  const words: string[] = [];
  let n = 0;
  for (const e of entries) {
    n += sizeofDirent(e.name);
    if (n > max) return [...words, "..."];
    words.push(`{${showQid(e.qid)} ${e.offset} ${e.type} ${quote(e.name)}}`);
  }
  return words;
}

/** A line as read. `*` is undefined in `given`, `bare`, `tag` and `count`; a field that is not there is not in `given`. */
interface Line {
  readonly layout: Layout;
  readonly tag: number | undefined;
  readonly given: Map<string, number | bigint | string | QidPattern | undefined>;
  readonly names: (string | undefined)[];
  readonly qids: (QidPattern | undefined)[];
  /** Pieces of payload, to be joined. */
  readonly data: (Uint8Array | undefined)[];
  count: number | undefined;
  /** Ends in `...`. */
  open: boolean;
}

function read(s: Scanner): Line {
  const name = s.word() ?? s.fail("no message");
  const layout = layoutsByName.get(name) ?? s.fail(`no message is called ${name}`);
  if (s.word() !== "tag") s.fail("the tag comes first");
  const tag = s.mark("*") ? undefined : s.number("tag");
  const line: Line = { layout, tag, given: new Map(), names: [], qids: [], data: [], count: undefined, open: false };
  const bare = layout.fields.find((f) => isBare(f.kind))?.kind;
  while (!s.done && !line.open) {
    line.open = s.mark("...");
    if (line.open) continue;
    const key = s.word();
    if (key === undefined) readBare(s, line, bare);
    else if (key === "count" && (bare === "data" || bare === "dirents")) line.count = s.mark("*") ? undefined : s.number("u4");
    else readField(s, line, key);
  }
  if (!s.done) s.fail("nothing comes after ...");
  return line;
}

function readField(s: Scanner, line: Line, key: string): void {
  const { name, fields } = line.layout;
  const { kind } = fields.find((f) => f.name === key && !isBare(f.kind)) ?? s.fail(`${name} has no field ${key}`);
  if (line.given.has(key)) s.fail(`${key} twice`);
  line.given.set(key, s.mark("*") ? undefined : kind === "string" ? s.string() : kind === "qid" ? s.qid() : s.cookie(kind));
}

function readBare(s: Scanner, line: Line, kind: Kind | undefined): void {
  if (kind === undefined) s.fail(`${line.layout.name} has nothing without a name`);
  const any = s.mark("*");
  if (kind === "names") line.names.push(any ? undefined : s.string());
  else if (kind === "qids") line.qids.push(any ? undefined : s.qid());
  else line.data.push(any ? undefined : kind === "dirents" && s.mark("{") ? readEntry(s) : s.bytes());
}

function readEntry(s: Scanner): Uint8Array {
  const qid = wholeQid(s.qid()) ?? s.fail("no * within an entry");
  const offset = s.cookie("cookie");
  const type = s.number("u1");
  const name = s.string();
  if (!s.mark("}")) s.fail("an entry ends with }");
  const buf = new Uint8Array(sizeofDirent(name));
  packDirent(qid, offset, type, name, buf, 0);
  return buf;
}

function joined(parts: readonly (Uint8Array | undefined)[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((n, b) => n + (b?.length ?? 0), 0));
  let at = 0;
  for (const b of parts) {
    if (!b) continue;
    all.set(b, at);
    at += b.length;
  }
  return all;
}

/** The message of a line. Throws SyntaxError, which says what is wrong and where. */
export function parse(text: string): { tag: number; f: Fcall } {
  const s = new Scanner(text);
  const line = read(s);
  if (line.open) s.fail("the line was cut short (...)");
  const any = (): never => s.fail("* is for patterns");
  const f: Record<string, unknown> = { type: line.layout.type };
  const stat: Record<string, unknown> = {};
  for (const field of line.layout.fields) {
    (field.inStat ? stat : f)[field.name] = valueOf(line, field, s, any);
    if (field.inStat) f["stat"] = stat;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the layout names every field of the type
  return { tag: line.tag ?? any(), f: f as unknown as Fcall };
}

function valueOf(line: Line, field: Field, s: Scanner, any: () => never): unknown {
  if (field.kind === "names") return line.names.map((name) => name ?? any());
  if (field.kind === "qids") return line.qids.map((q) => (q && wholeQid(q)) ?? any());
  if (isBare(field.kind)) {
    const data = joined(line.data.map((b) => b ?? any()));
    if (line.count !== undefined && line.count !== data.length) s.fail(`count ${line.count}, but ${data.length} bytes`);
    return data;
  }
  const v = line.given.get(field.name);
  if (v === undefined) return line.given.has(field.name) ? any() : field.absent ?? s.fail(`${line.layout.name} wants ${field.name}`);
  return typeof v === "object" ? wholeQid(v) ?? any() : v;
}

/** What in this message is not as the pattern wants it; undefined when all is. Throws SyntaxError for what is no pattern. */
export function mismatch(pattern: string, f: Fcall, tag: number): string | undefined {
  const line = read(new Scanner(pattern));
  const got = print(f, tag, 256);
  if (line.layout.type !== f.type) return `${line.layout.name} expected, got ${got}`;
  if (line.tag !== undefined && line.tag !== tag) return `tag ${showNumber(line.tag, "tag")} expected, got ${got}`;
  const values = valuesOf(f);
  for (const field of line.layout.fields) {
    const v = values[field.name];
    const why = isBare(field.kind) ? unlikeBare(line, v) : unlikeField(line, field, v);
    if (why) return `${why} expected, got ${got}`;
  }
  return undefined;
}

/** Is the message as the pattern wants it? */
export function matches(pattern: string, f: Fcall, tag: number): boolean {
  return mismatch(pattern, f, tag) === undefined;
}

function unlikeField(line: Line, field: Field, v: unknown): string | undefined {
  const want = line.given.get(field.name);
  if (want === undefined) {
    return line.open || line.given.has(field.name) || saysNothing(v, field) ? undefined : `no ${field.name}`;
  }
  if (typeof want === "object") return isQid(v) && likeQid(want, v) ? undefined : `another ${field.name}`;
  return want === v ? undefined : `${field.name} ${show(want, field.kind)}`;
}

function unlikeBare(line: Line, v: unknown): string | undefined {
  if (v instanceof Uint8Array) {
    if (line.count !== undefined && line.count !== v.length) return `count ${line.count}`;
    if (line.data.includes(undefined)) return undefined;
    const want = joined(line.data);
    if (line.open ? want.length > v.length : want.length !== v.length) return `${want.length} bytes`;
    return want.every((b, i) => b === v[i]) ? undefined : "another payload";
  }
  const list: readonly unknown[] = Array.isArray(v) ? v : [];
  const n = line.names.length + line.qids.length;
  if (line.open ? n > list.length : n !== list.length) return `${n} elements`;
  const bad = list.findIndex((x, i) => {
    const want = line.names[i] ?? line.qids[i];
    return want !== undefined && (typeof want === "string" ? want !== x : !(isQid(x) && likeQid(want, x)));
  });
  return bad < 0 ? undefined : `another element ${bad}`;
}

/** One line of a transcript: who speaks, and the message or pattern. */
export interface TranscriptLine { readonly line: number; readonly from: "client" | "server"; readonly text: string }

/** The lines of a transcript that are messages, numbered from 1. */
export function transcript(text: string): TranscriptLine[] {
  const lines: TranscriptLine[] = [];
  for (const [i, raw] of text.split("\n").entries()) {
    const m = /^\s*(?:(->|<-)\s*(.*)|#.*)?$/.exec(raw.trimEnd());
    if (!m) throw new SyntaxError(`line ${i + 1}: a line begins with ->, <- or #: ${raw}`);
    if (m[1]) lines.push({ line: i + 1, from: m[1] === "->" ? "client" : "server", text: m[2]! });
  }
  return lines;
}
