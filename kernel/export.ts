/**
 * Export: a process's name space as a portal (exportfs(4)), of 9P2000.L, in order. A client's fid
 * stands for a fid on the Mnt that its place is on, unions and mounts of mounts included; messages go
 * on there with the number exchanged, at once and without waiting for those before, since all Mnts
 * keep order or stand behind a relay. Invariants: the client sees one server, distinct files having
 * distinct qids; what a session had at any Mnt is given back when it ends. Permission is what the
 * servers grant the exporting process's user, whoever attaches. The name space is the process's as it
 * is, mounts made later included, until the process ends.
 */
import {
  attempt, type Awaitable, asNineError, Efidinuse, Ehungup, Eintr, Enoauth, errno, Eunknownfid, IOHDRSZ, isError, lastly, NineError, NOFID, type Portal, type Qid, QTDIR,
  Rclunk, rerror, type Rmsg, Rstat, Tattach, Tauth, Tclunk, Tcreate, Tlcreate, Tlink, type Tmsg, Trename, Trenameat, Twalk, Txattrwalk,
} from "../proto/index.ts";
import type { Chan } from "./chan.ts";
import { namesOf, Op, opens, Xfid } from "./export/fid.ts";
import { handle } from "./export/handlers.ts";
import { backward } from "./export/messages.ts";
import { Peer, type Stand, type Up } from "./export/peer.ts";
import { relayed } from "./export/relay.ts";
import type { Walk } from "./export/walk.ts";
import type { Mhead, Pgrp } from "./pgrp.ts";
import type { Proc } from "./proc.ts";
import type { ExportOptions } from "./sys.ts";

/** The name space of p from root on, which is a path without symbolic links, or a '#' name. */
export function exportfs(p: Proc, root: string, options: ExportOptions = {}): Portal {
  const x = new Export(p, root, options);
  return options.dialect === undefined || options.dialect === "9P2000.L" ? x : relayed(x, options.dialect, p.kernel.host);
}

/** Portals without a fid that are remembered. */
const SPARE = 16;

export class Export implements Portal {
  readonly dialect = "9P2000.L" as const;
  readonly msize: number;
  readonly ordered = true;
  readonly p: Proc;
  readonly pgrp: Pgrp;
  /** Walks that wait for something. */
  readonly walks: Set<Walk> = new Set();
  /** Of all exports of the kernel: clients of several are not one owner of locks. */
  readonly id: number;
  readonly options: ExportOptions;
  /** A '#' server, or "", and the names behind it. */
  private readonly spec: string;
  readonly names: readonly string[];
  private readonly slash: Chan;
  private readonly fids = new Map<number, Xfid>();
  private readonly pending = new Map<Tmsg, Op>();
  /** Portals that fids are on, or were until somebody looked. */
  private readonly portals = new Set<Portal>();
  private enough = SPARE;
  private summing = false;
  private hung = false;

  constructor(p: Proc, root: string, options: ExportOptions) {
    this.p = p;
    this.id = p.kernel.newExport();
    this.options = options;
    this.msize = options.msize ?? 1 << 20;
    const [spec = "", ...names] = root.split("/");
    this.spec = spec;
    this.names = names.filter((n) => n !== "");
    this.pgrp = p.pgrp.incref();
    this.slash = p.slash.incref();
    p.atExit.add(this.ended);
  }

  /** Of all that this session has gone on to, whoever the calls are of. */
  get lingering(): number {
    return this.sum((portal) => portal.lingering);
  }

  get lingeringBytes(): number {
    return this.sum((portal) => portal.lingeringBytes);
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    if (this.hung) return rerror(new NineError(Ehungup));
    if (t.type === Tauth) return rerror(new NineError(Enoauth, errno.ENOENT));
    const op = new Op(t);
    const why = this.enter(op);
    if (why) return rerror(why);
    if (op.waits) return this.later(op, undefined);
    const r = this.run(op);
    return r instanceof Promise ? this.later(op, r) : r;
  }

