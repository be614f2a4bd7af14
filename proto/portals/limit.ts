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
  /** Calls under way, those that were flushed and still run at the server included; default 4096. More: "Resource temporarily unavailable". */
  readonly calls?: number;
  /** Bytes that the reads under way may give and the writes under way carry; default 256 MiB. One call always passes. */
  readonly bytes?: number;
  /** Path elements of a fid below the root; default 1024. More: "File name too long". */
  readonly depth?: number;
}

/** before: portals of the same holder that are over, but whose calls may still run: these count. */
export function limit(portal: Portal, limits: Limits = {}, before: readonly Portal[] = []): Portal {
  return new Limit(portal, limits, before);
}

/** A fid in use or in the making; counted until nothing that is under way can mean it any more. */
interface Entry {
  /** Path elements below the root, at most: what goes down counts when it is asked for, what goes up when it is done. */
  depth: number;
  /** Calls under way that make it, move it or free it. */
  calls: number;
  /** Reached by its number, itself or behind those that may take its place. */
  linked: boolean;
  /** Who has the number unless this one comes to be. */
  before: Entry | undefined;
}

class Limit implements Portal {
  readonly dialect: Dialect;
  readonly msize: number;
  readonly ordered: boolean;
  readonly lasting: boolean;
  private readonly portal: Portal;
  private readonly most: Required<Limits>;
  private readonly fids = new Map<number, Entry>();
  private used = 0;
  private readonly before: readonly Portal[];
  private calls = 0;
  private bytes = 0;

  constructor(portal: Portal, limits: Limits, before: readonly Portal[]) {
    this.before = before;
    this.portal = portal;
    this.dialect = portal.dialect;
    this.msize = portal.msize;
    this.ordered = portal.ordered;
    this.lasting = portal.lasting ?? false;
    this.most = { fids: limits.fids ?? 65536, calls: limits.calls ?? 4096, bytes: limits.bytes ?? 256 << 20, depth: limits.depth ?? 1024 };
  }

  get lingering(): number {
    return this.portal.lingering ?? 0;
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    const bytes = bytesOf(t);
    const num = made(t);
    const at = "fid" in t && t.type !== Tattach ? this.fids.get(t.fid) : undefined;
    const from = at?.depth ?? 0;
    // Of a fid under way it is not known how far up "..", behind what may fail, would lead.
    const step = stepOf(t, num === undefined && at && at.calls > 0 ? 0 : from);
    const why = this.refusal(t, bytes, num, from, step);
    if (why) return rerror(why);
    const entry = num !== undefined ? this.link(num, from + step) : step !== 0 || t.type === Tclunk || t.type === Tremove ? at : undefined;
    if (entry) {
      entry.calls++;
      if (num === undefined && step > 0) entry.depth += step;
    }
    this.calls++;
    this.bytes += bytes;
    const r = this.portal.call(t);
    if (r instanceof Promise) void r.then((x) => this.done(t, x, bytes, num, step, entry));
    else this.done(t, r, bytes, num, step, entry);
    return r;
  }

  flush(t: Tmsg): void {
    this.portal.flush(t);
  }

  hangup(): void {
    this.portal.hangup();
  }

  private refusal(t: Tmsg, bytes: number, num: number | undefined, from: number, step: number): NineError | undefined {
    const { fids, calls, depth } = this.most;
    if (this.calls + lingeringOf(this.portal, this.before) >= calls && t.type !== Tclunk) return new NineError(`${Eagain}: at most ${calls} requests at a time`);
    if (bytes > 0 && this.bytes > 0 && this.bytes + bytes > this.most.bytes) {
      return new NineError(`${Eagain}: at most ${this.most.bytes} bytes under way`);
    }
    if (num !== undefined && this.used >= fids) return new NineError(`${Etoomany}: at most ${fids} fids`);
    if (step > 0 && from + step > depth) return new NineError(`${Enametoolong}: at most ${depth} elements`);
    return undefined;
  }

  private done(t: Tmsg, r: Rmsg, bytes: number, num: number | undefined, step: number, entry: Entry | undefined): void {
    this.calls--;
    this.bytes -= bytes;
    if (!entry) return;
    const failed = isError(r) || (t.type === Twalk && r.type === Rwalk && r.wqid.length < t.wname.length);
    if (num !== undefined) {
      if (failed) this.unlink(num, entry);
      else while (entry.linked && entry.before) this.unlink(num, entry.before);
    } else if (t.type === Tclunk || t.type === Tremove) {
      // Flushed before it began, it has not happened; else the fid is gone, also after an error.
      if (!isEintr(r)) this.unlink(t.fid, entry);
    } else if (failed ? step > 0 : step < 0) entry.depth -= Math.abs(step);
    entry.calls--;
    if (!entry.linked && entry.calls === 0) this.used--;
  }

  /** A fid of this number may come to be. */
  private link(num: number, depth: number): Entry {
    const entry: Entry = { depth, calls: 0, linked: true, before: this.fids.get(num) };
    this.fids.set(num, entry);
    this.used++;
    return entry;
  }

  /** The number does not mean this one any more. */
  private unlink(num: number, entry: Entry): void {
    if (!entry.linked) return;
    entry.linked = false;
    if (entry.calls === 0) this.used--;
    let above = this.fids.get(num);
    if (above !== entry) {
      while (above && above.before !== entry) above = above.before;
      if (above) above.before = entry.before;
    } else if (entry.before) this.fids.set(num, entry.before);
    else this.fids.delete(num);
  }
}

function lingeringOf(portal: Portal, before: readonly Portal[]): number {
  let n = portal.lingering ?? 0;
  for (const p of before) n += p.lingering ?? 0;
  return n;
}

/** The number of the fid that the message makes. */
function made(t: Tmsg): number | undefined {
  if (t.type === Tattach) return t.fid;
  if (t.type === Tauth) return t.afid;
  return t.type === Txattrwalk || (t.type === Twalk && t.newfid !== t.fid) ? t.newfid : undefined;
}

/** Elements that the message goes down, from so many below the root. */
function stepOf(t: Tmsg, from: number): number {
  if (t.type === Tcreate || t.type === Tlcreate) return 1;
  if (t.type !== Twalk) return 0;
  let to = from;
  for (const name of t.wname) {
    if (name === "..") to = Math.max(0, to - 1);
    else if (name !== ".") to++;
  }
  return to - from;
}

/** Payload that the call may hold in memory until it is over. */
function bytesOf(t: Tmsg): number {
  return t.type === Twrite ? t.data.length : t.type === Tread || t.type === Treaddir ? t.count : 0;
}
