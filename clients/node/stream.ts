/**
 * Stream: a transport over Node's byte streams: a socket, or a Readable and a Writable of any kind.
 * Invariants: what is sent within one turn of the event loop leaves in one write (small chunks
 * joined, large ones not copied); the reading side flows only between start and pause.
 */
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { Medium } from "../browser/medium.ts";
import type { Inlet } from "./inlet.ts";
import { netError } from "./neterror.ts";

/** Chunks up to this size are joined with their neighbours. */
const SMALL = 4096;
/** Waiting bytes that leave at once, without waiting for the end of the turn. */
const PROMPT = 64 * 1024;
/** Milliseconds close() waits for a peer that takes nothing. */
export const GRACEMS = 2000;

export interface StreamOptions {
  readonly graceMs?: number;
  /**
   * Called once, when the streams are over or close() has ended the writing one: settles with the
   * reason for `closed` when the peer is really gone. With it, errors of writing are left to it too.
   */
  readonly lastWord?: () => Promise<string | undefined>;
  /** What `readable` reads through; without it, by its data events. */
  readonly inlet?: Inlet;
}

/** A Uint8Array and nothing more: Buffer's slice would not copy. */
export function plain(b: Buffer): Uint8Array {
  return new Uint8Array(b.buffer, b.byteOffset, b.length);
}

/**
 * Kills what makes no progress: `left` is asked every graceMs, and unless it has fallen `kill` is
 * called, once. Returns how to call it off.
 */
export function watchClose(graceMs: number, left: () => number, kill: () => void): () => void {
  let before = left();
  const timer = setInterval(() => {
    const now = left();
    if (now > 0 && now < before) {
      before = now;
      return;
    }
    clearInterval(timer);
    kill();
  }, graceMs);
  timer.unref();
  return () => clearInterval(timer);
}

export class StreamTransport extends Medium {
  override readonly framed = false;
  private readonly readable: Readable;
  private readonly writable: Writable;
  private readonly graceMs: number;
  private readonly lastWord: (() => Promise<string | undefined>) | undefined;
  private readonly wrote: () => void;
  /** Whether a write that is over was the last use of its bytes: streams in memory hand them on. */
  private readonly lends: boolean;
  private queue: Uint8Array[] = [];
  /** Who is to be told that the chunk of the same place is sent. */
  private tell: ((() => void) | undefined)[] = [];
  private queued = 0;
  private scheduled = false;
  private asked = false;
  private unwatch: (() => void) | undefined;

  /** `readable` and `writable` may be one Duplex, which then must have allowHalfOpen. */
  constructor(readable: Readable, writable: Writable, peer: string, options: StreamOptions = {}) {
    super(peer);
    this.readable = readable;
    this.writable = writable;
    this.graceMs = options.graceMs ?? GRACEMS;
    this.lastWord = options.lastWord;
    this.wrote = () => this.sent();
    this.lends = writable instanceof Socket;
    if (options.inlet) options.inlet.take = (chunk) => this.take(chunk);
    else readable.on("data", (chunk: Buffer) => this.take(plain(chunk)));
    readable.pause();
    readable.on("end", () => this.peerEnded());
    readable.on("error", (e) => this.gone(netError(e, "talk").message));
    readable.on("close", () => this.gone(readable.readableEnded ? undefined : "connection lost"));
    writable.on("close", () => this.unwatch?.());
    if (this.duplex) return;
    writable.on("error", (e) => {
      if (!this.lastWord) this.gone(netError(e, "talk").message);
    });
  }

  get buffered(): number {
    return this.queued + this.writable.writableLength;
  }

  send(chunk: Uint8Array, sent?: () => void): void {
    if (this.over || chunk.length === 0) return;
    this.queue.push(chunk);
    this.tell.push(sent);
    this.queued += chunk.length;
    if (this.queued >= PROMPT) {
      this.flush();
    } else if (!this.scheduled) {
      this.scheduled = true;
      // A tick asked for in a microtask comes when all microtasks of this turn have run.
      queueMicrotask(() => process.nextTick(() => {
        this.scheduled = false;
        this.flush();
      }));
    }
  }

  protected flow(on: boolean): void {
    if (on) this.readable.resume();
    else this.readable.pause();
  }

  protected shut(): void {
    this.flush();
    this.writable.end(() => {
      if (this.duplex) return;
      if (!this.lastWord) this.readable.destroy();
      this.gone(undefined);
    });
    // What still comes is dropped: unread bytes would turn the close into a reset and cost the peer our last ones.
    this.readable.resume();
    this.unwatch = watchClose(this.graceMs, () => this.writable.writableLength, () => {
      this.writable.destroy();
      this.readable.destroy();
      this.gone(undefined);
    });
  }

  private get duplex(): boolean {
    return (this.readable as unknown) === this.writable;
  }

  private flush(): void {
    const { queue, tell, writable } = this;
    this.queue = [];
    this.tell = [];
    this.queued = 0;
    if (!writable.writable) return;
    if (queue.length > 1) writable.cork();
    for (let i = 0; i < queue.length;) {
      let end = i;
      let size = 0;
      for (let next = queue[end]; next && next.length <= SMALL; next = queue[++end]) size += next.length;
      const first = queue[i];
      if (first && end - i <= 1) {
        const sent = this.lends ? tell[i] : undefined;
        writable.write(first, sent ? (e) => this.told(e, sent) : this.wrote);
        i++;
      } else {
        writable.write(Buffer.concat(queue.slice(i, end), size), this.wrote);
        for (; i < end; i++) tell[i]?.();
      }
    }
    if (queue.length > 1) writable.uncork();
  }

  /** A chunk that was lent is written, or lost with the connection: then a write of it may still be under way. */
  private told(e: Error | null | undefined, sent: () => void): void {
    if (!e) sent();
    this.sent();
  }

  /** The peer will send no more. What this side has sent still leaves. */
  private peerEnded(): void {
    if (!this.over) this.flush();
    if (!this.writable.writableEnded) this.writable.end();
    if (!this.duplex || !this.over) this.gone(undefined);
    this.unwatch ??= watchClose(this.graceMs, () => this.writable.writableLength, () => this.writable.destroy());
  }

  private gone(why: string | undefined): void {
    if (this.asked) return;
    this.asked = true;
    if (!this.lastWord) this.finish(why);
    else void this.lastWord().then((last) => this.finish(last ?? why));
  }
}
