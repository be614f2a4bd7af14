/**
 * Search: where an expression of regexp(6) matches, with its groups. The match is the leftmost and of
 * those the longest; ^ and $ match at newlines within the text too. All ways through the program go
 * on side by side, a character at a time, so time is text times program at worst. Of ways that meet,
 * the one that began first goes on, and of those the one that came first: it keeps its groups.
 */
import { rune } from "./bytes.ts";
import type { Expr, Inst } from "./expr.ts";
import { NL } from "./lines.ts";
import { Regexp } from "./regexp.ts";

/** \1 to \9. */
const GROUPS = 9;

/** Ways under way before one character: instruction and places of the groups, -1 where there is none. */
class Ways {
  n = 0;
  readonly insts: number[] = [];
  readonly places: number[] = [];
  readonly #width: number;
  /** The last way of each instruction, if it is below n and of that instruction. */
  readonly #slot: Int32Array;

  constructor(prog: readonly Inst[], width: number) {
    this.#width = width;
    this.#slot = new Int32Array(prog.length);
  }

  /** Adds a way with the places of from[at...], unless one as good is there. done: those up to there went on already. */
  add(inst: number, from: readonly number[], at: number, done: number): void {
    const width = this.#width;
    let to = this.#slot[inst]!;
    if (to < this.n && this.insts[to] === inst) {
      if (this.places[to * width]! <= from[at]!) return;
      if (to <= done) to = this.n++;
    } else to = this.n++;
    this.#slot[inst] = to;
    this.insts[to] = inst;
    for (let k = 0; k < width; k++) this.places[to * width + k] = from[at + k]!;
  }
}

export class Search {
  /** Of the last match: [2n] is where group n begins, [2n + 1] its end; 0 is the whole, -1 a group that took no part. */
  readonly places: number[];
  readonly groups: number;
  readonly #prog: readonly Inst[];
  readonly #begin: number;
  readonly #width: number;
  readonly #quick: Regexp;
  /** Whether a newline within the text means something to it. */
  readonly #anchored: boolean;
  /** For the set of each index: which ASCII characters are in it. */
  readonly #ascii: readonly (Uint8Array | undefined)[];
  /** Which bytes a match may begin with; undefined when it may begin with none. */
  readonly #first: Uint8Array | undefined;
  readonly #fresh: number[];
  #now: Ways;
  #next: Ways;

  constructor(expr: Expr) {
    this.#prog = expr.prog;
    this.#begin = expr.begin;
    this.groups = Math.min(expr.groups, GROUPS);
    this.#width = 2 * (this.groups + 1);
    this.places = Array.from({ length: this.#width }, () => -1);
    this.#fresh = [...this.places];
    this.#quick = new Regexp(expr, false);
    this.#anchored = expr.prog.some((inst) => inst.op === "bol" || inst.op === "eol");
    this.#ascii = expr.prog.map((inst) => (inst.op === "set" ? Uint8Array.from({ length: 128 }, (_, c) => (within(inst, c) ? 1 : 0)) : undefined));
    this.#first = this.#firstBytes();
    this.#now = new Ways(expr.prog, this.#width);
    this.#next = new Ways(expr.prog, this.#width);
  }

  /** Whether there is a match in the text. */
  test(text: Uint8Array): boolean {
    if (this.#anchored && text.includes(NL)) return this.find(text, 0);
    return this.#quick.test(text, 0, text.length);
  }

  /** Looks for a match that begins at `from` or after it: the places tell where it is. */
  find(text: Uint8Array, from: number): boolean {
    const end = text.length, first = this.#first;
    let now = this.#now, next = this.#next, matched = false;
    now.n = 0;
    for (let at = from; ;) {
      if (now.n === 0) {
        if (matched) return true;
        if (first) while (at < end && first[text[at]!] === 0) at++;
      }
      // After a match too: it loses against any that began before, but that one takes its turn.
      this.#fresh[0] = at;
      now.add(this.#begin, this.#fresh, 0, -1);
      let c = -1, size = 1;
      if (at < end) {
        c = text[at]!;
        if (c >= 128) {
          const r = rune(text, at, end);
          c = r >>> 3;
          size = r & 7;
        }
      }
      next.n = 0;
      for (let i = 0; i < now.n; i++) if (this.#goOn(now, i, next, text, at, c, matched)) matched = true;
      if (at >= end) return matched;
      at += size;
      const spare = now;
      now = next;
      next = spare;
    }
  }

  /** Takes way i up to the character c at text[at]; whether it came to a match better than the known one. */
  #goOn(now: Ways, i: number, next: Ways, text: Uint8Array, at: number, c: number, matched: boolean): boolean {
    const off = i * this.#width;
    if (matched && now.places[off]! > this.places[0]!) return false;
    for (let pc = now.insts[i]!; ;) {
      const inst = this.#prog[pc]!;
      switch (inst.op) {
        case "set":
          if (c >= 0 && (c < 128 ? this.#ascii[pc]![c] === 1 : within(inst, c))) next.add(inst.next, now.places, off, -1);
          return false;
        case "split":
          now.add(inst.two, now.places, off, i);
          pc = inst.one;
          continue;
        case "open": case "close":
          if (inst.group <= this.groups) now.places[off + 2 * inst.group + (inst.op === "open" ? 0 : 1)] = at;
          break;
        case "bol":
          if (at > 0 && text[at - 1] !== NL) return false;
          break;
        case "eol":
          if (at < text.length && text[at] !== NL) return false;
          break;
        default:
          if (matched && now.places[off] === this.places[0] && at <= this.places[1]!) return false;
          for (let k = 0; k < this.#width; k++) this.places[k] = now.places[off + k]!;
          this.places[1] = at;
          return true;
      }
      pc = inst.next;
    }
  }

  #firstBytes(): Uint8Array | undefined {
    const first = new Uint8Array(256);
    const seen = new Set<number>(), todo = [this.#begin];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const inst = this.#prog[at]!;
      if (inst.op === "match" || inst.op === "eol") return undefined;
      if (inst.op === "split") todo.push(inst.one, inst.two);
      else if (inst.op !== "set") todo.push(inst.next);
      else {
        first.set(this.#ascii[at]!.map((is, c) => is | first[c]!));
        if (inst.ranges.some(([, hi]) => hi >= 128)) first.fill(1, 128);
      }
    }
    return first;
  }
}

function within(inst: Inst, c: number): boolean {
  return inst.op === "set" && inst.ranges.some(([lo, hi]) => lo <= c && c <= hi);
}
