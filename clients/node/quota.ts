/**
 * Quota: so much at a time. Invariant: what is taken and not given back is at most `most`, or one
 * taker's alone; who asks first is served first, so that a large wish is not passed over for ever.
 * Used by hostfiles.ts for the memory of reads that wait for the thread pool, and for processes.
 */

export class Quota {
  private readonly most: number;
  private used = 0;
  private readonly queue: { readonly n: number; readonly go: () => void }[] = [];

  constructor(most: number) {
    this.most = most;
  }

  /** Settles when n is taken. */
  async take(n: number): Promise<void> {
    if (this.queue.length > 0 || !this.fits(n)) await new Promise<void>((go) => this.queue.push({ n, go }));
    else this.used += n;
  }

  give(n: number): void {
    this.used -= n;
    for (let next = this.queue[0]; next && this.fits(next.n); next = this.queue[0]) {
      this.queue.shift();
      this.used += next.n;
      next.go();
    }
  }

  private fits(n: number): boolean {
    return this.used === 0 || this.used + n <= this.most;
  }
}
