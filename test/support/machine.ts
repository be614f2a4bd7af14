/**
 * Machines for tests: assembled guests, and `runOne`, one piece of code from one state, which both the
 * table tests and the comparison with the host's processor use.
 */
import { AssemblyState } from "@defasm/core";
import { createMachine, PAGE, R, type Machine, type Trap } from "../../kernel/machine/index.ts";

/** Bytes of AT&T (or, after `.intel_syntax noprefix`, Intel) assembly. */
export function assemble(source: string): Uint8Array {
  const state = new AssemblyState();
  state.compile(source, { haltOnError: true });
  return Uint8Array.from(state.head.dump());
}

/** Where runOne puts things: code, then nothing; two pages of data, then nothing; a stack page. */
export const CODE = 0x10000000;
export const DATA = 0x20000000;
export const STACK = 0x30000000;
export const DATA_BYTES: number = 2 * PAGE;

/** The registers of one case. */
export interface State {
  /** rax rcx rdx rbx rsp rbp rsi rdi r8-r15. */
  readonly regs: BigUint64Array;
  readonly rip: number;
  readonly rflags: number;
  /** xmm0-15, 16 bytes each. */
  readonly xmm: Uint8Array;
  readonly mxcsr: number;
  /** Physical x87 registers, 16 bytes each, and control, status, tag. */
  readonly st: Uint8Array;
  readonly fcw: number;
  readonly fsw: number;
  readonly ftw: number;
}

/** Where a case ended: at the int3 behind its code, or in a trap. */
export interface Ran extends State {
  readonly trap: Trap;
  readonly address: number;
  readonly code: number;
  readonly instructions: number;
  /** The data pages, the machine's own until the next case. */
  readonly data: Uint8Array;
}

/** A state of zeros with a stack. */
export function fresh(regs: Partial<Record<keyof typeof R, bigint>> = {}): State {
  const all = new BigUint64Array(16);
  all[R.rsp] = BigInt(STACK + PAGE / 2);
  for (const [name, value] of Object.entries(regs)) all[R[name as keyof typeof R]] = BigInt.asUintN(64, value);
  return { regs: all, rip: CODE, rflags: 0x202, xmm: new Uint8Array(256), mxcsr: 0x1f80, st: new Uint8Array(128), fcw: 0x37f, fsw: 0, ftw: 0 };
}

/** One machine for many cases. */
export class Bench {
  readonly machine: Machine;
  private readonly code: number[];
  private readonly data: number[];
  private readonly stack: number;

  constructor() {
    const m = createMachine({ ramBytes: 1 << 20, arenaBytes: 1 << 20 });
    this.machine = m;
    const frame = (): number => m.frames.alloc() as number;
    const space = m.newSpace();
    m.space = space;
    // Both pairs are contiguous in RAM, being the first frames.
    this.code = [frame(), frame()];
    this.data = [frame(), frame()];
    this.stack = frame();
    this.code.forEach((f, k) => space.map(CODE + k * PAGE, f, { write: false, execute: true }));
    this.data.forEach((f, k) => space.map(DATA + k * PAGE, f, { write: true, execute: false }));
    space.map(STACK, this.stack, { write: true, execute: false });
  }

  /**
   * Runs code from state.rip (anywhere in the two pages at CODE; an int3 is put behind it) with `data`
   * at DATA, at most `budget` instructions.
   */
  runOne(state: State, code: Uint8Array, data?: Uint8Array, budget = 10_000): Ran {
    const { machine: m } = this;
    const { cpu } = m;
    for (const frame of this.code) m.frames.written(frame);
    const bytes = new Uint8Array(code.length + 1);
    bytes.set(code);
    bytes[code.length] = 0xcc;
    bytes.forEach((b, k) => {
      const at = state.rip - CODE + k;
      const frame = this.code[Math.floor(at / PAGE)];
      if (frame !== undefined) m.frames.bytes(frame)[at % PAGE] = b;
    });
    this.data.forEach((frame, k) => {
      const to = m.frames.bytes(frame);
      if (data) to.set(data.subarray(k * PAGE, (k + 1) * PAGE));
      else to.fill(0);
    });
    m.frames.bytes(this.stack).fill(0);
    for (let n = 0; n < 16; n++) {
      cpu.setBig(n, state.regs[n] as bigint);
      cpu.xmm(n).set(state.xmm.subarray(n * 16, n * 16 + 16));
      if (n < 8) cpu.st(n).set(state.st.subarray(n * 16, n * 16 + 16));
    }
    cpu.rflags = state.rflags;
    cpu.mxcsr = state.mxcsr;
    cpu.setX87("fcw", state.fcw);
    cpu.setX87("fsw", state.fsw);
    cpu.setX87("ftw", state.ftw);
    cpu.rip = state.rip;
    const before = m.instructions;
    const { trap, address, code: error } = m.run(budget);
    const xmm = new Uint8Array(256);
    const st = new Uint8Array(128);
    for (let n = 0; n < 16; n++) xmm.set(cpu.xmm(n), n * 16);
    for (let n = 0; n < 8; n++) st.set(cpu.st(n), n * 16);
    const out = new Uint8Array(DATA_BYTES);
    this.data.forEach((frame, k) => out.set(m.frames.bytes(frame), k * PAGE));
    return {
      regs: BigUint64Array.from({ length: 16 }, (_, n) => cpu.big(n)), rip: cpu.rip, rflags: cpu.rflags, xmm, mxcsr: cpu.mxcsr, st,
      fcw: cpu.x87("fcw"), fsw: cpu.x87("fsw"), ftw: cpu.x87("ftw"), trap, address, code: error, instructions: m.instructions - before, data: out,
    };
  }

  /** The same from assembly. */
  run(source: string, regs: Partial<Record<keyof typeof R, bigint>> = {}, data?: Uint8Array): Ran {
    return this.runOne(fresh(regs), assemble(source), data);
  }
}
