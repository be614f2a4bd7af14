/**
 * Segments: the memory of one guest: its segments in the order of their addresses, and the page tables
 * that follow them. Invariants: segments do not overlap and lie below WINDOW; a page is in the tables
 * only while its frame is in the segment's Pages, with the segment's rights; a page that is not there is
 * brought by a fault, from the image's Chan by Tread, which may take its time, or as zeros. What is asked
 * of a range is done for all of it or refused before anything has changed. Used by its Guest and by the
 * personality's calls about memory.
 */
import { after, attempt, type Awaitable, Einval, Enomem, errno, got, type Interrupt, isInterrupted, lastly, NineError, quietly, type Steps, steps } from "../../proto/index.ts";
import { readAt } from "../chan.ts";
import { OutOfFrames, PF, type Space } from "../machine/index.ts";
import { PAGE, PROT, Segment, type SegmentImage, type SegmentType } from "../segment.ts";
import { WINDOW } from "./elf.ts";
import type { Ram } from "./ram.ts";

/** Nothing is mapped below: a null pointer with an offset faults (vm.mmap_min_addr). */
export const LOWEST = 0x10000;
/** Segments of one process, as Linux has it (vm.max_map_count). */
const MAXSEGMENTS = 65_530;
/** Pages that one fault brings of a file. */
const RUN = 16;

/** Pages that are taken away one by one. */
const MANY = 16;

/** Why an access was not to be: nothing there, not allowed, or no bytes behind it. */
export interface Fault {
  readonly kind: "unmapped" | "rights" | "missing";
  readonly address: number;
  readonly code: number;
  /** What was said when a page could not be read. */
  readonly why?: string;
}

/** A range of whole pages. */
export interface Range {
  readonly base: number;
  readonly top: number;
}

export interface MapOptions extends Range {
  readonly type: SegmentType;
  readonly prot: number;
  readonly image?: SegmentImage | undefined;
  readonly shared?: boolean;
}

export class Segments {
  readonly space: Space;
  private readonly ram: Ram;
  /** In order; /proc shows it as it is. */
  private readonly all: Segment[] = [];
  /** The stack, which ends at stackTop, grows down to stackLimit by being touched. */
  private stackTop = 0;
  private stackLimit = 0;

  constructor(ram: Ram) {
    this.ram = ram;
    ram.commit(1);
    this.space = ram.machine.newSpace();
  }

  get list(): readonly Segment[] {
    return this.all;
  }

  /** Gives everything back; the machine must be in another space. */
  free(): void {
    for (const s of this.all) {
      if (s.shared) this.forget(s, s.base, s.top);
      this.writeBack(s);
      s.decref();
    }
    this.all.length = 0;
    this.space.free();
    this.ram.uncommit(1);
  }

  /** The segment of an address. */
  find(va: number): Segment | undefined {
    const s = this.all[this.index(va)];
    return s && s.base <= va ? s : undefined;
  }

  /** Those that have a part in a range. */
  in(range: Range): readonly Segment[] {
    const from = this.index(range.base);
    let to = from;
    while ((this.all[to]?.base ?? Infinity) < range.top) to++;
    return this.all.slice(from, to);
  }

  /** The highest range of so many bytes below an address where nothing is; throws Enomem. */
  hole(bytes: number, below: number): number {
    let top = below;
    for (let i = this.index(below - 1); i >= 0; i--) {
      const s = this.all[i];
      if (!s || s.base >= top) continue;
      if (top - s.top >= bytes) break;
      top = s.base;
    }
    if (top - LOWEST < bytes) throw new NineError(Enomem);
    return top - bytes;
  }

  /** Maps a range, in place of whatever was there. The Chan of an image is taken over. */
  map(o: MapOptions): Segment {
    try {
      this.unmap(o);
    } catch (e) {
      o.image?.chan.close();
      throw e;
    }
    const s = new Segment(this.ram, o);
    this.all.splice(this.index(s.base), 0, s);
    return s;
  }

  /** Maps the stack: so many bytes below `top` to begin with. */
  stack(top: number, bytes: number, limit: number, prot: number): void {
    this.map({ type: "Stack", base: top - bytes, top, prot });
    this.stackTop = top;
    this.stackLimit = top - limit;
  }

  /** Takes away what is mapped in a range. */
  unmap(range: Range): void {
    this.change(range, undefined);
  }

  /** Other rights for a range, all of which must be mapped; else Enomem. */
  protect(range: Range, prot: number): void {
    let at = range.base;
    for (const s of this.in(range)) {
      if (s.base > at) throw new NineError(Enomem);
      at = s.top;
    }
    if (at < range.top) throw new NineError(Enomem);
    this.change(range, prot);
  }

