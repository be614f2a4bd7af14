/**
 * Mmu: walks the page tables in guest RAM, fills the TLBs, raises #PF with the processor's error code.
 * Invariants: an entry of the read TLB is of a page whose A bit is set; an entry of the write TLB of one
 * that may be written, is dirty, and holds no translated code. Whoever changes an entry of the tables
 * flushes (space.ts does).
 */
import { CPU, CPU_BASE, JUMPS, JUMP_CACHE, PAGE, READ_TLB, TLB_ENTRIES, WRITE_TLB } from "./layout.ts";
import type { Memory } from "./memory.ts";
import { PF, Stop, Trap } from "./trap.ts";

/** Bits of an entry of a page table; NX is bit 31 of the high word. */
export const PTE = { present: 1, write: 2, user: 4, accessed: 0x20, dirty: 0x40, nx: 0x80000000 } as const;

type Access = 0 | 1 | 2;
const READ = 0;
const WRITE = 1;
const FETCH = 2;

export class Mmu {
  private readonly memory: Memory;
  /** Physical address of the top table. */
  root = -1;
  /** Called before a page with translated code becomes writable. */
  private readonly unlock: (page: number) => void;
  /** An instruction is being stepped: a store across a page goes to the bounce buffer. */
  private stepping = false;
  /** The store in the bounce buffer: places of its two parts. */
  private pending: { first: number; second: number; head: number; size: number } | undefined;

  constructor(memory: Memory, unlock: (page: number) => void) {
    this.memory = memory;
    this.unlock = unlock;
  }

  /** Physical page of an address, or -1 with the fault in the CPU block. */
  walk(lo: number, hi: number, access: Access): number {
    const { i32, ram } = this.memory;
    const top = hi >> 15;
    if (top !== 0 && top !== -1) return this.fault(access === FETCH ? Trap.GP : Stop.Noncanonical, lo, hi, 0);
    let table = this.root;
    let writable = PTE.write as number;
    let user = PTE.user as number;
    let nx = 0;
    const code = PF.user | (access === WRITE ? PF.write : access === FETCH ? PF.instruction : 0);
    if (top !== 0 || table < 0) return this.fault(Trap.PF, lo, hi, code);
    let entry = 0;
    let at = 0;
    for (let level = 3; level >= 0; level--) {
      const index = level === 3 ? (hi >>> 7) & 511 : level === 2 ? ((hi & 127) << 2) | (lo >>> 30) : level === 1 ? (lo >>> 21) & 511 : (lo >>> 12) & 511;
      at = (ram + table + index * 8) >>> 2;
      entry = i32[at] as number;
      if (!(entry & PTE.present)) return this.fault(Trap.PF, lo, hi, code);
      writable &= entry;
      user &= entry;
      nx |= i32[at + 1] as number;
      table = (entry & ~4095) >>> 0;
      if (level > 0 && !(entry & PTE.accessed)) i32[at] = entry | PTE.accessed;
      if (table >= this.memory.ramBytes) return this.fault(Trap.PF, lo, hi, code | PF.present | PF.reserved);
    }
    if (!user || (access === WRITE && !writable) || (access === FETCH && nx < 0)) return this.fault(Trap.PF, lo, hi, code | PF.present);
    const bits = entry | PTE.accessed | (access === WRITE ? PTE.dirty : 0);
    if (bits !== entry) i32[at] = bits;
    return table;
  }

  /** Physical page to fetch code from, or -1 with the fault in the CPU block. */
  codePage(rip: number): number {
    return this.walk(rip >>> 0, Math.floor(rip / 2 ** 32), FETCH);
  }

  /** The same to read (0) or write (1) at an address. */
  walkNumber(va: number, access: 0 | 1): number {
    return this.walk(va >>> 0, Math.floor(va / 2 ** 32), access);
  }

