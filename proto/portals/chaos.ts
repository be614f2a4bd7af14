/**
 * chaos: a portal with the troubles of a bad network and a bad server, by a chance that can be
 * replayed: late requests, late replies and replies in another order, errors, short reads, flushes
 * that are heard late, hang-ups. Invariants: the calling convention holds whatever happens: a call
 * settles once and nothing of it happens afterwards; requests to an ordered portal never overtake
 * each other; what is answered with an error of its own making has not happened, but that a clunk or
 * remove frees its fid all the same. For tests: whoever passes them through it is ready for the world.
 */
import { Ehungup, Eintr, Eio, NineError } from "../errors.ts";
import {
  type Dialect, type Rmsg, Rread, Rreaddir, Tclunk, Tcreate, Tlcreate, Tlopen, type Tmsg, Topen, Tread, Tremove, Twalk,
} from "../fcall.ts";
import type { Host } from "../host.ts";
import type { Portal } from "../portal.ts";
import { QTDIR } from "../qid.ts";
import { rerror } from "../reply.ts";

/** How often, from 0 (never, the default) to 1 (always), a call meets with each kind of trouble. */
export interface Troubles {
  /** The request waits before it reaches the server; those behind it wait with it when the portal is ordered. */
  readonly late?: number;
  /** The reply waits. */
  readonly delay?: number;
  /** The reply waits for a turn of the event loop, and leaves with others of that turn in any order. */
  readonly reorder?: number;
  /** "i/o error" instead of whatever was asked for. */
  readonly error?: number;
  /** A read of a file is asked for less than the caller wanted, one byte at least. */
  readonly short?: number;
  /** A flush waits before it is heard. */
  readonly deaf?: number;
  /** The session ends instead. */
  readonly hangup?: number;
  /** Waiting takes at most so many milliseconds; default 100. */
  readonly longestMs?: number;
  /** The portal says that it is not ordered, and late requests overtake each other. */
  readonly unordered?: boolean;
}

/** The portal with these troubles; chance and sleep are the host's. */
export function chaos(portal: Portal, host: Pick<Host, "random" | "sleep" | "yield">, troubles: Troubles): Portal {
  return new Chaos(portal, host, troubles);
}

/** A call that has not settled. */
interface Outstanding {
  readonly t: Tmsg;
  readonly resolve: (r: Rmsg) => void;
  /** What the server was asked, once it was asked anything. */
  asked: Tmsg | undefined;
  /** The server's reply, kept back. */
  reply: Rmsg | undefined;
}

class Chaos implements Portal {
  readonly dialect: Dialect;
  readonly msize: number;
  readonly ordered: boolean;
  readonly lasting: boolean;
  private readonly portal: Portal;
  private readonly host: Pick<Host, "random" | "sleep" | "yield">;
  private readonly troubles: Troubles;
  private readonly pending = new Map<Tmsg, Outstanding>();
  /** Requests to an ordered portal that wait; the first of them sleeps. */
  private readonly line: Outstanding[] = [];
  /** Calls whose replies leave with this turn. */
  private readonly shuffled: Outstanding[] = [];
  /** Fids known to be open and no directory: a directory is read in whole records. */
  private readonly files = new Set<number>();
  /** Those who sleep. */
  private readonly asleep = new Set<AbortController>();
  private over = false;

  constructor(portal: Portal, host: Pick<Host, "random" | "sleep" | "yield">, troubles: Troubles) {
    this.portal = portal;
    this.host = host;
    this.troubles = troubles;
    this.dialect = portal.dialect;
    this.msize = portal.msize;
    this.ordered = portal.ordered && !troubles.unordered;
    this.lasting = portal.lasting ?? false;
  }

  get lingering(): number {
    return this.portal.lingering ?? 0;
  }

  get lingeringBytes(): number {
    return this.portal.lingeringBytes ?? 0;
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    if (this.meets(this.troubles.hangup)) this.hangup();
    if (this.over) return rerror(new NineError(Ehungup));
    const late = this.meets(this.troubles.late);
    if (late || this.line.length > 0) return this.outstanding(t, (o) => this.hold(o));
    const asked = this.bent(t);
    const r = asked ? this.portal.call(asked) : this.refused(t);
    if (r instanceof Promise) {
      return this.outstanding(t, (o) => {
        o.asked = asked ?? t;
        void r.then((x) => this.answered(o, x));
      });
    }
    this.learn(t, r);
    const way = this.way();
    return way === undefined ? r : this.outstanding(t, (o) => this.keep(o, r, way));
  }

  flush(t: Tmsg): void {
    const o = this.pending.get(t);
    if (!o) return;
    if (this.meets(this.troubles.deaf)) this.later(() => this.heard(o));
    else this.heard(o);
  }

  hangup(): void {
    if (this.over) return;
    this.over = true;
    for (const stop of this.asleep) stop.abort();
    this.portal.hangup();
    // What the server was asked and has not answered settles by itself.
    for (const o of this.pending.values()) if (!o.asked || o.reply) this.settle(o, rerror(new NineError(Ehungup)));
  }