  /** The same segment with another top; Enomem when something is in the way. */
  resize(s: Segment, top: number): void {
    if (top < s.top) this.unmap({ base: top, top: s.top });
    else if (top > s.top) {
      inside({ base: s.base, top });
      if (this.in({ base: s.top, top }).length > 0) throw new NineError(Enomem);
      this.widen(s, s.base, top);
    }
  }

  /** The pages of a part of a segment are as if they had never been touched. */
  discard(s: Segment, base: number, top: number): void {
    this.forget(s, base, top);
    s.pages.drop(s.page(base), s.page(top));
  }

  /** Moves what a range has to another place, where it is so many bytes long; that place. */
  move(from: Range, to: number, bytes: number): number {
    inside({ base: to, top: to + bytes });
    // Cut to what is moved, so that the segment is that alone.
    const old = this.find(from.base);
    if (!old || from.top > old.top) throw NineError.fromErrno(errno.EFAULT);
    this.change(from, old.prot);
    const s = this.find(from.base) as Segment;
    this.forget(s, s.base, s.top);
    const moved = s.moved(to, to + bytes);
    this.all.splice(this.all.indexOf(s), 1);
    s.decref();
    this.all.splice(this.index(to), 0, moved);
    this.prune(from.base);
    return to;
  }

  /**
   * Brings the page that an access missed into the tables, or says why it is not to be had; `code` is the
   * processor's. Rejects with Eintr when a note comes first: the access is then made again.
   */
  fault(va: number, code: number, intr: Interrupt): Awaitable<Fault | undefined> {
    return attempt(() => this.faulted(va, code, intr), (e) => {
      if (e instanceof OutOfFrames) return { kind: "missing", address: va, code, why: e.message };
      if (!(e instanceof NineError) || isInterrupted(e)) throw e;
      return { kind: "missing", address: va, code, why: e.message };
    });
  }

  private faulted(va: number, code: number, intr: Interrupt): Awaitable<Fault | undefined> {
    const s = this.find(va) ?? this.grown(va);
    if (!s) return { kind: "unmapped", address: va, code };
    const needed = code & PF.instruction ? PROT.exec : code & PF.write ? PROT.write : PROT.read | PROT.write | PROT.exec;
    if (!(s.prot & needed)) return { kind: "rights", address: va, code };
    const at = va - (va % PAGE);
    if (s.image && at - s.base < s.image.length && !s.pages.frames.has(s.page(at))) {
      return after(this.pageIn(s, s.image, at, intr), (there) => (there ? undefined : { kind: "missing", address: va, code }));
    }
    this.keep(s, at, undefined);
    return undefined;
  }

  /** Reads a run of pages, this one the first, from the image; false when there are no bytes. A pager comes in between here. */
  private pageIn(s: Segment, image: SegmentImage, at: number, intr: Interrupt): Awaitable<boolean> {
    const { pages } = s;
    const last = Math.min(s.top, at + RUN * PAGE - (at % (RUN * PAGE)));
    let top = at + PAGE;
    while (top < last && top - s.base < image.length && !pages.frames.has(s.page(top))) top += PAGE;
    const from = at - s.base;
    const chan = image.chan.incref();
    pages.incref();
    return lastly(() => after(readAt(chan, image.offset + from, Math.min(top - at, image.length - from), intr), (data) => {
      for (let done = 0; done < data.length; done += PAGE) {
        // What is mapped may have changed meanwhile: the access finds out.
        const now = this.find(at + done);
        if (now?.pages === pages && now.prot !== 0) this.keep(now, at + done, data.subarray(done, done + PAGE));
      }
      return data.length > 0;
    }), () => {
      chan.close();
      pages.decref();
    });
  }

  /** Gives a page a frame with these bytes, unless it has one by now, and puts it into the tables. */
  private keep(s: Segment, at: number, data: Uint8Array | undefined): void {
    const { ram } = this;
    const n = s.page(at);
    let frame = s.pages.frames.get(n);
    if (frame === undefined) {
      frame = ram.take();
      if (data) ram.machine.frames.bytes(frame).set(data);
      s.pages.frames.set(n, frame);
    }
    this.space.map(at, frame, { write: (s.prot & PROT.write) !== 0, execute: (s.prot & PROT.exec) !== 0 });
  }

  /** Writes to the file what was stored to a shared one in a range (msync(2)). */
  sync(range: Range, intr: Interrupt): Awaitable<void> {
    return steps(() => this.syncing(this.in(range), intr));
  }

