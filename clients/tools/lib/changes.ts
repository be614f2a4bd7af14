/**
 * Changes: how two files differ, as diff(1) prints it in each of its modes. Lines count from 1, as in
 * what is printed.
 */
import { align } from "./align.ts";
import { NL } from "./lines.ts";
import type { Out } from "./out.ts";
import type { TextFile } from "./textfile.ts";

/** Lines a..b of the first file become c..d of the second; b is a - 1, or d is c - 1, where there are none. */
export interface Change {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** The letter of the flag, "" without one. */
export type Mode = "" | "e" | "f" | "n" | "c" | "a" | "u";

/** Lines of context. */
const CONTEXT = 3;

export function changes(one: TextFile, two: TextFile): Change[] {
  const mates = align(one.numbers, two.numbers);
  const found: Change[] = [];
  let a = 1, c = 1;
  for (let i = 0; i <= mates.length; i++) {
    const mate = i < mates.length ? mates[i]! : two.length;
    if (mate < 0) continue;
    if (a <= i || c <= mate) found.push({ a, b: i, c, d: mate });
    a = i + 2;
    c = mate + 2;
  }
  return found;
}

export async function printChanges(out: Out, mode: Mode, one: TextFile, two: TextFile, list: readonly Change[]): Promise<void> {
  const p = new Printer(out, one, two);
  if (mode === "c" || mode === "a" || mode === "u") return p.context(mode, list);
  for (const change of mode === "e" ? list.toReversed() : list) await p.command(mode, change);
}

class Printer {
  readonly #out: Out;
  readonly #one: TextFile;
  readonly #two: TextFile;

  constructor(out: Out, one: TextFile, two: TextFile) {
    this.#out = out;
    this.#one = one;
    this.#two = two;
  }

  /** A change as a command of ed, or like one. */
  async command(mode: Mode, { a, b, c, d }: Change): Promise<void> {
    const verb = a > b ? "a" : c > d ? "d" : "c";
    const both = mode === "" || mode === "n";
    if (mode === "e") await this.#out.put(`${range(a, b)}${verb}\n`);
    else if (mode === "f") await this.#out.put(`${verb}${range(a, b, " ")}\n`);
    else if (mode === "n") await this.#out.put(`${this.#one.name}:${range(a, b)} ${verb} ${this.#two.name}:${range(c, d)}\n`);
    else await this.#out.put(`${range(a, b)}${verb}${range(c, d)}\n`);
    if (both) {
      await this.#lines(this.#one, a, b, "< ");
      if (verb === "c") await this.#out.put("---\n");
    }
    await this.#lines(this.#two, c, d, both ? "> " : "");
    if (!both && c <= d) await this.#out.put(".\n");
  }

  /** Changes with the lines around them, those whose lines would meet together; -a: with all lines. */
  async context(mode: "c" | "a" | "u", list: readonly Change[]): Promise<void> {
    const [one, two] = [this.#one, this.#two];
    const [same, gone, come] = mode === "u" ? [" ", "-", "+"] : ["  ", "- ", "+ "];
    const around = mode === "a" ? Infinity : CONTEXT;
    if (mode === "u") await this.#out.put(`--- ${one.name}\n+++ ${two.name}\n`);
    for (let i = 0; i < list.length;) {
      let last = i;
      while (last + 1 < list.length && list[last]!.b + 1 + 2 * around > list[last + 1]!.a) last++;
      const a = Math.max(1, list[i]!.a - around), b = Math.min(one.length, list[last]!.b + around);
      const c = Math.max(1, list[i]!.c - around), d = Math.min(two.length, list[last]!.d + around);
      if (mode === "u") await this.#out.put(`@@ -${counted(a, b)} +${counted(c, d)} @@\n`);
      else await this.#out.put(`${one.name}:${range(a, b)} - ${two.name}:${range(c, d)}\n`);
      let at = a;
      for (; i <= last; i++) {
        const change = list[i]!;
        await this.#lines(one, at, change.a - 1, same, mode === "u");
        await this.#lines(one, change.a, change.b, gone, mode === "u");
        await this.#lines(two, change.c, change.d, come, mode === "u");
        at = change.b + 1;
      }
      await this.#lines(one, at, b, same, mode === "u");
    }
  }

  /** marked: a missing last newline is told of. */
  async #lines(file: TextFile, from: number, to: number, prefix: string, marked = false): Promise<void> {
    for (let i = from; i <= to; i++) {
      const line = file.line(i);
      if (prefix !== "") await this.#out.put(prefix);
      const full = this.#out.put(line);
      if (full) await full;
      if (line.at(-1) !== NL) await this.#out.put(marked ? "\n\\ No newline at end of file\n" : "\n");
    }
  }
}

/** One number when there is one line, or none: then it is the line before. */
function range(from: number, to: number, separator = ","): string {
  return from < to ? `${from}${separator}${to}` : String(to);
}

function counted(from: number, to: number): string {
  return `${from > to ? to : from},${to - from + 1}`;
}
