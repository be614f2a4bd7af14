/**
 * DirStream: a directory being read, in constant memory: the system's iterator, one entry at a time.
 * Two forms, as the file system was fast or slow when it was opened. Invariant: it is closed at the
 * end, at `return` and at an error, once, and its owner is told. Also the two conversions
 * hostfiles.ts shares: callbacks to promises, and names as the system gives them.
 */
import type { Dir, Dirent } from "node:fs";
import { decodeUtf8, DT_BLK, DT_CHR, DT_DIR, DT_FIFO, DT_LNK, DT_REG, DT_SOCK } from "../../proto/index.ts";
import type { HostEntry } from "../../servers/index.ts";
import { type Device, type Guard, hostError } from "./guard.ts";

/** What a listing needs of the files it lists. */
export interface Source {
  readonly guard: Guard;
  readonly device: Device;
  /** It is closed. */
  readonly closed: () => void;
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

export class DirStream implements IterableIterator<HostEntry> {
  private readonly dir: Dir;
  private readonly source: Source;
  private over = false;
  private readonly read = (): Dirent | null => this.dir.readSync();

  /** dir was opened with encoding latin1. */
  constructor(dir: Dir, source: Source) {
    this.dir = dir;
    this.source = source;
  }

  next(): IteratorResult<HostEntry> {
    if (this.over) return END;
    try {
      const e = this.source.guard.sync(this.source.device, this.read);
      if (e) return { done: false, value: entryOf(e) };
    } catch (e) {
      this.return();
      throw e;
    }
    return this.return();
  }

  return(): IteratorReturnResult<undefined> {
    if (this.over) return END;
    this.over = true;
    this.source.closed();
    this.dir.closeSync();
    return END;
  }

  [Symbol.iterator](): this {
    return this;
  }
}

export class AsyncDirStream implements AsyncIterableIterator<HostEntry> {
  private readonly dir: Dir;
  private readonly source: Source;
  private over = false;

  constructor(dir: Dir, source: Source) {
    this.dir = dir;
    this.source = source;
  }

  async next(): Promise<IteratorResult<HostEntry>> {
    if (this.over) return END;
    try {
      const e = await this.source.guard.wait(() => this.dir.read());
      if (e) return { done: false, value: entryOf(e) };
    } catch (e) {
      await this.return();
      throw e;
    }
    return this.return();
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    if (this.over) return END;
    this.over = true;
    this.source.closed();
    try {
      await this.dir.close();
    } catch (e) {
      throw hostError(e);
    }
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function entryOf(e: Dirent): HostEntry {
  return [fromLatin1(e.name), undefined, typeOf(e)];
}

function typeOf(e: Dirent): number {
  if (e.isFile()) return DT_REG;
  if (e.isDirectory()) return DT_DIR;
  if (e.isSymbolicLink()) return DT_LNK;
  if (e.isFIFO()) return DT_FIFO;
  if (e.isSocket()) return DT_SOCK;
  return e.isBlockDevice() ? DT_BLK : DT_CHR;
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
