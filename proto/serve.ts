/**
 * serve: a Portal on a wire, the server half of a 9P conversation. Owns the session of one
 * connection: version, tags, Tflush. Invariants: nothing is answered before a version is agreed; a
 * new Tversion ends all that was before, and replies of the old session are dropped; Rflush never
 * comes before the reply it flushes; a peer that sends nonsense gets errors or is hung up on, and
 * memory held for it stays bounded: by the limits of what it has under way and of replies it does not
 * take. Payloads: those of a Twrite are copied once, out of what the transport lends, a
 * server that answers at once reads straight into the reply.
 */
import { Ebotch, errno, errnoOf, NineError, sentenceOf } from "./errors.ts";
import {
  type Dialect, type Fcall, IOHDRSZ, Rerror, Rflush, Rlerror, type Rmsg, Rread, Rversion, Tflush, type Tmsg, Tread, Treaddir, type TreadMsg, Tversion,
  type TversionMsg, Twrite, type TwriteMsg,
} from "./fcall.ts";
import type { Host } from "./host.ts";
import { Outbox } from "./outbox.ts";
import { RREADHDR, sizeOf, tagOf, unpack } from "./pack.ts";
import { give, take } from "./pool.ts";
import type { Portal } from "./portal.ts";
import { limit, LIMITS, type Limited, type Limits, type Use } from "./portals/limit.ts";
import { isEintr, isError } from "./reply.ts";
import { Splitter } from "./split.ts";
import type { Receiver, Transport } from "./transport.ts";
import { truncateUtf8 } from "./utf8.ts";

/** What was agreed by Tversion, for the portal of the session. */
export interface Session9P {
  readonly dialect: Dialect;
  readonly msize: number;
}

export interface WireLimits extends Limits {
  /** Bytes of replies that the peer has not taken, above which no more of its requests are taken up; default 4 MiB. */
  readonly unread?: number;
}

/** The default bounds of a connection. */
export const WIRELIMITS: Required<Omit<WireLimits, "budget">> = { ...LIMITS, unread: 4 << 20 };

export interface ServeOptions {
  /** Largest message taken or sent; default 1 MiB. A client's own limit below it wins. */
  readonly msize?: number;
  /** What the peer may have under way; the defaults of limit(). */
  readonly limits?: WireLimits;
  /** With a clock and turns of the event loop, one peer's requests take SLICEMS at a time, and then others have theirs. */
  readonly host?: Pick<Host, "now" | "yield">;
  /** Called once, when the connection is over. */
  readonly closed?: (why?: string) => void;
}

/** A connection that is being served, for those who watch over it. */
export interface Served {
  readonly peer: string;
  /** As agreed with the peer; "" before that. */
  readonly version: string;
  readonly msize: number;
  /** Since the connection was made: requests, and bytes in either direction. */
  readonly requests: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of bytesOut, what has not left yet. */
  readonly unread: number;
  /** Bytes of a message that has not come whole. */
  readonly partial: number;
  /** What the session has under way; undefined when there is none. */
  readonly use: Use | undefined;
  /** Ends the connection; the peer is told why where the transport can. */
  hangup(why: string): void;
}

/**
 * Serves one connection, whose transport was not started yet. `open` is called for each session and
 * may return a portal of a dialect below the one asked for; "unknown" is answered when it cannot be.
 */
export function serve(transport: Transport, open: (session: Session9P) => Portal, options: ServeOptions = {}): Served {
  const wire = new Wire(transport, open, options);
  transport.start(wire);
  return wire;
}

/** The sentence of an error reply: what fits a message of the smallest msize. */
const ERRMAX = 220;
/** How long the requests of one peer may take before others come. */
const SLICEMS = 10;
/** Looking at a clock is not free: it is done after every fourth request. */
const LOOK = 3;
/** Data of this size is copied into the reply; only more is worth a buffer of its own. */
const SHORT = 8192;

interface Pending {
  readonly t: Tmsg;
  /** Tags of Tflushes that wait for this one, in order. */
  readonly flushes: number[];
}

class Wire implements Receiver, Served {
  version = "";
  requests = 0;
  bytesIn = 0;
  private readonly transport: Transport;
  private readonly open: (session: Session9P) => Portal;
  private readonly options: ServeOptions;
  private readonly cap: number;
  private readonly most: number;
  private readonly splitter: Splitter;
  private readonly out: Outbox;
  private portal: Limited | undefined;
  /** Ended sessions of this connection whose calls still run at the server. */
  private past: Portal[] = [];
  msize: number;
  /** Calls under way by tag; another Map for each session. */
  private pending = new Map<number, Pending>();
  /** Tags of the Tflushes that wait, with the call they wait for. */
  private readonly flushing = new Map<number, Pending>();
  /** The last large read was answered at once, so the next may be. */
  private prompt = false;
  /** When the requests at hand began to be taken up, in ms. */
  private began = 0;
  /** Requests, of which every so many the clock is looked at. */
  private done = 0;
  private over = false;

