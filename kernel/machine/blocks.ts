/**
 * Blocks: translated code. A block is the records of at most 64 instructions of one page, the last of
 * which jumps; see layout.ts. Invariants:
 *  - blocks are known by (physical page, virtual page), so that all address spaces share them and a
 *    change of mappings forgets none;
 *  - a block links directly only to blocks of its own page; across pages it goes through the jump cache,
 *    which a change of mappings empties;
 *  - a block whose instruction crosses into the next page has only that one, and is never linked to directly;
 *  - when code is written to, the records made from it become "stale" in place: whoever is in them or
 *    comes to them stops there, with the state right, and the code is translated anew.
 * The arena is filled from one end, and when it is full everything is forgotten.
 */
import "./code.ts";
import { Decoded, decode, insn, type Insn } from "./decode.ts";
import { formNamed, formOf, keyOf, type Form } from "./forms.ts";
import type { Handler } from "./handlers.ts";
import type { Interp } from "./interp.ts";
import { ARENA, BLOCK, CPU, CPU_BASE, JUMPS, JUMP_CACHE, LAST, PAGE, REC, RECORD, REGIONS, SCRATCH } from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { Mmu } from "./mmu.ts";
import { Imm, Place } from "./rows.ts";

const MOST = 64;
/** Room for the records of one block: two for each instruction, the last, the header. */
const BLOCK_BYTES = BLOCK.records + MOST * 3 * RECORD + LAST;

/** Blocks of one physical page as seen at one virtual page. */
interface CodePage {
  /** Virtual page number. */
  readonly page: number;
  readonly blocks: Map<number, number>;
}

/** What is special about the operands of a form: bits of `shapeOf`. */
const Shape = { none: 1, source: 2, addressSize: 4, byRdi: 8, lea: 16, bits: 32, compares: 64, immediate: 128 } as const;
const shapes: number[] = [];
function shapeOf(form: Form): number {
  return (shapes[form.id] ??= shape(form));
}
function shape({ meaning, kinds, key }: Form): number {
  const has = (bit: number, what: boolean): number => (what ? bit : 0);
  const string = /^(rep |repne )?(movs|stos|lods|cmps|scas)$/.test(meaning) || meaning === "xlat";
  return Shape.none | has(Shape.source, string) | has(Shape.addressSize, string || /^(loop|jrcxz)/.test(meaning)) | has(Shape.byRdi, meaning.startsWith("maskmov"))
    | has(Shape.lea, meaning === "lea") | has(Shape.bits, kinds === "mr" && /^bt[src]?$/.test(meaning)) | has(Shape.compares, meaning === "cmp" || meaning === "test") | has(Shape.immediate, key === "mov.8 ri");
}

const named = (key: string): Form => {
  const form = formNamed(key);
  if (!form) throw new Error(`the semantic table has no ${key}`);
  return form;
};

const NOP = named("nop");
const EA = named("ea.8 m");
const EA_32 = named("ea.4 m");
const EA_ABSOLUTE = named("ea i");

export class Blocks {
  private readonly memory: Memory;
  private readonly mmu: Mmu;
  private readonly interp: Interp;
  private readonly pages = new Map<number, CodePage[]>();
  /** Starts of all blocks in the arena, ascending. */
  private starts: number[] = [];
  private top = ARENA;
  private readonly insn: Insn = insn();
  /** Bytes of the instruction being decoded across a page. */
  private readonly straddle = new Uint8Array(48);
  private regions = 0;
  /** Blocks of one instruction across a page, and the physical page it ends in. */
  private readonly crossing = new Map<number, number>();
  private scratchEnd: number = SCRATCH;
  /** Records are being executed: what is made stale may be in the middle of it. */
  executing = false;
  private readonly id: { bad: Handler; toolong: Handler; goto: Handler; far: Handler; stale: Handler };

  constructor(memory: Memory, mmu: Mmu, interp: Interp) {
    this.memory = memory;
    this.mmu = mmu;
    this.interp = interp;
    const handler = (key: string): Handler => interp.of(named(key), false);
    this.id = { bad: handler("bad"), toolong: handler("toolong"), goto: handler("goto"), far: handler("far"), stale: handler("stale") };
  }

  /** The block at rip, translated if need be; 0 if it cannot be fetched, with the fault in the CPU block. */
  lookup(rip: number): number {
    const page = this.mmu.codePage(rip);
    if (page < 0) return 0;
    const vpage = Math.floor(rip / PAGE);
    const known = this.at(page, vpage, rip % PAGE);
    if (known !== undefined && this.holds(known, rip)) return known;
    if (this.top + BLOCK_BYTES > this.memory.ram) this.clear();
    return this.build(rip, page, MOST, this.top);
  }

