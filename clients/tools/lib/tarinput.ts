/**
 * TarInput: an archive as tar(1) reads it: a file where it lies, so that what nobody wants is not read, or a
 * stream, which a gzip file is too. Invariants: what is held is a few reads; a stream's places never go back.
 */
import type { TarFeed } from "../../../servers/index.ts";
import { isGzip, MAGIC } from "./compressed.ts";
import { join } from "./bytes.ts";
import { pour, pumpPart, SPECIAL } from "./pump.ts";
import { ZCHUNK, zstream } from "./zstream.ts";
import type { Sys } from "../../../kernel/sys.ts";

type Put = (data: Uint8Array) => Promise<unknown>;

export interface TarInput extends TarFeed {
  /** The `size` bytes from `at`, in order; fewer when it ends before. Returns how many. */
  data(at: number, size: number, put: Put): Promise<number>;
  /** It lies in a file as it is. */
  readonly seekable: boolean;
  /** Nobody reads on. */
  close(): void;
}

/** The archive open as fd: standard input when it has no name. Throws on what was compressed by another than gzip. */
export async function tarInput(sys: Sys, fd: number, name: string): Promise<TarInput> {
  const d = name === "" ? undefined : await sys.fstat(fd);
  const begun: Uint8Array[] = [];
  if (d && d.length > 0 && !(d.mode & SPECIAL)) {
    if (!isGzip(await sys.read(fd, MAGIC, 0))) return new FileInput(sys, fd, d.length);
  } else {
    for (let n = 0; n < MAGIC;) {
      const data = await sys.read(fd);
      if (data.length === 0) break;
      begun.push(data);
      n += data.length;
    }
  }
  const head = join(begun);
  const rest = async (put: Put): Promise<void> => {
    if (head.length > 0) await put(head);
    await pour(sys, fd, begun.length > 0 ? "" : name, put);
  };
  if (begun.length > 0 && !isGzip(head)) return new StreamInput(rest);
  if (!d && begun.length === 0) return new StreamInput(rest);
  const { createGunzip } = await import("node:zlib");
  return new StreamInput((put) => zstream(createGunzip({ chunkSize: ZCHUNK }), rest, put));
}

/** Read ahead for headers: those of small members lie close together. */
const WINDOW = 65_536;

class FileInput implements TarInput {
  readonly seekable = true;
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #length: number;
  #held: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(sys: Sys, fd: number, length: number) {
    this.#sys = sys;
    this.#fd = fd;
    this.#length = length;
  }

  async bytes(at: number, n: number): Promise<Uint8Array> {
    const end = Math.min(at + n, this.#length);
    if (end <= at) return new Uint8Array(0);
    if (at < this.#start || end > this.#start + this.#held.length) {
      const parts: Uint8Array[] = [];
      await pumpPart(this.#sys, this.#fd, at, Math.min(this.#length, Math.max(end, at + WINDOW)), async (data) => parts.push(data));
      this.#held = join(parts);
      this.#start = at;
    }
    return this.#held.subarray(at - this.#start, end - this.#start);
  }

  reaches(at: number): boolean {
    return at <= this.#length;
  }

  async data(at: number, size: number, put: Put): Promise<number> {
    const held = this.#held.subarray(at - this.#start, at - this.#start + size);
    const here = at >= this.#start ? held.length : 0;
    if (here > 0) await put(held);
    let n = here;
    if (here < size) {
      await pumpPart(this.#sys, this.#fd, at + here, Math.min(at + size, this.#length), async (data) => {
        n += data.length;
        await put(data);
      });
    }
    return n;
  }

  close(): void {}
}

/** Bytes that wait to be taken before whoever gives them must wait. */
const AHEAD = 1 << 20;

/** The reader is gone. */
class Closed extends Error {}

class StreamInput implements TarInput {
  readonly seekable = false;
  readonly #queue: Uint8Array[] = [];
  #queued = 0;
  /** Where the queue begins. */
  #at = 0;
  #over: { why: unknown } | undefined;
  #closed = false;
  #more: (() => void) | undefined;
  #room: (() => void) | undefined;

  /** give puts all of the stream. */
  constructor(give: (put: Put) => Promise<void>) {
    const end = (why: unknown): void => {
      this.#over = { why };
      this.#more?.();
    };
    give((data) => this.#put(data)).then(() => end(undefined), end);
  }

  async #put(data: Uint8Array): Promise<void> {
    if (data.length > 0) this.#queue.push(data);
    this.#queued += data.length;
    this.#more?.();
    while (this.#queued > AHEAD && !this.#closed) await new Promise<void>((resolve) => (this.#room = resolve));
    if (this.#closed) throw new Closed();
  }

  /** At most n bytes; none at the end. */
  async #take(n: number): Promise<Uint8Array> {
    while (this.#queue.length === 0 && !this.#over) await new Promise<void>((resolve) => (this.#more = resolve));
    const first = this.#queue[0];
    if (!first) {
      const why = this.#over?.why;
      if (why !== undefined) throw why;
      return new Uint8Array(0);
    }
    const data = first.subarray(0, n);
    if (data.length < first.length) this.#queue[0] = first.subarray(n);
    else this.#queue.shift();
    this.#queued -= data.length;
    this.#at += data.length;
    this.#room?.();
    return data;
  }

  async reaches(at: number): Promise<boolean> {
    while (this.#at < at) if ((await this.#take(at - this.#at)).length === 0) return false;
    return true;
  }

  async bytes(at: number, n: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    if (await this.reaches(at)) await this.data(at, n, async (data) => parts.push(data));
    return join(parts);
  }

  async data(at: number, size: number, put: Put): Promise<number> {
    let n = 0;
    if (!(await this.reaches(at))) return n;
    while (n < size) {
      const data = await this.#take(size - n);
      if (data.length === 0) break;
      n += data.length;
      await put(data);
    }
    return n;
  }

  close(): void {
    this.#closed = true;
    this.#room?.();
  }
}