  private readonly each = (buf: Uint8Array, at: number, end: number): void => {
    this.message(buf, at, end);
    const { host } = this.options;
    if (this.transport.buffered > this.most) this.wait(this.transport.drain());
    else if (host && (++this.done & LOOK) === 0 && host.now() - this.began >= SLICEMS) this.wait(host.yield());
  };

  constructor(transport: Transport, open: (session: Session9P) => Portal, options: ServeOptions) {
    this.transport = transport;
    this.open = open;
    this.options = options;
    this.cap = Math.max(256, options.msize ?? 1 << 20);
    this.most = options.limits?.unread ?? WIRELIMITS.unread;
    this.msize = this.cap;
    this.splitter = new Splitter(this.cap);
    this.out = new Outbox(transport);
  }

  get peer(): string {
    return this.transport.peer;
  }

  get bytesOut(): number {
    return this.out.bytes;
  }

  get unread(): number {
    return this.transport.buffered;
  }

  get partial(): number {
    return this.splitter.pending;
  }

  get use(): Use | undefined {
    return this.portal?.use;
  }

  hangup(why: string): void {
    if (this.over) return;
    this.out.send();
    this.transport.close(why);
    this.end(why);
  }

  recv(chunk: Uint8Array): void {
    this.bytesIn += chunk.length;
    this.begin();
    this.guarded(() => this.splitter.push(chunk, this.each));
  }

  closed(why?: string): void {
    this.end(why);
  }

  private begin(): void {
    this.began = this.options.host?.now() ?? 0;
  }

  /** What a peer can do wrong ends its connection; what else is thrown is a bug. */
  private guarded(f: () => void): void {
    try {
      f();
    } catch (e) {
      if (!(e instanceof NineError)) throw e;
      this.hangup(e.message);
    }
  }

  /** A peer that does not read its replies is not read from, nor one that has had its turn. */
  private wait(turn: Promise<void>): void {
    this.splitter.hold();
    this.transport.pause();
    void turn.then(() => {
      if (this.over) return;
      this.begin();
      this.guarded(() => this.splitter.go(this.each));
      if (!this.splitter.holding) this.transport.resume();
    });
  }

  private message(buf: Uint8Array, at: number, end: number): void {
    const tag = tagOf(buf, at);
    let f: Fcall;
    try {
      f = unpack(buf, at, end, this.out.dialect);
    } catch (e) {
      if (!(e instanceof NineError) || this.inUse(tag)) throw e;
      this.reply(tag, { type: Rerror, ename: e.message, errno: e.errno });
      return;
    }
    if (f.type === Tversion) {
      this.agree(f, tag);
      return;
    }
    if (this.inUse(tag)) throw new NineError(`${Ebotch}: tag ${tag} is in use`);
    if (!this.portal) {
      this.refuse(tag, `${Ebotch}: no version agreed`, errno.EPROTO);
    } else if (f.type === Tflush) {
      this.flush(f.oldtag, tag);
    } else if (isRequest(f)) {
      this.request(this.portal, f, tag);
    } else {
      this.refuse(tag, `${Ebotch}: not a request`, errno.EPROTO);
    }
  }

  private inUse(tag: number): boolean {
    return this.pending.has(tag) || this.flushing.has(tag);
  }

  private agree(f: TversionMsg, tag: number): void {
    this.leave();
    this.out.dialect = "9P2000";
    this.out.joined = false;
    if (f.msize < 256) {
      this.refuse(tag, `${Ebotch}: msize ${f.msize} is less than 256`, errno.EINVAL);
      return;
    }
    this.msize = Math.min(f.msize, this.cap);
    const { dialect, ordered } = dialectOf(f.version);
    const portal = dialect && this.open({ dialect, msize: this.msize });
    if (!portal || below(dialect, portal.dialect)) {
      portal?.hangup();
      this.out.put({ type: Rversion, msize: this.msize, version: "unknown" }, tag);
      return;
    }
    this.portal = limit(portal, this.options.limits, this.past);
    this.msize = Math.min(this.msize, portal.msize);
    this.splitter.msize = this.msize;
    const x = ordered && portal.ordered && portal.dialect === dialect;
    this.version = x ? `${portal.dialect}.x` : portal.dialect;
    this.out.put({ type: Rversion, msize: this.msize, version: this.version }, tag);
    this.out.dialect = portal.dialect;
    this.out.joined = x;
  }

  private request(portal: Limited, t: Tmsg, tag: number): void {
    this.requests++;
    let own: Uint8Array | undefined;
    if (t.type === Twrite) {
      own = this.keep(t);
    } else if (t.type === Tread || t.type === Treaddir) {
      t.count = portal.readable(Math.min(t.count, this.msize - IOHDRSZ));
      if (t.type === Tread && t.count > SHORT) own = this.room(t);
    }
    const r = portal.call(t);
    if (t.type === Tread && t.count > SHORT) this.prompt = !(r instanceof Promise);
    if (!(r instanceof Promise)) {
      this.answer(tag, t, r, own);
      return;
    }
    const { pending } = this;
    const p: Pending = { t, flushes: [] };
    pending.set(tag, p);
    void r.then((reply) => {
      // Replies of a session that a new Tversion has ended are dropped.
      if (this.pending !== pending || this.over) return;
      pending.delete(tag);
      // After an error the server may not be done with the buffer yet: it was flushed.
      if (p.flushes.length === 0 || !isEintr(reply)) this.answer(tag, t, reply, isError(reply) ? undefined : own);
      for (const flush of p.flushes) {
        this.flushing.delete(flush);
        this.out.put({ type: Rflush }, flush);
      }
    });
  }

