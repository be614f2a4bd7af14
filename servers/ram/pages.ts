/**
 * Pages: the contents of one file, a table of pages of at most 64 KiB. A page that is not in the
 * table is a hole; a page's buffer may be shorter than a page, the rest of it is a hole as well, so a
 * small file costs little. Invariants: bytes of a buffer at or beyond the file's length are 0;
 * every buffer is charged to the store; growing a file copies at most one page.
 */
import type { Store } from "./store.ts";

const PAGE = 65536;
const SMALLEST = 128;
/** Charged for each page beside its bytes: its buffer's object and its place in the table. */
const PAGECOST = 256;

export class Pages {
  /** Bytes of memory in buffers. */
  allocated = 0;
  private readonly store: Store;
  private readonly table = new Map<number, Uint8Array>();
  /** No page above this number is in the table. */
  private top = -1;

  constructor(store: Store) {
    this.store = store;
  }

  /**
   * n bytes from byte `at`, all below the file's length. A view of a page where one buffer holds
   * them all, else a copy, in `into` if that is large enough.
   */
  read(at: number, n: number, into?: Uint8Array): Uint8Array {
    let i = Math.floor(at / PAGE);
    let o = at - i * PAGE;
    if (o + n <= PAGE) {
      const page = this.table.get(i);
      if (page !== undefined && o + n <= page.length) return page.subarray(o, o + n);
    }
    const out = into !== undefined && into.length >= n ? into.subarray(0, n) : new Uint8Array(n);
    for (let done = 0; done < n; i++, o = 0) {
      const step = Math.min(PAGE - o, n - done);
      const page = this.table.get(i);
      const have = page === undefined ? 0 : Math.max(0, Math.min(step, page.length - o));
      if (page !== undefined && have > 0) out.set(page.subarray(o, o + have), done);
      out.fill(0, done + have, done + step);
      done += step;
    }
    return out;
  }

  /** All of data at byte `at` of a file that has `length` bytes now; or Efull, and nothing is written. */
  write(at: number, data: Uint8Array, length: number): void {
    const first = Math.floor(at / PAGE);
    const end = at + data.length;
    const last = Math.floor((end - 1) / PAGE);
    let cost = 0;
    for (let i = first; i <= last; i++) {
      const page = this.table.get(i);
      const size = this.sizeFor(i, end, length, page);
      if (page === undefined) cost += size + PAGECOST;
      else cost += size - page.length;
    }
    if (cost > 0) this.store.take(cost);
    for (let i = first, done = 0; i <= last; i++) {
      let page = this.table.get(i);
      const size = this.sizeFor(i, end, length, page);
      if (page === undefined || page.length < size) {
        const grown = new Uint8Array(size);
        if (page !== undefined) grown.set(page);
        this.allocated += size - (page === undefined ? 0 : page.length);
        this.table.set(i, grown);
        page = grown;
      }
      const o = i === first ? at - i * PAGE : 0;
      const step = Math.min(PAGE - o, data.length - done);
      page.set(step === data.length ? data : data.subarray(done, done + step), o);
      done += step;
    }
    if (last > this.top) this.top = last;
  }

  /** The file is cut to `length`: what was beyond reads as zeros when it grows again. */
  cut(length: number): void {
    const keep = Math.ceil(length / PAGE);
    if (this.top >= keep) {
      if (this.top - keep < this.table.size) for (let i = keep; i <= this.top; i++) this.drop(i);
      else for (const i of this.table.keys()) if (i >= keep) this.drop(i);
      this.top = keep - 1;
    }
    const o = length - (keep - 1) * PAGE;
    if (keep > 0) this.table.get(keep - 1)?.fill(0, o);
  }

  /** Bytes page i's buffer must have for a write that ends at byte `end` of the file. */
  private sizeFor(i: number, end: number, length: number, page: Uint8Array | undefined): number {
    const need = Math.min(PAGE, end - i * PAGE);
    if (page !== undefined && page.length >= need) return page.length;
    // A file that is written on from page to page gets whole ones at once.
    if (i > 0 && length >= i * PAGE && page === undefined) return PAGE;
    return need <= SMALLEST ? SMALLEST : 1 << (32 - Math.clz32(need - 1));
  }

  private drop(i: number): void {
    const page = this.table.get(i);
    if (page === undefined) return;
    this.table.delete(i);
    this.allocated -= page.length;
    this.store.give(page.length + PAGECOST);
  }
}
