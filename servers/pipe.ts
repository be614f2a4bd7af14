/**
 * pipe: two-way pipes (pipe(3)). Each attach is a new pipe, a directory of `data` and `data1`: what
 * is written to one is read from the other. Invariants: bytes keep their order; what one write wrote is
 * contiguous, and a read gives bytes of one write only; readers, and writers, are served in the order
 * they came; a writer waits while LIMIT bytes are unread; when the last open of an end goes, the other
 * end reads what is left and then the end of file, and writing to it is Epipe.
 */
import { type Call, dir, Eintr, Enonexist, Epipe, type FileNode, NineError, type OpenFile, type Server } from "../proto/index.ts";

/** Unread bytes, with EACH for a write, above which a writer waits. */
const LIMIT = 256 * 1024;
/** What a write costs besides its bytes. */
const EACH = 64;
/** Writes below LARGE bytes are put one behind the other into blocks, which grow with use from FIRST to BLOCK bytes: a buffer for each costs more than the copy. */
const LARGE = 16 * 1024;
const FIRST = 1024;
const BLOCK = 64 * 1024;

const NOTHING: Uint8Array = new Uint8Array(0);

/** Somebody who waits, until he is served or his call is flushed. */
interface Waiting<T> {
  /** Bytes wanted, or to be written. */
  readonly n: number;
  readonly data: Uint8Array;
  serve(result: T): void;
  refuse(why: NineError): void;
}

/** One direction. */
class Queue {
  /** Unread writes in order, from `head` on; each is its reader's when it is read, and never written again. */
  private readonly chunks: Uint8Array[] = [];
  private head = 0;
  private bytes = 0;
  private block = new ArrayBuffer(0);
  private used = 0;
  /** No more will be written, or read. */
  private ended = false;
  private broken = false;
  private readonly readers: Waiting<Uint8Array>[] = [];
  private readonly writers: Waiting<number>[] = [];

  read(n: number, call: Call): Uint8Array | Promise<Uint8Array> {
    if (n === 0) return NOTHING;
    if (this.head === this.chunks.length) return this.ended ? NOTHING : wait(this.readers, n, NOTHING, call);
    const data = this.take(n);
    if (this.writers.length > 0) this.admit();
    return data;
  }

  write(data: Uint8Array, call: Call): number | Promise<number> {
    if (this.broken) throw new NineError(Epipe);
    if (data.length === 0) return 0;
    if (this.bytes >= LIMIT || this.writers.length > 0) return wait(this.writers, data.length, data, call);
    this.put(data);
    if (this.readers.length > 0) this.serve();
    return data.length;
  }

  /** No more will be written. */
  end(): void {
    this.ended = true;
    for (const r of this.readers.splice(0)) r.serve(NOTHING);
  }

  /** No more will be read. */
  break(): void {
    this.broken = true;
    for (const w of this.writers.splice(0)) w.refuse(new NineError(Epipe));
  }

  /** At most n bytes of the first write; there is one. */
  private take(n: number): Uint8Array {
    const first = this.chunks[this.head] ?? NOTHING;
    if (first.length > n) {
      this.chunks[this.head] = first.subarray(n);
      this.bytes -= n;
      return first.subarray(0, n);
    }
    this.chunks[this.head++] = NOTHING;
    this.bytes -= first.length + EACH;
    if (this.head === this.chunks.length || this.head > 1024) this.forget();
    return first;
  }

  /** Drops what was read. */
  private forget(): void {
    this.chunks.splice(0, this.head);
    this.head = 0;
  }

  private put(data: Uint8Array): void {
    this.chunks.push(data.length < LARGE ? this.packed(data) : data.slice());
    this.bytes += data.length + EACH;
  }

  private packed(data: Uint8Array): Uint8Array {
    if (this.used + data.length > this.block.byteLength) {
      this.block = new ArrayBuffer(Math.max(data.length, Math.min(BLOCK, Math.max(FIRST, 2 * this.block.byteLength))));
      this.used = 0;
    }
    const chunk = new Uint8Array(this.block, this.used, data.length);
    chunk.set(data);
    this.used += data.length;
    return chunk;
  }

  /** Gives what is there to those who wait for it. */
  private serve(): void {
    while (this.head < this.chunks.length) {
      const r = this.readers.shift();
      if (!r) return;
      r.serve(this.take(r.n));
    }
  }

  /** Takes what waiting writers have, as far as there is room. */
  private admit(): void {
    while (this.bytes < LIMIT) {
      const w = this.writers.shift();
      if (!w) return;
      this.put(w.data);
      w.serve(w.n);
    }
  }
}

/** The last in the queue, until somebody takes him out of it and serves him; rejects when the call is flushed. */
function wait<T>(queue: Waiting<T>[], n: number, data: Uint8Array, call: Call): Promise<T> {
  return new Promise((resolve, reject) => {
    const { signal } = call;
    const abort = (): void => {
      queue.splice(queue.indexOf(me), 1);
      reject(new NineError(Eintr));
    };
    const me: Waiting<T> = {
      n, data,
      serve(result) {
        signal.removeEventListener("abort", abort);
        resolve(result);
      },
      refuse(why) {
        signal.removeEventListener("abort", abort);
        reject(why);
      },
    };
    if (signal.aborted) {
      reject(new NineError(Eintr));
      return;
    }
    queue.push(me);
    signal.addEventListener("abort", abort, { once: true });
  });
}

/** An end: reads one queue, writes the other; counted opens. */
function end(from: Queue, to: Queue): FileNode {
  let opens = 0;
  return {
    mode: 0o600,
    open(): OpenFile {
      opens++;
      return {
        stream: true,
        lasting: true,
        read: (_at, n, call) => from.read(n, call),
        write: (_at, data, call) => to.write(data, call),
        close() {
          if (--opens > 0) return;
          to.end();
          from.break();
        },
      };
    },
  };
}

export function pipe(): Server {
  return {
    name: "pipe",
    attach(_call, aname) {
      if (aname !== "" && aname !== "/") throw new NineError(Enonexist);
      const a = new Queue();
      const b = new Queue();
      return dir({ data: end(a, b), data1: end(b, a) });
    },
  };
}
