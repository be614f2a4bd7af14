/**
 * odd: a server whose files behave as real ones seldom do: they block, answer late, ignore flushes,
 * fail to close, have bugs. Everything that waits does so in microtasks or until another file is used.
 */
import { DMEXCL, dir, encode, Eintr, NineError, type Call, type DirNode, type FileNode, type Server } from "../../proto/index.ts";

/** What the server saw, for tests that look behind the wire. */
export interface Seen {
  opens: number;
  closes: number;
  /** Closes that came while a read of the same open was still running. */
  early: number;
}

function aborted(call: Call): Promise<void> {
  return new Promise((resolve) => {
    if (call.signal.aborted) resolve();
    else call.signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A directory that takes its time over everything. */
function slow(inner: DirNode, hops: number): DirNode {
  const later = async <T>(v: T): Promise<T> => {
    for (let i = 0; i < hops; i++) await Promise.resolve();
    return v;
  };
  return {
    walk: async (name, call) => {
      await later(undefined);
      return inner.walk(name, call);
    },
    list: async (call) => later(await inner.list(call)),
  };
}

export function odd(seen: Seen = { opens: 0, closes: 0, early: 0 }): Server {
  let free: (() => void)[] = [];
  const block: FileNode = {
    mode: 0o666,
    open() {
      seen.opens++;
      let running = 0;
      return {
        stream: true,
        async read(_at, _n, call) {
          running++;
          await aborted(call);
          await Promise.resolve();
          running--;
          throw new NineError(Eintr);
        },
        write: (_at, data) => data.length,
        close() {
          seen.closes++;
          if (running > 0) seen.early++;
        },
      };
    },
  };
  const bytes = new Uint8Array(1000).map((_, i) => i);
  const root = dir({
    block,
    alone: { mode: DMEXCL | 0o666, open: () => ({ read: () => new Uint8Array(0) }) },
    big: { open: () => ({ read: (at, n) => bytes.subarray(at, at + n) }), length: () => 1000 },
    unit: { open: () => ({ iounit: 128, read: () => new Uint8Array(0) }) },
    late: {
      open: () => ({
        async read(_at, _n, call) {
          await aborted(call);
          return encode("late");
        },
      }),
    },
    deaf: { open: () => ({ read: () => new Promise(() => undefined) }) },
    stuck: {
      mode: 0o666,
      open: () => ({
        async write(_at, data) {
          await new Promise<void>((resolve) => free.push(resolve));
          return data.length;
        },
      }),
    },
    free: {
      mode: 0o666,
      open: () => ({
        write(_at, data) {
          for (const f of free.splice(0)) f();
          return data.length;
        },
      }),
    },
    buggy: {
      mode: 0o666,
      open: () => ({
        read() {
          throw new TypeError("a bug of the server");
        },
        write: (_at, data) => Promise.reject(new RangeError(`${data.length}`)),
      }),
    },
    unclosable: {
      mode: 0o666,
      open: () => ({
        write: (_at, data) => data.length,
        close() {
          throw new NineError("file system is full");
        },
      }),
    },
    long: { open: () => { throw new NineError(`${"ä".repeat(300)} is too much`); } },
    slow: slow(dir({ a: slow(dir({ b: slow(dir({ text: { open: async () => ({ read: async (at: number, n: number) => encode("deep\n").subarray(at, at + n) }) } }), 3) }), 5) }), 4),
  });
  return { name: "odd", attach: () => root };
}
