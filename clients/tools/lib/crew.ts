/**
 * Crew: jobs done several at a time, because each mostly waits for a server. The newest job starts
 * first, so that a tree is gone through in depth and the list of what waits stays short. A job
 * deals with its ordinary errors; the first that throws ends the crew and is what done() throws.
 */

const WIDTH = 16;

export type Job = () => Promise<void>;

export class Crew {
  readonly #waiting: Job[] = [];
  #running = 0;
  #broken: { why: unknown } | undefined;
  #settle: (() => void) | undefined;

  add(job: Job): void {
    this.#waiting.push(job);
    this.#start();
  }

  /** Waits until nothing runs and nothing waits. */
  async done(): Promise<void> {
    while (!this.#broken && this.#running > 0) await new Promise<void>((resolve) => (this.#settle = resolve));
    if (this.#broken) throw this.#broken.why;
  }

  #start(): void {
    while (!this.#broken && this.#running < WIDTH) {
      const job = this.#waiting.pop();
      if (!job) return;
      this.#running++;
      void this.#run(job);
    }
  }

  async #run(job: Job): Promise<void> {
    try {
      await job();
    } catch (why) {
      this.#broken ??= { why };
    }
    this.#running--;
    this.#start();
    if (this.#broken || this.#running === 0) this.#settle?.();
  }
}

/** The results of work on each item, in their order, several under way ahead of the one that is looked at. */
export async function* ahead<T, R>(items: readonly T[], work: (item: T) => Promise<R>): AsyncGenerator<{ item: T; result: Promise<R> }> {
  const begun: { item: T; result: Promise<R> }[] = [];
  for (const item of items) {
    const result = work(item);
    // It may fail long before anybody looks.
    result.catch(() => {});
    begun.push({ item, result });
    const first = begun.length >= WIDTH ? begun.shift() : undefined;
    if (first) yield first;
  }
  yield* begun;
}

/** A directory in work: `after` becomes a job of the crew when it and all below it are finished. */
export class Branch {
  readonly #crew: Crew;
  readonly #up: Branch | undefined;
  readonly #after: Job;
  #open = 1;

  constructor(crew: Crew, up: Branch | undefined, after: Job) {
    this.#crew = crew;
    this.#up = up;
    this.#after = after;
    up?.hold();
  }

  /** One more piece of work below. */
  hold(): void {
    this.#open++;
  }

  /** One piece is finished; the first hold is the branch's own. */
  release(): void {
    if (--this.#open > 0) return;
    this.#crew.add(async () => {
      await this.#after();
      this.#up?.release();
    });
  }
}
