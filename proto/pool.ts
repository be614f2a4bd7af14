/**
 * Pool: buffers of messages, used again and again: a fresh one of 64 KiB costs more than filling it,
 * and thousands of them a second keep the garbage collector busy. Invariants: who took a buffer
 * owns it until he gives it back, and gives it back once, when nobody can read or write it any more
 * (or leaves it to the collector); what it holds is old bytes of anybody's, so nothing of it leaves
 * but what its owner has written. Used by outbox.ts, split.ts and serve.ts.
 */

/** Sizes are powers of two from 2^SMALLEST to 2^LARGEST; larger buffers are not kept. */
const SMALLEST = 12;
const LARGEST = 22;
/** Bytes kept for later, of all sizes together. */
const KEPT = 32 << 20;

const free: Uint8Array[][] = Array.from({ length: LARGEST + 1 }, () => []);
let kept = 0;

/** A buffer of at least n bytes, with anything in it. */
export function take(n: number): Uint8Array {
  const k = Math.max(SMALLEST, 32 - Math.clz32(n - 1));
  if (n < 1 || k > LARGEST) return new Uint8Array(n);
  const b = free[k]?.pop();
  if (!b) return new Uint8Array(2 ** k);
  kept -= b.length;
  return b;
}

/** Gives back what take gave. */
export function give(b: Uint8Array): void {
  const n = b.length;
  const k = 31 - Math.clz32(n);
  if (k < SMALLEST || k > LARGEST || n !== 2 ** k || kept + n > KEPT) return;
  kept += n;
  free[k]?.push(b);
}
