/**
 * srv: a Server as a Portal. Owns the fid table, who may do what when, the order of messages on a
 * fid (the `.x` promise), flush and hang-up; what each message does stands in srv/handlers.ts.
 * Invariants: a call settles exactly once, and nothing of it happens afterwards; a fid is in the
 * table from the moment a message that makes it is taken until it is clunked, removed or the making
 * failed; a server that answers at once is answered without a promise.
 */
import { Efidinuse, Ehungup, Eintr, Eunknownfid, NineError } from "./errors.ts";
import {
  type Dialect, NOFID, type RerrorMsg, type Rmsg, Tattach, Tauth, Tclunk, Tfsync, Tgetattr, Tgetlock, Tlink, Tlock, type Tmsg,
  Tread, Treadlink, Tremove, Trename, Trenameat, Tstat, Tstatfs, Twalk, Twrite, Txattrwalk,
} from "./fcall.ts";
import type { Portal } from "./portal.ts";
import type { Qid } from "./qid.ts";
import { payload, rerror } from "./reply.ts";
import type { Node, Server } from "./server.ts";
import { EXCLUSIVE, Fid, type Lane, type Op, READ, type User, WRITE } from "./srv/fid.ts";
import { handle } from "./srv/handlers.ts";
import { closeFid } from "./srv/open.ts";
import { Request, type Starter } from "./srv/request.ts";
import { type Shared, sharedOf } from "./srv/shared.ts";
import type { Users } from "./users.ts";

export interface OpenOptions {
  /** Default 9P2000.L; serve() gives what the client negotiated. */
  readonly dialect?: Dialect;
  /** Default 1 MiB. */
  readonly msize?: number;
  /** Names and numbers of users; default: users(). One table for all portals of a server. */
  readonly users?: Users;
  /** Seconds since the epoch: the times of files that have none. Default 0. */
  readonly bootSec?: number;
  /** Told of anything thrown that is no NineError: a bug of the server. The peer gets "i/o error". */
  readonly bug?: (e: unknown) => void;
}

/** A session with a server, in process: no bytes, no copies, no promise when the server needs none. */
export function open(server: Server, options: OpenOptions = {}): Portal {
  return new Session(server, options);
}

const nobody: User = { uname: "none", uid: 65534 };

export class Session implements Portal, Starter {
  readonly dialect: Dialect;
  readonly msize: number;
  readonly ordered = true;
  readonly server: Server;
  readonly shared: Shared;
  readonly users: Users;
  readonly bootSec: number;
  readonly fids: Map<number, Fid> = new Map();
  /** Bytes of extended attributes that fids hold (srv/xattr.ts). */
  xattrBytes = 0;
  /** Started, settled, and the server has not answered. */
  lingering = 0;
  lingeringBytes = 0;
  private hung = false;
  private readonly bug: ((e: unknown) => void) | undefined;
  private readonly pending = new Map<Tmsg, Request>();

  constructor(server: Server, options: OpenOptions) {
    this.server = server;
    this.shared = sharedOf(server);
    this.dialect = options.dialect ?? "9P2000.L";
    this.msize = options.msize ?? 1 << 20;
    this.users = options.users ?? this.shared.users;
    this.bootSec = options.bootSec ?? 0;
    this.bug = options.bug;
    this.shared.tables.add(this.fids);
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    if (this.hung) return rerror(new NineError(Ehungup));
    const q = new Request(this, t, nobody);
    const why = this.enter(q);
    if (why) return rerror(why);
    if (q.waits === 0) {
      const r = this.run(q);
      if (!(r instanceof Promise)) {
        this.leave(q);
        return r;
      }
      return this.await(q, r);
    }
    return this.await(q, undefined);
  }

  flush(t: Tmsg): void {
    const q = this.pending.get(t);
    if (!q || q.settled) return;
    const why = new NineError(Eintr);
    if (!q.started) {
      this.abandon(q);
      this.settle(q, rerror(why));
      return;
    }
    q.abort(why);
    // A server that does not listen to the signal must not hold up the reader who left, unless it may still write where he said.
    // A directory's reader has moved on by then: that answer is waited for.
    if (t.type === Tread && (!t.into || t.forfeit) && !q.fid?.dir) void hops(16).then(() => this.part(q, why));
  }

