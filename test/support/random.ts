/**
 * Random: seeded chance for tests. `seed()` is SEED of the environment or a fixed one; a test that
 * fails prints it, and SEED=... replays it.
 */

/** The seed of this run. */
export function seed(): number {
  return Number(process.env["SEED"] ?? 1) >>> 0;
}

/** mulberry32: a whole number below n. */
export function chance(from: number): (n: number) => number {
  let a = from >>> 0;
  return (n) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * n);
  };
}
