/**
 * Transport: a two-way stream of bytes between two halves of a 9P conversation.
 * Invariants: chunks arrive in order; after `closed` was called nothing else is; a chunk is lent: to
 * the receiver until `recv` returns, to the transport until it says that it is sent.
 */
export interface Receiver {
  /** What is kept of the chunk must be copied: it is written again by and by. */
  recv(chunk: Uint8Array): void;
  /** Called once; why is undefined for an orderly end, else one sentence. */
  closed(why?: string): void;
}

export interface Transport {
  /** The peer's address, for people. */
  readonly peer: string;
  /**
   * Each send is one frame of the medium (WebSocket, MessagePort) and frames cost: 9P then puts one
   * message in a frame, or all messages of a tick for a `.x` peer. A stream (false) has no frames.
   */
  readonly framed: boolean;
  /** Bytes given to send and not yet taken by the medium. */
  readonly buffered: number;
  /** Call once, before anything else; chunks that came earlier are delivered then. */
  start(to: Receiver): void;
  /**
   * Queue bytes. Silently dropped after close. `sent` is called, perhaps at once, when the transport
   * needs them no more; a transport that closed before, or cannot tell, never calls it.
   */
  send(chunk: Uint8Array, sent?: () => void): void;
  /** Settles when `buffered` is low again or the transport closed. */
  drain(): Promise<void>;
  /** Ask the medium to deliver no more until resume; a chunk under way may still come. */
  pause(): void;
  resume(): void;
  /** Flush what was sent, then close; `closed` is called on both ends. Twice is fine. */
  close(why?: string): void;
}

class PairEnd implements Transport {
  readonly framed = true;
  peer: string;
  buffered = 0;
  private other!: PairEnd;
  private to: Receiver | undefined;
  private queue: ({ chunk: Uint8Array; sent: (() => void) | undefined } | { why: string | undefined })[] = [];
  private scheduled = false;
  private paused = false;
  private over = false;
  private waiting: (() => void)[] = [];

  constructor(peer: string) {
    this.peer = peer;
  }

  join(other: PairEnd): void {
    this.other = other;
  }

  start(to: Receiver): void {
    this.to = to;
    this.schedule();
  }

  send(chunk: Uint8Array, sent?: () => void): void {
    if (this.over) return;
    this.buffered += chunk.length;
    this.other.queue.push({ chunk, sent });
    this.other.schedule();
  }

  drain(): Promise<void> {
    if (this.buffered === 0 || this.over) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.schedule();
  }

  close(why?: string): void {
    if (this.over) return;
    this.over = true;
    this.other.queue.push({ why });
    this.other.schedule();
    this.queue.push({ why });
    this.schedule();
    this.settle();
  }

  private settle(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private schedule(): void {
    if (this.scheduled || this.paused || !this.to || this.queue.length === 0) return;
    this.scheduled = true;
    queueMicrotask(() => this.deliver());
  }

  private deliver(): void {
    this.scheduled = false;
    const to = this.to;
    if (!to) return;
    while (!this.paused) {
      const item = this.queue.shift();
      if (!item) return;
      if ("chunk" in item) {
        this.other.buffered -= item.chunk.length;
        if (this.other.buffered === 0) this.other.settle();
        to.recv(item.chunk);
        item.sent?.();
      } else {
        this.to = undefined;
        this.over = true;
        this.settle();
        to.closed(item.why);
        return;
      }
    }
  }
}

/** Two transports joined in memory; what one sends the other receives in a later microtask. */
export function pair(names: [string, string] = ["mem:a", "mem:b"]): [Transport, Transport] {
  const a = new PairEnd(names[1]);
  const b = new PairEnd(names[0]);
  a.join(b);
  b.join(a);
  return [a, b];
}
