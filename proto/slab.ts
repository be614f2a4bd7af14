/**
 * Slab: where bytes are copied to that somebody will keep. Small pieces are cut from one buffer: a
 * buffer for each costs five times the copy. Invariant: no byte is given out twice. A piece keeps its
 * slab alive, so slabs are small, and what fits an object of its own has one.
 */

const SIZE = 32 * 1024;
/** Larger pieces are worth a buffer of their own; smaller than TINY the engine keeps in the object itself. */
const LARGE = 4 * 1024;
const TINY = 64;

let slab = new ArrayBuffer(SIZE);
let used = 0;

/** The same bytes, for good and nobody else's. */
export function kept(data: Uint8Array): Uint8Array {
  const n = data.length;
  if (n <= TINY || n > LARGE) return data.slice();
  if (used + n > SIZE) {
    slab = new ArrayBuffer(SIZE);
    used = 0;
  }
  const piece = new Uint8Array(slab, used, n);
  piece.set(data);
  used += n;
  return piece;
}
