/**
 * Listing: a directory being read with the stat of every entry, in constant memory: the system's
 * iterator, one entry at a time. Two forms, as the file system was fast or slow when it was opened.
 * Invariant: what it holds is closed at the end, at `return` and at an error, once. Also the two
 * conversions hostfiles.ts shares: callbacks to promises, and names as the system gives them.
 */
import type { Dir } from "node:fs";
import { type Awaitable, decodeUtf8, quietly } from "../../proto/index.ts";
import type { HostStat } from "../../servers/index.ts";
import { type Device, type Guard, hostError } from "./guard.ts";

/** What a listing needs of the files it lists. */
export interface Source {
  readonly guard: Guard;
  readonly device: Device;
  /** Of an entry; undefined when it is gone. */
  statSync(name: string): HostStat | undefined;
  lstat(name: string): Awaitable<HostStat | undefined>;
  /** Lets go of the directory. */
  drop(): Awaitable<void>;
}

type Entry = readonly [string, HostStat];
const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

export class Listing implements IterableIterator<Entry> {
  private readonly dir: Dir;
  private readonly source: Source;
  private over = false;

  /** dir was opened with encoding latin1. */
  constructor(dir: Dir, source: Source) {
    this.dir = dir;
    this.source = source;
  }

  next(): IteratorResult<Entry> {
    const { guard, device } = this.source;
    try {
      while (!this.over) {
        const e = guard.sync(device, () => this.dir.readSync());
        if (!e) break;
        const name = fromLatin1(e.name);
        const st = guard.sync(device, () => this.source.statSync(name));
        if (st) return { done: false, value: [name, st] };
      }
    } catch (e) {
      this.return();
      throw e;
    }
    return this.return();
  }

  return(): IteratorReturnResult<undefined> {
    if (this.over) return END;
    this.over = true;
    this.dir.closeSync();
    quietly(this.source.drop());
    return END;
  }

  [Symbol.iterator](): this {
    return this;
  }
}

export class AsyncListing implements AsyncIterableIterator<Entry> {
  private readonly dir: Dir;
  private readonly source: Source;
  private over = false;

  constructor(dir: Dir, source: Source) {
    this.dir = dir;
    this.source = source;
  }

  async next(): Promise<IteratorResult<Entry>> {
    const { guard } = this.source;
    try {
      while (!this.over) {
        const e = await guard.wait(() => this.dir.read());
        if (!e) break;
        const name = fromLatin1(e.name);
        const st = await this.source.lstat(name);
        if (st) return { done: false, value: [name, st] };
      }
    } catch (e) {
      await this.return();
      throw e;
    }
    return this.return();
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    if (this.over) return END;
    this.over = true;
    try {
      await this.dir.close();
    } catch (e) {
      throw hostError(e);
    } finally {
      await this.source.drop();
    }
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** A call of node:fs with a callback, as a promise. */
export function later<T>(start: (cb: (e: Error | null, v: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((e, v) => (e ? reject(e) : resolve(v)));
  });
}

/** A name whose characters are the bytes the system gave, in the lossless form of fcall.ts. */
export function fromLatin1(s: string): string {
  for (let i = 0; i < s.length; i++) {
    if (s.charCodeAt(i) < 0x80) continue;
    const b = Buffer.from(s, "latin1");
    return decodeUtf8(b, 0, b.length);
  }
  return s;
}