  private meets(rate: number | undefined): boolean {
    return rate !== undefined && rate > 0 && this.host.random() < rate * 2 ** 32;
  }

  private below(n: number): number {
    return this.host.random() % n;
  }

  private later(f: () => void): void {
    const stop = new AbortController();
    this.asleep.add(stop);
    this.host.sleep(1 + this.below(this.troubles.longestMs ?? 100), stop.signal).then(() => {
      this.asleep.delete(stop);
      f();
    }, () => undefined);
  }

  private outstanding(t: Tmsg, begin: (o: Outstanding) => void): Promise<Rmsg> {
    return new Promise((resolve) => {
      const o: Outstanding = { t, resolve, asked: undefined, reply: undefined };
      this.pending.set(t, o);
      begin(o);
    });
  }

  private hold(o: Outstanding): void {
    if (!this.ordered) this.later(() => this.ask(o));
    else if (this.line.push(o) === 1) this.later(() => this.advance());
  }

  /** The first in line has slept: it goes on, and those behind it as far as none of them is late itself. */
  private advance(): void {
    do {
      const o = this.line.shift();
      if (o) this.ask(o);
    } while (this.line.length > 0 && !this.meets(this.troubles.late));
    if (this.line.length > 0) this.later(() => this.advance());
  }

  private ask(o: Outstanding): void {
    if (this.pending.get(o.t) !== o) return;
    const asked = this.bent(o.t);
    o.asked = asked ?? o.t;
    const r = asked ? this.portal.call(asked) : this.refused(o.t);
    if (r instanceof Promise) void r.then((x) => this.answered(o, x));
    else this.answered(o, r);
  }

  /** What the server is asked instead of t; undefined: nothing. */
  private bent(t: Tmsg): Tmsg | undefined {
    if (t.type === Tclunk || t.type === Tremove || t.type === Topen || t.type === Tlopen) this.files.delete(t.fid);
    else if (t.type === Twalk) this.files.delete(t.newfid);
    if (this.meets(this.troubles.error)) return undefined;
    if (t.type === Tread && t.count > 1 && this.files.has(t.fid) && this.meets(this.troubles.short)) return { ...t, count: 1 + this.below(t.count - 1) };
    return t;
  }

  private refused(t: Tmsg): Rmsg | Promise<Rmsg> {
    const no = rerror(new NineError(Eio));
    if (t.type !== Tclunk && t.type !== Tremove) return no;
    const r = this.portal.call({ type: Tclunk, fid: t.fid });
    return r instanceof Promise ? r.then(() => no) : no;
  }

  private answered(o: Outstanding, r: Rmsg): void {
    this.learn(o.t, r);
    const way = this.over ? undefined : this.way();
    if (way === undefined) this.settle(o, r);
    else this.keep(o, r, way);
  }

  /** What becomes of a reply; undefined: it leaves at once. */
  private way(): "delay" | "reorder" | undefined {
    return this.meets(this.troubles.delay) ? "delay" : this.meets(this.troubles.reorder) ? "reorder" : undefined;
  }

  /** Keeps the reply back. */
  private keep(o: Outstanding, r: Rmsg, way: "delay" | "reorder"): void {
    const reply = this.lasting ? r : own(o.t, r);
    o.reply = reply;
    if (way === "delay") this.later(() => this.settle(o, reply));
    else this.shuffle(o);
  }

  private shuffle(o: Outstanding): void {
    if (this.shuffled.push(o) > 1) return;
    void this.host.yield().then(() => {
      for (const all = this.shuffled.splice(0); all.length > 0;) {
        const [next] = all.splice(this.below(all.length), 1);
        if (next?.reply) this.settle(next, next.reply);
      }
    });
  }

  private heard(o: Outstanding): void {
    if (this.pending.get(o.t) !== o) return;
    if (o.reply) this.settle(o, o.reply);
    else if (o.asked) this.portal.flush(o.asked);
    else {
      // The first in line leaves its place when it has slept: the others wait for that.
      const at = this.line.indexOf(o);
      if (at > 0) this.line.splice(at, 1);
      this.settle(o, rerror(new NineError(Eintr)));
    }
  }

  private settle(o: Outstanding, r: Rmsg): void {
    if (this.pending.get(o.t) !== o) return;
    this.pending.delete(o.t);
    o.resolve(r);
  }

  private learn(t: Tmsg, r: Rmsg): void {
    if (t.type !== Topen && t.type !== Tlopen && t.type !== Tcreate && t.type !== Tlcreate) return;
    if ("qid" in r && !(r.qid.type & QTDIR)) this.files.add(t.fid);
  }
}

/** A reply that outlives the moment it came in: its payload is the receiver's for that moment only. */
function own(t: Tmsg, r: Rmsg): Rmsg {
  if (r.type !== Rread && r.type !== Rreaddir) return r;
  if (t.type === Tread && t.into && r.data.buffer === t.into.buffer) return r;
  return { type: r.type, data: r.data.slice() };
}
