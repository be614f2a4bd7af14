/**
 * Frames: which physical pages are free. A frame is named by its physical address. Who holds one gives
 * it back; the machine is told, so that code translated from it is forgotten.
 */
import { PAGE } from "./layout.ts";
import type { Memory } from "./memory.ts";

export class Frames {
  private readonly memory: Memory;
  private readonly freed: number[] = [];
  private next = 0;
  /** Called with a frame whose contents are about to change outside the guest's own stores. */
  readonly written: (frame: number) => void;

  constructor(memory: Memory, written: (frame: number) => void) {
    this.memory = memory;
    this.written = written;
  }

  /** How many there are, and how many are free. */
  get total(): number {
    return this.memory.ramBytes / PAGE;
  }
  get free(): number {
    return this.freed.length + (this.memory.ramBytes - this.next) / PAGE;
  }

  /** A frame of zeros, or undefined when RAM is used up. */
  alloc(): number | undefined {
    const old = this.freed.pop();
    if (old !== undefined) {
      this.bytes(old).fill(0);
      return old;
    }
    if (this.next >= this.memory.ramBytes) return undefined;
    this.next += PAGE;
    return this.next - PAGE;
  }

  release(frame: number): void {
    this.written(frame);
    this.freed.push(frame);
  }

  /** Its bytes. Who writes them says so with `written` first, unless nothing executes from it. */
  bytes(frame: number): Uint8Array<ArrayBuffer> {
    return this.memory.u8.subarray(this.memory.ram + frame, this.memory.ram + frame + PAGE);
  }
}
