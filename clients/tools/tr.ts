/** tr(1): characters replaced, deleted and squeezed. A byte that is no UTF-8 is a character of its own and stays what it is. */
import { NineError, encodeUtf8, utf8Length } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { join, rune } from "./lib/bytes.ts";
import { tool } from "./lib/tool.ts";

type Range = readonly [lo: number, hi: number];

const LAST = 0x10ffff;
/** In a table: the character is deleted. */
const GONE = -1;

export const tr: Program = tool("tr", "[-cds] [string1 [string2]]", async (t, words) => {
  const args = parseArgs(words, "cds");
  const [complement, drop, squeeze] = [args.has("c"), args.has("d"), args.has("s")];
  if (args.operands.length !== (drop && !squeeze ? 1 : 2)) throw new Usage();
  const [from = [], to = []] = args.operands.map(ranges);
  const table = drop ? deletion(from, complement) : complement ? complementTable(from, to) : translation(from, to);
  const runes = new Translation(table, squeeze ? to : []);
  let cut: Uint8Array = new Uint8Array(0);
  for (;;) {
    await t.out.flush();
    const data = await t.sys.read(0);
    const text = cut.length > 0 ? join([cut, data]) : data;
    const done = runes.put(text, data.length === 0);
    const full = t.out.put(runes.out());
    if (full) await full;
    if (data.length === 0) break;
    cut = text.subarray(done);
  }
});

/** What becomes of characters: of those below the table's length what it says, of the others what `above` says. */
interface Table {
  readonly to: Int32Array;
  /** undefined: they stay. */
  readonly above: number | undefined;
}

class Translation {
  readonly #table: Table;
  /** Which characters are squeezed. */
  readonly #squeezed: Uint8Array;
  /** The character written last. */
  #last = GONE;
  #buf: Uint8Array = new Uint8Array(0);
  #n = 0;

  constructor(table: Table, squeezed: readonly Range[]) {
    this.#table = table;
    this.#squeezed = new Uint8Array(highest(squeezed) + 1);
    for (const [lo, hi] of squeezed) this.#squeezed.fill(1, lo, hi + 1);
  }

  /** Takes the text in; returns how much of it, for it may end within a character and not be the last. */
  put(text: Uint8Array, last: boolean): number {
    if (this.#buf.length < 4 * text.length) this.#buf = new Uint8Array(4 * text.length);
    const { to, above } = this.#table;
    let at = 0, n = 0;
    while (at < text.length) {
      let c = text[at]!, size = 1;
      if (c >= 128) {
        const r = rune(text, at, text.length);
        c = r >>> 3;
        size = r & 7;
        if (size === 1 && !last && text.length - at < 4) break;
      }
      at += size;
      const by = c < to.length ? to[c]! : (above ?? c);
      if (by === GONE || (by === this.#last && this.#squeezed[by] === 1)) continue;
      this.#last = by;
      if (by < 128) this.#buf[n++] = by;
      else {
        const s = String.fromCodePoint(by);
        encodeUtf8(s, this.#buf, n);
        n += utf8Length(s);
      }
    }
    this.#n = n;
    return at;
  }

  /** What the text of the last put became; it is gone with the next. */
  out(): Uint8Array {
    return this.#buf.subarray(0, this.#n);
  }
}

/** A string's characters in their order: \ quotes or gives a number, -x goes on from the character before. */
function ranges(text: string): Range[] {
  const chars = Array.from(text);
  const all: Range[] = [];
  let at = 0;
  const one = (): number => {
    const c = chars[at++] ?? "";
    if (c !== "\\" || at >= chars.length) return c.codePointAt(0) ?? 0;
    const rest = chars.slice(at, at + 5).join("");
    const hex = /^x([0-9a-fA-F]{1,4})/.exec(rest)?.[1], octal = /^[0-7]{1,3}/.exec(rest)?.[0];
    at += hex !== undefined ? hex.length + 1 : octal !== undefined ? octal.length : 1;
    if (octal !== undefined && Number.parseInt(octal, 8) > 0o377) throw new NineError("character > 0377");
    return hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : (chars[at - 1]?.codePointAt(0) ?? 0);
  };
  while (at < chars.length) {
    const before = all.at(-1);
    if (chars[at] === "-" && before && at + 1 < chars.length) {
      at++;
      const hi = one();
      if (hi < before[1]) throw new NineError("invalid range specification");
      if (hi > before[1]) all.push([before[1] + 1, hi]);
    } else {
      const c = one();
      all.push([c, c]);
    }
  }
  return all;
}

function* each(all: readonly Range[]): Generator<number, undefined> {
  for (const [lo, hi] of all) for (let c = lo; c <= hi; c++) yield c;
}

function highest(all: readonly Range[]): number {
  return all.reduce((most, [, hi]) => Math.max(most, hi), -1);
}

/** A table where every character up to high stays what it is. */
function identity(high: number): Int32Array {
  return Int32Array.from({ length: high + 1 }, (_, c) => c);
}

function deletion(from: readonly Range[], complement: boolean): Table {
  const to = complement ? new Int32Array(highest(from) + 1).fill(GONE) : identity(highest(from));
  for (const c of each(from)) to[c] = complement ? c : GONE;
  return { to, above: complement ? GONE : undefined };
}

function translation(from: readonly Range[], to: readonly Range[]): Table {
  const table = identity(highest(from));
  const seen = new Uint8Array(table.length);
  const targets = each(to);
  let by = 0;
  for (const c of each(from)) {
    by = targets.next().value ?? by;
    if (seen[c] === 1 && table[c] !== by) throw new NineError("ambiguous translation");
    seen[c] = 1;
    table[c] = by;
  }
  return { to: table, above: undefined };
}

/** All that is not in from, in its order, becomes what is in to; what is left over, the last of it. */
function complementTable(from: readonly Range[], to: readonly Range[]): Table {
  const stays = new Uint8Array(LAST + 1);
  for (const [lo, hi] of from) stays.fill(1, lo, hi + 1);
  const table: number[] = [];
  const high = highest(from);
  let by = 0, c = 0;
  for (const target of each(to)) {
    for (; c <= LAST && stays[c] === 1; c++) table[c] = c;
    if (c > LAST) break;
    by = target;
    table[c++] = by;
  }
  for (; c <= high; c++) table[c] = stays[c] === 1 ? c : by;
  return { to: Int32Array.from(table), above: by };
}