  private at(page: number, virtual: number, offset: number): number | undefined {
    const known = this.pages.get(page);
    if (!known) return undefined;
    // Cold code is what this is run by: an iterator would cost more than the rest.
    for (let k = 0; k < known.length; k++) if (known[k]?.page === virtual) return known[k]?.blocks.get(offset);
    return undefined;
  }

  /** Whether a block is what its bytes say, also those in the next page. */
  private holds(block: number, rip: number): boolean {
    if (this.memory.u16[(block + BLOCK.records) >> 1] === this.id.stale.id) return false;
    const second = this.crossing.get(block);
    return second === undefined || this.mmu.codePage(rip - (rip % PAGE) + PAGE) === second;
  }

  /** A block of at most `most` instructions that nobody else will find. */
  shortened(rip: number, most: number): number {
    const page = this.mmu.codePage(rip);
    return page < 0 ? 0 : this.build(rip, page, Math.min(most, MOST), SCRATCH);
  }

  /** Makes the jump cache lead from an address to its block. */
  cache(rip: number, block: number): void {
    const entry = JUMP_CACHE + ((rip >>> 0) & (JUMPS - 1)) * 16;
    this.memory.setNumber(entry, rip);
    this.memory.i32[(entry + 8) >> 2] = block;
  }

  /** Links the end of a block to `rip`, from now on and however mappings change. */
  link(pc: number, field: number, rip: number): void {
    const { memory } = this;
    const from = memory.i32[(pc + REC.block) >> 2] as number;
    if (from === SCRATCH) return;
    // Going on is the machine's; a target that cannot be fetched stays without a link.
    const own = Math.floor(memory.number(from + BLOCK.rip) / PAGE) === Math.floor(rip / PAGE);
    const before = this.starts;
    let to = own ? this.lookup(rip) : 0;
    if (own && to === 0) return;
    if (to === 0 || this.crossing.has(to)) {
      if (this.top + BLOCK_BYTES > memory.ram) this.clear();
      to = this.top;
      this.record(to + BLOCK.records, this.id.far, 0);
      this.finish(to, rip, 0, 0, this.last(to + BLOCK.records, to, rip, rip));
    }
    // The arena may have been emptied meanwhile, the record with it.
    if (before === this.starts) memory.i32[(pc + field) >> 2] = to;
  }

