/**
 * Expr: the expressions of regexp(6) as programs, for those that run them: Regexp and Search.
 * Newline is an alternative of lowest precedence; back references do not exist in regexp(6).
 */
import { NineError } from "../../../proto/index.ts";

export type Range = readonly [lo: number, hi: number];

/**
 * A program is these, by index; number 0 is the match. set takes one character, the others none. Of a
 * split's ways, one goes before two. open and close bound what is between the group's parentheses.
 */
export type Inst =
  | { op: "set"; ranges: readonly Range[]; next: number }
  | { op: "split"; one: number; two: number }
  | { op: "open" | "close"; group: number; next: number }
  | { op: "bol" | "eol"; next: number }
  | { op: "match" };

const LAST = 0x10ffff;
const NEWLINE = 10;
const HYPHEN = 45;
const DEPTH = 1000;
type Node =
  | { kind: "set"; ranges: readonly Range[] }
  | { kind: "bol" | "eol" }
  | { kind: "cat" | "alt"; nodes: readonly Node[] }
  | { kind: "*" | "+" | "?"; node: Node }
  | { kind: "group"; group: number; node: Node };

class Parser {
  /** Parentheses so far: groups count from 1. */
  groups = 0;
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
        const group = ++this.groups;
        const node = this.#alternatives();
        if (!this.#take(")")) throw new NineError("malformed expression: unmatched '('");
        return { kind: "group", group, node };
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
    case "alt": return node.nodes.map((n) => emit(prog, n, next)).reduce((two, one) => prog.push({ op: "split", one, two }) - 1);
    case "?": {
      const two = emit(prog, node.node, next);
      return prog.push({ op: "split", one: next, two }) - 1;
    }
    case "group": {
      const close = prog.push({ op: "close", group: node.group, next }) - 1;
      return prog.push({ op: "open", group: node.group, next: emit(prog, node.node, close) }) - 1;
    }
    default: {
      const split = { op: "split" as const, one: next, two: 0 };
      const at = prog.push(split) - 1;
      split.two = emit(prog, node.node, at);
      return node.kind === "*" ? at : split.two;
    }
  }
}

/** An expression as a program: where it begins, and how many groups it has. */
export interface Expr {
  readonly prog: readonly Inst[];
  readonly begin: number;
  readonly groups: number;
}

/** Throws a NineError when the text is no expression. fold: upper and lower case are the same. */
export function compile(text: string, fold = false): Expr {
  const parser = new Parser(text, fold);
  const node = parser.all();
  const prog: Inst[] = [{ op: "match" }];
  const begin = emit(prog, node, 0);
  return { prog, begin, groups: parser.groups };
}