  flush(t: Tmsg): void {
    const op = this.pending.get(t);
    if (!op) return;
    op.flushed = true;
    if (op.waits) {
      for (const { queue } of op.waits) queue.splice(queue.indexOf(op), 1);
      op.waits = undefined;
      if (op.made) this.drop(op.made);
      this.settle(op, rerror(new NineError(Eintr)));
      this.release(op);
    } else if (op.sent) {
      // A clunk is not taken back: the fid is gone here.
      if (t.type === Tclunk) this.settle(op, { type: Rclunk });
      else op.portal?.flush(op.sent);
    }
  }

  hangup(): void {
    if (this.hung) return;
    this.hung = true;
    this.p.atExit.delete(this.ended);
    const pending = [...this.pending.values()];
    for (const op of pending) {
      // Asked a second time, a wire gives up on the answer; and a clunk is not taken back.
      if (op.sent && !op.flushed && op.t.type !== Tclunk) op.portal?.flush(op.sent);
      this.settle(op, rerror(new NineError(Ehungup)));
    }
    for (const f of this.fids.values()) {
      f.dead = true;
      f.union?.close();
      f.up?.clunk();
    }
    this.fids.clear();
    this.slash.close();
    this.pgrp.decref();
  }

  /** A fid for a Chan where messages go on to. */
  at(c: Chan): Stand {
    return Peer.of(c.mnt, this.p.kernel.host).at(c);
  }

  /** Whether any file of a Peer's Mnt is mounted upon; a '#' name crosses no mount. */
  on(peer: Peer): boolean {
    return this.spec === "" && this.pgrp.on(peer.mnt);
  }

  /** What is mounted on a file. */
  find(peer: Peer, qid: Qid): Mhead | undefined {
    return this.spec === "" ? this.pgrp.find(peer.mnt, qid) : undefined;
  }

  /** The union that a directory is. */
  union(f: Xfid): Mhead | undefined {
    const head = f.head === undefined ? undefined : this.pgrp.head(f.head);
    return head && head.mounts.length > 1 ? head : undefined;
  }

  /** Where the export's paths begin; the caller closes it. */
  root(): Awaitable<Chan> {
    return this.spec === "" ? this.p.mine(this.slash).incref() : this.p.kernel.attachDevice(this.spec.slice(1), this.p);
  }

  /** How many walks under way are like that. */
  alike(like: (w: Walk) => boolean): number {
    let n = 0;
    for (const w of this.walks) if (like(w)) n++;
    return n;
  }

  /** Sends a message of op's on, for a fid up. Throws when nobody waits for op any more. */
  ask(op: Op, up: Up, t: Tmsg): Awaitable<Rmsg> {
    if (op.flushed || this.hung) throw new NineError(op.flushed ? Eintr : Ehungup);
    const { portal } = up.peer;
    op.portal = portal;
    op.sent = t;
    return up.call(t);
  }

  /** A fid is there. */
  uses(portal: Portal): void {
    this.portals.add(portal);
    if (this.portals.size <= this.enough) return;
    this.portals.clear();
    for (const f of this.fids.values()) if (f.up) this.portals.add(f.up.peer.portal);
    this.enough = 2 * this.portals.size + SPARE;
  }

  /** A reply as the client sees it, and what it says of the fid. */
  reply(op: Op, f: Xfid, up: Up, r: Rmsg): Rmsg {
    const { t } = op;
    if (isError(r)) return r;
    if (opens(t)) {
      f.open = true;
      if ("qid" in r) f.qid = r.qid;
      if (t.type === Tcreate || t.type === Tlcreate) {
        f.path = { from: f.path, names: [t.name] };
        f.head = undefined;
      }
    }
    return backward(r, up.peer, t, ((f.qid?.type ?? 0) & QTDIR) !== 0, r.type === Rstat ? this.nameOf(f) : undefined, this.msize - IOHDRSZ);
  }

  /** The root of what is mounted has the name of the place it is mounted on. */
  nameOf(f: Xfid): string | undefined {
    return f.head === undefined ? undefined : (namesOf(f.path).at(-1) ?? "/");
  }

  /** Nothing else is done on the fid before this is. */
  alone(f: Xfid, what: () => Awaitable<Rmsg>): Awaitable<Rmsg> {
    f.held++;
    return lastly(what, () => this.free(f));
  }

  /** What waits for the fid goes on. */
  free(f: Xfid): void {
    f.held--;
    while (f.held === 0) {
      const op = f.queue.shift();
      if (!op) break;
      this.granted(op, f);
    }
  }

