/**
 * limit: a portal whose holder can have only so much under way. Invariant: however the holder
 * behaves, no bound is passed; what would pass one is answered with an error and never reaches the
 * server, a read gets less; flush and clunk always pass, so whoever is at a bound can get away from
 * it. Used by serve.ts for every peer on a wire.
 */
import { Eagain, Enametoolong, Etoomany, NineError } from "../errors.ts";
import {
  type Dialect, Rwalk, type Rmsg, Tattach, Tauth, Tclunk, Tcreate, Tlcreate, Tlopen, type Tmsg, Topen, Tread, Treaddir, Tremove, Twalk,
  Twrite, Txattrwalk,
} from "../fcall.ts";
import type { Portal } from "../portal.ts";
import { isEintr, isError, payload, rerror } from "../reply.ts";

/** Bounds of one portal's holder. */
export interface Limits {
  /** Fids in use; default 65536. More: "Too many open files". */
  readonly fids?: number;
  /** Fids that are open; default 1024. More: "Too many open files". */
  readonly opens?: number;
  /** Calls under way, those that were flushed and still run at the server included; default 4096. More: "Resource temporarily unavailable". */
  readonly calls?: number;
  /**
   * Bytes that the reads under way may give, and as many that the writes under way carry; default 64 MiB.
   * A read that would pass it gives less, 8 KiB at least; a write "Resource temporarily unavailable", but one always passes.
   */
  readonly bytes?: number;
  /** Path elements of a fid below the root; default 1024. More: "File name too long". */
  readonly depth?: number;
  /** What several holders may have under way together, besides. */
  readonly budget?: Budget;
}

/** Bytes that all holders who share it have under way: so many of reads, as many of writes. */
export class Budget {
  readonly most: number;
  reads = 0;
  writes = 0;
  /** Portals whose calls have settled, and which may not be done with them. */
  private readonly lingering = new Set<Portal>();

  /** most: default 512 MiB. */
  constructor(most: number = 512 << 20) {
    this.most = most;
  }

  /** Bytes of calls that were flushed, or whose holder is gone, and that still run at a server. */
  get lingeringBytes(): number {
    let n = 0;
    for (const p of this.lingering) {
      const bytes = p.lingeringBytes ?? 0;
      if (bytes === 0) this.lingering.delete(p);
      n += bytes;
    }
    return n;
  }

  /** A call of the portal has settled. */
  settled(portal: Portal): void {
    if ((portal.lingeringBytes ?? 0) > 0) this.lingering.add(portal);
  }
}

/** What the holder has of that at the moment, and how often a bound stopped him. */
export interface Use {
  readonly fids: number;
  readonly opens: number;
  readonly calls: number;
  readonly bytes: number;
  readonly refused: number;
}

export interface Limited extends Portal {
  readonly use: Use;
  /** Of n bytes that a read asks for, how many it may have now. Who asks for more gets less. */
  readable(n: number): number;
}

/** The default bounds. */
export const LIMITS: Required<Omit<Limits, "budget">> = { fids: 65536, opens: 1024, calls: 4096, bytes: 64 << 20, depth: 1024 };
/** However little room there is, a read may give this much. */
const LEAST = 8192;

/** before: portals of the same holder that are over, but whose calls may still run: these count. */
export function limit(portal: Portal, limits: Limits = {}, before: readonly Portal[] = []): Limited {
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
  open: boolean;
  /** Who has the number unless this one comes to be. */
  before: Entry | undefined;
}

class Limit implements Limited, Use {
  readonly dialect: Dialect;
  readonly msize: number;
  readonly ordered: boolean;
  readonly lasting: boolean;
  opens = 0;
  calls = 0;
  refused = 0;
  private reads = 0;
  private writes = 0;
  private readonly portal: Portal;
  private readonly limits: Required<Omit<Limits, "budget">>;
  private readonly budget: Budget | undefined;
  private readonly entries = new Map<number, Entry>();
  private used = 0;
  private readonly before: readonly Portal[];

  constructor(portal: Portal, limits: Limits, before: readonly Portal[]) {
    this.before = before;
    this.portal = portal;
    this.dialect = portal.dialect;
    this.msize = portal.msize;
    this.ordered = portal.ordered;
    this.lasting = portal.lasting ?? false;
    const { budget, ...most } = limits;
    this.budget = budget;
    this.limits = { ...LIMITS, ...most };
  }

  get use(): Use {
    return this;
  }

  get fids(): number {
    return this.used;
  }

  get bytes(): number {
    return this.reads + this.writes;
  }

  get lingering(): number {
    return this.portal.lingering ?? 0;
  }

