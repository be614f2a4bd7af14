/**
 * Machine: RAM, one processor, and what it does until something stops it. It knows no process and no
 * file: traps are values. Invariants between runs: all state is in the CPU block, rip at the next
 * instruction; nothing of the guest is on the host's stack, so that a context is a copy of some bytes.
 */
import { Blocks } from "./blocks.ts";
import { Context, Cpu, R } from "./cpu.ts";
import { Frames } from "./frames.ts";
import { Interp } from "./interp.ts";
import { BLOCK, CPU, CPU_BASE, PAGE, REC } from "./layout.ts";
import { Memory } from "./memory.ts";
import { Mmu } from "./mmu.ts";
import { natives } from "./natives.ts";
import { print } from "./print.ts";
import { Space } from "./space.ts";
import { Stop, Trap, type Exit } from "./trap.ts";

/** Of RFLAGS. */
const TF = 0x100;

export interface MachineOptions {
  /** Guest RAM, page tables included; a multiple of 4096, at most 3.5 GiB. */
  readonly ramBytes: number;
  /** Room for translated code; 16 MiB. */
  readonly arenaBytes?: number;
}

export class Machine {
  private readonly memory: Memory;
  private readonly mmu: Mmu;
  private readonly blocks: Blocks;
  private readonly interp: Interp;
  readonly frames: Frames;
  /** The registers. */
  readonly cpu: Cpu;
  private current: Space | undefined;
  /** Instructions of finished runs, and the budget of this one. */
  private before = 0;
  private given = 0;
  private readonly exit: { trap: Trap; address: number; code: number } = { trap: Trap.Budget, address: 0, code: 0 };

  constructor(options: MachineOptions) {
    const memory = new Memory(options.ramBytes, options.arenaBytes ?? 2 ** 24);
    this.memory = memory;
    this.mmu = new Mmu(memory, (page) => this.blocks.forget(page));
    this.interp = new Interp(memory.wasm, this.mmu.slow, (what, pc) => this.native(what, pc));
    this.blocks = new Blocks(memory, this.mmu, this.interp);
    this.frames = new Frames(memory, (frame) => this.blocks.forget(frame));
    this.cpu = new Cpu(memory);
    this.mmu.flush();
    this.cpu.reset();
  }

  /** An empty address space. */
  newSpace(): Space {
    return new Space(this.memory, this.frames, this.mmu);
  }

  /** The address space that the processor runs in. */
  get space(): Space | undefined {
    return this.current;
  }
  set space(space: Space | undefined) {
    if (space === this.current) return;
    this.current = space;
    this.mmu.root = space?.root ?? -1;
    this.mmu.flush();
  }

  /** Instructions executed since the machine was made; what rdtsc reads. */
  get instructions(): number {
    return this.before + this.given - this.memory.cpu(CPU.budget);
  }

  /** A copy of the registers as they are after a reset. */
  newContext(): Context {
    return new Context();
  }

  /**
   * Runs at most `budget` instructions, exactly that many unless something stops it before; a string
   * instruction that repeats counts a little more. With TF set it is one instruction, and #DB after it; of
   * one that repeats, the rounds that are done at once. What is given is read before the next run.
   */
  run(budget: number): Exit {
    const end = this.instructions + budget;
    for (;;) {
      const left = end - this.instructions;
      const single = this.single && left > 0;
      const exit = this.go(single ? 1 : left, single);
      if (exit.trap !== Trap.Budget) return exit;
      if (single) return this.stopped(Trap.DB, this.cpu.rip);
      if (!this.single || end <= this.instructions) return exit;
    }
  }

  /** TF is set. */
  private get single(): boolean {
    return (this.memory.cpu(CPU.system) & TF) !== 0;
  }

  /** The same without #DB; unless it is to, it does not go on once TF is set. */
  private go(budget: number, single: boolean): Exit {
    const { memory, blocks } = this;
    this.before = this.instructions;
    this.given = budget;
    memory.setCpu(CPU.budget, budget);
    let rip = this.cpu.rip;
    for (;;) {
      const left = memory.cpu(CPU.budget);
      if (left <= 0 || this.single !== single) return this.stopped(Trap.Budget, rip);
      let block = blocks.lookup(rip);
      if (block !== 0 && this.count(block) > left) block = blocks.shortened(rip, left);
      if (block === 0) return this.stopped(memory.cpu(CPU.exit) as Trap, rip);
      memory.setCpu(CPU.budget, left - this.count(block));
      blocks.executing = true;
      this.interp.run(block + BLOCK.records);
      const stop = this.across();
      blocks.executing = false;
      const pc = memory.cpu(CPU.pc);
      switch (stop) {
        case Trap.Budget:
          this.refund(this.count(pc - BLOCK.records));
          rip = memory.number(pc - BLOCK.records + BLOCK.rip);
          break;
        case Stop.Taken: case Stop.Fall:
          rip = memory.number(pc + (stop === Stop.Taken ? REC.target : REC.next));
          blocks.link(pc, stop === Stop.Taken ? REC.taken : REC.fall, rip);
          break;
        case Stop.Lookup: {
          const high = memory.cpu(CPU.rip + 4) >> 15;
          if (high !== 0 && high !== -1) return this.nowhere(pc);
          rip = memory.number(CPU_BASE + CPU.rip);
          const to = blocks.lookup(rip);
          if (to !== 0) blocks.cache(rip, to);
          break;
        }
        case Stop.Stale: case Stop.Partial:
          rip = blocks.ripOf(pc);
          this.refund(blocks.remaining(pc));
          break;
        case Trap.Syscall: case Trap.BP: case Trap.DB:
          return this.stopped(stop, memory.number(pc + REC.next));
        default:
          rip = blocks.ripOf(pc);
          this.refund(blocks.remaining(pc));
          return this.stopped(stop === Stop.Noncanonical ? this.segmentFault(pc) : (stop as Trap), rip);
      }
    }
  }

