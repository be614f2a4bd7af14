/**
 * Medium: what every transport of the clients has in common, so that the promises of
 * proto/transport.ts are kept in one place. It uses no host API and lives on the browser's side of
 * the wall because both sides may import it.
 * Invariants: chunks are handed on in order, none before start, none while paused, none after
 * close() was called here; `closed` is called once, after the last chunk, in a microtask of its own.
 */
import type { Receiver, Transport } from "../../proto/index.ts";

/** drain() settles when at most this many bytes wait. */
export const LOW: number = 16 * 1024;
/** Largest frame a framed transport takes or makes; longer chunks leave in several frames. */
export const MAXFRAME: number = 8 * 1024 * 1024;

export abstract class Medium implements Transport {
  abstract readonly framed: boolean;
  abstract get buffered(): number;
  abstract send(chunk: Uint8Array, sent?: () => void): void;
  /** Let the medium deliver, or ask it to hold; it holds until the first flow(true). */
  protected abstract flow(on: boolean): void;
  /** Flush, then close, then call finish. Called at most once, and not after finish. */
  protected abstract shut(why: string | undefined): void;

  readonly peer: string;
  private to: Receiver | undefined;
  private held: Uint8Array[] = [];
  private waiting: (() => void)[] = [];
  private paused = false;
  private closing = false;
  private ended = false;
  private why: string | undefined;

  constructor(peer: string) {
    this.peer = peer;
  }

  /** Nothing more is sent: the transport is closed, or closing. */
  protected get over(): boolean {
    return this.closing || this.ended;
  }

  start(to: Receiver): void {
    this.to = to;
    queueMicrotask(() => this.pump());
    if (!this.ended) this.flow(true);
  }

  drain(): Promise<void> {
    if (this.over || this.buffered <= LOW) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  pause(): void {
    if (this.paused) return;
    this.paused = true;
    if (this.to && !this.over) this.flow(false);
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    queueMicrotask(() => this.pump());
    if (this.to && !this.over) this.flow(true);
  }

  close(why?: string): void {
    if (this.closing) return;
    this.closing = true;
    this.held = [];
    this.settle();
    if (this.ended) {
      queueMicrotask(() => this.pump());
    } else {
      this.why = why;
      this.shut(why);
    }
  }

  /** The medium delivers a chunk, which is lent until this returns. */
  protected take(chunk: Uint8Array): void {
    if (this.over || chunk.length === 0) return;
    if (!this.to || this.paused || this.held.length > 0) {
      this.held.push(chunk.slice());
      return;
    }
    this.to.recv(chunk);
    this.taken(chunk.length);
  }

  /** The receiver has taken n bytes. */
  protected taken(_n: number): void {}

  /** The medium has sent something: drain may settle. */
  protected sent(): void {
    if (this.waiting.length > 0 && this.buffered <= LOW) this.settle();
  }

  /** The medium is gone. Calls after the first are ignored, and so is why when close() was called here. */
  protected finish(why?: string): void {
    if (this.ended) return;
    this.ended = true;
    if (!this.closing) this.why = why;
    this.settle();
    queueMicrotask(() => this.pump());
  }

  private settle(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private pump(): void {
    while (this.to && !this.paused && !this.closing) {
      const chunk = this.held.shift();
      if (!chunk) break;
      this.to.recv(chunk);
      this.taken(chunk.length);
    }
    if (!this.to || !this.ended || this.held.length > 0) return;
    const to = this.to;
    this.to = undefined;
    to.closed(this.why);
  }
}
