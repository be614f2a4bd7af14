/**
 * mux: a wire as a Portal, the client half of a 9P conversation (devmnt.c's part). Owns tags,
 * outstanding calls and flush. Invariants: a tag belongs to one call until its reply has come, and,
 * if it was flushed, until the Rflush has come; each call settles exactly once; a reply that does not
 * fit its T, or a message that cannot be read, ends the connection.
 */
import { Ebotch, Ehungup, Eintr, Enoanswer, errno, NineError } from "./errors.ts";
import {
  type Dialect, type Fcall, IOHDRSZ, NOTAG, Rerror, Rflush, Rlerror, type Rmsg, Rread, Rreaddir, Rversion, Rwalk, Rwrite,
  Tflush, type Tmsg, Tread, Treaddir, Tversion, Twalk, Twrite,
} from "./fcall.ts";
import { Outbox } from "./outbox.ts";
import { tagOf, unpack } from "./pack.ts";
import type { Portal } from "./portal.ts";
import { isError, rerror } from "./reply.ts";
import { Splitter } from "./split.ts";
import type { Receiver, Transport } from "./transport.ts";

export interface DialOptions {
  /** Bytes of the largest message proposed; default 1 MiB, at least 256. */
  readonly msize?: number;
  /** Versions to propose, in this order, until one is accepted. */
  readonly versions?: readonly string[];
  /** Gives up while the version is being agreed. */
  readonly signal?: AbortSignal;
}

/** The best first; each refusal costs a round trip on the same connection. */
export const VERSIONS: readonly string[] = ["9P2000.L.x", "9P2000.L", "9P2000"];

/**
 * Agrees on a version with the peer of a transport that was not started yet; attaching is the
 * caller's. Rejects with a NineError when the peer hangs up or speaks no version of ours.
 */
export async function dial(transport: Transport, options: DialOptions = {}): Promise<Portal> {
  const mux = new Mux(transport, options.msize ?? 1 << 20);
  const giveUp = (): void => transport.close();
  if (options.signal?.aborted) giveUp();
  options.signal?.addEventListener("abort", giveUp, { once: true });
  try {
    for (const version of options.versions ?? VERSIONS) if (await mux.version(version)) return mux;
    throw new NineError(`${transport.peer}: the server speaks no version of 9P that is known here`);
  } catch (e) {
    transport.close();
    throw options.signal?.aborted ? new NineError(Eintr) : e;
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
  }
}

interface Slot {
  t: Tmsg;
  resolve: (r: Rmsg) => void;
  /** The Tflush's tag, once flushed; the slot's tag stays taken until its Rflush. */
  flush: number;
  settled: boolean;
  /** Settled without an answer; one may still come, and is dropped. */
  abandoned: boolean;
}

class Mux implements Portal, Receiver {
  dialect: Dialect = "9P2000";
  ordered = false;
  readonly lasting = true;
  msize: number;
  private readonly transport: Transport;
  private readonly splitter: Splitter;
  private readonly out: Outbox;
  private readonly slots: (Slot | undefined)[] = [];
  private readonly free: number[] = [];
  /** Tflush tag to the tag it flushes. */
  private readonly flushes = new Map<number, number>();
  private readonly waiting: { t: Tmsg; resolve: (r: Rmsg) => void }[] = [];
  private agreeing: ((f: Fcall | NineError) => void) | undefined;
  /** Why the conversation is over. */
  private over: NineError | undefined;

  private readonly each = (buf: Uint8Array, at: number, end: number): void => this.message(buf, at, end);

  constructor(transport: Transport, msize: number) {
    this.transport = transport;
    this.msize = Math.max(256, msize);
    this.splitter = new Splitter(this.msize);
    this.out = new Outbox(transport);
    transport.start(this);
  }

  /** One Tversion: true when the peer took the version or a dialect below it. */
  async version(version: string): Promise<boolean> {
    const reply = await new Promise<Fcall | NineError>((resolve) => {
      if (this.over) {
        resolve(this.over);
        return;
      }
      this.agreeing = resolve;
      this.out.put({ type: Tversion, msize: this.msize, version }, NOTAG);
      this.out.send();
    });
    if (reply instanceof NineError) throw reply;
    if (reply.type !== Rversion) return false;
    const ordered = reply.version.endsWith(".x");
    const name = ordered ? reply.version.slice(0, -2) : reply.version;
    if (name !== "9P2000" && name !== "9P2000.u" && name !== "9P2000.L") return false;
    if (ordered && reply.version !== version) return false;
    if (reply.msize < 256 || reply.msize > this.msize) throw new NineError(`${Ebotch}: the server answers msize ${reply.msize} to ${this.msize}`);
    this.dialect = name;
    this.ordered = ordered;
    this.msize = this.splitter.msize = reply.msize;
    this.out.dialect = name;
    this.out.joined = ordered;
    return true;
  }

  call(t: Tmsg): Promise<Rmsg> {
    return new Promise((resolve) => {
      if (this.over) resolve(rerror(this.over));
      else this.issue(t, resolve);
    });
  }

  flush(t: Tmsg): void {
    const queued = this.waiting.findIndex((w) => w.t === t);
    if (queued >= 0) {
      this.waiting.splice(queued, 1)[0]?.resolve(rerror(new NineError(Eintr)));
      return;
    }
    const oldtag = this.slots.findIndex((s) => s?.t === t && !s.settled);
    const slot = this.slots[oldtag];
    if (!slot || this.over) return;
    if (slot.flush >= 0) {
      // Asked again: the server does not even answer a Tflush, and whoever waits is not to wait for ever.
      slot.settled = slot.abandoned = true;
      slot.resolve(rerror(new NineError(Enoanswer)));
      return;
    }
    const tag = this.free.pop() ?? this.slots.length;
    if (tag >= NOTAG) return;
    this.slots[tag] = undefined;
    slot.flush = tag;
    this.flushes.set(tag, oldtag);
    this.out.put({ type: Tflush, oldtag }, tag);
  }

