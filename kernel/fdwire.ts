/**
 * FdWire: an open file as a Transport, so that 9P can be spoken on it: a pipe, a posted file, a
 * network connection that some server shows as a file (mount(2)). Invariants: it holds a reference on
 * its Chan until it is closed; writes are made one after the other, in order; the end of the file, or
 * an error of either direction, closes it.
 */
import { asNineError, Interrupt, isInterrupted, type Receiver, type Transport } from "../proto/index.ts";
import type { Chan } from "./chan.ts";

/** Unwritten bytes above which drain waits. */
const LOW = 256 * 1024;

export class FdWire implements Transport {
  readonly framed = false;
  readonly peer: string;
  buffered = 0;
  private readonly c: Chan;
  private readonly ended: () => void;
  private readonly intr = new Interrupt();
  private to: Receiver | undefined;
  private readonly queue: { chunk: Uint8Array; sent: (() => void) | undefined }[] = [];
  private writing = false;
  private wrote = 0;
  private paused: Promise<void> | undefined;
  private go: (() => void) | undefined;
  private ending = false;
  private over = false;
  private why: string | undefined;
  private waiting: (() => void)[] = [];

  /** Takes a reference of its own; `ended` is called when it has given that back. */
  constructor(c: Chan, ended: () => void = () => undefined) {
    this.c = c.incref();
    this.ended = ended;
    this.peer = c.path;
  }

  start(to: Receiver): void {
    this.to = to;
    void this.reads();
  }

  send(chunk: Uint8Array, sent?: () => void): void {
    if (this.ending || this.over) return;
    this.buffered += chunk.length;
    this.queue.push({ chunk, sent });
    if (!this.writing) void this.writes();
  }

  drain(): Promise<void> {
    if (this.over || this.buffered <= LOW) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  pause(): void {
    this.paused ??= new Promise((resolve) => {
      this.go = resolve;
    });
  }

  resume(): void {
    this.go?.();
    this.paused = undefined;
  }

  close(why?: string): void {
    if (this.ending) return;
    this.ending = true;
    this.why ??= why;
    if (!this.writing) this.end();
  }

  private async reads(): Promise<void> {
    const { c } = this;
    try {
      for (let at = 0; ; ) {
        await this.paused;
        // Closed meanwhile, the fid is somebody else's.
        if (this.over) return;
        const data = await c.mnt.client.read(c.fid, at, c.iounit, this.intr);
        if (data.length === 0) break;
        at += data.length;
        if (!this.over) this.to?.recv(data);
      }
    } catch (e) {
      if (!isInterrupted(e)) this.why ??= asNineError(e).message;
    }
    // The other side has gone: nobody takes what is still to be written.
    this.queue.length = 0;
    this.end();
  }

  private async writes(): Promise<void> {
    const { c } = this;
    this.writing = true;
    try {
      for (let next = this.queue.shift(); next; next = this.queue.shift()) {
        await c.mnt.client.write(c.fid, this.wrote, next.chunk, this.intr);
        this.wrote += next.chunk.length;
        this.buffered -= next.chunk.length;
        next.sent?.();
        if (this.buffered <= LOW) for (const f of this.waiting.splice(0)) f();
      }
    } catch (e) {
      if (!isInterrupted(e)) this.why ??= asNineError(e).message;
      this.ending = true;
    }
    this.writing = false;
    if (this.ending) this.end();
  }

  private end(): void {
    if (this.over) return;
    this.over = true;
    this.ending = true;
    this.intr.raise();
    this.c.close();
    this.ended();
    this.resume();
    for (const f of this.waiting.splice(0)) f();
    this.to?.closed(this.why);
  }
}