  hangup(): void {
    if (this.hung) return;
    this.hung = true;
    const why = new NineError(Ehungup);
    for (const q of this.pending.values()) {
      if (q.started) {
        q.abort(why);
        this.part(q, why);
      } else {
        this.abandon(q);
        this.settle(q, rerror(why));
      }
    }
    for (const f of this.fids.values()) this.retire(f);
    this.shared.tables.delete(this.fids);
  }

  /** Starts a request all of whose fids have been granted. */
  begin(q: Request): void {
    if (q.settled) return;
    const r = this.hung ? rerror(new NineError(Ehungup)) : this.run(q);
    if (r instanceof Promise) void r.then((x) => this.finish(q, x));
    else this.finish(q, r);
  }

  /** The fid, if it is one and whole. */
  fidOf(q: Request, num: number): Fid {
    const f = q.fid?.num === num ? q.fid : q.fid2?.num === num ? q.fid2 : this.fids.get(num);
    if (!f || f.dead || !f.place) throw new NineError(Eunknownfid);
    return f;
  }

  qidOf(node: Node): Qid {
    return this.shared.qidOf(node);
  }

  keyOf(node: Node): string {
    return this.shared.keyOf(node);
  }

  /** Takes the fid out of the table and closes what it had open. Errors of closing are the caller's to report. */
  drop(f: Fid): void | Promise<void> {
    f.dead = true;
    if (this.fids.get(f.num) === f) this.fids.delete(f.num);
    return closeFid(this, f);
  }

  /** Drops a fid at hang-up, once nothing runs on it any more: a file is never closed under a running call. */
  private retire(f: Fid): void {
    this.forget(f);
    const op: Op = {
      waits: 0,
      start: () => {
        // Nobody is left to be told of an error.
        try {
          const closed = closeFid(this, f);
          if (closed instanceof Promise) closed.catch((e: unknown) => this.failed(e));
        } catch (e) {
          this.failed(e);
        }
      },
    };
    f.enter(op, EXCLUSIVE);
    if (op.waits === 0) op.start();
  }

  /** Makes the request wait its turn on the fids it names; an error when it cannot be taken. */
  private enter(q: Request): NineError | undefined {
    const t = q.t;
    switch (t.type) {
      case Tauth: return undefined;
      case Tattach: return this.make(q, t.fid);
      case Twalk: {
        const f = this.fids.get(t.fid);
        if (!f) return new NineError(Eunknownfid);
        this.grant(q, f, t.newfid === t.fid ? EXCLUSIVE : READ);
        return t.newfid === t.fid ? undefined : this.make(q, t.newfid);
      }
      case Txattrwalk: {
        const f = this.fids.get(t.fid);
        if (!f) return new NineError(Eunknownfid);
        this.grant(q, f, READ);
        return this.make(q, t.newfid);
      }
      case Tlink: return this.two(q, t.dfid, t.fid);
      case Trename: return this.two(q, t.fid, t.dfid);
      case Trenameat: return this.two(q, t.olddirfid, t.newdirfid);
      case Tread: case Tstat: case Tgetattr: case Treadlink: case Tstatfs: case Tgetlock: return this.one(q, t.fid, READ);
      case Twrite: case Tfsync: return this.one(q, t.fid, WRITE);
      case Tlock: return this.one(q, t.fid, EXCLUSIVE);
      default: return this.one(q, "dfid" in t ? t.dfid : "dirfid" in t ? t.dirfid : t.fid, EXCLUSIVE);
    }
  }

  private one(q: Request, num: number, lane: Lane): NineError | undefined {
    const f = this.fids.get(num);
    if (!f) return new NineError(Eunknownfid);
    this.grant(q, f, lane);
    // From here on the number is free: messages that name it next mean another file.
    if ((q.t.type === Tclunk || q.t.type === Tremove) && q.waits === 0) this.fids.delete(num);
    return undefined;
  }