  /** Why the interpreter stopped; stores across a page are done here, and it goes on. */
  private across(): number {
    const { memory, interp } = this;
    while (memory.cpu(CPU.exit) === Stop.Cross) {
      const pc = memory.cpu(CPU.pc);
      const h = interp.handlers.all[memory.u16[pc >> 1] as number];
      if (!h) throw new Error(`no handler at ${pc}`);
      const next = this.mmu.step(() => interp.step(pc, interp.cold(h.form).id));
      if (next !== 0) interp.run(next);
    }
    return memory.cpu(CPU.exit);
  }

  /** #SS when what could not be addressed is the stack, or an operand by rsp or rbp. */
  private segmentFault(pc: number): Trap {
    const { memory } = this;
    const form = this.interp.handlers.all[memory.u16[pc >> 1] as number]?.form;
    const base = memory.u8[pc + REC.base];
    // Those that have an operand of their own may have failed with that. Only enter stores before it can fail: over itself, too.
    const at = BigInt.asIntN(64, (memory.i64[(CPU_BASE + CPU.address) >> 3] as bigint) - this.cpu.big(R.rsp));
    const stack = form && (/^(leave|enter|stale)$/.test(form.meaning) || (/^(push|pop|call|ret)/.test(form.meaning) && at >= -8n && at <= 0n));
    return stack || (form?.kinds.includes("m") && (base === R.rsp * 8 || base === R.rbp * 8)) ? Trap.SS : Trap.GP;
  }

  /** A jump to an address that is none has not happened: what ret took from the stack is there again. */
  private nowhere(pc: number): Exit {
    const { memory, cpu, blocks } = this;
    const meaning = this.interp.handlers.all[memory.u16[pc >> 1] as number]?.form.meaning;
    const popped = meaning === "ret" ? 8 : meaning === "retn" ? 8 + ((memory.i32[(pc + REC.imm) >> 2] as number) & 0xffff) : 0;
    cpu.setBig(R.rsp, cpu.big(R.rsp) - BigInt(popped));
    memory.setCpu(CPU.code, 0);
    this.refund(blocks.remaining(pc));
    return this.stopped(Trap.GP, blocks.ripOf(pc));
  }

  private count(block: number): number {
    return this.memory.u16[(block + BLOCK.count) >> 1] as number;
  }

  private refund(n: number): void {
    this.memory.setCpu(CPU.budget, this.memory.cpu(CPU.budget) + n);
  }

  private stopped(trap: Trap, rip: number): Exit {
    this.cpu.rip = rip;
    this.exit.trap = trap;
    this.exit.address = this.memory.number(CPU_BASE + CPU.address);
    this.exit.code = trap === Trap.Budget || trap === Trap.Syscall || trap === Trap.DB ? 0 : this.memory.cpu(CPU.code);
    return this.exit;
  }

  private native(what: number, pc: number): number {
    const call = natives[what];
    if (!call) throw new Error(`no native ${what}`);
    return Number(call({
      memory: this.memory, pc,
      rip: () => this.blocks.ripOf(pc),
      instructions: () => this.instructions - this.blocks.remaining(pc),
      load: (va, into) => this.read(va, into) === into.length,
      store: (va, from, room = from.length) => this.writable(va, room) && this.write(va, from) === from.length,
    }));
  }

  /** Whether a store of these bytes would succeed; if not, the fault is in the CPU block. */
  private writable(va: number, bytes: number): boolean {
    for (let at = va; at < va + bytes; at += PAGE - (at % PAGE)) if (this.mmu.walkNumber(at, 1) < 0) return false;
    return true;
  }

  /**
   * Copies out of the current space into `to`; gives how many bytes could be read before one could not.
   * Does what a load does: A bits are set.
   */
  read(va: number, to: Uint8Array): number {
    return this.copy(va, to.length, false, (at, from, n) => to.set(this.memory.u8.subarray(at, at + n), from));
  }

  /** Copies into the current space, as stores do; gives how many bytes were written. */
  write(va: number, from: Uint8Array): number {
    return this.copy(va, from.length, true, (at, done, n) => this.memory.u8.set(from.subarray(done, done + n), at));
  }

  private copy(va: number, length: number, writing: boolean, move: (at: number, done: number, n: number) => void): number {
    let done = 0;
    while (done < length) {
      const at = va + done;
      const n = Math.min(length - done, PAGE - (((at % PAGE) + PAGE) % PAGE));
      const page = this.mmu.walkNumber(at, writing ? 1 : 0);
      if (page < 0) break;
      if (writing) this.blocks.forget(page);
      move(this.memory.ram + page + (at % PAGE), done, n);
      done += n;
    }
    return done;
  }

  /** The instruction at an address, as text; "(not mapped)" if it cannot be read. */
  disassemble(va: number): string {
    const bytes = new Uint8Array(32);
    const n = this.read(va, bytes.subarray(0, 15));
    return n === 0 ? "(not mapped)" : print(bytes, 0, va);
  }
}

/** A machine; see MachineOptions. */
export function createMachine(options: MachineOptions): Machine {
  return new Machine(options);
}