  private *syncing(all: readonly Segment[], intr: Interrupt): Steps<void> {
    for (const s of all) {
      if (!s.shared || !s.image) continue;
      for (const n of s.pages.frames.keys()) {
        const at = s.base + (n - s.first) * PAGE;
        if (at < s.base || at >= s.top || !this.space.mapping(at)?.dirty) continue;
        s.pages.dirty.add(n);
        this.space.clean(at, true);
      }
      yield* writing(s.image, this.stored(s, s.base, s.top), intr);
    }
  }

  /** What was stored to a segment's pages and the file does not have: copies, by their place in the file. */
  private stored(s: Segment, base: number, top: number): Map<number, Uint8Array> {
    const stored = new Map<number, Uint8Array>();
    for (const n of s.pages.dirty) {
      const at = s.base + (n - s.first) * PAGE;
      const frame = s.pages.frames.get(n);
      if (!s.image || at < base || at >= top || frame === undefined) continue;
      stored.set(s.image.offset + at - s.base, this.ram.machine.frames.bytes(frame).slice());
      s.pages.dirty.delete(n);
    }
    return stored;
  }

  /** The same for who does not wait. */
  private writeBack(s: Segment, base: number = s.base, top: number = s.top): void {
    const { image } = s;
    if (!s.shared || !image) return;
    const stored = this.stored(s, base, top);
    image.chan.incref();
    quietly(attempt(() => lastly(() => steps(() => writing(image, stored, undefined)), () => image.chan.close()), () => undefined));
  }

  private grown(va: number): Segment | undefined {
    if (va >= this.stackTop || va < this.stackLimit) return undefined;
    const s = this.find(this.stackTop - 1);
    const base = va - (va % PAGE);
    if (s?.type !== "Stack" || base >= s.base || this.in({ base, top: s.base }).length > 0) return undefined;
    return this.widen(s, base, s.top);
  }

  /** The same segment with more room on a side. */
  private widen(s: Segment, base: number, top: number): Segment {
    const wide = s.wide(base, top);
    this.all[this.all.indexOf(s)] = wide;
    s.decref();
    return wide;
  }

  /** Cuts segments at the ends of a range, and gives what lies in it other rights, or takes it away. */
  private change(range: Range, prot: number | undefined): void {
    inside(range);
    const { base, top } = range;
    if (this.all.length + 2 > MAXSEGMENTS) throw new NineError(Enomem);
    for (const s of this.in(range)) {
      const from = Math.max(base, s.base);
      const to = Math.min(top, s.top);
      this.forget(s, from, to);
      if (prot === undefined) this.writeBack(s, from, to);
      const parts = [];
      if (s.base < from) parts.push({ base: s.base, top: from, prot: s.prot });
      if (prot !== undefined) parts.push({ base: from, top: to, prot });
      if (to < s.top) parts.push({ base: to, top: s.top, prot: s.prot });
      this.all.splice(this.all.indexOf(s), 1, ...s.cut(parts));
      s.decref();
    }
    if (prot === undefined) this.prune(base);
  }

  /** Gives back the tables of where nothing is, around an address. */
  private prune(va: number): void {
    const n = this.index(va);
    this.space.prune(this.all[n - 1]?.top ?? 0, this.all[n]?.base ?? WINDOW);
  }

  /** Takes a segment's pages out of the tables; that they were stored to is kept. */
  private forget(s: Segment, base: number, top: number): void {
    const { machine } = this.ram;
    // The processor then forgets all it knows of the space at once, instead of page by page.
    const away = machine.space === this.space && s.pages.frames.size > MANY;
    if (away) machine.space = undefined;
    for (const n of s.pages.frames.keys()) {
      const at = s.base + (n - s.first) * PAGE;
      if (at >= base && at < top && this.space.unmap(at)?.dirty && s.shared) s.pages.dirty.add(n);
    }
    if (away) machine.space = this.space;
  }

  /** Of the first segment that ends above an address. */
  private index(va: number): number {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if ((this.all[mid] as Segment).top > va) high = mid;
      else low = mid + 1;
    }
    return low;
  }
}

/** Only where programs may be, in whole pages. */
function inside({ base, top }: Range): void {
  if (base % PAGE !== 0 || top % PAGE !== 0 || base < 0 || top <= base) throw new NineError(Einval);
  if (top > WINDOW) throw new NineError(Enomem);
}

/** Pages to their places in the file, which does not become longer. */
function* writing({ chan }: SegmentImage, stored: ReadonlyMap<number, Uint8Array>, intr: Interrupt | undefined): Steps<void> {
  if (stored.size === 0) return;
  const { client } = chan.mnt;
  const { length } = yield* got(client.statFid(chan.fid, "", intr));
  for (const [at, data] of stored) {
    if (at < length) yield* got(client.write(chan.fid, at, data.subarray(0, length - at), intr));
  }
}