  hangup(): void {
    this.end(new NineError(Ehungup));
  }

  recv(chunk: Uint8Array): void {
    try {
      this.splitter.push(chunk, this.each);
    } catch (e) {
      if (!(e instanceof NineError)) throw e;
      this.end(e);
    }
  }

  closed(why?: string): void {
    this.end(new NineError(why ? `${Ehungup}: ${why}` : Ehungup));
  }

  private issue(t: Tmsg, resolve: (r: Rmsg) => void): void {
    const tag = this.free.pop() ?? this.slots.length;
    if (tag >= NOTAG) {
      this.waiting.push({ t, resolve });
      return;
    }
    try {
      this.out.put(t, tag);
      this.slots[tag] = { t, resolve, flush: -1, settled: false, abandoned: false };
    } catch (e) {
      if (tag < this.slots.length) this.free.push(tag);
      if (!(e instanceof NineError)) throw e;
      resolve(rerror(e));
    }
  }

  private message(buf: Uint8Array, at: number, end: number): void {
    const tag = tagOf(buf, at);
    // Until a version is agreed the peer may refuse in any dialect: diod answers Rlerror.
    let f: Fcall;
    try {
      f = unpack(buf, at, end, this.agreeing ? "9P2000.L" : this.dialect);
    } catch (e) {
      const slot = this.slots[tag];
      // A number that is too large for us is that reply's fault alone; bad layout is the peer's.
      if (!(e instanceof NineError) || e.errno !== errno.EOVERFLOW || !slot || slot.settled) throw e;
      this.settle(slot, tag, rerror(e));
      return;
    }
    // Of a session that was on this stream before, or of a Tversion that nobody waited for: a new one ends all that.
    if (this.agreeing ? tag !== NOTAG && isReply(f) && !isError(f) : f.type === Rversion && tag === NOTAG) return;
    if (this.agreeing) {
      const agreed = this.agreeing;
      this.agreeing = undefined;
      agreed(f);
      return;
    }
    if (f.type === Rflush) {
      this.flushed(tag);
      return;
    }
    const slot = this.slots[tag];
    if (slot?.abandoned) {
      slot.abandoned = false;
      return;
    }
    if (!slot || slot.settled) throw new NineError(`${Ebotch}: a reply to tag ${tag}, which is not in use`);
    if (!isReply(f) || !fits(slot.t, f, this.msize)) throw new NineError(`${Ebotch}: a reply of type ${f.type} to a message of type ${slot.t.type}`);
    if (f.type === Rread || f.type === Rreaddir) f.data = this.kept(slot.t, f.data);
    this.settle(slot, tag, f);
  }

  /** Data that was lent to us, where the caller wants it or where it stays for good. */
  private kept(t: Tmsg, data: Uint8Array): Uint8Array {
    const n = data.length;
    if (t.type === Tread && t.into && t.into.length >= n) {
      t.into.set(data);
      return t.into.subarray(0, n);
    }
    // A joined message has a buffer of its own, which is not much longer.
    if (n > data.buffer.byteLength / 2 && this.splitter.keep()) return data;
    return data.slice();
  }

  private settle(slot: Slot, tag: number, r: Rmsg): void {
    slot.settled = true;
    if (slot.flush < 0) this.release(tag);
    slot.resolve(r);
  }

  private flushed(tag: number): void {
    const oldtag = this.flushes.get(tag);
    if (oldtag === undefined) throw new NineError(`${Ebotch}: an Rflush to tag ${tag}, which is not in use`);
    this.flushes.delete(tag);
    const slot = this.slots[oldtag];
    this.release(oldtag);
    this.release(tag);
    if (slot && !slot.settled) {
      slot.settled = true;
      slot.resolve(rerror(new NineError(Eintr)));
    }
  }

  private release(tag: number): void {
    this.slots[tag] = undefined;
    this.free.push(tag);
    const next = this.waiting.shift();
    if (next) this.issue(next.t, next.resolve);
  }

  /** The conversation is over: every call settles. */
  private end(why: NineError): void {
    if (this.over) return;
    this.over = why;
    this.splitter.stop();
    this.out.send();
    this.transport.close(why.message === Ehungup ? undefined : why.message);
    this.agreeing?.(why);
    this.agreeing = undefined;
    for (const slot of this.slots.splice(0)) {
      if (slot && !slot.settled) slot.resolve(rerror(why));
    }
    for (const w of this.waiting.splice(0)) w.resolve(rerror(why));
    this.flushes.clear();
  }
}

/** Whether a message is one that a portal gives. */
function isReply(f: Fcall): f is Rmsg {
  return f.type % 2 === 1 && f.type !== Rversion && f.type !== Rflush;
}

/** Whether a reply can be one to this T, and keeps to its counts. */
function fits(t: Tmsg, f: Fcall, msize: number): boolean {
  if (f.type === Rerror || f.type === Rlerror) return true;
  if (f.type !== t.type + 1) return false;
  if (t.type === Tread && f.type === Rread) return f.data.length <= t.count && f.data.length <= msize - IOHDRSZ + 13;
  if (t.type === Treaddir && f.type === Rreaddir) return f.data.length <= t.count;
  if (t.type === Twrite && f.type === Rwrite) return f.count <= t.data.length;
  if (t.type === Twalk && f.type === Rwalk) return f.wqid.length <= t.wname.length;
  return true;
}
