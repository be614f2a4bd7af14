/**
 * Splitter: a stream of chunks in, whole messages out.
 * Invariants: size[4] is checked (7 <= size <= msize) as soon as it is there, before a byte of the
 * message is kept; a message that lies whole in one chunk is handed on in place; only one that spans
 * chunks is joined, in a buffer of its own that grows with what has arrived (each byte is copied a
 * bounded number of times, however small the chunks, and little more than twice what arrived is held);
 * between hold() and go() nothing is handed on, and what came is kept as it came.
 * Views into a message are good until `each` returns, unless it has called keep(). One owner per stream.
 */
import { botch } from "./bytes.ts";
import { give, take } from "./pool.ts";

/** size[4] Type[1] tag[2]: no message is shorter. */
export const HDRSZ = 7;

/** Gets one whole message, buf[at..end). It may set `msize` (Tversion), call stop(), or throw. */
export type Each = (buf: Uint8Array, at: number, end: number) => void;

export class Splitter {
  /** Longest message accepted; a change holds from the next message on. */
  msize: number;
  /** The beginning of a message that is not whole: part[0..have). */
  private part: Uint8Array | undefined;
  private have = 0;
  /** The buffer of the joined message that `each` has at the moment. */
  private joined: Uint8Array | undefined;
  private stopped = false;
  private holds = false;
  /** What is to be split after hold(): rest[restAt..). */
  private rest: Uint8Array | undefined;
  private restAt = 0;

  constructor(msize: number) {
    this.msize = msize;
  }

  /** Bytes kept of a message that is not whole yet. */
  get pending(): number {
    return this.have;
  }

  get holding(): boolean {
    return this.holds;
  }

  /** No message is handed on after this, not even one in the chunk being split. */
  stop(): void {
    this.stopped = true;
    this.part = this.rest = undefined;
    this.have = 0;
  }

  /** For `each`: it gets no more until go(). */
  hold(): void {
    this.holds = true;
  }

  /** Goes on behind where hold() was called. */
  go(each: Each): void {
    const { rest, restAt } = this;
    this.holds = false;
    this.rest = undefined;
    if (rest) this.run(rest, restAt, true, each);
  }

  /**
   * For `each`: the message it was given is its own from now on, in a buffer of the pool (pool.ts),
   * which is returned. undefined: it lies in the chunk, and what is needed of it must be copied.
   */
  keep(): Uint8Array | undefined {
    const { joined } = this;
    this.joined = undefined;
    return joined;
  }

  /**
   * Hands every message that is whole now to `each`, in order. Throws NineError ("protocol botch")
   * on a size that cannot be; after that, or when `each` has thrown, the stream is over as by stop().
   */
  push(chunk: Uint8Array, each: Each): void {
    if (this.holds && !this.stopped) this.keepRest(chunk);
    else this.run(chunk, 0, false, each);
  }

  /** own: the chunk is not lent, it may be kept. */
  private run(chunk: Uint8Array, from: number, own: boolean, each: Each): void {
    if (this.stopped) return;
    try {
      const at = this.split(chunk, from, each);
      if (at === chunk.length || this.stopped) return;
      this.rest = own ? chunk : chunk.slice(at);
      this.restAt = own ? at : 0;
    } catch (e) {
      this.stop();
      throw e;
    }
  }

  /** Where it was held, or the end. */
  private split(chunk: Uint8Array, from: number, each: Each): number {
    let at = this.part ? this.join(chunk, each) : from;
    const end = chunk.length;
    while (at < end && !this.stopped) {
      if (this.holds) return at;
      if (end - at >= 4) {
        const next = at + this.size(chunk, at);
        if (next <= end) {
          each(chunk, at, next);
          at = next;
          continue;
        }
      }
      this.have = end - at;
      this.part = take(this.have);
      this.part.set(chunk.subarray(at, end));
      return end;
    }
    return end;
  }

  /** A chunk that came though the stream is held. */
  private keepRest(chunk: Uint8Array): void {
    const { rest, restAt } = this;
    const before = rest ? rest.length - restAt : 0;
    const all = new Uint8Array(before + chunk.length);
    if (rest) all.set(rest.subarray(restAt));
    all.set(chunk, before);
    this.rest = all;
    this.restAt = 0;
  }

  /** Completes the message in `part` as far as chunk goes; returns where the chunk's rest begins. */
  private join(chunk: Uint8Array, each: Each): number {
    let at = 0;
    if (this.have < 4) {
      at = this.append(chunk, 0, 4);
      if (this.have < 4) return at;
      this.size(this.part!, 0);
    }
    const size = u32(this.part!, 0);
    at = this.append(chunk, at, size);
    if (this.have < size) return at;
    const whole = (this.joined = this.part);
    this.part = undefined;
    this.have = 0;
    each(whole!, 0, size);
    const done = this.keep();
    if (done) give(done);
    return at;
  }

  /** Appends chunk[at..) until part holds `want` bytes. */
  private append(chunk: Uint8Array, at: number, want: number): number {
    const n = Math.min(want - this.have, chunk.length - at);
    const old = this.part!;
    if (this.have + n > old.length) {
      this.part = take(Math.max(this.have + n, Math.min(want, 2 * old.length)));
      this.part.set(old.subarray(0, this.have));
      give(old);
    }
    this.part!.set(chunk.subarray(at, at + n), this.have);
    this.have += n;
    return at + n;
  }

  private size(buf: Uint8Array, at: number): number {
    const n = u32(buf, at);
    if (n < HDRSZ) botch(`message of ${n} bytes`);
    if (n > this.msize) botch(`message of ${n} bytes, msize is ${this.msize}${textual(buf, at)}`);
    return n;
  }
}

/** A program that does not speak 9P says something else, as a rule in words. */
function textual(buf: Uint8Array, at: number): string {
  const text = String.fromCharCode(...buf.subarray(at, Math.min(at + 40, buf.length)));
  return /^[\t\n\r -~]{4}/.test(text) ? `; what came is text, not 9P: ${text.trimStart().replace(/[^ -~].*/s, "")}` : "";
}

function u32(buf: Uint8Array, at: number): number {
  return (buf[at]! | (buf[at + 1]! << 8) | (buf[at + 2]! << 16) | (buf[at + 3]! << 24)) >>> 0;
}
