/**
 * Union: a union directory as a client of an export has it open: the elements' entries in order, one
 * element open at a time. Invariants: records are those of the elements' servers but for their qids;
 * an element that cannot be read is passed over, but not the first, nor one that mounts lead back to;
 * it is read by one message at a time. A cookie of Treaddir counts the entries given: those of the
 * servers, which may use all 64 bits, are kept for the last TRAIL of them.
 */
import {
  Ebotch, Ehungup, Eoffset, errorOf, got, isInterrupted, NineError, OREAD, packDirent, type Rmsg, Ropen, Rread, Rreaddir, type Steps, Topen, Tread, Treaddir, type TreaddirMsg,
  type TreadMsg, Twalk, unpackDirents, type Cookie, IOHDRSZ,
} from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import type { Export } from "../export.ts";
import type { Op } from "./fid.ts";
import { isMountLoop } from "./laps.ts";
import { Up } from "./peer.ts";
import { dirsOf, qidOf } from "./qids.ts";

/** Entries whose cookies are known. */
const TRAIL = 4096;

export class Union {
  private readonly x: Export;
  /** A reference on each. */
  private readonly elements: readonly Chan[];
  private readonly laps: number;
  /** The element that is read, and its fid there, open. */
  private i = 0;
  private up: Up | undefined;
  /** Byte offsets: of where this element's records begin, and of those that come next. */
  private base = 0;
  private next = 0;
  /** What the cookies stand for, from number `first` on. */
  private trail: { readonly i: number; readonly cookie: Cookie }[] = [];
  private first = 1;
  private closed = false;

  constructor(x: Export, elements: readonly Chan[], laps: number) {
    this.x = x;
    this.elements = elements.map((c) => c.incref());
    this.laps = laps;
  }

  /** Opens the first element: its Ropen, or its error. */
  *open(op: Op, mode: number): Steps<Rmsg> {
    const r = yield* this.openElement(op, 0, mode);
    const { up } = this;
    if (r.type !== Ropen || !up) return r;
    return { type: Ropen, qid: qidOf(up.peer.mask, r.qid), iounit: 0 };
  }

  /** Whole records, as a Tread of a directory gives them. */
  *read(op: Op, t: TreadMsg): Steps<Rmsg> {
    if (t.offset === 0) yield* this.rewind(op);
    else if (t.offset !== this.next) throw new NineError(Eoffset);
    for (; this.i < this.elements.length; yield* this.onward(op)) {
      const { up } = this;
      if (!up) continue;
      const r = yield* got(this.x.ask(op, up, { type: Tread, fid: up.fid, offset: this.next - this.base, count: this.most(up, t.count) }));
      if (this.passed(r)) continue;
      if (r.type !== Rread) return r;
      if (r.data.length === 0) continue;
      this.next += r.data.length;
      return { type: Rread, data: dirsOf(up.peer.mask, r.data), lasting: true };
    }
    return { type: Rread, data: new Uint8Array(0) };
  }

  /** Entries behind the cookie; "." and ".." are the first element's. */
  *readdir(op: Op, t: TreaddirMsg): Steps<Rmsg> {
    let cookie: Cookie = 0;
    if (t.offset === 0) yield* this.rewind(op);
    else {
      const at = typeof t.offset === "number" ? this.trail[t.offset - this.first] : undefined;
      if (!at) throw new NineError(Eoffset);
      cookie = at.cookie;
      this.trail.length = Number(t.offset) - this.first + 1;
      if (at.i !== this.i) {
        this.leave();
        yield* this.openElement(op, at.i, OREAD);
      }
    }
    for (; this.i < this.elements.length; cookie = 0, yield* this.onward(op)) {
      const { up } = this;
      if (!up) continue;
      for (let more = true; more;) {
        const r = yield* got(this.x.ask(op, up, { type: Treaddir, fid: up.fid, offset: cookie, count: this.most(up, t.count) }));
        if (this.passed(r)) break;
        if (r.type !== Rreaddir) return r;
        const entries = unpackDirents(r.data);
        more = entries.length > 0;
        const out = new Uint8Array(r.data.length);
        let n = 0;
        for (const e of entries) {
          cookie = e.offset;
          if (this.i > 0 && (e.name === "." || e.name === "..")) continue;
          this.trail.push({ i: this.i, cookie });
          n = packDirent(qidOf(up.peer.mask, e.qid), this.first + this.trail.length - 1, e.type, e.name, out, n);
        }
        if (this.trail.length > 2 * TRAIL) this.first += this.trail.splice(0, this.trail.length - TRAIL).length;
        if (n > 0) return { type: Rreaddir, data: out.subarray(0, n) };
      }
    }
    return { type: Rreaddir, data: new Uint8Array(0) };
  }

  /** Nobody reads it any more; what is still being opened is not kept. */
  close(): void {
    this.closed = true;
    this.leave();
    for (const c of this.elements) c.close();
  }

  private leave(): void {
    this.up?.clunk();
    this.up = undefined;
  }

  private most(up: Up, count: number): number {
    return Math.min(count, up.peer.portal.msize - IOHDRSZ);
  }

  private *rewind(op: Op): Steps<void> {
    this.base = this.next = 0;
    this.trail = [];
    this.first = 1;
    if (this.i === 0 && this.up) return;
    this.leave();
    const why = errorOf(yield* this.openElement(op, 0, OREAD));
    if (why) throw why;
  }

  /** To the next element. */
  private *onward(op: Op): Steps<void> {
    this.leave();
    this.base = this.next;
    if (this.i + 1 < this.elements.length) this.passed(yield* this.openElement(op, this.i + 1, OREAD));
    else this.i++;
  }

  /** An error to be passed over; those that are not are thrown. */
  private passed(r: Rmsg): boolean {
    const why = errorOf(r);
    if (!why) return false;
    if (this.i === 0 || isInterrupted(why) || isMountLoop(why)) throw why;
    return true;
  }

  /** Walk and open go out together. */
  private *openElement(op: Op, i: number, mode: number): Steps<Rmsg> {
    this.i = i;
    const c = this.elements[i];
    if (!c) throw new NineError(Ebotch);
    if (this.closed) throw new NineError(Ehungup);
    const from = this.x.at(c);
    const up = new Up(from.peer, this.laps, from.chan);
    let opened = false;
    let made = true;
    try {
      const walking = this.x.ask(op, up, { type: Twalk, fid: from.fid, newfid: up.fid, wname: [] });
      const opening = this.x.ask(op, up, { type: Topen, fid: up.fid, mode });
      const r = yield* got(opening);
      opened = r.type === Ropen && !this.closed;
      if (opened) this.up = up;
      const why = errorOf(r);
      // Who gave up does not wait for the walk either.
      if (!why || isInterrupted(why)) return r;
      const walked = yield* got(walking);
      made = !errorOf(walked);
      return made ? r : walked;
    } finally {
      from.leave();
      if (!opened) {
        if (made) up.clunk();
        else up.free();
      }
    }
  }
}
