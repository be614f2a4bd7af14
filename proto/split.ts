/**
 * Splitter: a stream of chunks in, whole messages out.
 * Invariants: size[4] is checked (7 <= size <= msize) as soon as it is there, before a byte of the
 * message is kept; a message that lies whole in one chunk is handed on in place; only one that spans
 * chunks is joined, in a buffer of its own that grows with what has arrived (each byte is copied a
 * bounded number of times, however small the chunks, and at most twice what arrived is held).
 * Chunks are kept (Receiver.recv), so views into messages stay good. One owner per stream.
 */
import { botch } from "./bytes.ts";

/** size[4] Type[1] tag[2]: no message is shorter. */
export const HDRSZ = 7;

/** Gets one whole message, buf[at..end). It may set `msize` (Tversion), call stop(), or throw. */
export type Each = (buf: Uint8Array, at: number, end: number) => void;

export class Splitter {
  /** Longest message accepted; a change holds from the next message on. */
  msize: number;
  /** The beginning of a message that is not whole: part[0..have). A view of a chunk exactly when have is its length. */
  private part: Uint8Array | undefined;
  private have = 0;
  private stopped = false;

  constructor(msize: number) {
    this.msize = msize;
  }

  /** Bytes kept of a message that is not whole yet. */
  get pending(): number {
    return this.have;
  }

  /** No message is handed on after this, not even one in the chunk being split. */
  stop(): void {
    this.stopped = true;
    this.part = undefined;
    this.have = 0;
  }

  /**
   * Hands every message that is whole now to `each`, in order. Throws NineError ("protocol botch")
   * on a size that cannot be; after that, or when `each` has thrown, the stream is over as by stop().
   */
  push(chunk: Uint8Array, each: Each): void {
    if (this.stopped) return;
    try {
      this.split(chunk, each);
    } catch (e) {
      this.stop();
      throw e;
    }
  }

  private split(chunk: Uint8Array, each: Each): void {
    let at = this.part ? this.join(chunk, each) : 0;
    const end = chunk.length;
    while (at < end && !this.stopped) {
      if (end - at >= 4) {
        const next = at + this.size(chunk, at);
        if (next <= end) {
          each(chunk, at, next);
          at = next;
          continue;
        }
      }
      this.part = chunk.subarray(at, end);
      this.have = end - at;
      return;
    }
  }

  /** Completes the message in `part` as far as chunk goes; returns where the chunk's rest begins. */
  private join(chunk: Uint8Array, each: Each): number {
    let at = 0;
    if (this.have < 4) {
      at = this.append(chunk, 0, 4, 4);
      if (this.have < 4) return at;
      this.size(this.part!, 0);
    }
    const size = u32(this.part!, 0);
    at = this.append(chunk, at, size, size);
    if (this.have < size) return at;
    const whole = this.part!;
    this.part = undefined;
    this.have = 0;
    each(whole, 0, size);
    return at;
  }

  /** Appends chunk[at..) until part holds `want` bytes; never makes it longer than `most`. */
  private append(chunk: Uint8Array, at: number, want: number, most: number): number {
    const n = Math.min(want - this.have, chunk.length - at);
    const old = this.part!;
    if (this.have + n > old.length) {
      this.part = new Uint8Array(Math.min(most, Math.max(this.have + n, 2 * old.length)));
      this.part.set(old.subarray(0, this.have));
    }
    this.part!.set(chunk.subarray(at, at + n), this.have);
    this.have += n;
    return at + n;
  }

  private size(buf: Uint8Array, at: number): number {
    const n = u32(buf, at);
    if (n < HDRSZ) botch(`message of ${n} bytes`);
    if (n > this.msize) botch(`message of ${n} bytes, msize is ${this.msize}`);
    return n;
  }
}

function u32(buf: Uint8Array, at: number): number {
  return (buf[at]! | (buf[at + 1]! << 8) | (buf[at + 2]! << 16) | (buf[at + 3]! << 24)) >>> 0;
}
