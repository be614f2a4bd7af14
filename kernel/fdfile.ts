/**
 * FdFile: one more open of an open file, as the files of /fd and /srv give it (dup(3), srv(3)): the
 * offset is the file's own, whoever reads or writes. Invariant: it holds a reference on the Chan until
 * it is closed; a call that waits ends with the signal given, like those of any server.
 */
import { type Awaitable, Ebadusefd, Eintr, Interrupt, NineError, OEXEC, ORDWR, OREAD } from "../proto/index.ts";
import type { Chan } from "./chan.ts";
import type { Blocked } from "./blocked.ts";
import type { Turn } from "./turn.ts";

/** For servers, which know no Chan. */
export interface FdFile {
  /** `by` is the process that reads, if that is known. */
  read(n: number, signal: AbortSignal, by?: number): Promise<Uint8Array>;
  write(data: Uint8Array, signal: AbortSignal): Promise<number>;
  close(): void;
}

/** Opens it for open(2)'s mode; Ebadusefd when it is not open for that. The Chan is borrowed. */
export function fdFile(c: Chan, mode: number): FdFile {
  const have = c.mode & 3;
  const want = mode & 3;
  const reads = (m: number): boolean => m === OREAD || m === OEXEC;
  if (have !== ORDWR && have !== want && !(reads(have) && reads(want))) throw new NineError(Ebadusefd);
  c.incref();
  return {
    read: (n, signal, by) => turn(c.free ? undefined : c.reading, signal, (intr) => c.readNext(Math.min(n, c.iounit), intr, undefined, by)),
    write: (data, signal) => turn(c.writing, signal, async (intr) => {
      const n = await c.writeAt(c.offset, data, intr);
      c.offset += n;
      return n;
    }),
    close: () => c.close(),
  };
}

async function turn<T>(t: Turn | undefined, signal: AbortSignal, f: (intr: Interrupt) => Awaitable<T>): Promise<T> {
  if (t) await abortable(signal, (blocked) => t.enter(blocked));
  const intr = new Interrupt();
  const stop = (): void => intr.raise();
  signal.addEventListener("abort", stop);
  try {
    // Its turn may have come just before.
    if (signal.aborted) throw new NineError(Eintr);
    return await f(intr);
  } finally {
    signal.removeEventListener("abort", stop);
    t?.leave();
  }
}

/** A wait that the signal ends as a note ends a process's. */
export async function abortable<T>(signal: AbortSignal, f: (blocked: Blocked) => Awaitable<T>): Promise<T> {
  if (signal.aborted) throw new NineError(Eintr);
  const armed = new Set<() => void>();
  const abort = (): void => {
    for (const interrupted of armed) interrupted();
    armed.clear();
  };
  signal.addEventListener("abort", abort);
  try {
    // What comes after the signal does not begin to wait.
    return await f({ block: (x) => (signal.aborted ? x() : void armed.add(x)), unblock: (x) => void armed.delete(x) });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
