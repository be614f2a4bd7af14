/**
 * Regexp: whether a line has a match of an expression of regexp(6). Run as a deterministic automaton
 * whose states are made when first reached, so it takes time in proportion to the text, whatever the
 * expression. Text is bytes; a byte that is not UTF-8 counts as one character (bytes.ts rune).
 */
import { rune } from "./bytes.ts";
import type { Expr, Inst } from "./expr.ts";

/** Bounds what the states hold together, in numbers. */
const WEIGHT = 4_000_000;

/** A state: the instructions it stands before (set, eol), and whether a match at the line's end is possible. */
interface State {
  readonly insts: readonly number[];
  readonly endMatches: boolean;
}

const DEAD = 0;
const MATCHED = 1;
const START = 2;

export class Regexp {
  readonly #prog: readonly Inst[];
  readonly #begin: number;
  /** Characters fall into classes that no set of the program tells apart; cuts are where classes begin. */
  readonly #cuts: readonly number[];
  readonly #ascii: Uint16Array = new Uint16Array(128);
  /** For the second and later characters of a line: a match may begin there too. */
  readonly #again: readonly number[];
  /** DEAD and MATCHED have no State; table[state * classes + class] is the next state, -1 if not yet known. */
  #states: (State | undefined)[] = [];
  #table: Int32Array = new Int32Array(0);
  #byKey = new Map<string, number>();
  #weight = 0;

  constructor(expr: Expr) {
    this.#prog = expr.prog;
    this.#begin = expr.begin;
    const cuts = new Set<number>([0]);
    for (const inst of this.#prog) if (inst.op === "set") for (const [lo, hi] of inst.ranges) cuts.add(lo).add(hi + 1);
    this.#cuts = [...cuts].toSorted((a, b) => a - b);
    for (let c = 0; c < 128; c++) this.#ascii[c] = this.#classOf(c);
    this.#again = this.#closure([this.#begin], false, false);
    this.#reset();
  }

  /** Whether the line b[from, to), which has no newline, has a match in it. */
  test(b: Uint8Array, from: number, to: number): boolean {
    const classes = this.#cuts.length;
    let state = this.#states[START] ? START : MATCHED;
    for (let i = from; i < to && state > MATCHED;) {
      const c = b[i] ?? 0;
      let cls: number;
      if (c < 128) {
        cls = this.#ascii[c] ?? 0;
        i++;
      } else {
        const r = rune(b, i, to);
        cls = this.#classOf(r >>> 3);
        i += r & 7;
      }
      const next = this.#table[state * classes + cls] ?? -1;
      state = next >= 0 ? next : this.#step(state, cls);
    }
    return state > MATCHED ? (this.#states[state]?.endMatches ?? false) : state === MATCHED;
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
  }

  #grow(): void {
    const need = this.#states.length * this.#cuts.length;
    if (this.#table.length >= need) return;
    const larger = new Int32Array(Math.max(2 * this.#table.length, need, 16 * this.#cuts.length)).fill(-1);
    larger.set(this.#table);
    this.#table = larger;
  }

  /** The state after one more character of the class; a full table is thrown away first. */
  #step(from: number, cls: number): number {
    const to: number[] = [];
    const c = this.#cuts[cls] ?? 0;
    for (const at of this.#states[from]?.insts ?? []) {
      const inst = this.#prog[at];
      if (inst?.op === "set" && inst.ranges.some(([lo, hi]) => lo <= c && c <= hi)) to.push(inst.next);
    }
    const insts = this.#closure(to, false, false, this.#again);
    const known = insts.includes(0) ? MATCHED : insts.length === 0 ? DEAD : undefined;
    const key = known === undefined ? insts.join() : "";
    let state = known ?? this.#byKey.get(key);
    if (state === undefined) {
      this.#weight += insts.length + this.#cuts.length;
      if (this.#weight > WEIGHT) {
        this.#reset();
        from = -1;
      }
      state = this.#states.push({ insts, endMatches: this.#closure(insts, false, true).includes(0) }) - 1;
      this.#byKey.set(key, state);
      this.#grow();
    }
    if (from >= 0) this.#table[from * this.#cuts.length + cls] = state;
    return state;
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
