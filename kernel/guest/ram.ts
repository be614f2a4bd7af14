/**
 * Ram: the machine's memory as all guests of a kernel share it. Invariants: what was set aside is never
 * more than there is, so that a page a guest was promised can be had; who asks for more is refused
 * (ENOMEM), and nobody is ended for another's sake. Used by segments and by the guests' loop.
 */
import { Enomem, NineError } from "../../proto/index.ts";
import { createMachine, type Machine } from "../machine/index.ts";
import type { FrameStore } from "../segment.ts";

/** Bytes of RAM when nobody says: address space until it is touched. */
export const RAMBYTES: number = 512 << 20;

export class Ram implements FrameStore {
  readonly machine: Machine;
  private committed = 0;

  constructor(ramBytes: number = RAMBYTES) {
    this.machine = createMachine({ ramBytes });
  }

  /** Frames there are, those in use, and those set aside. */
  get usage(): { readonly total: number; readonly used: number; readonly committed: number } {
    const { total, free } = this.machine.frames;
    return { total, used: total - free, committed: this.committed };
  }

  commit(frames: number): void {
    if (this.committed + frames > this.machine.frames.total) throw new NineError(Enomem);
    this.committed += frames;
  }

  uncommit(frames: number): void {
    this.committed -= frames;
  }

  /** A frame of zeros, of those set aside. */
  take(): number {
    const frame = this.machine.frames.alloc();
    if (frame === undefined) throw new NineError(Enomem);
    return frame;
  }

  release(frame: number): void {
    this.machine.frames.release(frame);
  }
}
