/**
 * Segment: a range of a guest process's memory, what may be done there, and where its pages come from
 * (segment.c). Host processes have none. Pages are the frames that hold it, so far. Invariants: base and
 * top are multiples of PAGE; each process that has it holds a reference; what all its pages may take is
 * set aside in RAM while it exists, so that a page that is asked for can be had; the image's Chan is
 * held until the last reference goes. Page tables are made from segments, and only say what these say.
 */
import { Einval, NineError } from "../proto/index.ts";
import type { Chan } from "./chan.ts";

/** Bytes of a page of x86-64. */
export const PAGE = 4096;

/** As segment of proc(3) names them. */
export type SegmentType = "Text" | "Data" | "Bss" | "Stack" | "Shared";

/** What may be done with memory, as mmap(2) has it. */
export const PROT = { read: 1, write: 2, exec: 4 } as const;

/** What is mapped: bytes of an open file from an offset on; a page beyond `length` of them is zeros. */
export interface SegmentImage {
  /** Taken over from the caller. */
  readonly chan: Chan;
  readonly offset: number;
  /** Infinity: to the end of the file, beyond which is nothing. */
  readonly length: number;
}

/** Where frames come from and go to. */
export interface FrameStore {
  /** Sets frames aside, or throws Enomem. */
  commit(frames: number): void;
  uncommit(frames: number): void;
  release(frame: number): void;
}

/** Frames by the number of their page; references are the segments'. */
export class Pages {
  readonly frames: Map<number, number> = new Map();
  /** Pages that were stored to, as far as page tables that are gone have told. */
  readonly dirty: Set<number> = new Set();
  private readonly ram: FrameStore;
  private refs = 1;

  constructor(ram: FrameStore) {
    this.ram = ram;
  }

  incref(): this {
    this.refs++;
    return this;
  }

  decref(): void {
    if (--this.refs > 0) return;
    for (const frame of this.frames.values()) this.ram.release(frame);
    this.frames.clear();
  }

  /** Gives back those from one page up to another. */
  drop(from: number, to: number): void {
    for (const [n, frame] of this.frames) {
      if (n < from || n >= to) continue;
      this.frames.delete(n);
      this.dirty.delete(n);
      this.ram.release(frame);
    }
  }

  /** Those from a page on, moved to Pages of their own; the rest stays. */
  split(from: number): Pages {
    const high = new Pages(this.ram);
    for (const [n, frame] of this.frames) {
      if (n < from) continue;
      high.frames.set(n, frame);
      this.frames.delete(n);
    }
    return high;
  }
}

export interface SegmentOptions {
  readonly type: SegmentType;
  /** Virtual addresses: [base, top). */
  readonly base: number;
  readonly top: number;
  /** PROT bits. */
  readonly prot: number;
  readonly image?: SegmentImage | undefined;
  /** Stores are for everybody who has the file (MAP_SHARED). */
  readonly shared?: boolean;
  /** Pages it has already, taken over from the caller, and the number of its first page in them. */
  readonly pages?: Pages;
  readonly first?: number;
  /** It could be touched before, and may have frames: RAM is set aside for it whatever its rights are. */
  readonly touched?: boolean;
}

export class Segment {
  readonly type: SegmentType;
  readonly base: number;
  readonly top: number;
  readonly prot: number;
  readonly image: SegmentImage | undefined;
  readonly shared: boolean;
  readonly pages: Pages;
  /** The number of its first page in `pages`. */
  readonly first: number;
  refs = 1;
  private readonly ram: FrameStore;
  private charge: number;
  private readonly touched: boolean;

