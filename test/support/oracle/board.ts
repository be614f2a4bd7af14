/**
 * Board: a machine with memory as cases have it (case.ts), which runs one case after the other. Between
 * two, memory is as at the start. Pages, translations and TLBs stay: cases find them in all states.
 */
import { createMachine, PAGE, Trap, type Context, type Machine } from "../../../kernel/machine/index.ts";
import { CODE, CODE_BYTES, End, EXIT, FX, FXSAVE, HIGH, PAGE_AT, PAGES, READ_ONLY, type Case, type Outcome, type Run } from "./case.ts";

/** No case has a loop that is longer. */
const BUDGET = 100_000;
/** Length of the jump behind the code. */
const LEAVE = 5;

export class Board {
  private readonly machine: Machine;
  private readonly pages: readonly Uint8Array<ArrayBuffer>[];
  private readonly pristine: Uint8Array;
  /** What memory was when the case began. */
  private readonly base: Uint8Array<ArrayBuffer>;
  private readonly code: readonly number[];
  /** What cases do not set. */
  private readonly blank: Context;
  private last: Uint8Array = new Uint8Array();
  private lastOffset = 0;

  constructor(pristine: Uint8Array) {
    const m = createMachine({ ramBytes: 1 << 20, arenaBytes: 1 << 20 });
    const space = m.newSpace();
    m.space = space;
    const frame = (): number => m.frames.alloc() as number;
    const data = Array.from({ length: PAGES }, frame);
    this.machine = m;
    this.blank = m.newContext();
    m.cpu.save(this.blank);
    this.pristine = pristine;
    this.base = pristine.slice();
    this.pages = data.map((f) => m.frames.bytes(f));
    this.pages.forEach((p, k) => p.set(pristine.subarray(k * PAGE, (k + 1) * PAGE)));
    data.forEach((f, k) => space.map(PAGE_AT[k] as number, f, { write: k !== READ_ONLY, execute: false }));
    for (const k of [0, 1]) space.map(HIGH + k * PAGE, data[k] as number, { write: true, execute: false });
    this.code = [frame(), frame()];
    for (const f of this.code) m.frames.bytes(f).fill(0xcc);
    const out = frame();
    m.frames.bytes(out).fill(0xcc);
    space.map(EXIT, out, { write: false, execute: true });
    this.code.forEach((f, k) => space.map(CODE + k * PAGE, f, { write: false, execute: true }));
  }

  /** Runs it. */
  run(c: Case): Outcome {
    const { machine: m } = this;
    const { cpu } = m;
    this.place(c);
    this.patch(c, false);
    cpu.load(this.blank);
    for (let n = 0; n < 16; n++) cpu.set(n, c.regs[n * 2] as number, c.regs[n * 2 + 1] as number);
    cpu.rflags = c.flags;
    cpu.fsbase = c.base("fs");
    cpu.gsbase = c.base("gs");
    this.loadFx(c.fx);
    cpu.rip = CODE + c.offset;
    const exit = m.run(BUDGET);
    const end = CODE + c.offset + c.code.length;
    const done = exit.trap === Trap.BP && cpu.rip === EXIT + 1;
    const regs = new Uint32Array(32);
    for (let n = 0; n < 16; n++) {
      regs[n * 2] = cpu.lo(n);
      regs[n * 2 + 1] = cpu.hi(n);
    }
    const outcome: Outcome = {
      trap: done ? End.Done : exit.trap === Trap.Budget ? End.Timeout : exit.trap,
      error: exit.trap === Trap.PF || exit.trap === Trap.GP || exit.trap === Trap.SS ? exit.code : 0,
      address: exit.trap === Trap.PF ? exit.address : 0,
      rip: done ? end : cpu.rip,
      flags: cpu.rflags,
      regs,
      fx: this.storeFx(),
      runs: this.runs(),
    };
    this.patch(c, true);
    return outcome;
  }

