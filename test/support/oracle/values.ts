/**
 * Values that instructions are tried with: the edges of integers and floating point, pointers into the
 * pages of case.ts, and plain chance. Everything comes from the `chance` that is given.
 */
import { PAGE, R } from "../../../kernel/machine/index.ts";
import { chance } from "../random.ts";
import { DATA, FX, FXSAVE, HIGH, PAGES, STACK, type Case } from "./case.ts";
import { FLAGS } from "./undefined.ts";

export type Chance = (n: number) => number;

const EDGES: readonly (readonly [number, number])[] = [
  [0, 0], [1, 0], [2, 0], [0xffffffff, 0xffffffff], [0xfffffffe, 0xffffffff], [0x7f, 0], [0x80, 0], [0xff, 0], [0x100, 0], [0x7fff, 0], [0x8000, 0], [0xffff, 0], [0x10000, 0],
  [0x7fffffff, 0], [0x80000000, 0], [0xffffffff, 0], [0, 1], [0xffffffff, 0x7fffffff], [0, 0x80000000], [1, 0x80000000], [0x80000000, 0xffffffff], [0xffffff80, 0xffffffff],
];
const FLOATS: readonly number[] = [
  0, 0x80000000, 0x3f800000, 0xbf800000, 0x3f000000, 0x3fc00000, 0x40200000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffbfffff, 1, 0x007fffff, 0x00800000, 0x80800000,
  0x7f7fffff, 0x4f000000, 0xcf000000, 0x4effffff, 0x5f000000, 0xdf000000, 0x4b000001, 0x3effffff, 0x34000000,
];
const DOUBLES: readonly (readonly [number, number])[] = [
  [0, 0], [0, 0x80000000], [0, 0x3ff00000], [0, 0xbff00000], [0, 0x3fe00000], [0, 0x3ff80000], [0, 0x40040000], [0, 0x7ff00000], [0, 0xfff00000], [0, 0x7ff80000], [1, 0x7ff00000], [0xffffffff, 0xfff7ffff],
  [1, 0], [0xffffffff, 0x000fffff], [0, 0x00100000], [0xffffffff, 0x7fefffff], [0, 0x41e00000], [0, 0xc1e00000], [0xffc00000, 0x41dfffff], [0, 0x43e00000], [0, 0xc3e00000], [0xe0000000, 0x47efffff], [0, 0x38100000], [1, 0x36a00000],
];

/** A 32-bit word. */
export const word = (n: Chance): number => n(0x10000) * 0x10000 + n(0x10000);

/** An address in a page, often near its ends. */
export function pointer(n: Chance): number {
  const pages = [DATA, DATA + PAGE, DATA, DATA + PAGE, DATA + 2 * PAGE, DATA + 4 * PAGE, HIGH, STACK];
  const at = n(4) === 0 ? (n(2) ? PAGE - 1 - n(18) : n(18)) : n(PAGE);
  return (pages[n(pages.length)] as number) + (n(2) ? at - (at % 16) : at);
}

/** An integer register's halves. */
export function integer(n: Chance): readonly [number, number] {
  switch (n(8)) {
    case 0: case 1: return EDGES[n(EDGES.length)] as readonly [number, number];
    case 2: return [n(70), 0];
    case 3: return [word(n), 0];
    case 4: case 5: {
      const p = pointer(n);
      return [p % 2 ** 32, Math.floor(p / 2 ** 32)];
    }
    default: return [word(n), word(n)];
  }
}

/** A float by its bits: an edge, one near 1, or any. */
function float(n: Chance): number {
  return n(2) ? (FLOATS[n(FLOATS.length)] as number) : n(3) ? (0x3f800000 + (n(40) - 20) * 0x800000 + n(0x800000) + n(2) * 0x80000000) % 2 ** 32 : word(n);
}

