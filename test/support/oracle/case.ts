/**
 * Case: a piece of code and the state it begins in; Outcome: where it ended. Both as the harness on the
 * host's processor (test/interop/cpu/harness.c) reads and writes them: little-endian, at fixed places.
 *
 *   data pages   0 and 1 at DATA, may be written; 2 behind them, only read; then nothing, then 3; 4 is the stack
 *   HIGH         pages 0 and 1 again, above 4 GiB: with 32-bit addresses the same page
 *   CODE         two pages, only read and executed
 */
import { PAGE } from "../../../kernel/machine/index.ts";

export const CODE = 0x10000000;
export const CODE_BYTES: number = 2 * PAGE;
/** Where the jump behind the code leads: the end of the case. */
export const EXIT = 0x11000000;
export const DATA = 0x20000000;
export const STACK = 0x30000000;
export const HIGH = 0x520000000;
export const PAGES = 5;
/** Where each data page is. */
export const PAGE_AT: readonly number[] = [DATA, DATA + PAGE, DATA + 2 * PAGE, DATA + 4 * PAGE, STACK];
/** The page that may not be written. */
export const READ_ONLY = 2;

/** A case's bytes: u32 offset in CODE, code length, patches, flags; u64 FS base, GS base, 16 registers; fx, code, patches. */
export const CASE = 768;
const REGS = 32;
const FX_AT = 160;
const CODE_AT = 576;
const PATCH_AT = 640;
/** The part of an FXSAVE image with anything in it. */
export const FX = 416;
export const MOST_CODE = 64;
const MOST_PATCHES = 4;

/** Places in the FXSAVE image. */
export const FXSAVE = { fcw: 0, fsw: 2, ftw: 4, mxcsr: 24, st: 32, xmm: 160 } as const;

/** Ends that are no trap: of all the code, of patience, of the harness. */
export const End = { Done: -1, Timeout: -2, Died: -3 } as const;

/** A view of a case's bytes; what is written through it is the case. */
export class Case {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The registers, two halves each. */
  readonly regs: Uint32Array<ArrayBuffer>;
  readonly fx: Uint8Array<ArrayBuffer>;
  private readonly head: Uint32Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer> = new Uint8Array(CASE)) {
    const { buffer, byteOffset: at } = bytes;
    this.bytes = bytes;
    this.head = new Uint32Array(buffer, at, CASE / 4);
    this.regs = new Uint32Array(buffer, at + REGS, 32);
    this.fx = new Uint8Array(buffer, at + FX_AT, FX);
  }

  /** Where in CODE it begins. */
  get offset(): number {
    return this.head[0] as number;
  }
  get flags(): number {
    return this.head[3] as number;
  }
  set flags(flags: number) {
    this.head[3] = flags;
  }

  get code(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(CODE_AT, CODE_AT + (this.head[1] as number));
  }
  /** The code and where it stands; no patches. */
  begin(offset: number, code: Uint8Array): void {
    this.head[0] = offset;
    this.head[1] = code.length;
    this.head[2] = 0;
    this.bytes.fill(0, CODE_AT).set(code, CODE_AT);
  }

  base(which: "fs" | "gs"): number {
    const at = which === "fs" ? 4 : 6;
    return (this.head[at + 1] as number) * 2 ** 32 + (this.head[at] as number);
  }
  setBase(which: "fs" | "gs", va: number): void {
    const at = which === "fs" ? 4 : 6;
    this.head[at] = va % 2 ** 32;
    this.head[at + 1] = Math.floor(va / 2 ** 32);
  }

  reg(n: number): bigint {
    return (BigInt(this.regs[n * 2 + 1] as number) << 32n) | BigInt(this.regs[n * 2] as number);
  }
  setReg(n: number, value: bigint): void {
    this.regs[n * 2] = Number(BigInt.asUintN(32, value));
    this.regs[n * 2 + 1] = Number(BigInt.asUintN(32, value >> 32n));
  }
  /** The same from a number that is exact. */
  setNumber(n: number, value: number): void {
    this.regs[n * 2] = value % 2 ** 32;
    this.regs[n * 2 + 1] = Math.floor(value / 2 ** 32);
  }

  get patches(): number {
    return this.head[2] as number;
  }
  /** The patch's page, offset and bytes. */
  patch(k: number): { page: number; offset: number; bytes: Uint8Array<ArrayBuffer> } {
    const at = PATCH_AT + k * 32;
    const head = this.head.subarray(at / 4, at / 4 + 3);
    return { page: head[0] as number, offset: head[1] as number, bytes: this.bytes.subarray(at + 16, at + 16 + (head[2] as number)) };
  }
  /** Puts up to 16 bytes at an address before the code runs, as far as there are pages; false: no room for more of them. */
  write(va: number, bytes: Uint8Array): boolean {
    const low = va >= HIGH && va < HIGH + 2 * PAGE ? va - HIGH + DATA : va;
    for (let done = 0; done < bytes.length;) {
      const offset = (low + done) % PAGE;
      const n = Math.min(bytes.length - done, PAGE - offset);
      const page = PAGE_AT.indexOf(low + done - offset);
      if (page >= 0) {
        const k = this.patches;
        if (k === MOST_PATCHES) return false;
        const at = PATCH_AT + k * 32;
        this.head.set([page, offset, n, 0], at / 4);
        this.bytes.fill(0, at + 16, at + 32);
        this.bytes.set(bytes.subarray(done, done + n), at + 16);
        this.head[2] = k + 1;
      }
      done += n;
    }
    return true;
  }
}

/** A piece of memory that changed: `bytes` at `offset` of a data page, whole words of 8. */
export interface Run {
  readonly page: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface Outcome {
  /** A vector as in trap.ts, 256 for syscall, or an End. */
  trap: number;
  /** The error code of #PF, #GP and #SS, the address of #PF, both 0 otherwise; addresses are signed. */
  error: number;
  address: number;
  rip: number;
  flags: number;
  /** All registers, two halves each. */
  readonly regs: Uint32Array;
  readonly fx: Uint8Array;
  runs: readonly Run[];
}

/** The outcomes of a batch, as the harness wrote them. */
export function readOutcomes(bytes: Uint8Array, cases: readonly Case[]): Outcome[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  return cases.map((c) => {
    const begun = at;
    const regs = c.regs.slice();
    const changed = view.getUint16(begun + 32, true);
    at += 40;
    for (let k = 0; changed >> k; k++) {
      if (!((changed >> k) & 1)) continue;
      regs[k * 2] = view.getUint32(at, true);
      regs[k * 2 + 1] = view.getUint32(at + 4, true);
      at += 8;
    }
    let fx: Uint8Array = c.fx;
    if (view.getUint8(begun + 34)) {
      fx = bytes.subarray(at, at + FX);
      at += FX;
    }
    const runs: Run[] = [];
    for (let n = view.getUint32(begun + 36, true); n > 0; n--) {
      const length = view.getUint16(at + 6, true);
      runs.push({ page: view.getUint32(at, true), offset: view.getUint16(at + 4, true), bytes: bytes.subarray(at + 8, at + 8 + length) });
      at += 8 + length;
    }
    const number = (p: number): number => view.getInt32(p + 4, true) * 2 ** 32 + view.getUint32(p, true);
    return { trap: view.getInt32(begun + 4, true), error: view.getUint32(begun + 8, true), flags: view.getUint32(begun + 12, true), address: number(begun + 16), rip: number(begun + 24), regs, fx, runs };
  });
}