  /** The fid that was to be made is not. */
  drop(n: Xfid): void {
    if (n.dead) return;
    n.dead = true;
    if (this.fids.get(n.num) === n) this.fids.delete(n.num);
    if (n.held > 0) this.free(n);
  }

  private readonly ended = (): void => this.hangup();

  /** Finds the fids that the message names, makes the one that it is to make, and queues it behind those it must wait for. */
  private enter(op: Op): NineError | undefined {
    const { t } = op;
    if (t.type === Tattach) return this.making(op, t.fid, []);
    const num = t.type === Trenameat ? t.olddirfid : "dfid" in t && t.type !== Trename ? t.dfid : "dirfid" in t ? t.dirfid : t.fid;
    const f = this.fids.get(num);
    if (!f) return new NineError(Eunknownfid);
    op.fid = f;
    if (t.type === Tlink || t.type === Trename || t.type === Trenameat) {
      op.fid2 = this.fids.get(t.type === Tlink ? t.fid : t.type === Trename ? t.dfid : t.newdirfid);
      if (!op.fid2) return new NineError(Eunknownfid);
    }
    if ((t.type === Twalk || t.type === Txattrwalk) && t.newfid !== t.fid) {
      const why = this.making(op, t.newfid, f.tree);
      if (why) return why;
      if (op.made) op.made.aside = f.aside;
    }
    this.queue(op, f, op.fid2 ?? f);
    return undefined;
  }

  private sum(of: (portal: Portal) => number | undefined): number {
    // A mount of this export is one of its own portals.
    if (this.summing) return 0;
    this.summing = true;
    let n = 0;
    for (const portal of this.portals) n += of(portal) ?? 0;
    this.summing = false;
    return n;
  }

  private making(op: Op, num: number, tree: readonly string[]): NineError | undefined {
    if (num === NOFID || this.fids.has(num)) return new NineError(num === NOFID ? Eunknownfid : Efidinuse);
    const n = new Xfid(num, tree);
    n.held = 1;
    this.fids.set(num, n);
    op.made = n;
    return undefined;
  }

  /** Behind whatever uses its fids, on both at once: two that name the same two fids never wait for each other. */
  private queue(op: Op, f: Xfid, g: Xfid): void {
    const busy = (f === g ? [f] : [f, g]).filter((x) => x.held > 0 || x.queue.length > 0);
    if (busy.length === 0) return;
    for (const x of busy) x.queue.push(op);
    op.waits = busy;
    if (f !== g && busy.length === 1) this.hold(op, busy[0] === f ? g : f);
  }

  private hold(op: Op, f: Xfid): void {
    f.held++;
    op.holds = f;
  }

  /** It waits for its other fid no longer. */
  private release(op: Op): void {
    const f = op.holds;
    op.holds = undefined;
    if (f) this.free(f);
  }

  /** An op that had to wait for f does so no more. */
  private granted(op: Op, f: Xfid): void {
    if (op.waits && op.waits.length > 1) {
      op.waits = op.waits.filter((x) => x !== f);
      this.hold(op, f);
      return;
    }
    op.waits = undefined;
    const r = this.run(op);
    this.release(op);
    if (r instanceof Promise) void r.then((x) => this.settle(op, x));
    else this.settle(op, r);
  }

  private later(op: Op, r: Promise<Rmsg> | undefined): Promise<Rmsg> {
    this.pending.set(op.t, op);
    return new Promise((resolve) => {
      op.resolve = resolve;
      if (r) void r.then((x) => this.settle(op, x));
    });
  }

  private settle(op: Op, r: Rmsg): void {
    if (!this.pending.delete(op.t)) return;
    op.resolve?.(r);
  }

  private run(op: Op): Awaitable<Rmsg> {
    return attempt(() => handle(this, op), (e) => {
      if (!(e instanceof NineError)) this.p.kernel.host.log(`export: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
      if (op.made) this.drop(op.made);
      return rerror(asNineError(e));
    });
  }

  /** Takes the fid out of the table. */
  forget(f: Xfid): void {
    f.dead = true;
    if (this.fids.get(f.num) === f) this.fids.delete(f.num);
    f.union?.close();
    f.union = undefined;
  }
}
