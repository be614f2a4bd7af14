/**
 * Qids: the qids of an export's files, made of those of the Mnts behind it. Invariant: distinct files
 * of distinct Mnts have distinct qids. A path is turned and XORed with what its Mnt's device number
 * gives: turned, because an export behind an export does the same again, and two XORs of one number
 * would leave the path as it was. Pure; a view that was borrowed is never written to.
 */
import { dirEnd, type Qid } from "../../proto/index.ts";

/** What a Mnt's qid paths are XORed with, in two halves. */
export interface Mask {
  readonly lo: number;
  readonly hi: number;
}

/** Where stat(5)'s qid.path begins: size[2] type[2] dev[4] type[1] vers[4]. */
const DIRPATH = 13;
/** Where the path begins in an entry of Rreaddir, type[1] vers[4], and the fields in front of its name[s]. */
const ENTPATH = 5;
const ENTNAME = 13 + 8 + 1;

export function maskOf(dev: number): Mask {
  return { lo: mix(dev * 2 + 1), hi: mix(dev * 2 + 2) };
}

export function qidOf(m: Mask, q: Qid): Qid {
  return { type: q.type, vers: q.vers, pathlo: ((turned(q.pathlo, q.pathhi)) ^ m.lo) >>> 0, pathhi: ((turned(q.pathhi, q.pathlo)) ^ m.hi) >>> 0 };
}

/** The qid as its server knows it. */
export function serverQid(m: Mask, q: Qid): Qid {
  const lo = (q.pathlo ^ m.lo) >>> 0;
  const hi = (q.pathhi ^ m.hi) >>> 0;
  return { type: q.type, vers: q.vers, pathlo: ((lo >>> 13) | (hi << 19)) >>> 0, pathhi: ((hi >>> 13) | (lo << 19)) >>> 0 };
}

/** The records of a directory that was read. Throws NineError when they are none. */
export function dirsOf(m: Mask, data: Uint8Array): Uint8Array {
  const out = data.slice();
  for (let at = 0; at < out.length;) {
    const next = dirEnd(out, at, out.length);
    if (next - at >= DIRPATH + 8) put(m, out, at + DIRPATH);
    at = next;
  }
  return out;
}

/** The same of Rreaddir's entries. */
export function direntsOf(m: Mask, data: Uint8Array): Uint8Array {
  const out = data.slice();
  for (let at = 0; at + ENTNAME + 2 <= out.length; at += ENTNAME + 2 + (out[at + ENTNAME]! | (out[at + ENTNAME + 1]! << 8))) put(m, out, at + ENTPATH);
  return out;
}

function put(m: Mask, out: Uint8Array, at: number): void {
  const view = new DataView(out.buffer, out.byteOffset + at, 8);
  const lo = view.getUint32(0, true);
  const hi = view.getUint32(4, true);
  view.setUint32(0, turned(lo, hi) ^ m.lo, true);
  view.setUint32(4, turned(hi, lo) ^ m.hi, true);
}

/** A half of the 64 bits turned left by 13. */
function turned(half: number, other: number): number {
  return (half << 13) | (other >>> 19);
}

/** The finalizer of murmur3: each bit of n changes half of the bits. */
function mix(n: number): number {
  let h = n >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
