/**
 * Slices: the turns of host processes, which share one thread with sockets, timers and the terminal.
 * Invariants: after SLICEMS of calls the event loop runs before the next call; who had to wait for that
 * goes on in the order he came, and each note group has as many of its processes go on as any other, so
 * that a group of thousands leaves a shell with one process its half. Used by every call, through Kernel,
 * and by the guests' loop.
 */
import type { Host } from "../proto/index.ts";

/** Sockets and timers get their turn at least this often. */
export const SLICEMS = 8;

export class Slices {
  private readonly host: Host;
  /** When the event loop had its turn. */
  private yielded: number;
  /** Those who wait for the next slice, by group. */
  private readonly waiting = new Map<object, (() => void)[]>();
  private turning = false;
  /** So many of each group go on in a slice: as many as it takes to fill it. */
  private many = 1;

  constructor(host: Host) {
    this.host = host;
    this.yielded = host.now();
  }

  /** Whether the event loop is to have its turn. */
  get over(): boolean {
    return this.host.now() - this.yielded >= SLICEMS;
  }

  /** Its turn, for who keeps his own time. */
  async pause(): Promise<void> {
    await this.host.yield();
    this.yielded = this.host.now();
  }

  /** Undefined while the slice lasts; else until a later one, for a process of that group. */
  next(group: object): Promise<void> | undefined {
    if (!this.over) return undefined;
    return new Promise((resolve) => {
      const queue = this.waiting.get(group);
      if (queue) queue.push(resolve);
      else this.waiting.set(group, [resolve]);
      if (!this.turning) void this.turn();
    });
  }

  private async turn(): Promise<void> {
    this.turning = true;
    while (this.waiting.size > 0) {
      await this.host.yield();
      const now = this.host.now();
      const took = now - this.yielded;
      this.many = took < SLICEMS ? this.many * 2 : took > 2 * SLICEMS ? Math.max(1, this.many >> 1) : this.many;
      this.yielded = now;
      for (const [group, queue] of this.waiting) {
        for (const go of queue.splice(0, this.many)) go();
        if (queue.length === 0) this.waiting.delete(group);
      }
    }
    this.turning = false;
    this.many = 1;
  }
}