  /** The code, a jump out behind it, and int3 everywhere else; what stands there already stays, translations with it. */
  private place(c: Case): void {
    const { code } = c;
    const { frames } = this.machine;
    if (c.offset === this.lastOffset && Buffer.compare(code, this.last) === 0) return;
    for (const f of this.code) frames.written(f);
    const put = (at: number, byte: number): void => {
      if (at < CODE_BYTES) frames.bytes(this.code[Math.floor(at / PAGE)] as number)[at % PAGE] = byte;
    };
    for (let k = 0; k < this.last.length + LEAVE; k++) put(this.lastOffset + k, 0xcc);
    code.forEach((byte, k) => put(c.offset + k, byte));
    const end = c.offset + code.length;
    if (end + LEAVE <= CODE_BYTES) {
      const far = EXIT - CODE - end - LEAVE;
      [0xe9, far, far >> 8, far >> 16, far >> 24].forEach((byte, k) => put(end + k, byte));
    }
    this.last = code.slice();
    this.lastOffset = c.offset;
  }

  private patch(c: Case, undo: boolean): void {
    for (let k = 0; k < c.patches; k++) {
      const { page, offset, bytes } = c.patch(k);
      const at = page * PAGE + offset;
      const to = undo ? this.pristine.subarray(at, at + bytes.length) : bytes;
      this.base.set(to, at);
      (this.pages[page] as Uint8Array).set(to, offset);
    }
  }

  /** The words of memory that changed; they are put back. */
  private runs(): Run[] {
    const all: Run[] = [];
    for (let page = 0; page < PAGES; page++) {
      const now = this.pages[page] as Uint8Array;
      const was = this.base.subarray(page * PAGE, (page + 1) * PAGE);
      if (Buffer.compare(now, was) === 0) continue;
      const differs = (k: number): boolean => {
        for (let b = k * 8; b < k * 8 + 8; b++) if (now[b] !== was[b]) return true;
        return false;
      };
      for (let k = 0; k < PAGE / 8; k++) {
        if (!differs(k)) continue;
        let end = k;
        while (end < PAGE / 8 && differs(end)) end++;
        all.push({ page, offset: k * 8, bytes: now.slice(k * 8, end * 8) });
        now.set(was.subarray(k * 8, end * 8), k * 8);
        k = end;
      }
    }
    return all;
  }

  /** The x87 and vector registers from an FXSAVE image, which has st by its distance from the top. */
  private loadFx(fx: Uint8Array): void {
    const { cpu } = this.machine;
    const word = (at: number): number => (fx[at] as number) | ((fx[at + 1] as number) << 8);
    cpu.mxcsr = word(FXSAVE.mxcsr);
    cpu.setX87("fcw", word(FXSAVE.fcw));
    cpu.setX87("fsw", word(FXSAVE.fsw));
    cpu.setX87("ftw", fx[FXSAVE.ftw] as number);
    const top = (word(FXSAVE.fsw) >> 11) & 7;
    for (let k = 0; k < 8; k++) cpu.st((top + k) & 7).set(fx.subarray(FXSAVE.st + k * 16, FXSAVE.st + k * 16 + 16));
    for (let n = 0; n < 16; n++) cpu.xmm(n).set(fx.subarray(FXSAVE.xmm + n * 16, FXSAVE.xmm + n * 16 + 16));
  }

  private storeFx(): Uint8Array {
    const { cpu } = this.machine;
    const fx = new Uint8Array(FX);
    const put = (at: number, value: number): void => {
      fx[at] = value & 255;
      fx[at + 1] = (value >> 8) & 255;
    };
    put(FXSAVE.fcw, cpu.x87("fcw"));
    put(FXSAVE.fsw, cpu.x87("fsw"));
    put(FXSAVE.mxcsr, cpu.mxcsr);
    fx[FXSAVE.ftw] = cpu.x87("ftw");
    const top = (cpu.x87("fsw") >> 11) & 7;
    for (let k = 0; k < 8; k++) fx.set(cpu.st((top + k) & 7).subarray(0, 10), FXSAVE.st + k * 16);
    for (let n = 0; n < 16; n++) fx.set(cpu.xmm(n), FXSAVE.xmm + n * 16);
    return fx;
  }
}
