/**
 * Chan: a file in use: a fid of a Mnt, with what the kernel knows of it (chan.c). Invariants: the fid
 * belongs to this Chan alone and is clunked when the last reference goes; once open, the fid is never
 * walked; `path` is the lexically clean name it was reached by, which is all that ".." ever looks at;
 * the offset moves when a call completes, and calls that use it take turns.
 */
import { after, type Awaitable, got, type Interrupt, type Qid, QTDIR, type Steps, steps } from "../proto/index.ts";
import type { Mnt } from "./mnt.ts";
import { Turn } from "./turn.ts";

export class Chan {
  readonly mnt: Mnt;
  readonly fid: number;
  qid: Qid;
  path: string;
  /** open(2)'s mode, or -1. */
  mode = -1;
  /** Payload of one message; 0 while not open. */
  iounit = 0;
  offset = 0;
  /** Key of the Mhead this is the first element of, when it was reached across a mount (Pgrp.head). */
  union: string | undefined;
  /** Next element of the union to read, and the position in the one being read. */
  uri = 0;
  unionChan: Chan | undefined;
  /** Where the next dirread goes on. */
  cookie: number | bigint = 0;
  /** Bytes from offset 0 that were asked for with the open, until they are read. */
  ahead: Uint8Array | undefined;
  /** Length the file had when `ahead` was read, 0 if unknown: its end is not asked for again, once. */
  length = 0;
  /** Of a stream: what came when somebody asked whether there is anything, until it is read; empty at its end. */
  kept: Uint8Array | undefined;
  readonly reading: Turn = new Turn();
  readonly writing: Turn = new Turn();
  private refs = 1;

  constructor(mnt: Mnt, fid: number, qid: Qid, path: string) {
    this.mnt = mnt;
    this.fid = fid;
    this.qid = qid;
    this.path = path;
    mnt.incref();
  }

  get isDir(): boolean {
    return (this.qid.type & QTDIR) !== 0;
  }

  incref(): this {
    if (this.refs === 0) throw new Error(`${this.path}: a closed Chan is used`);
    this.refs++;
    return this;
  }

  /** A file of a Device takes no turns at reading: what waits there is a stream, and who waits in the background keeps nobody from it. */
  get free(): boolean {
    return this.mnt.perProc;
  }

  /** The next bytes at the offset for the process `by`, in `into` when that is given; the caller has its turn. */
  readNext(count: number, intr: Interrupt, into: Uint8Array | undefined, by: number | undefined): Awaitable<Uint8Array> {
    if (this.kept) {
      const data = this.kept.subarray(0, count);
      this.kept = data.length < this.kept.length ? this.kept.subarray(count) : undefined;
      into?.set(data);
      return into ? into.subarray(0, data.length) : data;
    }
    if (this.ahead) {
      const data = this.ahead.subarray(this.offset, this.offset + count);
      if (this.offset + data.length >= this.ahead.length) this.ahead = undefined;
      if (data.length > 0) {
        this.offset += data.length;
        into?.set(data);
        return into ? into.subarray(0, data.length) : data;
      }
    }
    // The end is known from the stat that came with the open, once: a file that grows is read on.
    if (this.length > 0 && this.offset === this.length) {
      this.length = 0;
      return into ? into.subarray(0, 0) : new Uint8Array(0);
    }
    return after(this.mnt.client.read(this.fid, this.offset, count, intr, into, this.free ? by : undefined), (data) => {
      this.offset += data.length;
      return data;
    });
  }

  /** All of data from a byte on, in messages of the file's iounit; its length. */
  writeAt(from: number, data: Uint8Array, intr: Interrupt): Awaitable<number> {
    const { client } = this.mnt;
    return this.iounit >= client.iounit || data.length <= this.iounit
      ? client.write(this.fid, from, data, intr)
      : steps(() => this.writeUnits(from, data, intr));
  }

  private *writeUnits(from: number, data: Uint8Array, intr: Interrupt): Steps<number> {
    for (let done = 0; done < data.length; done += this.iounit) {
      yield* got(this.mnt.client.write(this.fid, from + done, data.subarray(done, done + this.iounit), intr));
    }
    return data.length;
  }

  /** cclose: the last reference clunks the fid, without waiting for the answer. */
  close(): void {
    if (this.refs === 0) throw new Error(`${this.path}: closed twice`);
    if (--this.refs > 0) return;
    this.unionChan?.close();
    this.unionChan = undefined;
    this.mnt.client.clunk(this.fid);
    this.mnt.decref();
  }
}

/** So many bytes of an open file from an offset on, fewer at its end, without moving its own. */
export function readAt(c: Chan, from: number, wanted: number, intr: Interrupt): Awaitable<Uint8Array> {
  return after(c.mnt.client.read(c.fid, from, wanted, intr), (first) =>
    first.length === wanted || first.length === 0 ? first : steps(() => readRest(c, from, wanted, intr, first)));
}

function* readRest(c: Chan, from: number, wanted: number, intr: Interrupt, first: Uint8Array): Steps<Uint8Array> {
  const all = new Uint8Array(wanted);
  let done = 0;
  for (let some = first; some.length > 0;) {
    all.set(some, done);
    done += some.length;
    some = done < wanted ? yield* got(c.mnt.client.read(c.fid, from + done, wanted - done, intr)) : some.subarray(0, 0);
  }
  return all.subarray(0, done);
}
