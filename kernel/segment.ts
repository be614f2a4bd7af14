/**
 * Segment: a range of a guest process's memory and where its pages come from (segment.c). Host
 * processes have none. Invariants: base and top are multiples of PAGE; each process that has it holds
 * a reference; the image's Chan is held until the last goes.
 */
import { Einval, NineError } from "../proto/index.ts";
import type { Chan } from "./chan.ts";

/** Bytes of a page of x86-64. */
export const PAGE = 4096;

/** As segment of proc(3) names them. */
export type SegmentType = "Text" | "Data" | "Bss" | "Stack" | "Shared";

/** What is mapped: bytes of an open file from an offset on; a page beyond `length` of them is zeros. */
export interface SegmentImage {
  /** Taken over from the caller. */
  readonly chan: Chan;
  readonly offset: number;
  readonly length: number;
}

export class Segment {
  readonly type: SegmentType;
  /** Virtual addresses: [base, top). */
  readonly base: number;
  readonly top: number;
  readonly readonly: boolean;
  readonly image: SegmentImage | undefined;
  refs = 1;

  constructor(type: SegmentType, base: number, top: number, readonly: boolean, image?: SegmentImage) {
    if (base % PAGE !== 0 || top % PAGE !== 0 || base < 0 || top <= base || top > 2 ** 47) {
      image?.chan.close();
      throw new NineError(`${Einval}: a segment from ${base.toString(16)} to ${top.toString(16)}`);
    }
    this.type = type;
    this.base = base;
    this.top = top;
    this.readonly = readonly;
    this.image = image;
  }

  incref(): this {
    this.refs++;
    return this;
  }

  decref(): void {
    if (--this.refs === 0) this.image?.chan.close();
  }
}
