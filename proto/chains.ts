/**
 * Chains: messages that depend on each other, sent to one portal; what the Client is built on. Owns
 * the fid numbers of the portal. Invariants: dependent messages are sent together only to an ordered
 * (`.x`) portal, else each waits for the one before; a fid number is used again only after every reply
 * that can name it has come; what stands behind a walk names a fid that exists only when the walk has
 * come to its end, so that nothing is done to another file than the one meant.
 */
import { after, type Awaitable, got, lastly, type Steps, steps } from "./awaitable.ts";
import { Eio, Eloop, Enoanswer, Enonexist, Enotdir, errno, isInterrupted, NineError } from "./errors.ts";
import {
  MAXWELEM, NOFID, type ReplyTo, Rerror, type Rmsg, Rread, Rwalk, Tattach, Tclunk, type Tmsg, Tread, Tremove, Twalk,
} from "./fcall.ts";
import type { Portal } from "./portal.ts";
import { QTDIR, QTSYMLINK, type Qid } from "./qid.ts";
import { errorOf, isEintr, isError } from "./reply.ts";
import { kept } from "./slab.ts";

/**
 * What somebody waits for, so that he can be interrupted: raise() flushes it all, and what he would
 * wait for next, until lower().
 */
export class Interrupt {
  raised = false;
  /** Makes his calls in place of the portal, for who watches them. */
  through: ((t: Tmsg, portal: Portal) => Rmsg | Promise<Rmsg>) | undefined = undefined;
  private readonly calls = new Map<Tmsg, Portal>();
  private readonly flushed = new Set<Tmsg>();

  add(t: Tmsg, portal: Portal): void {
    this.calls.set(t, portal);
    if (this.raised) this.flush(t, portal);
  }

  delete(t: Tmsg): void {
    this.calls.delete(t);
    if (this.flushed.size > 0) this.flushed.delete(t);
  }

  /** Messages waited for. */
  get size(): number {
    return this.calls.size;
  }

  /** again: also what was flushed before, which a wire whose peer does not answer then gives up. */
  raise(again = true): void {
    this.raised = true;
    for (const [t, portal] of this.calls) if (again || !this.flushed.has(t)) this.flush(t, portal);
  }

  /** A new call begins: it is not that one which was interrupted. */
  lower(): void {
    this.raised = false;
  }

  private flush(t: Tmsg, portal: Portal): void {
    this.flushed.add(t);
    portal.flush(t);
  }
}

/** A walk came upon a symbolic link it would have to follow; qids are those of the names walked, the link's last. */
export class LinkFound extends NineError {
  readonly qids: readonly Qid[];

  constructor(qids: readonly Qid[]) {
    super(Eloop, errno.ELOOP);
    this.qids = qids;
  }
}

/** What became of a walk and the messages behind it. */
export interface Walked {
  /** The new fid's number; the fid is there when `made`, unless `gone`. */
  readonly fid: number;
  /** Of the names that could be walked. */
  readonly qids: readonly Qid[];
  readonly made: boolean;
  /** The chain has clunked the fid. */
  readonly gone: boolean;
  /** Replies to what stood behind the walk, as many as came. */
  readonly replies: readonly Rmsg[];
  /** The first error reply to a walk, or behind a walk that came to its end. */
  readonly failure: NineError | undefined;
}

/** What one Twalk came to. */
export interface WalkedPart {
  /** The new fid, if all names could be walked. */
  readonly fid: number | undefined;
  /** Of the names that could be walked. */
  readonly qids: readonly Qid[];
}

export class Chains {
  readonly portal: Portal;
  /** Numbers that may be in use at the server though nobody here uses them. */
  private readonly lost = new Set<number>();
  private readonly free: number[] = [];
  private next = 0;

  constructor(portal: Portal) {
    this.portal = portal;
  }

  /** Fids in use. */
  get fids(): number {
    return this.next - this.free.length;
  }

  alloc(): number {
    const fid = this.free.pop() ?? this.next++;
    if (fid >= NOFID) throw new NineError(`${Eio}: out of fids`);
    return fid;
  }

  /** A number whose last message was never answered is not used again: the server may have that fid, or not. */
  release(fid: number): void {
    if (this.lost.size === 0 || !this.lost.delete(fid)) this.free.push(fid);
  }

  /** One message and its reply; an error reply is thrown. */
  rpc<T extends Tmsg>(t: T, intr?: Interrupt): Awaitable<ReplyTo<T>> {
    return after(this.send(t, intr), (r) => {
      const e = errorOf(r);
      if (e) throw e;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a portal answers T with T's reply or an error
      return r as ReplyTo<T>;
    });
  }