  private two(q: Request, a: number, b: number): NineError | undefined {
    const why = this.one(q, a, EXCLUSIVE);
    const f = this.fids.get(b);
    if (!why && f && a !== b) this.grant(q, f, EXCLUSIVE);
    if (!f && !why) this.abandon(q);
    return why ?? (f ? undefined : new NineError(Eunknownfid));
  }

  /** A fid that the request is to make. */
  private make(q: Request, num: number): NineError | undefined {
    if (num === NOFID || this.fids.has(num)) {
      this.abandon(q);
      return new NineError(num === NOFID ? Eunknownfid : Efidinuse);
    }
    const f = new Fid(num, q.fid?.user ?? nobody);
    this.fids.set(num, f);
    this.grant(q, f, EXCLUSIVE);
    return undefined;
  }

  private grant(q: Request, f: Fid, lane: Lane): void {
    if (q.fid) {
      q.fid2 = f;
      q.lane2 = lane;
    } else {
      q.fid = f;
      q.lane = lane;
    }
    f.enter(q, lane);
  }

  private run(q: Request): Rmsg | Promise<Rmsg> {
    q.started = true;
    // Only now: the attach that makes its fid may have been under way until here.
    if (q.fid && q.t.type !== Tattach) q.user = q.fid.user;
    try {
      const r = handle(this, q);
      return r instanceof Promise ? r.catch((e: unknown) => this.failed(e)) : r;
    } catch (e) {
      return this.failed(e);
    }
  }

  private failed(e: unknown): RerrorMsg {
    if (!(e instanceof NineError)) this.bug?.(e);
    return rerror(e);
  }

  private await(q: Request, r: Promise<Rmsg> | undefined): Promise<Rmsg> {
    this.pending.set(q.t, q);
    return new Promise((resolve) => {
      q.resolve = resolve;
      if (r) void r.then((x) => this.finish(q, x));
    });
  }

  /** The server has answered: the caller gets his reply unless he has left, lanes go on. */
  private finish(q: Request, r: Rmsg): void {
    // In this order: who waits for the fid may answer at once, and comes after.
    if (q.settled) {
      this.lingering--;
      this.lingeringBytes -= q.held;
    }
    this.settle(q, r);
    this.leave(q);
  }

  /** The caller has his answer before the server has given one. */
  private part(q: Request, why: NineError): void {
    if (q.settled) return;
    this.lingering++;
    q.held = payload(q.t);
    this.lingeringBytes += q.held;
    this.settle(q, rerror(why));
  }

  private settle(q: Request, r: Rmsg): void {
    if (q.settled) return;
    q.settled = true;
    this.pending.delete(q.t);
    q.resolve?.(r);
  }

  /** A request ends: fids it made and did not fill are gone, its lanes are free. */
  private leave(q: Request): void {
    if (q.fid && !q.fid.place) this.forget(q.fid);
    if (q.fid2 && !q.fid2.place) this.forget(q.fid2);
    q.fid?.leave(q.lane);
    q.fid2?.leave(q.lane2);
  }

  /** A request that never started is given up. */
  private abandon(q: Request): void {
    for (const f of [q.fid, q.fid2]) {
      if (f && !f.place && this.makes(q, f)) this.forget(f);
    }
    q.fid?.withdraw(q, q.lane);
    q.fid2?.withdraw(q, q.lane2);
  }

  private makes(q: Request, f: Fid): boolean {
    return (q.t.type === Tattach && q.t.fid === f.num) || ((q.t.type === Twalk || q.t.type === Txattrwalk) && q.t.newfid === f.num);
  }

  private forget(f: Fid): void {
    f.dead = true;
    if (this.fids.get(f.num) === f) this.fids.delete(f.num);
  }
}

/** Lets n rounds of settled promises run. */
async function hops(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await Promise.resolve();
}
