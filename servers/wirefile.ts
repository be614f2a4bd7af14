/**
 * WireFile: one end of a Transport as an open file: what is written is sent, what comes is read, in
 * order, whatever offsets are given. Invariants: chunks are copied, since they are lent; while LIMIT
 * bytes are unread no more is taken, and while as many are unsent a write waits; closing the file closes the transport, whose end is an end of file.
 */
import { type Awaitable, type Call, Ehungup, NineError, type OpenFile, type Receiver, type Transport } from "../proto/index.ts";
import { Rendez } from "./rendez.ts";

/** Unread bytes above which the other side waits, and unsent ones above which writers do. */
const LIMIT = 1 << 20;

/** Takes over the transport, which was not started. */
export function wireFile(t: Transport): OpenFile {
  const chunks: Uint8Array[] = [];
  const come = new Rendez();
  const taken = new Rendez();
  let unread = 0;
  let over = false;
  const to: Receiver = {
    recv(chunk) {
      chunks.push(chunk.slice());
      unread += chunk.length;
      if (unread >= LIMIT) t.pause();
      come.wakeup();
    },
    closed() {
      over = true;
      come.wakeup();
    },
  };
  const take = (n: number, call: Call): Awaitable<Uint8Array> => {
    const first = n > 0 ? chunks.shift() : undefined;
    if (!first) return over || n === 0 ? new Uint8Array(0) : come.sleep(call).then(() => take(n, call));
    if (first.length > n) chunks.unshift(first.subarray(n));
    const data = first.subarray(0, n);
    if (unread >= LIMIT && unread - data.length < LIMIT) t.resume();
    unread -= data.length;
    return data;
  };
  let draining: Promise<void> | undefined;
  const room = (call: Call): Promise<void> => {
    draining ??= t.drain().then(() => {
      draining = undefined;
      taken.wakeup();
    });
    return taken.sleep(call);
  };
  t.start(to);
  return {
    stream: true,
    read: (_at, n, call) => take(n, call),
    async write(_at, data, call) {
      // Who is flushed here has sent nothing.
      while (t.buffered >= LIMIT) {
        if (over) break;
        await room(call);
      }
      if (over) throw new NineError(Ehungup);
      t.send(data.slice());
      return data.length;
    },
    close: () => t.close(),
  };
}
