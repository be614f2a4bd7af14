/**
 * pipe: two-way pipes (pipe(3)). Each attach is a new pipe, a directory of `data` and `data1`: what
 * is written to one is read from the other. Invariants: bytes keep their order and are not joined to
 * more than a reader asks for; a writer waits while LIMIT bytes are unread; when the last open of an
 * end goes, the other end reads what is left and then the end of file, and writing to it is Epipe.
 */
import { type Call, dir, Eintr, Epipe, type FileNode, NineError, type OpenFile, type Server } from "../proto/index.ts";

/** Unread bytes, with EACH for a write, above which a writer waits. */
const LIMIT = 256 * 1024;

/** What a write costs besides its bytes. */
const EACH = 64;

/** One direction. */
class Queue {
  /** Unread bytes in order, from `head` on. */
  private chunks: Uint8Array[] = [];
  private head = 0;
  private bytes = 0;
  /** No more will be written, or read. */
  ended = false;
  broken = false;
  private readonly waiting = new Set<() => void>();

  read(n: number, call: Call): Uint8Array | Promise<Uint8Array> {
    const first = this.chunks[this.head];
    if (!first) {
      if (this.ended || n === 0) return new Uint8Array(0);
      return this.wait(call).then(() => this.read(n, call));
    }
    if (first.length > n) this.chunks[this.head] = first.subarray(n);
    else if (++this.head > 1024 || this.head === this.chunks.length) {
      this.chunks = this.chunks.slice(this.head);
      this.head = 0;
    }
    const data = first.length <= n ? first : first.subarray(0, n);
    this.bytes -= first.length > n ? data.length : data.length + EACH;
    this.wake();
    return data;
  }

  write(data: Uint8Array, call: Call): number | Promise<number> {
    if (this.broken) throw new NineError(Epipe);
    if (this.bytes >= LIMIT) return this.wait(call).then(() => this.write(data, call));
    if (data.length > 0) {
      this.chunks.push(data.slice());
      this.bytes += data.length + EACH;
      this.wake();
    }
    return data.length;
  }

  wake(): void {
    for (const f of [...this.waiting]) f();
  }

  /** Until something changed; rejects when the call is flushed. */
  private wait(call: Call): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = call;
      const end = (): void => {
        this.waiting.delete(go);
        signal.removeEventListener("abort", abort);
      };
      const go = (): void => {
        end();
        resolve();
      };
      const abort = (): void => {
        end();
        reject(new NineError(Eintr));
      };
      if (signal.aborted) {
        reject(new NineError(Eintr));
        return;
      }
      this.waiting.add(go);
      signal.addEventListener("abort", abort);
    });
  }
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
        read: (_at, n, call) => from.read(n, call),
        write: (_at, data, call) => to.write(data, call),
        close() {
          if (--opens > 0) return;
          to.ended = true;
          from.broken = true;
          to.wake();
          from.wake();
        },
      };
    },
  };
}

export function pipe(): Server {
  return {
    name: "pipe",
    attach() {
      const a = new Queue();
      const b = new Queue();
      return dir({ data: end(a, b), data1: end(b, a) });
    },
  };
}
