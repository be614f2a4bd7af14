/**
 * Out: buffered output to an fd. What was put is written when the buffer is full and at flush,
 * which tool() calls at exit and Lines before every read, so nobody waits for what is already known.
 * An error of the write is an OutError, which no per-file error handling takes for its own.
 */
import { NineError, errno, isInterrupted } from "../../../proto/index.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { encode } from "./bytes.ts";

const FULL = 65536;

/** Standard output cannot be written; ends the tool. */
export class OutError extends Error {
  /** Nobody reads any more: nothing to say about it. */
  readonly quiet: boolean;

  constructor(why: NineError) {
    super(why.message);
    this.quiet = why.errno === errno.EPIPE;
  }
}

export class Out {
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #before: (() => Promise<void>) | undefined;
  #buf: Uint8Array = new Uint8Array(512);
  #n = 0;

  /** before runs ahead of each write. */
  constructor(sys: Sys, fd: number, before?: () => Promise<void>) {
    this.#sys = sys;
    this.#fd = fd;
    this.#before = before;
  }

  /** Copies data, or writes it when it is large; the promise, if there is one, must be awaited. */
  put(data: Uint8Array | string): Promise<void> | undefined {
    const b = typeof data === "string" ? encode(data) : data;
    if (this.#n + b.length > FULL) return this.#spill(b);
    if (this.#n + b.length > this.#buf.length) {
      const larger = new Uint8Array(Math.min(FULL, Math.max(2 * this.#buf.length, this.#n + b.length)));
      larger.set(this.#buf.subarray(0, this.#n));
      this.#buf = larger;
    }
    this.#buf.set(b, this.#n);
    this.#n += b.length;
    return undefined;
  }

  async flush(): Promise<void> {
    if (this.#n === 0) return;
    const b = this.#buf.subarray(0, this.#n);
    // The write borrows these bytes until it is done; what is put meanwhile goes elsewhere.
    this.#buf = new Uint8Array(this.#buf.length);
    this.#n = 0;
    await this.#write(b);
  }

  async #spill(b: Uint8Array): Promise<void> {
    await this.flush();
    if (b.length >= FULL) await this.#write(b);
    else await this.put(b);
  }

  async #write(b: Uint8Array): Promise<void> {
    await this.#before?.();
    try {
      await this.#sys.write(this.#fd, b);
    } catch (e) {
      throw e instanceof NineError && !isInterrupted(e) ? new OutError(e) : e;
    }
  }
}