  get lingeringBytes(): number {
    return this.portal.lingeringBytes ?? 0;
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    const num = made(t);
    const at = "fid" in t && t.type !== Tattach ? this.entries.get(t.fid) : undefined;
    const from = at?.depth ?? 0;
    // Of a fid under way it is not known how far up "..", behind what may fail, would lead.
    const step = stepOf(t, num === undefined && at && at.calls > 0 ? 0 : from);
    const opens = t.type === Topen || t.type === Tlopen || t.type === Tcreate || t.type === Tlcreate;
    const why = this.refusal(t, num, opens, from, step);
    if (why) {
      this.refused++;
      return rerror(why);
    }
    if (t.type === Tread || t.type === Treaddir) t.count = this.readable(t.count);
    const bytes = payload(t);
    const entry = num !== undefined ? this.link(num, from + step) : step !== 0 || opens || t.type === Tclunk || t.type === Tremove ? at : undefined;
    if (entry) {
      entry.calls++;
      if (num === undefined && step > 0) entry.depth += step;
    }
    this.calls++;
    if (bytes > 0) this.carry(t, bytes);
    if (opens) this.opens++;
    const r = this.portal.call(t);
    if (r instanceof Promise) void r.then((x) => this.done(t, x, bytes, num, step, opens, entry));
    else this.done(t, r, bytes, num, step, opens, entry);
    return r;
  }

  readable(n: number): number {
    return n > LEAST ? Math.min(n, Math.max(LEAST, this.room(false))) : n;
  }

  flush(t: Tmsg): void {
    this.portal.flush(t);
  }

  hangup(): void {
    this.portal.hangup();
  }

  private refusal(t: Tmsg, num: number | undefined, opens: boolean, from: number, step: number): NineError | undefined {
    const { limits } = this;
    if (this.calls + this.lingerers() >= limits.calls && t.type !== Tclunk) return new NineError(`${Eagain}: at most ${limits.calls} requests at a time`);
    if (t.type === Twrite && t.data.length > this.room(true) && (this.writes > 0 || this.crowded())) return new NineError(`${Eagain}: too many bytes under way`);
    if (num !== undefined && this.used >= limits.fids) return new NineError(`${Etoomany}: at most ${limits.fids} fids`);
    if (opens && this.opens >= limits.opens) return new NineError(`${Etoomany}: at most ${limits.opens}`);
    if (step > 0 && from + step > limits.depth) return new NineError(`${Enametoolong}: at most ${limits.depth} elements`);
    return undefined;
  }

  private lingerers(): number {
    let n = this.lingering;
    for (const p of this.before) n += p.lingering ?? 0;
    return n;
  }

  /** Bytes that may still come under way. */
  private room(write: boolean): number {
    const { budget } = this;
    let mine = this.limits.bytes - (write ? this.writes : this.reads) - this.lingeringBytes;
    for (const p of this.before) mine -= p.lingeringBytes ?? 0;
    return budget ? Math.min(mine, budget.most - (write ? budget.writes : budget.reads) - budget.lingeringBytes) : mine;
  }

  /** What nobody waits for any more has half of the budget: not even one write passes then. */
  private crowded(): boolean {
    return this.budget !== undefined && this.budget.lingeringBytes > this.budget.most / 2;
  }

  /** So many more are under way, or fewer. */
  private carry(t: Tmsg, bytes: number): void {
    if (t.type === Twrite) {
      this.writes += bytes;
      if (this.budget) this.budget.writes += bytes;
    } else {
      this.reads += bytes;
      if (this.budget) this.budget.reads += bytes;
    }
  }

  private done(t: Tmsg, r: Rmsg, bytes: number, num: number | undefined, step: number, opens: boolean, entry: Entry | undefined): void {
    this.calls--;
    if (bytes > 0) {
      this.carry(t, -bytes);
      this.budget?.settled(this.portal);
    }
    if (!entry) {
      if (opens) this.opens--;
      return;
    }
    const failed = isError(r) || (t.type === Twalk && r.type === Rwalk && r.wqid.length < t.wname.length);
    if (opens) {
      if (failed) this.opens--;
      else entry.open = true;
    }
    if (num !== undefined) {
      if (failed) this.unlink(num, entry);
      else while (entry.linked && entry.before) this.unlink(num, entry.before);
    } else if (t.type === Tclunk || t.type === Tremove) {
      // Flushed before it began, it has not happened; else the fid is gone, also after an error.
      if (!isEintr(r)) this.unlink(t.fid, entry);
    } else if (failed ? step > 0 : step < 0) entry.depth -= Math.abs(step);
    entry.calls--;
    if (!entry.linked && entry.calls === 0) this.gone(entry);
  }

  /** A fid of this number may come to be. */
  private link(num: number, depth: number): Entry {
    const entry: Entry = { depth, calls: 0, linked: true, open: false, before: this.entries.get(num) };
    this.entries.set(num, entry);
    this.used++;
    return entry;
  }

  /** The number does not mean this one any more. */
  private unlink(num: number, entry: Entry): void {
    if (!entry.linked) return;
    entry.linked = false;
    if (entry.calls === 0) this.gone(entry);
    let above = this.entries.get(num);
    if (above !== entry) {
      while (above && above.before !== entry) above = above.before;
      if (above) above.before = entry.before;
    } else if (entry.before) this.entries.set(num, entry.before);
    else this.entries.delete(num);
  }

  /** Nothing under way can mean it any more. */
  private gone(entry: Entry): void {
    this.used--;
    if (entry.open) this.opens--;
  }
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