  /** The import of the emitted code: see SLOW in interp.ts. */
  readonly slow = (lo: number, hi: number, what: number): number => {
    const { memory } = this;
    if (this.pending) this.commit();
    const size = what & 255;
    const access = what & 256 ? WRITE : READ;
    const offset = lo & 4095;
    const crosses = offset + size > PAGE;
    // An operand that ends where no addresses are is told before what its first page lacks.
    const page = crosses && hi === 0x7fff && lo >>> 12 === 0xfffff ? this.fault(Stop.Noncanonical, lo, hi, 0) : this.walk(lo, hi, access);
    if (page < 0) return 0;
    if (crosses) return this.cross(lo, hi, page, size, access);
    if (access === WRITE) this.unlock(page);
    const entry = ((access === WRITE ? WRITE_TLB : READ_TLB) + ((lo >>> 12) & (TLB_ENTRIES - 1)) * 16) >> 2;
    const host = memory.ram + page;
    memory.i32[entry] = lo & ~4095;
    memory.i32[entry + 1] = hi;
    memory.i32[entry + 2] = (host - ((lo & ~4095) >>> 0)) | 0;
    return host + offset;
  };

  /** An operand across a page boundary: gathered for reading; for writing only when stepping. */
  private cross(lo: number, hi: number, page: number, size: number, access: Access): number {
    const { memory } = this;
    const next = ((lo | 4095) + 1) | 0;
    const second = this.walk(next, next === 0 ? (hi + 1) | 0 : hi, access);
    if (second < 0) return 0;
    const head = PAGE - (lo & 4095);
    const first = memory.ram + page + (lo & 4095);
    const to = CPU_BASE + (access === WRITE ? CPU.writeBounce : CPU.readBounce);
    if (access === WRITE) {
      if (!this.stepping) {
        memory.setCpu(CPU.exit, Stop.Cross);
        return 0;
      }
      this.unlock(page);
      this.unlock(second);
      this.pending = { first, second: memory.ram + second, head, size };
    }
    memory.u8.copyWithin(to, first, first + head);
    memory.u8.copyWithin(to + head, memory.ram + second, memory.ram + second + size - head);
    return to;
  }

  /** Puts what lies in the bounce buffer where it belongs. */
  private commit(): void {
    const { u8 } = this.memory;
    const p = this.pending;
    if (!p) return;
    const from = CPU_BASE + CPU.writeBounce;
    u8.copyWithin(p.first, from, from + p.head);
    u8.copyWithin(p.second, from + p.head, from + p.size);
  }

  /** Runs `one` with stores across pages allowed. */
  step(one: () => number): number {
    this.stepping = true;
    const next = one();
    this.commit();
    this.pending = undefined;
    this.stepping = false;
    return next;
  }

  private fault(trap: number, lo: number, hi: number, code: number): -1 {
    const { memory } = this;
    memory.setCpu(CPU.exit, trap);
    memory.setCpu(CPU.code, code);
    memory.i32[(CPU_BASE + CPU.address) >> 2] = lo;
    memory.i32[(CPU_BASE + CPU.address + 4) >> 2] = hi;
    return -1;
  }

  /** Forgets every translation of addresses, and where jumps lead. */
  flush(): void {
    this.memory.i64.fill(-1n, READ_TLB >> 3, (WRITE_TLB + TLB_ENTRIES * 16) >> 3);
    this.flushJumps();
  }

  /** Forgets one page; its mapping has changed. */
  flushPage(va: number): void {
    const entry = (Math.floor(va / PAGE) & (TLB_ENTRIES - 1)) * 16;
    this.memory.i64[(READ_TLB + entry) >> 3] = -1n;
    this.memory.i64[(WRITE_TLB + entry) >> 3] = -1n;
    this.flushJumps();
  }

  /** Some page holds translated code from now on. */
  flushWrites(): void {
    this.memory.i64.fill(-1n, WRITE_TLB >> 3, (WRITE_TLB + TLB_ENTRIES * 16) >> 3);
  }

  flushJumps(): void {
    this.memory.i64.fill(-1n, JUMP_CACHE >> 3, (JUMP_CACHE + JUMPS * 16) >> 3);
    // A jump to -1 would find itself in the last entry; 0 belongs in another.
    this.memory.i64[(JUMP_CACHE + (JUMPS - 1) * 16) >> 3] = 0n;
  }
}
