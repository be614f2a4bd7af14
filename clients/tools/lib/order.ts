/**
 * Order: a stable merge sort of numbers 0..n-1, level by level: by a value of each, those of equal
 * values by the next level's, and by a comparison where there is no further level. Values move with
 * their numbers, so that merging reads memory in order; runs that are in order already are not merged
 * again, so sorted input costs one comparison a line. (Array.sort is stable too; on a million lines it
 * takes four times as long.)
 */

/** Puts the values of items[lo, hi) into out[lo, hi). */
export type Level = (items: Uint32Array, lo: number, hi: number, out: Float64Array) => void;
/** What few numbers are ordered by: as the levels do, and beyond them. */
export type Compare = (a: number, b: number) => number;

const SHORT = 8;
/** Of equal values the order stays. */
const even: Compare = () => 0;

/** The numbers below n in their order. */
export function order(n: number, levels: readonly Level[], compare: Compare): Uint32Array {
  return new Order(n, levels, compare).sorted();
}

/** Numbers and, at the same places, their values. */
interface Run {
  values: Float64Array;
  items: Uint32Array;
}

class Order {
  readonly #n: number;
  readonly #levels: readonly Level[];
  readonly #compare: Compare;
  #from: Run;
  #to: Run;

  constructor(n: number, levels: readonly Level[], compare: Compare) {
    this.#n = n;
    this.#levels = levels;
    this.#compare = compare;
    this.#from = { values: new Float64Array(n), items: new Uint32Array(n) };
    this.#to = { values: new Float64Array(n), items: new Uint32Array(n) };
  }

  sorted(): Uint32Array {
    for (let i = 0; i < this.#n; i++) this.#from.items[i] = i;
    this.#range(0, this.#n, 0);
    return this.#from.items;
  }

  /** from[lo, hi), which are equal in all levels before. */
  #range(lo: number, hi: number, level: number): void {
    const values = this.#levels[level];
    if (hi - lo <= SHORT || !values) {
      this.#from.values.fill(0, lo, hi);
      this.#merged(lo, hi, this.#compare);
      return;
    }
    values(this.#from.items, lo, hi, this.#from.values);
    this.#merged(lo, hi, even);
    for (let i = lo, k: number; i < hi; i = k) {
      const v = this.#from.values[i];
      for (k = i + 1; k < hi && this.#from.values[k] === v; k++);
      if (k > i + 1) this.#range(i, k, level + 1);
    }
  }

  /** Sorts from[lo, hi) by value, and by tie. */
  #merged(lo: number, hi: number, tie: Compare): void {
    let from = this.#from, to = this.#to;
    for (let at = lo; at < hi; at += SHORT) insertion(from, at, Math.min(hi, at + SHORT), tie);
    for (let width = SHORT; width < hi - lo; width *= 2) {
      for (let at = lo; at < hi; at += 2 * width) merge(from, to, at, Math.min(hi, at + width), Math.min(hi, at + 2 * width), tie);
      [from, to] = [to, from];
    }
    if (from !== this.#from) copy(from, this.#from, lo, hi, lo);
  }
}

function insertion({ values, items }: Run, lo: number, hi: number, tie: Compare): void {
  for (let i = lo + 1; i < hi; i++) {
    const v = values[i]!, x = items[i]!;
    let k = i;
    for (; k > lo && (values[k - 1]! > v || (values[k - 1] === v && tie(items[k - 1]!, x) > 0)); k--) {
      values[k] = values[k - 1]!;
      items[k] = items[k - 1]!;
    }
    values[k] = v;
    items[k] = x;
  }
}

/** from[lo, mid) and from[mid, hi) into to[lo, hi). */
function merge(from: Run, to: Run, lo: number, mid: number, hi: number, tie: Compare): void {
  const { values, items } = from;
  if (mid >= hi || values[mid - 1]! < values[mid]! || (values[mid - 1] === values[mid] && tie(items[mid - 1]!, items[mid]!) <= 0)) {
    copy(from, to, lo, hi, lo);
    return;
  }
  const outValues = to.values, outItems = to.items;
  let i = lo, k = mid, at = lo;
  while (i < mid && k < hi) {
    const a = values[i]!, b = values[k]!;
    if (a < b || (a === b && tie(items[i]!, items[k]!) <= 0)) {
      outValues[at] = a;
      outItems[at++] = items[i++]!;
    } else {
      outValues[at] = b;
      outItems[at++] = items[k++]!;
    }
  }
  if (i < mid) copy(from, to, i, mid, at);
  else copy(from, to, k, hi, at);
}

function copy(from: Run, to: Run, lo: number, hi: number, at: number): void {
  to.values.set(from.values.subarray(lo, hi), at);
  to.items.set(from.items.subarray(lo, hi), at);
}