function double(n: Chance): readonly [number, number] {
  if (n(2)) return DOUBLES[n(DOUBLES.length)] as readonly [number, number];
  return n(3) ? [word(n), 0x3ff00000 + (n(140) - 70) * 0x100000 + n(0x100000) + n(2) * 0x80000000] : [word(n), word(n)];
}

/** 16 bytes at `at`, as a vector or as data has them. */
export function vector(n: Chance, to: Uint8Array, at: number): void {
  const view = new DataView(to.buffer, to.byteOffset + at, 16);
  const kind = n(8);
  for (let k = 0; k < 16; k += 4) {
    if (kind < 2) view.setUint32(k, float(n), true);
    else if (kind < 4) {
      if (k % 8 === 0) {
        const [low, high] = double(n);
        view.setUint32(k, low, true);
        view.setUint32(k + 4, high, true);
      }
    } else if (kind === 4) view.setUint32(k, k % 8 === 0 ? n(70) : 0, true);
    else if (kind === 5) {
      if (k % 8 === 0) {
        const [low, high] = integer(n);
        view.setUint32(k, low, true);
        view.setUint32(k + 4, high, true);
      }
    } else if (kind === 6) for (let b = 0; b < 4; b++) view.setUint8(k + b, [0, 1, 0x7f, 0x80, 0xff, n(256)][n(6)] as number);
    else view.setUint32(k, word(n), true);
  }
}

/** 80-bit numbers: sign and exponent, the halves of the significand. */
const EXTENDED: readonly (readonly [number, number, number])[] = [
  [0, 0, 0], [0, 0, 1], [0, 0x80000000, 0], [0, 0x7fffffff, 0xffffffff], [1, 0x80000000, 0], [0x7ffe, 0xffffffff, 0xffffffff], [0x7fff, 0x80000000, 0], [0x7fff, 0, 0],
  [0x7fff, 0xc0000000, 0], [0x7fff, 0x80000000, 1], [0x7fff, 0xbfffffff, 0xffffffff], [0x7fff, 0x40000000, 0], [0x3fff, 0, 1], [0x3fff, 0x80000000, 0], [0x3ffe, 0x80000000, 0], [0x3fff, 0xc0000000, 0],
  [0x4000, 0xa0000000, 0], [0x3fff, 0x80000000, 1], [0x3ffe, 0xffffffff, 0xffffffff], [0x403e, 0x80000000, 0], [0x403d, 0xffffffff, 0xfffffffe], [0x403d, 0xffffffff, 0xffffffff], [0x401d, 0xfffffffe, 0], [0x401e, 0x80000000, 0],
  [0x400d, 0xffff0000, 0], [0x400e, 0x80000000, 0], [0x407e, 0xffffff00, 0], [0x407e, 0xffffff80, 0], [0x3f80, 0xffffff80, 0], [0x43fe, 0xffffffff, 0xfffff800], [0x43fe, 0xffffffff, 0xfffffc00], [0x3c00, 0xffffffff, 0xfffffc00],
  [0x3f6a, 0x80000000, 0], [0x3bcc, 0xffffffff, 0xffffffff], [0x403a, 0xde0b6b3a, 0x763fffff], [0x403a, 0xde0b6b3a, 0x76400000], [0x400c, 0x80000000, 0], [0x400d, 0xc0000000, 0], [64, 0x80000000, 0], [0x7fbf, 0xffffffff, 0xffffffff],
];

/** An 80-bit number at `at`: normal ones, edges, and encodings that are none. */
export function extended(n: Chance, to: Uint8Array, at: number): void {
  const view = new DataView(to.buffer, to.byteOffset + at, 16);
  const kind = n(8);
  const exponent = kind < 4 ? 0x3fff + n(140) - 70 : kind === 4 ? 0 : kind === 5 ? 0x7fff : kind === 6 ? n(0x8000) : [1, 0x7ffe, 0x3fff, 0x3fff + 63][n(4)] as number;
  const high = [0x80000000, 0xc0000000, 0xffffffff, 0, 0xa0000000][n(8)] ?? word(n);
  view.setUint32(0, n(3) ? word(n) : n(2) ? 0 : 0xffffffff, true);
  // The top bit is 1 in numbers; without it they are denormal, or of no kind.
  view.setUint32(4, n(12) ? (high | 0x80000000) >>> 0 : high, true);
  view.setUint16(8, exponent | (n(2) << 15), true);
}

