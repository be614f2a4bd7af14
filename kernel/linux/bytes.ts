/** Bytes: Linux's structures, as they are put together and taken apart: fields at their places, little-endian. Pure. */

export class Struct {
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly v: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.v = new DataView(this.bytes.buffer);
  }

  u8(at: number, n: number): this {
    this.v.setUint8(at, n);
    return this;
  }

  u16(at: number, n: number): this {
    this.v.setUint16(at, n, true);
    return this;
  }

  u32(at: number, n: number): this {
    this.v.setUint32(at, n, true);
    return this;
  }

  /** A whole number, signed or not, exact below 2^53. */
  u64(at: number, n: number): this {
    putWord(this.v, at, n);
    return this;
  }

  /** struct timespec */
  time(at: number, sec: number, nsec: number): this {
    return this.u64(at, sec).u64(at + 8, nsec);
  }
}

export function putWord(v: DataView, at: number, n: number): void {
  v.setUint32(at, n % 2 ** 32, true);
  v.setUint32(at + 4, Math.floor(n / 2 ** 32) % 2 ** 32, true);
}

/** A signed 64-bit field, exact below 2^53. */
export function signed(v: DataView, at: number): number {
  return v.getInt32(at + 4, true) * 2 ** 32 + v.getUint32(at, true);
}

/** An unsigned one. */
export function unsigned(v: DataView, at: number): number {
  return v.getUint32(at + 4, true) * 2 ** 32 + v.getUint32(at, true);
}
