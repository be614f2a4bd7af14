/**
 * Looks: files that are asked about again and again, held so that each answer is one system call on
 * a descriptor instead of a way along /proc. Invariants: at most MOST are held, and none for longer
 * than two periods without a question: whoever removes a file on the host gets its space back.
 * Used by tree.ts and node.ts.
 */
import { type Awaitable, quietly } from "../../proto/index.ts";
import type { Held } from "./held.ts";

const MOST = 64;
const PERIOD_MS = 1000;
/** Two looks at one file are soon after each other when there were fewer than this at others between. */
const SOON = 64;

interface Entry {
  readonly held: Held;
  /** Asked about in this period. */
  asked: boolean;
}

export class Looks {
  private readonly sleep: ((ms: number) => Promise<void>) | undefined;
  private readonly files = new Map<string | number, Entry>();
  private count = 0;
  private sweeping = false;

  /** Without sleep, which must not keep a program from ending, nothing is held. */
  constructor(sleep: ((ms: number) => Promise<void>) | undefined) {
    this.sleep = sleep;
  }

  get(key: string | number): Held | undefined {
    const e = this.files.get(key);
    if (e) e.asked = true;
    return e?.held;
  }

  /** Notes a look at a file that is not held: the number of the look; whether the last one, of that number, was soon before. */
  look(last: number): { now: number; soon: boolean } {
    const now = ++this.count;
    return { now, soon: this.sleep !== undefined && now - last < SOON };
  }

  add(key: string | number, held: Held): void {
    this.drop(key);
    this.files.set(key, { held, asked: true });
    for (const oldest of this.files.keys()) {
      if (this.files.size <= MOST) break;
      this.drop(oldest);
    }
    if (!this.sweeping) void this.sweep();
  }

  drop(key: string | number): void {
    const e = this.files.get(key);
    this.files.delete(key);
    if (e) quietly(e.held.close());
  }

  /** Lets all of them go; whether there were any. */
  clear(): Awaitable<boolean> {
    const all = [...this.files.values()];
    this.files.clear();
    const closed = all.map((e) => e.held.close()).filter((c) => c instanceof Promise);
    return closed.length > 0 ? Promise.allSettled(closed).then(() => true) : all.length > 0;
  }

  private async sweep(): Promise<void> {
    this.sweeping = true;
    while (this.files.size > 0) {
      await this.sleep?.(PERIOD_MS);
      for (const [key, e] of this.files) {
        if (!e.asked) this.drop(key);
        e.asked = false;
      }
    }
    this.sweeping = false;
  }
}
