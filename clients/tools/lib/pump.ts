/**
 * Pump: the bytes of one open file to another, in constant memory. Where a file's length is known,
 * several reads are on their way at explicit offsets, because the server may be far; a file that
 * says nothing of its length, as devices and pipes do, is read in order, one read at a time.
 */
import { DMDEVICE, DMDIR, DMNAMEDPIPE, DMSOCKET } from "../../../proto/index.ts";
import type { Sys } from "../../../kernel/sys.ts";

/** The largest read asked for, and how many are under way. */
const CHUNK = 262_144;
const WINDOW = 8;

/** What a file may be that does not answer reads by their offset. */
export const SPECIAL: number = DMDIR | DMDEVICE | DMNAMEDPIPE | DMSOCKET;

export interface Pumped {
  /** Where to: at is the offset in the file read. In order and one at a time unless `anyOrder`. */
  put(data: Uint8Array, at: number): Promise<unknown>;
  /** put may be called for later bytes before earlier ones are done. */
  readonly anyOrder: boolean;
}

/** Reads fd, which stands at its start, to its end. */
export async function pump(sys: Sys, fd: number, to: Pumped): Promise<void> {
  let at = 0;
  // The third read is worth a question: a file that long may be longer still.
  for (let reads = 0; ; reads++) {
    const data = await sys.read(fd, CHUNK);
    if (data.length === 0) return;
    await to.put(data, at);
    at += data.length;
    if (reads !== 1) continue;
    const d = await sys.fstat(fd);
    if (d.mode & SPECIAL || d.length < at + 2 * data.length) continue;
    await (to.anyOrder ? scattered : ordered)(sys, fd, at, data.length, d.length, to);
    // Go on from there: it may have grown.
    at = await sys.seek(fd, d.length, 0);
  }
}

/** The bytes [from, end) of a file of known length, in order. */
export function pumpPart(sys: Sys, fd: number, from: number, end: number, put: (data: Uint8Array) => Promise<unknown>): Promise<void> {
  return ordered(sys, fd, from, CHUNK, end, { anyOrder: false, put });
}

/** All of an input as eachInput hands it over, in order: a named file stands at its start, standard input (name "") anywhere. */
export async function pour(sys: Sys, fd: number, name: string, put: (data: Uint8Array) => Promise<unknown>): Promise<void> {
  if (name !== "") return pump(sys, fd, { anyOrder: false, put });
  for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) await put(data);
}

/** All of [at, at + n), or up to the end of the file. */
async function readFull(sys: Sys, fd: number, n: number, at: number, put: (data: Uint8Array, at: number) => Promise<unknown>): Promise<void> {
  while (n > 0) {
    const data = await sys.read(fd, n, at);
    if (data.length === 0) return;
    await put(data, at);
    at += data.length;
    n -= data.length;
  }
}

async function scattered(sys: Sys, fd: number, from: number, chunk: number, length: number, to: Pumped): Promise<void> {
  let next = from;
  const failed: { why: unknown }[] = [];
  const worker = async (): Promise<void> => {
    while (next < length && failed.length === 0) {
      const at = next;
      next += chunk;
      try {
        await readFull(sys, fd, Math.min(chunk, length - at), at, (data, pos) => to.put(data, pos));
      } catch (why) {
        failed.push({ why });
      }
    }
  };
  // Nobody may still use the fds when this returns or throws: their numbers will be others'.
  await Promise.all(Array.from({ length: WINDOW }, worker));
  const [first] = failed;
  if (first) throw first.why;
}

async function ordered(sys: Sys, fd: number, from: number, chunk: number, length: number, to: Pumped): Promise<void> {
  const ahead: { at: number; data: Promise<Uint8Array> }[] = [];
  let next = from;
  const more = (): void => {
    if (next >= length) return;
    const data = sys.read(fd, Math.min(chunk, length - next), next);
    // An earlier piece may fail first; then nobody looks at this one any more.
    data.catch(() => {});
    ahead.push({ at: next, data });
    next += chunk;
  };
  for (let i = 0; i < WINDOW; i++) more();
  for (let piece = ahead.shift(); piece; piece = ahead.shift()) {
    const data = await piece.data;
    more();
    if (data.length > 0) await to.put(data, piece.at);
    const n = Math.min(chunk, length - piece.at) - data.length;
    if (n > 0 && data.length > 0) await readFull(sys, fd, n, piece.at + data.length, (rest, pos) => to.put(rest, pos));
  }
}
