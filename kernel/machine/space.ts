/**
 * Space: an address space, four levels of page tables in guest RAM, as the emulated processor walks
 * them. Every change flushes what the TLBs know of the page. Tables are frames of the space; the pages
 * they map are their holder's. Addresses are those of user space, below 2^47.
 */
import type { Frames } from "./frames.ts";
import { PAGE } from "./layout.ts";
import type { Memory } from "./memory.ts";
import { PTE, type Mmu } from "./mmu.ts";

/** What a mapping allows. */
export interface Rights {
  readonly write: boolean;
  readonly execute: boolean;
}

/** One mapped page. */
export interface Mapping extends Rights {
  readonly frame: number;
  readonly accessed: boolean;
  readonly dirty: boolean;
}

/** Raised when there is no frame left for a table. */
export class OutOfFrames extends Error {}

export class Space {
  private readonly memory: Memory;
  private readonly frames: Frames;
  private readonly mmu: Mmu;
  /** Physical address of the top table (CR3). */
  readonly root: number;
  private readonly tables = new Set<number>();

  constructor(memory: Memory, frames: Frames, mmu: Mmu) {
    this.memory = memory;
    this.frames = frames;
    this.mmu = mmu;
    this.root = this.table();
  }

  /** Maps the page at va to a frame. */
  map(va: number, frame: number, rights: Rights): void {
    const at = this.entry(va, true);
    // No TLB knows of a page that was not there.
    const was = (this.memory.i32[at >>> 2] as number) & PTE.present;
    this.set(at, frame | PTE.present | PTE.user | (rights.write ? PTE.write : 0), rights.execute ? 0 : PTE.nx | 0);
    if (was) this.changed(va);
  }

  /** Takes the page away; gives what was there. */
  unmap(va: number): Mapping | undefined {
    const was = this.mapping(va);
    if (was) {
      this.set(this.entry(va, false), 0, 0);
      this.changed(va);
    }
    return was;
  }

  /** Other rights for a mapped page; false if it is not mapped. */
  protect(va: number, rights: Rights): boolean {
    const at = this.entry(va, false);
    const { i32 } = this.memory;
    if (at === 0 || !((i32[at >> 2] as number) & PTE.present)) return false;
    this.set(at, ((i32[at >> 2] as number) & ~PTE.write) | (rights.write ? PTE.write : 0), rights.execute ? 0 : PTE.nx | 0);
    this.changed(va);
    return true;
  }

  mapping(va: number): Mapping | undefined {
    const at = this.entry(va, false);
    const low = at === 0 ? 0 : (this.memory.i32[at >> 2] as number);
    if (!(low & PTE.present)) return undefined;
    const high = this.memory.i32[(at + 4) >> 2] as number;
    return { frame: (low & ~4095) >>> 0, write: (low & PTE.write) !== 0, execute: high >= 0, accessed: (low & PTE.accessed) !== 0, dirty: (low & PTE.dirty) !== 0 };
  }

  /** Clears the A bit, or D with it, so that the next access sets it; false if the page is not mapped. */
  clean(va: number, dirtyToo: boolean): boolean {
    const at = this.entry(va, false);
    const { i32 } = this.memory;
    if (at === 0 || !((i32[at >> 2] as number) & PTE.present)) return false;
    i32[at >> 2] = (i32[at >> 2] as number) & ~(PTE.accessed | (dirtyToo ? PTE.dirty : 0));
    this.changed(va);
    return true;
  }

  /** Gives back the tables that are of nothing but a range, which has no page any more. */
  prune(base: number, top: number): void {
    this.pruneIn(this.root, 3, 0, base, top);
  }

  /** The entries of a table of tables, which begins at an address. */
  private pruneIn(table: number, level: number, start: number, base: number, top: number): void {
    const { i32, ram } = this.memory;
    const span = PAGE * 512 ** level;
    for (let n = Math.max(0, Math.floor((base - start) / span)); n < 512 && start + n * span < top; n++) {
      const at = (ram + table + n * 8) >>> 2;
      const entry = i32[at] as number;
      if (!(entry & PTE.present)) continue;
      const from = start + n * span;
      const lower = (entry & ~4095) >>> 0;
      if (level > 1) this.pruneIn(lower, level - 1, from, base, top);
      if (from < base || from + span > top) continue;
      i32[at] = 0;
      this.tables.delete(lower);
      this.frames.release(lower);
    }
  }

  /** Gives the tables back. The space must not be the machine's at that time. */
  free(): void {
    for (const table of this.tables) this.frames.release(table);
    this.tables.clear();
  }

  /** Where in linear memory the page's entry is; 0 if a table is missing and not to be made. */
  private entry(va: number, make: boolean): number {
    const { i32, ram } = this.memory;
    if (!(va >= 0 && va < 2 ** 47)) throw new RangeError(`no address of user space: ${va}`);
    const lo = va >>> 0;
    const hi = Math.floor(va / 2 ** 32);
    let table = this.root;
    for (const index of [(hi >>> 7) & 511, ((hi & 127) << 2) | (lo >>> 30), (lo >>> 21) & 511]) {
      const at = (ram + table + index * 8) >>> 2;
      let entry = i32[at] as number;
      if (!(entry & PTE.present)) {
        if (!make) return 0;
        entry = this.table() | PTE.present | PTE.write | PTE.user;
        i32[at] = entry;
        i32[at + 1] = 0;
      }
      table = (entry & ~4095) >>> 0;
    }
    return ram + table + ((lo >>> 12) & 511) * 8;
  }

  private set(at: number, low: number, high: number): void {
    this.memory.i32[at >>> 2] = low;
    this.memory.i32[(at + 4) >>> 2] = high;
  }

  private table(): number {
    const frame = this.frames.alloc();
    if (frame === undefined) throw new OutOfFrames("no frame left for a page table");
    this.tables.add(frame);
    return frame;
  }

  private changed(va: number): void {
    if (this.mmu.root === this.root) this.mmu.flushPage(va - (va % PAGE));
  }
}
