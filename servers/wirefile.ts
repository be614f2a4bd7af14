/**
 * WireFile: one end of a Transport as an open file: what is written is sent, what comes is read, in
 * order, whatever offsets are given. Invariants: chunks are copied, since they are lent; while LIMIT
 * bytes are unread no more is taken; closing the file closes the transport, whose end is an end of file.
 */
import { type Awaitable, type Call, Eintr, Ehungup, NineError, type OpenFile, type Receiver, type Transport } from "../proto/index.ts";

/** Unread bytes above which the other side waits. */
const LIMIT = 1 << 20;

/** Takes over the transport, which was not started. */
export function wireFile(t: Transport): OpenFile {
  const chunks: Uint8Array[] = [];
  const readers = new Set<() => void>();
  let unread = 0;
  let over = false;
  const wake = (): void => {
    for (const f of [...readers]) f();
  };
  const to: Receiver = {
    recv(chunk) {
      chunks.push(chunk.slice());
      unread += chunk.length;
      if (unread >= LIMIT) t.pause();
      wake();
    },
    closed() {
      over = true;
      wake();
    },
  };
  const something = ({ signal }: Call): Promise<void> => new Promise((resolve, reject) => {
    const end = (f: () => void): void => {
      readers.delete(come);
      signal.removeEventListener("abort", abort);
      f();
    };
    const come = (): void => end(resolve);
    const abort = (): void => end(() => reject(new NineError(Eintr)));
    if (signal.aborted) {
      reject(new NineError(Eintr));
      return;
    }
    readers.add(come);
    signal.addEventListener("abort", abort);
  });
  const take = (n: number, call: Call): Awaitable<Uint8Array> => {
    const first = n > 0 ? chunks.shift() : undefined;
    if (!first) return over || n === 0 ? new Uint8Array(0) : something(call).then(() => take(n, call));
    if (first.length > n) chunks.unshift(first.subarray(n));
    const data = first.subarray(0, n);
    if (unread >= LIMIT && unread - data.length < LIMIT) t.resume();
    unread -= data.length;
    return data;
  };
  t.start(to);
  return {
    stream: true,
    read: (_at, n, call) => take(n, call),
    async write(_at, data) {
      if (over) throw new NineError(Ehungup);
      const { length } = data;
      t.send(data.slice());
      await t.drain();
      return length;
    },
    close: () => t.close(),
  };
}