/** The same, an edge of the table now and then. */
export function register(n: Chance, to: Uint8Array, at: number): void {
  if (n(4)) return extended(n, to, at);
  const view = new DataView(to.buffer, to.byteOffset + at, 16);
  const [se, high, low] = EXTENDED[n(EXTENDED.length)] as (typeof EXTENDED)[0];
  view.setUint32(0, low, true);
  view.setUint32(4, high, true);
  view.setUint16(8, se | (n(2) << 15), true);
}

/** What the data pages hold, always the same. */
export function contents(n: Chance): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PAGES * PAGE);
  for (let at = 0; at < bytes.length; at += 16) {
    if (n(6)) vector(n, bytes, at);
    else extended(n, bytes, at);
  }
  return bytes;
}

/** The x87 and vector registers and their control words, as FXSAVE has them. */
function floating(n: Chance, fx: Uint8Array): void {
  fx.fill(0, 0, FXSAVE.st);
  const put = (at: number, value: number): void => {
    fx[at] = value & 255;
    fx[at + 1] = (value >> 8) & 255;
  };
  const fcw = n(3) ? 0x37f : 0x40 | (n(4) ? 0x3f : n(64)) | (n(4) ? 3 : n(4) & 2) << 8 | n(4) << 10;
  // No exception is pending that is not masked.
  const fsw = n(2) ? 0 : (n(8) << 11) | (n(16) & 7) << 8 | n(2) << 14 | (n(4) ? 0 : n(128) & fcw & 0x3f);
  put(FXSAVE.fcw, fcw);
  put(FXSAVE.fsw, fsw);
  fx[FXSAVE.ftw] = [255, 255, 255, 0, n(256), n(256)][n(6)] as number;
  put(FXSAVE.mxcsr, n(5) < 3 ? 0x1f80 : (n(4) ? 0x1f80 : n(64) << 7) | (n(2) ? 0 : n(64)) | n(4) << 13 | (n(3) ? 0 : 0x8000) | (n(3) ? 0 : 0x40));
  for (let k = 0; k < 8; k++) {
    fx.fill(0, FXSAVE.st + k * 16 + 10, FXSAVE.st + k * 16 + 16);
    register(n, fx, FXSAVE.st + k * 16);
    fx.fill(0, FXSAVE.st + k * 16 + 10, FXSAVE.st + k * 16 + 16);
  }
  for (let at = FXSAVE.xmm; at < FX; at += 16) vector(n, fx, at);
}

export const FSBASE: number = DATA + 0x7f0;
export const GSBASE: number = HIGH + 0x408;

/**
 * The registers that a case begins with, by a number. Vectors are recorded on top of this and of
 * `contents`: who changes what they give records again.
 */
export function start(number: number, c: Case, floats: boolean): void {
  const n = chance(number);
  c.flags = (word(n) & (n(6) ? FLAGS & ~0x400 : FLAGS)) | 0x202;
  c.setBase("fs", FSBASE);
  c.setBase("gs", GSBASE);
  for (let r = 0; r < 16; r++) {
    const [low, high] = integer(n);
    c.regs[r * 2] = low;
    c.regs[r * 2 + 1] = high;
  }
  c.setNumber(R.rsp, STACK + PAGE / 2 + (n(6) ? n(32) * 8 : n(256)));
  if (floats) floating(n, c.fx);
  else plain(c.fx);
}

/** The same as after a reset, for code that does not use them. */
function plain(fx: Uint8Array): void {
  fx.fill(0);
  fx.set([0x7f, 0x03], FXSAVE.fcw);
  fx.set([0x80, 0x1f], FXSAVE.mxcsr);
}
