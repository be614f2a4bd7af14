/**
 * Guests: the machine of a kernel and those who run on it, in turn. One loop, which runs while somebody
 * is ready. Invariants: a guest runs for a slice: so many instructions, or SLICEMS, or until it waits;
 * after SLICEMS of slices the event loop has its turn, and host processes after every slice; with a host
 * whose time is its own, the same happens in the same order each time.
 */
import type { Kernel } from "../kernel.ts";
import type { Machine } from "../machine/index.ts";
import { SLICEMS } from "../slices.ts";
import type { Guest } from "./guest.ts";
import { Ram } from "./ram.ts";

/** Instructions of a slice, at least and at most; how many it is depends on how long they take. */
const LEAST = 1 << 17;
const MOST = 1 << 22;

export class Guests {
  readonly ram: Ram;
  readonly machine: Machine;
  private readonly kernel: Kernel;
  /** Whose registers and memory the machine has. */
  private current: Guest | undefined;
  private readonly queue: Guest[] = [];
  private running = false;
  private budget = 1 << 20;

  constructor(kernel: Kernel, ramBytes?: number) {
    this.kernel = kernel;
    this.ram = new Ram(ramBytes);
    this.machine = this.ram.machine;
  }

  use(g: Guest): void {
    if (this.current === g) return;
    this.leave(this.current);
    this.current = g;
    this.machine.cpu.load(g.context);
    this.machine.space = g.segments.space;
  }

  /** The machine has nobody's registers and memory, if it had this one's. */
  leave(g: Guest | undefined): void {
    if (!g || this.current !== g) return;
    this.machine.cpu.save(g.context);
    this.machine.space = undefined;
    this.current = undefined;
  }

  /** It can go on. */
  ready(g: Guest): void {
    this.queue.push(g);
    if (!this.running) void this.loop();
  }

  private async loop(): Promise<void> {
    this.running = true;
    // Who has made it ready is not to wait for it.
    await Promise.resolve();
    for (let g = this.queue.shift(); g; g = this.queue.shift()) {
      this.turn(g);
      await (this.kernel.slices.over ? this.kernel.slices.pause() : undefined);
    }
    this.running = false;
  }

  private turn(g: Guest): void {
    const { now } = this.kernel.host;
    const from = now();
    const before = this.machine.instructions;
    try {
      const wait = g.slice(this.budget, () => now() - from >= SLICEMS);
      if (wait === false) return;
      if (wait instanceof Promise) wait.then(() => this.again(g), (e: unknown) => this.again(g, e));
      else this.queue.push(g);
    } catch (e) {
      this.again(g, e);
    }
    const took = now() - from;
    if (this.machine.instructions - before < this.budget) return;
    if (took < SLICEMS / 2) this.budget = Math.min(MOST, this.budget * 2);
    else if (took > SLICEMS * 1.25) this.budget = Math.max(LEAST, this.budget / 2);
  }

  private again(g: Guest, e?: unknown): void {
    if (e !== undefined) g.failed(e);
    if (!g.over) this.ready(g);
  }
}
