/**
 * Regexp: which lines have a match of an expression of regexp(6). Run as a deterministic automaton
 * whose states are made when first reached, so it takes time in proportion to the text, whatever the
 * expression. Text is bytes; a byte that is not UTF-8 counts as one character (bytes.ts rune). Lines are
 * not looked for: a newline is one more character, which leads to the match, or back to the beginning.
 */
import { rune } from "./bytes.ts";
import type { Expr, Inst } from "./expr.ts";
import { NL } from "./lines.ts";

/** Bounds what the states hold together, in numbers. */
const WEIGHT = 4_000_000;

/** A state: the instructions it stands before (set, eol), and whether a match at the line's end is possible. */
interface State {
  readonly insts: readonly number[];
  readonly endMatches: boolean;
}

/** States; START has no State where every line has a match. */
const DEAD = 0;
const MATCHED = 1;
const START = 2;
/** Characters below are one byte, and are asked about most. */
const ASCII = 128;
/** Not yet known. */
const UNKNOWN = -1;

export class Regexp {
  readonly #prog: readonly Inst[];
  readonly #begin: number;
  /** Characters fall into classes that no set of the program tells apart; cuts are where classes begin. */
  readonly #cuts: readonly number[];
  /** Of the table: ASCII characters have a column each, the classes of others follow. */
  readonly #width: number;
  /** For the second and later characters of a line: a match may begin there too. */
  readonly #again: readonly number[];
  /** DEAD and MATCHED have no State; table[state * width + column] is the next state times width. */
  #states: (State | undefined)[] = [];
  #table: Int32Array = new Int32Array(0);
  #byKey = new Map<string, number>();
  readonly #lines: boolean;
  /** 1 for the bytes that lead from START to itself. */
  readonly #idle: Uint8Array = new Uint8Array(256);
  #weight = 0;

  /** lines: a newline ends a line; otherwise it is a character like others, as sed has it. */
  constructor(expr: Expr, lines: boolean) {
    this.#prog = expr.prog;
    this.#lines = lines;
    this.#begin = expr.begin;
    const cuts = new Set<number>([0]);
    for (const inst of this.#prog) if (inst.op === "set") for (const [lo, hi] of inst.ranges) cuts.add(lo).add(hi + 1);
    this.#cuts = [...cuts].toSorted((a, b) => a - b);
    this.#width = ASCII + this.#cuts.length;
    this.#again = this.#closure([this.#begin], false, false);
    this.#reset();
  }

  /** Whether the line b[from, to) has a match in it. */
  test(b: Uint8Array, from: number, to: number): boolean {
    if (from < to) return this.find(b, from, to) >= 0;
    return this.#states[START]?.endMatches ?? true;
  }

  /** A place in the first of the lines b[from, to) that has a match, which may be that of its newline; -1 when none has. */
  find(b: Uint8Array, from: number, to: number): number {
    if (from >= to) return -1;
    if (!this.#states[START]) return from;
    const idle = this.#idle, start = START * this.#width, special = start - 1;
    let table = this.#table;
    let state = start;
    for (let i = from; i < to; i++) {
      if (state === start) {
        while (i < to && idle[b[i]!] === 1) i++;
        if (i >= to) break;
      }
      let column = b[i]!;
      if (column >= ASCII) {
        const r = rune(b, i, to);
        column = ASCII + this.#classOf(r >>> 3);
        i += (r & 7) - 1;
      }
      let next = table[state + column]!;
      if (next < special) {
        if (next === UNKNOWN) {
          next = this.#step(state, column);
          table = this.#table;
        }
        if (next === MATCHED * this.#width) return i;
        if (next === DEAD) {
          const nl = this.#lines ? b.indexOf(NL, i + 1) : -1;
          if (nl < 0 || nl >= to) return -1;
          i = nl;
          next = start;
        }
      }
      state = next;
    }
    const ended = this.#lines && b[to - 1] === NL;
    return !ended && this.#states[state / this.#width]?.endMatches ? to - 1 : -1;
  }

  #reset(): void {
    this.#states = [undefined, undefined];
    this.#byKey = new Map();
    this.#table = new Int32Array(0);
    this.#weight = 0;
    const first = this.#closure([this.#begin], true, false);
    // A match before the first character is one of every line: then START has no State.
    if (first.includes(0)) this.#states.push(undefined);
    else this.#states.push({ insts: first, endMatches: this.#closure([this.#begin], true, true).includes(0) });
    this.#grow();
    if (first.join() === this.#again.join()) this.#byKey.set(first.join(), START);
    if (this.#states[START]) for (let c = 0; c < ASCII; c++) this.#idle[c] = this.#step(START * this.#width, c) === START * this.#width ? 1 : 0;
  }

  #grow(): void {
    const need = this.#states.length * this.#width;
    if (this.#table.length >= need) return;
    const larger = new Int32Array(Math.max(2 * this.#table.length, need, 16 * this.#width)).fill(UNKNOWN);
    larger.set(this.#table);
    this.#table = larger;
  }

  /** The place in the table of the state after one more character of the column; a full table is thrown away first. */
  #step(place: number, column: number): number {
    let from = place / this.#width;
    const { insts: before = [], endMatches = false } = this.#states[from] ?? {};
    let state = this.#lines && column === NL ? (endMatches ? MATCHED : START) : undefined;
    if (state === undefined) {
      const insts = this.#closure(this.#after(before, column < ASCII ? column : this.#cuts[column - ASCII]!), false, false, this.#again);
      const key = insts.join();
      state = insts.includes(0) ? MATCHED : insts.length === 0 ? DEAD : this.#byKey.get(key);
      if (state === undefined) {
        this.#weight += insts.length + this.#width;
        if (this.#weight > WEIGHT) {
          this.#reset();
          from = -1;
        }
        state = this.#states.push({ insts, endMatches: this.#closure(insts, false, true).includes(0) }) - 1;
        this.#byKey.set(key, state);
        this.#grow();
      }
    }
    if (from >= 0) this.#table[from * this.#width + column] = state * this.#width;
    return state * this.#width;
  }

  /** Where the character leads from these instructions. */
  #after(insts: readonly number[], c: number): number[] {
    const to: number[] = [];
    for (const at of insts) {
      const inst = this.#prog[at];
      if (inst?.op === "set" && inst.ranges.some(([lo, hi]) => lo <= c && c <= hi)) to.push(inst.next);
    }
    return to;
  }

  /**
   * What can be reached from these without a character, in ascending order, together with `more`:
   * sets, $ that did not pass, and 0, the match.
   */
  #closure(from: readonly number[], atBegin: boolean, atEnd: boolean, more: readonly number[] = []): number[] {
    const seen = new Set<number>(more);
    const out = new Set<number>(more);
    const todo = [...from];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      const inst = this.#prog[at];
      if (!inst || seen.has(at)) continue;
      seen.add(at);
      if (inst.op === "split") todo.push(inst.two, inst.one);
      else if (inst.op === "open" || inst.op === "close") todo.push(inst.next);
      else if (inst.op === "bol") {
        if (atBegin) todo.push(inst.next);
      } else if (inst.op === "eol" && atEnd) todo.push(inst.next);
      else out.add(at);
    }
    return [...out].toSorted((a, b) => a - b);
  }

  #classOf(c: number): number {
    let lo = 0, hi = this.#cuts.length;
    while (hi - lo > 1) {
      const mid = (lo + hi) >>> 1;
      if ((this.#cuts[mid] ?? 0) <= c) lo = mid;
      else hi = mid;
    }
    return lo;
  }
}
