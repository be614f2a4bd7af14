/**
 * Regexp: the expressions of regexp(6), as grep(1) takes them: newline is an alternative of lowest
 * precedence. Run as a deterministic automaton whose states are made when first reached, so a match
 * takes time in proportion to the text, whatever the expression. Text is bytes; a byte that is not
 * UTF-8 counts as one character (bytes.ts rune). Back references do not exist in regexp(6).
 */
import { NineError } from "../../../proto/index.ts";
import { rune } from "./bytes.ts";

type Range = readonly [lo: number, hi: number];

/** A program is these, by index; number 0 is the match. set takes one character, the others none. */
type Inst =
  | { op: "set"; ranges: readonly Range[]; next: number }
  | { op: "split"; one: number; two: number }
  | { op: "bol" | "eol"; next: number }
  | { op: "match" };

const LAST = 0x10ffff;
const NEWLINE = 10;
const HYPHEN = 45;
const DEPTH = 1000;
/** Bounds what the states hold together, in numbers. */
const WEIGHT = 4_000_000;

type Node =
  | { kind: "set"; ranges: readonly Range[] }
  | { kind: "bol" | "eol" }
  | { kind: "cat" | "alt"; nodes: readonly Node[] }
  | { kind: "*" | "+" | "?"; node: Node };

class Parser {
  readonly #text: readonly number[];
  readonly #fold: boolean;
  #at = 0;
  #depth = 0;

  constructor(text: string, fold: boolean) {
    this.#text = Array.from(text, (ch) => ch.codePointAt(0) ?? 0);
    this.#fold = fold;
  }

  all(): Node {
    const nodes = [this.#alternatives()];
    while (this.#take("\n")) nodes.push(this.#alternatives());
    if (this.#at < this.#text.length) throw new NineError("malformed expression: unmatched ')'");
    return { kind: "alt", nodes };
  }

  #peek(ch: string): boolean {
    return this.#text[this.#at] === ch.charCodeAt(0);
  }

  #take(ch: string): boolean {
    if (!this.#peek(ch)) return false;
    this.#at++;
    return true;
  }

  #alternatives(): Node {
    if (++this.#depth > DEPTH) throw new NineError("malformed expression: too deep");
    const nodes = [this.#sequence()];
    while (this.#take("|")) nodes.push(this.#sequence());
    this.#depth--;
    return { kind: "alt", nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    while (this.#at < this.#text.length && !this.#peek("|") && !this.#peek(")") && !this.#peek("\n")) {
      let node = this.#one();
      for (let stacked = 0; ; stacked++) {
        const kind = this.#take("*") ? "*" : this.#take("+") ? "+" : this.#take("?") ? "?" : undefined;
        if (!kind) break;
        if (stacked > DEPTH) throw new NineError("malformed expression: too deep");
        node = { kind, node };
      }
      nodes.push(node);
    }
    return { kind: "cat", nodes };
  }

  #one(): Node {
    const c = this.#text[this.#at++] ?? 0;
    switch (String.fromCodePoint(c)) {
      case "(": {
        const node = this.#alternatives();
        if (!this.#take(")")) throw new NineError("malformed expression: unmatched '('");
        return node;
      }
      case "*": case "+": case "?": throw new NineError(`malformed expression: nothing before '${String.fromCodePoint(c)}'`);
      case "^": return { kind: "bol" };
      case "$": return { kind: "eol" };
      case ".": return { kind: "set", ranges: without([[NEWLINE, NEWLINE]]) };
      case "[": return { kind: "set", ranges: this.#class() };
      case "\\": {
        const literal = this.#text[this.#at++];
        if (literal === undefined) throw new NineError("malformed expression: '\\' at the end");
        return { kind: "set", ranges: this.#folded([[literal, literal]]) };
      }
      default: return { kind: "set", ranges: this.#folded([[c, c]]) };
    }
  }

  #class(): readonly Range[] {
    const negated = this.#take("^");
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      const lo = this.#classChar();
      let hi = lo;
      if (this.#take("-")) {
        // Before the end it is itself, though regexp(6) wants a \ before it.
        if (this.#peek("]")) ranges.push([HYPHEN, HYPHEN]);
        else hi = this.#classChar();
      }
      if (hi < lo) throw new NineError("malformed expression: range out of order");
      ranges.push([lo, hi]);
    }
    if (ranges.length === 0) throw new NineError("malformed expression: empty class");
    const folded = this.#folded(ranges);
    return negated ? without([...folded, [NEWLINE, NEWLINE]]) : folded;
  }

  #classChar(): number {
    this.#take("\\");
    const c = this.#text[this.#at++];
    if (c === undefined) throw new NineError("malformed expression: unmatched '['");
    return c;
  }

  /** With the other case of each letter, for -i. Letters above U+1FFFF have one case only. */
  #folded(ranges: readonly Range[]): readonly Range[] {
    if (!this.#fold) return ranges;
    const more: Range[] = [...ranges];
    for (const [lo, hi] of ranges) {
      for (let c = lo; c <= hi && c < 0x20000; c++) {
        const ch = String.fromCodePoint(c);
        for (const other of [ch.toLowerCase(), ch.toUpperCase()]) {
          const o = other.codePointAt(0) ?? c;
          if (o !== c && other.length === (o > 0xffff ? 2 : 1)) more.push([o, o]);
        }
      }
    }
    return more;
  }
}

/** All characters that are in none of the ranges. */
function without(ranges: readonly Range[]): Range[] {
  const rest: Range[] = [];
  let from = 0;
  for (const [lo, hi] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (lo > from) rest.push([from, lo - 1]);
    from = Math.max(from, hi + 1);
  }
  if (from <= LAST) rest.push([from, LAST]);
  return rest;
}

/** Appends the node's instructions, which go on at `next`; returns where they begin. */
function emit(prog: Inst[], node: Node, next: number): number {
  switch (node.kind) {
    case "set": return prog.push({ op: "set", ranges: node.ranges, next }) - 1;
    case "bol": case "eol": return prog.push({ op: node.kind, next }) - 1;
    case "cat": return node.nodes.reduceRight((to, n) => emit(prog, n, to), next);
    case "alt": return node.nodes.map((n) => emit(prog, n, next)).reduceRight((two, one) => prog.push({ op: "split", one, two }) - 1);
    case "?": {
      const one = emit(prog, node.node, next);
      return prog.push({ op: "split", one, two: next }) - 1;
    }
    default: {
      const split = { op: "split" as const, one: 0, two: next };
      const at = prog.push(split) - 1;
      split.one = emit(prog, node.node, at);
      return node.kind === "*" ? at : split.one;
    }
  }
}

/** A state: the instructions it stands before (set, eol), and whether a match at the line's end is possible. */
interface State {
  readonly insts: readonly number[];
  readonly endMatches: boolean;
}

const DEAD = 0;
const MATCHED = 1;
const START = 2;

export class Regexp {
  readonly #prog: Inst[] = [{ op: "match" }];
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

  /** Throws a NineError when the text is no expression. fold: upper and lower case are the same. */
  constructor(text: string, fold = false) {
    // grep(1): what follows a leading '*' is literal.
    const lines = text.split("\n").map((s) => (/^\*./u.test(s) ? s.slice(1).replace(/[\\.*+?[\]()|^$]/g, String.raw`\$&`) : s));
    this.#begin = emit(this.#prog, new Parser(lines.join("\n"), fold).all(), 0);
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
