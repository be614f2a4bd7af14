/**
 * Texts: many short texts as ranges of one array of bytes, which costs a million lines less than a
 * million strings do. Invariant: from[i] <= to[i]; the bytes between lines belong to nobody.
 */

import { countLines, NL } from "./lines.ts";

export interface Texts {
  readonly bytes: Uint8Array;
  readonly from: Uint32Array;
  readonly to: Uint32Array;
}

/** Bytes that are added to. */
export class Bytes {
  #bytes = new Uint8Array(1 << 12);
  length = 0;

  add(b: Uint8Array): void {
    this.#room(b.length);
    this.#bytes.set(b, this.length);
    this.length += b.length;
  }

  /** What was added, until more is. */
  get all(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #room(n: number): void {
    if (this.length + n <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.length + n));
    larger.set(this.all);
    this.#bytes = larger;
  }
}

/** n texts, text(i) being the i-th. */
export function written(n: number, text: (i: number) => Uint8Array): Texts {
  const out = new Bytes(), from = new Uint32Array(n), to = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    from[i] = out.length;
    out.add(text(i));
    to[i] = out.length;
  }
  return { bytes: out.all, from, to };
}

/** The lines of what was added, each of which ends in a newline that is not part of it. */
export function linesOf({ all: bytes }: Bytes): Texts {
  const n = countLines(bytes);
  const from = new Uint32Array(n), to = new Uint32Array(n);
  for (let i = 0, at = 0; i < n; i++) {
    from[i] = at;
    to[i] = bytes.indexOf(NL, at);
    at = to[i]! + 1;
  }
  return { bytes, from, to };
}

/** In the order of their bytes: negative, 0 or positive. */
export function compareTexts({ bytes, from, to }: Texts, a: number, b: number): number {
  let i = from[a]!, k = from[b]!;
  const iEnd = to[a]!, kEnd = to[b]!, end = i + Math.min(iEnd - i, kEnd - k);
  while (i < end && bytes[i] === bytes[k]) {
    i++;
    k++;
  }
  if (i < end) return bytes[i]! - bytes[k]!;
  return iEnd - i - (kEnd - k);
}

/** How many bytes all texts begin with. */
export function alike({ bytes, from, to }: Texts): number {
  if (from.length === 0) return 0;
  const first = from[0]!;
  let n = to[0]! - first;
  for (let i = 1; i < from.length && n > 0; i++) {
    const start = from[i]!, most = Math.min(n, to[i]! - start);
    for (n = 0; n < most && bytes[start + n] === bytes[first + n]; n++);
  }
  return n;
}

/**
 * Six bytes of each of items[lo, hi), `skip` bytes behind its beginning, as numbers in the order of the
 * bytes, into out[lo, hi). Beyond a text's end there is less than any byte.
 */
export function six({ bytes, from, to }: Texts, skip: number, items: Uint32Array, lo: number, hi: number, out: Float64Array): void {
  for (let k = lo; k < hi; k++) {
    const i = items[k]!, start = from[i]! + skip, end = to[i]!;
    let n = 0;
    for (let at = start; at < start + 6; at++) n = n * 257 + (at < end ? bytes[at]! + 1 : 0);
    out[k] = n;
  }
}

/** Puts lines in that order, from the one at `at` on, with their newlines, as many as there is room for; gives the bytes and the lines. */
export function gather({ bytes, from, to }: Texts, order: Uint32Array, at: number, room: Uint8Array): [bytes: number, lines: number] {
  let n = 0, k = at;
  for (; k < order.length; k++) {
    const i = order[k]!, start = from[i]!, end = to[i]! + 1;
    if (n + end - start > room.length) break;
    for (let p = start; p < end; p++) room[n++] = bytes[p]!;
  }
  return [n, k - at];
}
