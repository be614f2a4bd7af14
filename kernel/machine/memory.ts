/**
 * Memory: the one WebAssembly.Memory of a machine and the views of it that everybody shares. It is
 * allocated whole and never grows, so that views live as long as the machine.
 */
import { ARENA, CPU_BASE, PAGE } from "./layout.ts";

export class Memory {
  readonly wasm: WebAssembly.Memory;
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u16: Uint16Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly i64: BigInt64Array<ArrayBuffer>;
  /** Where the arena of translated blocks ends and guest RAM begins. */
  readonly ram: number;
  readonly ramBytes: number;

  constructor(ramBytes: number, arenaBytes: number) {
    this.ram = ARENA + Math.ceil(arenaBytes / PAGE) * PAGE;
    this.ramBytes = Math.floor(ramBytes / PAGE) * PAGE;
    const pages = Math.ceil((this.ram + this.ramBytes) / 65536);
    if (ramBytes < 16 * PAGE || pages > 65536) throw new RangeError(`${ramBytes} bytes of RAM cannot be had`);
    this.wasm = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const buffer = this.wasm.buffer;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i64 = new BigInt64Array(buffer);
  }

  /** A word of the CPU block, by its offset. */
  cpu(offset: number): number {
    return this.i32[(CPU_BASE + offset) >> 2] as number;
  }

  setCpu(offset: number, value: number): void {
    this.i32[(CPU_BASE + offset) >> 2] = value;
  }

  /** An i64 as a number: exact below 2^53, addresses always are. */
  number(at: number): number {
    return (this.i32[(at >> 2) + 1] as number) * 2 ** 32 + (this.u32[at >> 2] as number);
  }

  setNumber(at: number, value: number): void {
    this.u32[at >> 2] = value;
    this.i32[(at >> 2) + 1] = Math.floor(value / 2 ** 32);
  }
}
