/**
 * limit: a portal whose holder can have only so much under way. Invariant: however the holder
 * behaves, no bound is passed; what would pass one is answered with an error and never reaches the
 * server; flush and clunk always pass, so whoever is at a bound can get away from it. Used by serve.ts
 * for every peer on a wire.
 */
import { Eagain, Enametoolong, Etoomany, NineError } from "../errors.ts";
import {
  type Dialect, Rwalk, type Rmsg, Tattach, Tauth, Tclunk, Tcreate, Tlcreate, type Tmsg, Tread, Treaddir, Tremove, Twalk, Twrite,
  Txattrwalk,
} from "../fcall.ts";
import type { Portal } from "../portal.ts";
import { isEintr, isError, rerror } from "../reply.ts";

/** Bounds of one portal's holder. */
export interface Limits {
  /** Fids in use; default 65536. More: "Too many open files". */
  readonly fids?: number;
  /** Calls under way; default 4096. More: "Resource temporarily unavailable". */
  readonly calls?: number;
  /** Bytes that the reads under way may give and the writes under way carry; default 256 MiB. One call always passes. */
  readonly bytes?: number;
  /** Path elements of a fid below the root; default 1024. More: "File name too long". */
  readonly depth?: number;
}

export function limit(portal: Portal, limits: Limits = {}): Portal {
  return new Limit(portal, limits);
}

interface Entry {
  /** Path elements below the root. */
  depth: number;
}

class Limit implements Portal {
  readonly dialect: Dialect;
  readonly msize: number;
  readonly ordered: boolean;
  readonly lasting: boolean;
  private readonly portal: Portal;
  private readonly most: Required<Limits>;
  /** Each fid in use or in the making. */
  private readonly fids = new Map<number, Entry>();
  /** Fids whose Tclunk or Tremove is under way: their numbers may be in use again already. */
  private readonly going = new Set<Entry>();
  private calls = 0;
  private bytes = 0;

  constructor(portal: Portal, limits: Limits) {
    this.portal = portal;
    this.dialect = portal.dialect;
    this.msize = portal.msize;
    this.ordered = portal.ordered;
    this.lasting = portal.lasting ?? false;
    this.most = { fids: limits.fids ?? 65536, calls: limits.calls ?? 4096, bytes: limits.bytes ?? 256 << 20, depth: limits.depth ?? 1024 };
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    const bytes = bytesOf(t);
    const made = this.makes(t);
    const step = this.step(t, made);
    const why = this.refusal(t, bytes, made, step);
    if (why) return rerror(why);
    const entry = this.entry(t, made, step);
    if (made === undefined && step !== 0) this.move(t, step);
    this.calls++;
    this.bytes += bytes;
    const r = this.portal.call(t);
    if (r instanceof Promise) void r.then((x) => this.done(t, x, bytes, made, step, entry));
    else this.done(t, r, bytes, made, step, entry);
    return r;
  }

  flush(t: Tmsg): void {
    this.portal.flush(t);
  }

  hangup(): void {
    this.portal.hangup();
  }

  private refusal(t: Tmsg, bytes: number, made: number | undefined, step: number): NineError | undefined {
    const { fids, calls, depth } = this.most;
    if (this.calls >= calls && t.type !== Tclunk) return new NineError(`${Eagain}: at most ${calls} requests at a time`);
    if (bytes > 0 && this.bytes > 0 && this.bytes + bytes > this.most.bytes) {
      return new NineError(`${Eagain}: at most ${this.most.bytes} bytes under way`);
    }
    if (made !== undefined && this.fids.size + this.going.size >= fids) return new NineError(`${Etoomany}: at most ${fids} fids`);
    if (step > 0 && this.depth(t) + step > depth) return new NineError(`${Enametoolong}: at most ${depth} elements`);
    return undefined;
  }

  /** The fid that the message makes, counted from now on, or the one it frees, counted until it is gone. */
  private entry(t: Tmsg, made: number | undefined, step: number): Entry | undefined {
    if (made !== undefined) {
      const entry = { depth: this.depth(t) + step };
      this.fids.set(made, entry);
      return entry;
    }
    if (t.type !== Tclunk && t.type !== Tremove) return undefined;
    const entry = this.fids.get(t.fid);
    if (!entry) return undefined;
    this.fids.delete(t.fid);
    this.going.add(entry);
    return entry;
  }

  private done(t: Tmsg, r: Rmsg, bytes: number, made: number | undefined, step: number, entry: Entry | undefined): void {
    this.calls--;
    this.bytes -= bytes;
    if (t.type === Tclunk || t.type === Tremove) {
      // Flushed before it began, it has not happened; else the fid is gone, also after an error.
      if (!entry) return;
      this.going.delete(entry);
      if (isEintr(r)) this.fids.set(t.fid, entry);
    } else if (isError(r) || (t.type === Twalk && r.type === Rwalk && r.wqid.length < t.wname.length)) {
      if (made !== undefined) {
        if (this.fids.get(made) === entry) this.fids.delete(made);
      }
      else if (step !== 0) this.move(t, -step);
    }
  }

  /** The fid that the message makes, unless it is in use: then the server refuses it. */
  private makes(t: Tmsg): number | undefined {
    const fid = t.type === Tattach ? t.fid : t.type === Tauth ? t.afid
      : t.type === Txattrwalk || (t.type === Twalk && t.newfid !== t.fid) ? t.newfid : undefined;
    return fid !== undefined && this.fids.has(fid) ? undefined : fid;
  }

  /** Elements that the message goes down; 0 when it will be refused. */
  private step(t: Tmsg, made: number | undefined): number {
    if (t.type === Tcreate || t.type === Tlcreate) return 1;
    if (t.type !== Twalk || (made === undefined && t.newfid !== t.fid)) return 0;
    const from = this.depth(t);
    let to = from;
    for (const name of t.wname) {
      if (name === "..") to = Math.max(0, to - 1);
      else if (name !== ".") to++;
    }
    return to - from;
  }

  /** A fid goes down, or comes back after an error; one that nobody has stays nobody's. */
  private move(t: Tmsg, step: number): void {
    const entry = "fid" in t ? this.fids.get(t.fid) : undefined;
    if (entry) entry.depth = Math.max(0, entry.depth + step);
  }

  private depth(t: Tmsg): number {
    return t.type === Tattach || !("fid" in t) ? 0 : (this.fids.get(t.fid)?.depth ?? 0);
  }
}

/** Payload that the call may hold in memory until it is over. */
function bytesOf(t: Tmsg): number {
  return t.type === Twrite ? t.data.length : t.type === Tread || t.type === Treaddir ? t.count : 0;
}