  /** The block a record is in. */
  blockOf(pc: number): number {
    if (pc < ARENA) return SCRATCH;
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] as number) <= pc) low = middle;
      else high = middle - 1;
    }
    return this.starts[low] as number;
  }

  /** Where the instruction of a record is. */
  ripOf(pc: number): number {
    const { memory } = this;
    const block = this.blockOf(pc);
    let rip = memory.number(block + BLOCK.rip);
    for (let at = block + BLOCK.records; at < pc; at += RECORD) rip += memory.u8[at + REC.length] as number;
    return rip;
  }

  /** How many instructions of its block are at this record or behind it. */
  remaining(pc: number): number {
    const { memory } = this;
    const block = this.blockOf(pc);
    let before = 0;
    for (let at = block + BLOCK.records; at < pc; at += RECORD) if (memory.u8[at + REC.length] !== 0) before++;
    return (memory.u16[(block + BLOCK.count) >> 1] as number) - before;
  }

  /** The page's contents change: what was made of it is stale. */
  forget(page: number): void {
    const known = this.pages.get(page);
    if (!known) return;
    this.pages.delete(page);
    for (const { blocks } of known) for (const block of blocks.values()) this.stale(block);
    this.stale(SCRATCH);
  }

  /** Forgets all blocks. */
  clear(): void {
    this.pages.clear();
    this.crossing.clear();
    this.starts = [];
    this.top = ARENA;
    this.regions = 0;
    this.mmu.flushJumps();
  }

  /** Where the block's records end. */
  private endOf(block: number): number {
    if (block === SCRATCH) return this.scratchEnd;
    const { starts } = this;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] as number) <= block) low = middle + 1;
      else high = middle;
    }
    return starts[low] ?? this.top;
  }

  /** Marks the records, or the first when none is executing; what else is in them stays. */
  private stale(block: number): void {
    const end = this.executing ? this.endOf(block) - LAST : block + BLOCK.records;
    for (let at = block + BLOCK.records; at <= end; at += RECORD) this.memory.u16[at >> 1] = this.id.stale.id;
  }

  /** Translates from rip on, which lies in a physical page, into the arena or the scratch block. */
  private build(rip: number, page: number, most: number, block: number): number {
    const { memory, insn } = this;
    const base = memory.ram + page - Math.floor(rip / PAGE) * PAGE;
    const end = memory.ram + page + PAGE;
    let second = -1;
    let here = rip;
    let count = 0;
    let rec = block + BLOCK.records;
    let compare: { readonly form: Form; readonly index: boolean; readonly at: number } | undefined;
    let open = true;
    while (open && count < most && base + here < end) {
      let status = decode(memory.u8, base + here, end, insn);
      if (status === Decoded.Short) {
        if (count > 0) break;
        second = this.mmu.codePage(here - (here % PAGE) + PAGE);
        if (second < 0) return 0;
        status = this.decodeAcross(base + here, end, second);
      }
      count++;
      const form = status === Decoded.Ok ? this.form() : undefined;
      const length = form ? insn.length : 1;
      const next = here + length;
      const cc = form?.ends && form.meaning.startsWith("j") ? insn.row.cc : -1;
      const fused = compare && cc >= 0 ? this.interp.handlers.fused(compare.form, compare.index, cc) : undefined;
      if (!form) {
        this.record(rec, status === Decoded.TooLong ? this.id.toolong : this.id.bad, 1);
        rec = this.last(rec, block, next, next);
        open = false;
      } else if (fused && compare) {
        memory.u16[compare.at >> 1] = fused.id;
        memory.u8[compare.at + REC.length] = (memory.u8[compare.at + REC.length] as number) + length;
        rec = this.last(compare.at, block, next, next + insn.imm);
        open = false;
      } else {
        const at = this.instruction(rec, form, here);
        compare = shapeOf(form) & Shape.compares ? { form, index: memory.u8[at + REC.index] !== CPU.zero, at } : undefined;
        if (form.ends) rec = this.last(at, block, next, form.kinds[0] === "j" ? next + insn.imm : next);
        else rec = at + RECORD;
        open = !form.ends;
      }
      here = next;
      if (second >= 0) break;
    }
    if (open) {
      this.record(rec, this.id.goto, 0);
      rec = this.last(rec, block, here, here);
    }
    this.finish(block, rip, count, here - rip, rec);
    if (block !== SCRATCH) this.know(rip, page, second, block);
    return block;
  }

  /** Decodes the instruction whose rest lies in the physical page `second`. */
  private decodeAcross(from: number, end: number, second: number): number {
    const { memory, straddle } = this;
    straddle.set(memory.u8.subarray(from, end));
    straddle.set(memory.u8.subarray(memory.ram + second, memory.ram + second + 16), end - from);
    return decode(straddle, 0, end - from + 16, this.insn);
  }

  /** The form of what was decoded; 90 is no exchange, which would clear half of rax. */
  private form(): Form | undefined {
    const i = this.insn;
    if (i.d === 0 && i.s === 0 && i.row.d === Place.opcode && i.row.meaning === "xchg") return NOP;
    return formOf(i);
  }

  /** The block's first bytes, and its place among the others. */
  private finish(block: number, rip: number, count: number, bytes: number, end: number): void {
    const { memory } = this;
    memory.u16[(block + BLOCK.count) >> 1] = count;
    memory.u16[(block + BLOCK.bytes) >> 1] = bytes;
    memory.i32[(block + BLOCK.heat) >> 2] = 0x7fffffff;
    memory.setNumber(block + BLOCK.rip, rip);
    if (block === SCRATCH) this.scratchEnd = end;
    else {
      this.starts.push(block);
      this.top = end;
    }
  }

  /** Enters a block where `lookup` finds it; its pages hold code from now on. */
  private know(rip: number, page: number, second: number, block: number): void {
    this.blocksOf(page, Math.floor(rip / PAGE)).set(rip % PAGE, block);
    if (second < 0) return;
    this.crossing.set(block, second);
    this.blocksOf(second, -1).set(block, block);
  }

  private blocksOf(page: number, virtual: number): Map<number, number> {
    let known = this.pages.get(page);
    if (!known) {
      this.pages.set(page, (known = []));
      this.mmu.flushWrites();
    }
    let of = known.find((p) => p.page === virtual);
    if (!of) known.push((of = { page: virtual, blocks: new Map() }));
    return of.blocks;
  }

  /** Writes a record; see REC. */
  private record(at: number, h: Handler, length: number, d = 0, s = 0, base: number = CPU.zero, index: number = CPU.zero, scale = 0, disp = 0, imm = 0): void {
    const { i32 } = this.memory;
    i32[at >> 2] = h.id | (d << 16) | (s << 24);
    i32[(at + REC.base) >> 2] = base | (index << 8) | (scale << 16) | (length << 24);
    i32[(at + REC.disp) >> 2] = disp;
    i32[(at + REC.imm) >> 2] = imm;
  }

  /** Makes a record the last of its block; gives the end. */
  private last(at: number, block: number, next: number, target: number): number {
    const { memory } = this;
    memory.i32[(at + REC.taken) >> 2] = 0;
    memory.i32[(at + REC.fall) >> 2] = 0;
    memory.i32[(at + REC.block) >> 2] = block;
    memory.setNumber(at + REC.next, next);
    memory.setNumber(at + REC.target, target);
    return at + LAST;
  }

  /** The decoded instruction as one record, or two; gives the last. */
  private instruction(rec: number, form: Form, here: number): number {
    const { insn: i, memory } = this;
    let at = rec;
    let base: number = CPU.zero;
    let index: number = CPU.zero;
    let scale = 0;
    let disp = i.disp;
    let { d, s } = i;
    const shape = shapeOf(form);
    if (shape & Shape.source) base = i.segment || CPU.zero;
    if (shape & Shape.addressSize) s = i.addressSize === 4 ? 1 : 0;
    if (shape & Shape.byRdi) {
      i.memory = true;
      i.base = 7;
    }
    if (i.memory) {
      const segment = shape & Shape.lea ? 0 : i.segment;
      base = i.base < 0 ? CPU.zero : i.base === 16 ? CPU.zero : i.base * 8;
      index = i.index < 0 ? CPU.zero : i.index * 8;
      scale = i.scale;
      let absolute = i.base === 16 ? here + i.length + i.disp : i.dispHigh ? i.dispHigh * 2 ** 32 + (i.disp >>> 0) : undefined;
      if (absolute !== undefined && i.addressSize === 4) absolute -= Math.floor(absolute / 2 ** 32) * 2 ** 32;
      if (absolute !== undefined) {
        base = this.region(absolute);
        disp = absolute | 0;
        if (base < 0) {
          this.record(at, this.interp.of(EA_ABSOLUTE, false), 0);
          memory.setNumber(at + REC.disp, absolute);
          at += RECORD;
          base = CPU.temp;
          disp = 0;
        }
      }
      const both = base !== CPU.zero && index !== CPU.zero;
      const bits = i.addressSize === 4 && shape & Shape.bits;
      if (bits) {
        this.record(at, this.interp.of(named(keyOf("ea", form.size, "mr")), true), 0, segment || CPU.zero, i.s, base, index, scale, disp);
        at += RECORD;
        base = CPU.temp;
        index = CPU.zero;
        disp = scale = 0;
        d = 1;
      } else if ((i.addressSize === 4 && absolute === undefined) || (segment && both)) {
        this.record(at, this.interp.of(i.addressSize === 4 ? EA_32 : EA, true), 0, 0, segment || CPU.zero, base, index, scale, disp);
        at += RECORD;
        base = CPU.temp;
        index = CPU.zero;
        disp = scale = 0;
      } else if (segment && base !== CPU.zero) {
        index = base;
        scale = 0;
        base = segment;
      } else if (segment) base = segment;
    }
    const whole = shape & Shape.immediate;
    this.record(at, this.interp.of(form, index !== CPU.zero), i.length, d, s, base, index, scale, whole ? i.imm : disp, !whole ? i.imm : i.row.immediate === Imm.v ? i.immHigh : i.imm >> 31);
    return at;
  }

  /** The slot whose value and the low half of the address, as a displacement, make the address; -1 if all are taken. */
  private region(address: number): number {
    const { memory } = this;
    const value = address - (address | 0);
    if (value === 0) return CPU.zero;
    for (let k = 0; k < this.regions; k++) if (memory.number(CPU_BASE + CPU.regions + k * 8) === value) return CPU.regions + k * 8;
    if (this.regions === REGIONS) return -1;
    memory.setNumber(CPU_BASE + CPU.regions + this.regions * 8, value);
    return CPU.regions + this.regions++ * 8;
  }
}
