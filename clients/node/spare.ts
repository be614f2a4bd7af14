/**
 * Spare: memory for reads whose caller brought none. Invariants: what `keep` gives is the receiver's
 * for good and never written again; short reads share a slab, so that not each of them is an
 * allocation; little data does not keep much memory. Used by hostfiles.ts.
 */

/** What shorter reads return is carved from slabs of SLAB bytes. */
const SHORT = 8192;
const SLAB = 32768;

export class Spare {
  /** Memory not given away yet, of which short reads take what they need. */
  private slab: Uint8Array = new Uint8Array(0);
  /** A buffer for a long read that was too large for what came. */
  private spare: Uint8Array = new Uint8Array(0);

  /** Room for n bytes, until the next call. */
  room(n: number): Uint8Array {
    if (n <= SHORT) return this.slab.length >= n ? this.slab : (this.slab = fresh(SLAB));
    return this.spare.length >= n ? this.spare : (this.spare = fresh(n));
  }

  /** The first `got` bytes of the room, for good. */
  keep(room: Uint8Array, got: number): Uint8Array {
    if (room === this.slab) {
      this.slab = room.subarray(got);
      return room.subarray(0, got);
    }
    if (got < room.length / 2) return room.slice(0, got);
    this.spare = new Uint8Array(0);
    return room.subarray(0, got);
  }
}

/** n bytes of memory with anything in it. */
export function fresh(n: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(n).buffer);
}