  /**
   * Messages that depend on each other, together where order is kept. The replies that came: without
   * order none behind the first failure (an error or a short walk), with it those of messages that
   * were under way by then, failures of their own.
   */
  chain(ts: readonly Tmsg[], intr?: Interrupt): Awaitable<Rmsg[]> {
    return this.portal.ordered ? this.together(ts, intr) : steps(() => this.inTurn(ts, intr));
  }

  private *inTurn(ts: readonly Tmsg[], intr?: Interrupt): Steps<Rmsg[]> {
    const replies: Rmsg[] = [];
    for (const t of ts) {
      const r = yield* got(this.send(t, intr));
      replies.push(r);
      if (failed(t, r)) break;
    }
    return replies;
  }

  private together(ts: readonly Tmsg[], intr?: Interrupt): Awaitable<Rmsg[]> {
    // oxlint-disable-next-line unicorn/no-new-array -- of the right size at once: this is done for every call by name
    const replies = new Array<Rmsg>(ts.length);
    for (let i = 0; i < ts.length; i++) {
      const t = ts[i]!;
      const r = this.send(t, intr);
      if (r instanceof Promise) return this.arriving(ts, replies.slice(0, i), r, intr);
      replies[i] = r;
      if (failed(t, r)) return replies.slice(0, i + 1);
    }
    return replies;
  }

  /** The rest of a chain, of which the replies up to the one that is waited for have come. */
  private async arriving(ts: readonly Tmsg[], replies: Rmsg[], first: Promise<Rmsg>, intr: Interrupt | undefined): Promise<Rmsg[]> {
    const sent = [first];
    for (let i = replies.length + 1; i < ts.length; i++) {
      const t = ts[i]!;
      const r = this.send(t, intr);
      sent.push(r instanceof Promise ? r : Promise.resolve(r));
      if (!(r instanceof Promise) && failed(t, r)) break;
    }
    replies.push(...await Promise.all(sent));
    return replies;
  }

  /** One message and its reply, be it an error; meanwhile it can be interrupted. */
  protected send(t: Tmsg, intr?: Interrupt): Awaitable<Rmsg> {
    const r = intr?.through ? intr.through(t, this.portal) : this.portal.call(t);
    return r instanceof Promise ? this.awaited(r, t, intr) : this.own(r, t);
  }

  private async awaited(r: Promise<Rmsg>, t: Tmsg, intr: Interrupt | undefined): Promise<Rmsg> {
    intr?.add(t, this.portal);
    const x = await r;
    intr?.delete(t);
    return this.own(x, t);
  }

  /** Clunks without waiting: nobody needs the answer. */
  clunk(fid: number): void {
    const r = this.portal.call({ type: Tclunk, fid });
    if (r instanceof Promise) void r.then(() => this.release(fid));
    else this.release(fid);
  }

  /** Clunks and tells of an error, such as of data that could not be written. */
  close(fid: number): Awaitable<void> {
    return lastly(() => after(this.rpc({ type: Tclunk, fid }), nothing), () => this.release(fid));
  }

  /** Twalk to a new fid, then what `more` makes of it; with `clunk`, Tclunk in the same breath where order is kept. */
  protected walkThen(fid: number, names: readonly string[], more: ((newfid: number) => Tmsg[]) | undefined, intr?: Interrupt, clunk = false): Awaitable<Walked> {
    const newfid = this.alloc();
    let behind: readonly Tmsg[];
    try {
      behind = more ? more(newfid) : NONE;
    } catch (e) {
      this.release(newfid);
      throw e;
    }
    const walks = names.length <= MAXWELEM ? 1 : Math.ceil(names.length / MAXWELEM);
    const clunks = clunk && this.portal.ordered;
    // oxlint-disable-next-line unicorn/no-new-array -- as above
    const ts = new Array<Tmsg>(walks + behind.length + (clunks ? 1 : 0));
    // Each batch of names makes a fid of its own: behind a batch that fails there is none for the next.
    for (let i = 0, from = fid; i < walks; i++) {
      const to = i + 1 === walks ? newfid : this.alloc();
      ts[i] = { type: Twalk, fid: from, newfid: to, wname: walks === 1 ? names : names.slice(i * MAXWELEM, (i + 1) * MAXWELEM) };
      from = to;
    }
    for (let i = 0; i < behind.length; i++) ts[walks + i] = behind[i]!;
    if (clunks) ts[ts.length - 1] = { type: Tclunk, fid: newfid };
    const all = this.chain(ts, intr);
    return all instanceof Promise ? this.walkedLater(newfid, ts, walks, all, clunks) : this.walked(newfid, ts, walks, all, clunks);
  }

