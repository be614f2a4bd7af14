/** Sigset: a set of signals, two halves of 32, signal n being bit n - 1. Pure. */

export type Sigset = readonly [lo: number, hi: number];

export const NOSIGNALS: Sigset = [0, 0];

export function hasSignal([lo, hi]: Sigset, sig: number): boolean {
  return sig <= 32 ? ((lo >>> (sig - 1)) & 1) === 1 : ((hi >>> (sig - 33)) & 1) === 1;
}

export function ofSignal(sig: number): Sigset {
  return sig <= 32 ? [(1 << (sig - 1)) >>> 0, 0] : [0, (1 << (sig - 33)) >>> 0];
}

export function union(a: Sigset, b: Sigset): Sigset {
  return [(a[0] | b[0]) >>> 0, (a[1] | b[1]) >>> 0];
}

export function without(a: Sigset, b: Sigset): Sigset {
  return [(a[0] & ~b[0]) >>> 0, (a[1] & ~b[1]) >>> 0];
}