  constructor(ram: FrameStore, options: SegmentOptions) {
    const { type, base, top, prot, image, shared = false, pages, first, touched = false } = options;
    this.touched = touched || prot !== 0;
    this.charge = charge(top - base, this.touched);
    try {
      if (base % PAGE !== 0 || top % PAGE !== 0 || base < 0 || top <= base || top > 2 ** 47) {
        throw new NineError(`${Einval}: a segment from ${base.toString(16)} to ${top.toString(16)}`);
      }
      ram.commit(this.charge);
    } catch (e) {
      image?.chan.close();
      pages?.decref();
      throw e;
    }
    this.ram = ram;
    this.type = type;
    this.base = base;
    this.top = top;
    this.prot = prot;
    this.image = image;
    this.shared = shared;
    this.pages = pages ?? new Pages(ram);
    this.first = first ?? 0;
  }

  /** What it is of: the name its image was reached by, and where in it; "" for memory alone. */
  get file(): string {
    return this.image?.chan.path ?? "";
  }
  get offset(): number {
    return this.image?.offset ?? 0;
  }

  /** The number of an address's page in `pages`. */
  page(va: number): number {
    return this.first + Math.floor((va - this.base) / PAGE);
  }

  /**
   * What this becomes when only these parts of it stay, with the rights they say: new segments, the
   * caller's. This one holds nothing any more but what is in no part, and is to be let go. Throws Enomem,
   * with nothing changed, when there is no RAM for other rights. Not for one that two processes hold.
   */
  cut(parts: readonly { readonly base: number; readonly top: number; readonly prot: number }[]): Segment[] {
    this.recharge(parts.reduce((n, p) => n + charge(p.top - p.base, this.touched || p.prot !== 0), 0));
    return parts.map(({ base, top, prot }) => this.part(base, top, prot));
  }

  /** The same with more room on a side: a new segment, the caller's, as with cut. */
  wide(base: number, top: number): Segment {
    return this.again(base, top, this.first - (this.base - base) / PAGE);
  }

  /** The same from its first page on elsewhere, with room behind it: a new segment, the caller's, as with cut. */
  moved(base: number, top: number): Segment {
    return this.again(base, top, this.first);
  }

  private again(base: number, top: number, first: number): Segment {
    const { ram, type, prot, shared, image, pages, touched } = this;
    this.recharge(charge(top - base, touched));
    return new Segment(ram, { type, base, top, prot, shared, touched, pages: pages.incref(), first, image: image && { ...image, chan: image.chan.incref() } });
  }

  /** Lets go of what is set aside for it, if there is room for what is to be in its place. */
  private recharge(needed: number): void {
    if (this.refs !== 1) throw new Error("a segment of two processes is changed");
    this.ram.uncommit(this.charge);
    try {
      this.ram.commit(needed);
    } catch (e) {
      this.ram.commit(this.charge);
      throw e;
    }
    this.ram.uncommit(needed);
    this.charge = 0;
  }

  private part(base: number, top: number, prot: number): Segment {
    const { ram, type, image, shared, touched } = this;
    const skip = base - this.base;
    const first = this.page(base);
    return new Segment(ram, {
      type, base, top, prot, shared, first, touched, pages: shared ? this.pages.incref() : this.take(first, first + (top - base) / PAGE),
      image: image && { chan: image.chan.incref(), offset: image.offset + skip, length: Math.max(0, image.length - skip) },
    });
  }

  private take(from: number, to: number): Pages {
    const rest = this.pages.split(from);
    for (const [n, frame] of rest.frames) {
      if (n < to) continue;
      rest.frames.delete(n);
      this.pages.frames.set(n, frame);
    }
    return rest;
  }

  incref(): this {
    this.refs++;
    return this;
  }

  decref(): void {
    if (--this.refs > 0) return;
    this.pages.decref();
    this.ram.uncommit(this.charge);
    this.image?.chan.close();
  }
}

/** Frames that so many bytes may take: the pages, and the tables they can need wherever they lie. What could never be touched takes none. */
function charge(bytes: number, touched: boolean): number {
  if (!touched) return 0;
  const pages = Math.ceil(bytes / PAGE);
  return pages + Math.ceil(pages / 512) + 5;
}