  /** Makes the data of a Twrite this side's until its reply; the buffer of the pool it then is in. */
  private keep(t: TwriteMsg): Uint8Array | undefined {
    const n = t.data.length;
    const joined = this.splitter.keep();
    if (joined || n === 0) return joined;
    const own = take(n);
    own.set(t.data);
    t.data = own.subarray(0, n);
    return own;
  }

  /** A buffer for the reply, and the place in it where the data may be put. */
  private room(t: TreadMsg): Uint8Array | undefined {
    if (!this.prompt) return undefined;
    const own = take(RREADHDR + t.count);
    t.into = own.subarray(RREADHDR, RREADHDR + t.count);
    t.forfeit = true;
    return own;
  }

  /** own: the buffer of the pool that the request had, and nobody uses any more. */
  private answer(tag: number, t: Tmsg, r: Rmsg, own: Uint8Array | undefined): void {
    if (own && t.type === Tread && r.type === Rread && r.data.length > SHORT && r.data.length <= t.count) {
      const { data } = r;
      if (data.buffer !== own.buffer || data.byteOffset !== own.byteOffset + RREADHDR) own.set(data, RREADHDR);
      this.out.putRead(own, data.length, tag);
      return;
    }
    this.reply(tag, r);
    if (own) give(own);
  }

  /** The flush of a flush is answered after it, as a second flush of the same call. */
  private flush(oldtag: number, tag: number): void {
    const p = this.pending.get(oldtag) ?? this.flushing.get(oldtag);
    if (!p) {
      this.out.put({ type: Rflush }, tag);
      return;
    }
    p.flushes.push(tag);
    this.flushing.set(tag, p);
    if (p.flushes.length === 1) this.portal?.flush(p.t);
  }

  private refuse(tag: number, ename: string, n: number): void {
    this.reply(tag, { type: Rerror, ename, errno: n });
  }

  private reply(tag: number, r: Rmsg): void {
    if (this.over) return;
    const f = this.form(r);
    try {
      if (sizeOf(f, this.out.dialect) > this.msize) throw new NineError(`${Ebotch}: the reply is longer than msize`, errno.EMSGSIZE);
      this.out.put(f, tag);
    } catch (e) {
      if (!(e instanceof NineError)) throw e;
      this.out.put(this.form({ type: Rerror, ename: e.message, errno: e.errno }), tag);
    }
  }

  /** An error in the dialect's form, its sentence cut to what every client takes; a `.x` peer gets one that no number stands for in .L too. */
  private form(r: Rmsg): Rmsg {
    if (r.type !== Rerror) return r;
    const n = r.errno || errnoOf(r.ename);
    if (this.out.dialect === "9P2000.L" && (!this.out.joined || sentenceOf(n) === r.ename)) return { type: Rlerror, ecode: n };
    return { type: Rerror, ename: truncateUtf8(r.ename, ERRMAX), errno: n };
  }

  /** The session is over: what of it is under way is not answered any more. */
  private leave(): void {
    const { portal } = this;
    this.version = "";
    this.portal = undefined;
    this.pending = new Map();
    this.flushing.clear();
    portal?.hangup();
    if (portal) this.past = [...this.past, portal].filter((p) => (p.lingering ?? 0) > 0);
  }

  private end(why?: string): void {
    if (this.over) return;
    this.over = true;
    this.splitter.stop();
    this.leave();
    this.options.closed?.(why);
  }
}

/** Whether a message is one that a portal takes: any T that reaches it. */
function isRequest(f: Fcall): f is Tmsg {
  return f.type % 2 === 0 && f.type !== Tversion && f.type !== Tflush;
}

/** version(5): known names and their `.x`; of others what stands before the first dot. */
function dialectOf(version: string): { dialect: Dialect | undefined; ordered: boolean } {
  const ordered = version.endsWith(".x");
  const name = ordered ? version.slice(0, -2) : version;
  if (name === "9P2000" || name === "9P2000.u" || name === "9P2000.L") return { dialect: name, ordered };
  const dot = version.indexOf(".");
  return { dialect: (dot < 0 ? version : version.slice(0, dot)) === "9P2000" ? "9P2000" : undefined, ordered: false };
}

const LEVEL: Record<Dialect, number> = { "9P2000": 0, "9P2000.u": 1, "9P2000.L": 2 };

/** Whether a portal speaks more than was asked for. */
function below(asked: Dialect | undefined, portal: Dialect): boolean {
  return asked === undefined || LEVEL[portal] > LEVEL[asked];
}
