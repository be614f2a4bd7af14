/**
 * Elementary functions of exact numbers, in BigInt with F bits behind the point: what transcendental.ts
 * rounds. Invariant: results are off by a few of the last of these bits, far below what is rounded to.
 */

import { bits } from "./fpu.ts";

/** Bits behind the point. */
export const F = 384;
const ONE = 1n << BigInt(F);
const shift = BigInt(F);
const mul = (a: bigint, b: bigint): bigint => (a * b) >> shift;

/** Sums terms until they vanish. */
function series(first: bigint, next: (term: bigint, k: bigint) => bigint, add: (term: bigint, k: bigint) => bigint = (t) => t): bigint {
  let sum = 0n;
  let term = first;
  for (let k = 1n; term !== 0n && term !== -1n; k++) {
    sum += add(term, k);
    term = next(term, k);
  }
  return sum;
}

/** Inverse tangent of 1/n. */
const arctanInverse = (n: bigint): bigint => series(ONE / n, (t) => -t / (n * n), (t, k) => t / (2n * k - 1n));
/** Inverse hyperbolic tangent, of at most a third. */
const atanh = (z: bigint): bigint => {
  const square = mul(z, z);
  return series(z, (t) => mul(t, square), (t, k) => t / (2n * k - 1n));
};

let constants: { pi: bigint; ln2: bigint } | undefined;
const known = (): { pi: bigint; ln2: bigint } => (constants ??= { pi: 16n * arctanInverse(5n) - 4n * arctanInverse(239n), ln2: 2n * atanh(ONE / 3n) });
export const pi = (): bigint => known().pi;
export const ln2 = (): bigint => known().ln2;

/** Sine and cosine of at most 1. */
export function sinCos(r: bigint): { sin: bigint; cos: bigint } {
  const square = mul(r, r);
  return {
    sin: series(r, (t, k) => -mul(t, square) / (2n * k * (2n * k + 1n))),
    cos: series(ONE, (t, k) => -mul(t, square) / ((2n * k - 1n) * 2n * k)),
  };
}

function root(v: bigint): bigint {
  let x = 1n << BigInt((v.toString(16).length * 4 + 1) / 2 + 1 | 0);
  for (;;) {
    const y = (x + v / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}

/** Inverse tangent of 0 to 1. */
export function atan(t: bigint): bigint {
  let z = t;
  for (let k = 0; k < 3; k++) z = (z << shift) / (ONE + root((ONE << shift) + z * z));
  const square = mul(z, z);
  return 8n * series(z, (term) => -mul(term, square), (term, k) => term / (2n * k - 1n));
}

/** e^u - 1, of at most 1; small ones keep their precision. */
export const expm1 = (u: bigint): bigint => series(u, (t, k) => mul(t, u) / (k + 1n));

/** The logarithm to base 2 of n/d, both positive. */
export function log2(n: bigint, d: bigint): bigint {
  const k = bits(n) - bits(d);
  const [x, y] = k < 0 ? [n << BigInt(-k), d] : [n, d << BigInt(k)];
  return (BigInt(k) << shift) + ((2n * atanh(((x - y) << shift) / (x + y))) << shift) / ln2();
}