  /** Apart, so that a walk that is answered at once makes no closure's context. */
  private async walkedLater(newfid: number, ts: readonly Tmsg[], walks: number, all: Promise<readonly Rmsg[]>, clunks: boolean): Promise<Walked> {
    return this.walked(newfid, ts, walks, await all, clunks);
  }

  protected async partLater(newfid: number, n: number, r: Promise<Rmsg>): Promise<WalkedPart> {
    return this.part(newfid, n, await r);
  }

  /** What became of one Twalk of n names to newfid, which was not there when nothing could be walked. */
  protected part(newfid: number, n: number, r: Rmsg): WalkedPart {
    const qids = r.type === Rwalk ? r.wqid : NONE;
    if (r.type === Rwalk && qids.length === n) return { fid: newfid, qids };
    this.release(newfid);
    if (qids.length === 0) throw errorOf(r) ?? shortWalk(qids);
    return { fid: undefined, qids };
  }

  /** What became of a chain of `walks` walks to newfid and more; clunks: its last message is the Tclunk. */
  private walked(newfid: number, ts: readonly Tmsg[], walks: number, all: readonly Rmsg[], clunks: boolean): Walked {
    let qids: readonly Qid[] = NONE;
    let failure: NineError | undefined;
    let made = true;
    for (let i = 0; i < walks; i++) {
      const t = ts[i];
      const r = all[i];
      if (t?.type !== Twalk) break;
      const whole = r?.type === Rwalk && r.wqid.length === t.wname.length;
      if (made) {
        if (r?.type === Rwalk) qids = walks === 1 ? r.wqid : [...qids, ...r.wqid];
        else failure = r && errorOf(r);
        made = whole;
      }
      if (t.newfid === newfid) continue;
      if (whole) this.clunk(t.newfid);
      else this.release(t.newfid);
    }
    const replies = all.length === walks ? NONE : all.slice(walks);
    if (made) for (const r of replies) failure ??= errorOf(r);
    const last = all[ts.length - 1];
    return { fid: newfid, qids, made, gone: clunks && last !== undefined && !isEintr(last), replies, failure };
  }

  /**
   * Throws unless everything succeeded, and then leaves no fid behind. follow: a link in last place
   * counts as something still to be walked.
   */
  protected whole(w: Walked, follow: boolean): void {
    if (w.made && !w.failure) return;
    this.drop(w);
    throw failureOf(w, follow);
  }

  /** The fid of a chain that is over. */
  protected drop(w: Walked): void {
    if (w.made && !w.gone) this.clunk(w.fid);
    else this.release(w.fid);
  }

  /** The reply, its payload the caller's: where he wants it, or where it stays. */
  private own(r: Rmsg, t: Tmsg): Rmsg {
    if (r.type === Rread) {
      const into = t.type === Tread ? t.into : undefined;
      if (into) return isIn(into, r.data) ? r : { type: Rread, data: put(r.data, into) };
      return r.lasting || this.portal.lasting ? r : { type: Rread, data: kept(r.data) };
    }
    if (r.type === Rerror && r.ename === Enoanswer) {
      if (t.type === Twalk) this.lost.add(t.newfid);
      else if (t.type === Tattach || t.type === Tclunk || t.type === Tremove) this.lost.add(t.fid);
    }
    return r;
  }
}

function isIn(into: Uint8Array, data: Uint8Array): boolean {
  return data.buffer === into.buffer && data.byteOffset === into.byteOffset;
}

function put(data: Uint8Array, into: Uint8Array): Uint8Array {
  const n = Math.min(data.length, into.length);
  into.set(n < data.length ? data.subarray(0, n) : data);
  return into.subarray(0, n);
}

/** What a failed chain is to its caller: a link to be followed, or the error. */
export function failureOf(w: Walked, follow: boolean): NineError {
  const last = w.qids.at(-1);
  const link = last && last.type & QTSYMLINK && (!w.made || follow) && !isInterrupted(w.failure);
  return link ? new LinkFound(w.qids) : (w.failure ?? shortWalk(w.qids));
}

const NONE: readonly never[] = [];

/** The result of what has none. */
export function nothing(): void {}

function failed(t: Tmsg, r: Rmsg): boolean {
  return isError(r) || (t.type === Twalk && r.type === Rwalk && r.wqid.length < t.wname.length);
}

/** What a server does not say: why a walk stopped behind these (walk(5)). */
function shortWalk(qids: readonly Qid[]): NineError {
  const last = qids.at(-1);
  return new NineError(last && !(last.type & (QTDIR | QTSYMLINK)) ? Enotdir : Enonexist);
}
