/**
 * TextFile: a file held whole as lines with a number each, the same for lines that count as equal; for diff.
 * What stands behind the last newline is a line too.
 */
import { latin1, rune } from "./bytes.ts";
import { lineEnd, NL } from "./lines.ts";

/** Makes the numbers: equal for equal lines of all files read through it. */
export class LineNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #blanks: "as they are" | "alike" | "ignored";
  /** A last line without newline differs from one with it. */
  readonly #marked: boolean;

  constructor(blanks: "as they are" | "alike" | "ignored", marked: boolean) {
    this.#blanks = blanks;
    this.#marked = marked;
  }

  of(line: Uint8Array, terminated: boolean): number {
    let key = latin1(line);
    if (this.#blanks === "ignored") key = key.replace(/[ \t\v\f\r]+/g, "");
    else if (this.#blanks === "alike") key = key.replace(/[ \t\v\f\r]+/g, " ").replace(/ $/, "");
    // No line has such a character.
    if (this.#marked && !terminated) key += "\u0100";
    let n = this.#numbers.get(key);
    if (n === undefined) this.#numbers.set(key, (n = this.#numbers.size));
    return n;
  }
}

export class TextFile {
  /** As messages have it. */
  readonly name: string;
  readonly numbers: Int32Array;
  readonly #bytes: Uint8Array;
  /** Where lines begin, and the end. */
  readonly #starts: readonly number[];

  constructor(name: string, bytes: Uint8Array, numbers: LineNumbers) {
    this.name = name;
    this.#bytes = bytes;
    const starts: number[] = [0], found: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const next = lineEnd(bytes, at);
      const terminated = bytes[next - 1] === NL;
      found.push(numbers.of(bytes.subarray(at, terminated ? next - 1 : next), terminated));
      starts.push(next);
      at = next;
    }
    this.#starts = starts;
    this.numbers = Int32Array.from(found);
  }

  get length(): number {
    return this.numbers.length;
  }

  /** Line i, counted from 1, with its newline if it has one. */
  line(i: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[i - 1], this.#starts[i]);
  }
}

/** Whether what a file begins with is no text: a NUL, or a control character above ASCII. */
export function isBinary(bytes: Uint8Array): boolean {
  const end = Math.min(bytes.length, 1024);
  for (let at = 0; at < end;) {
    const r = rune(bytes, at, bytes.length);
    if (r >>> 3 === 0 || (r >>> 3 > 0x7f && r >>> 3 <= 0xa0)) return true;
    at += r & 7;
  }
  return false;
}
