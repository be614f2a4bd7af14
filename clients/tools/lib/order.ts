/**
 * Order: a stable merge sort of numbers 0..n-1 by a value of each, which moves with its number, and by
 * any comparison where values are equal. Runs that are in order already are not merged again, so sorted
 * input costs one comparison a line. (Array.sort is stable too; on a million lines it takes four times
 * as long.)
 */

const SHORT = 8;

/** Numbers with their values. */
class Run {
  readonly values: Float64Array;
  readonly items: Uint32Array;

  constructor(n: number) {
    this.values = new Float64Array(n);
    this.items = new Uint32Array(n);
  }

  /** Takes other[from, to) to the place `at`. */
  copy(other: Run, from: number, to: number, at: number): void {
    this.values.set(other.values.subarray(from, to), at);
    this.items.set(other.items.subarray(from, to), at);
  }
}

/** By values[i], ascending; those of equal values by tie. values is left as it is. */
export function order(values: Float64Array, tie: (a: number, b: number) => number): Uint32Array {
  const n = values.length;
  let from = new Run(n);
  let to = new Run(n);
  from.values.set(values);
  for (let i = 0; i < n; i++) from.items[i] = i;
  for (let lo = 0; lo < n; lo += SHORT) insertion(from, lo, Math.min(n, lo + SHORT), tie);
  for (let width = SHORT; width < n; width *= 2) {
    for (let lo = 0; lo < n; lo += 2 * width) merge(from, to, lo, Math.min(n, lo + width), Math.min(n, lo + 2 * width), tie);
    [from, to] = [to, from];
  }
  return from.items;
}

function insertion({ values, items }: Run, lo: number, hi: number, tie: (a: number, b: number) => number): void {
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
function merge(from: Run, to: Run, lo: number, mid: number, hi: number, tie: (a: number, b: number) => number): void {
  const { values, items } = from;
  if (mid >= hi || values[mid - 1]! < values[mid]! || (values[mid - 1] === values[mid] && tie(items[mid - 1]!, items[mid]!) <= 0)) {
    to.copy(from, lo, hi, lo);
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
  if (i < mid) to.copy(from, i, mid, at);
  else to.copy(from, k, hi, at);
}
