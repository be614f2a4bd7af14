/**
 * Seeded: a Host whose time, chance and order of things come from a seed, so that what runs on it
 * alone runs the same way each time. Invariants: time passes only when it is looked at, a little, and
 * when everybody sleeps, as much as the first sleeper asked for; of those who may go on, one does in
 * each turn, drawn from the seed, and nobody else before all that follows from it is done. Tests and
 * `--seed` use it; what comes from outside (sockets, files that are slow) comes when it comes.
 */
import { Eintr, type Host, NineError } from "../../proto/index.ts";

/** Where its clock begins, in milliseconds since the epoch: 2001-09-09 01:46:40 UTC. */
export const SEEDEDSTARTMS = 1_000_000_000_000;
/** One look at the clock in so many takes longer than a host process's slice of time. */
const LOOKS = 24;
const LONGMS = 10;

export interface SeededOptions {
  /** Diagnostic lines; by default they go to stderr. */
  readonly log?: (line: string) => void;
  /** Called when nobody sleeps or yields, and nothing has followed from the last who did. */
  readonly idle?: () => void;
}

/** A sleeper, or somebody who yielded: at is 0. */
interface Waiting {
  readonly at: number;
  readonly go: () => void;
}

export class Seeded implements Host {
  /** Turns taken so far. */
  turns = 0;
  /** A turn is to come. */
  armed = false;
  readonly random: () => number;
  readonly log: (line: string) => void;
  private readonly draw: () => number;
  private readonly idle: () => void;
  private ms = SEEDEDSTARTMS;
  private waiting: Waiting[] = [];

  constructor(seed: number, options: SeededOptions = {}) {
    // Two sources: how things are ordered does not depend on how much chance was asked for.
    this.random = uint32s(seed);
    this.draw = uint32s(Math.imul(seed, 0x9e3779b1) ^ 0x5eed);
    this.log = options.log ?? ((line) => process.stderr.write(`${line}\n`));
    this.idle = options.idle ?? (() => undefined);
  }

  readonly now = (): number => {
    const d = this.draw();
    this.ms += d % LOOKS === 0 ? LONGMS : (d >>> 16) % 2 / 16;
    return this.ms;
  };

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> => new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new NineError(Eintr));
      return;
    }
    const aborted = (): void => {
      this.waiting.splice(this.waiting.indexOf(w), 1);
      reject(new NineError(Eintr));
    };
    const w: Waiting = {
      at: this.ms + Math.max(0, ms),
      go: () => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      },
    };
    signal?.addEventListener("abort", aborted, { once: true });
    this.waiting.push(w);
    this.arm();
  });

  readonly yield = (): Promise<void> => new Promise((resolve) => {
    this.waiting.push({ at: 0, go: resolve });
    this.arm();
  });

  /** Has a turn taken, as soon as all that is under way is done. */
  arm(): void {
    if (this.armed) return;
    this.armed = true;
    setImmediate(() => this.turn());
  }

  private turn(): void {
    this.armed = false;
    if (this.waiting.length === 0) {
      this.idle();
      return;
    }
    this.turns++;
    let may = this.waiting.filter((w) => w.at <= this.ms);
    if (may.length === 0) {
      this.ms = this.waiting.reduce((first, w) => Math.min(first, w.at), Infinity);
      may = this.waiting.filter((w) => w.at <= this.ms);
    }
    const next = may[this.draw() % may.length];
    if (next) {
      this.waiting.splice(this.waiting.indexOf(next), 1);
      next.go();
    }
    this.arm();
  }
}

/** mulberry32: whole numbers below 2^32. */
function uint32s(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}
