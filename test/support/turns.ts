/**
 * turns: counts round trips on a client's end of a wire: how often, while an operation is pending, the
 * direction turns from client-to-server to server-to-client. What an operation sends without waiting
 * (a final Tclunk) is answered when it is over, and does not count.
 */
import { type Portal, type Receiver, type Rmsg, sizeAt, Tclunk, type Tmsg, type Transport, typeOf } from "../../proto/index.ts";

export interface Turns {
  readonly transport: Transport;
  /** Counts from now on; what is returned tells how many there were so far. For several wires at a time. */
  from(): () => number;
  /** Round trips of op. */
  during<T>(op: () => Promise<T>): Promise<{ turns: number; value: T }>;
}

/** As on a real wire: nothing comes before all that is done in this tick is done. */
function later(f: () => void): void {
  setImmediate(f);
}

/** Whether a chunk, which is whole messages, has nothing but Tclunks. */
function clunks(chunk: Uint8Array): boolean {
  for (let at = 0; at < chunk.length; at += sizeAt(chunk, at)) if (typeOf(chunk, at) !== Tclunk) return false;
  return true;
}

/** waited: of no operation a Tclunk is waited for, and while others go on behind it its answer is none of theirs. */
export function turns(inner: Transport, waited = false): Turns {
  let count = 0;
  let asked = false;
  const transport: Transport = {
    peer: inner.peer,
    framed: inner.framed,
    get buffered() {
      return inner.buffered;
    },
    start: (to: Receiver) => inner.start({
      recv: (chunk) => {
        const copy = chunk.slice();
        later(() => {
          if (asked) count++;
          asked = false;
          to.recv(copy);
        });
      },
      closed: (why) => later(() => to.closed(why)),
    }),
    send(chunk, sent) {
      asked ||= !waited || !clunks(chunk);
      later(() => inner.send(chunk, sent));
    },
    drain: () => inner.drain(),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    close: (why) => inner.close(why),
  };
  return {
    transport,
    from() {
      count = 0;
      asked = false;
      return () => count;
    },
    async during(op) {
      count = 0;
      asked = false;
      const value = await op();
      const n = count;
      for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
      return { turns: n, value };
    },
  };
}

/** A portal that keeps no order, as most servers: it answers in later ticks, and fails the test that sends dependent messages together. */
export function plain(portal: Portal): Portal {
  const busy = new Set<number>();
  const fids = (t: Tmsg): number[] => [..."fid" in t ? [t.fid] : [], ..."newfid" in t ? [t.newfid] : [], ..."dfid" in t ? [t.dfid] : []];
  return {
    dialect: portal.dialect,
    msize: portal.msize,
    ordered: false,
    call(t): Promise<Rmsg> {
      const mine = fids(t);
      const makes = "newfid" in t ? [t.newfid] : mine;
      for (const f of mine) if (busy.has(f)) throw new Error(`a message of type ${t.type} names fid ${f}, whose reply has not come`);
      // A fid that is only walked from may be named by several at a time.
      for (const f of makes) busy.add(f);
      return new Promise((resolve) => {
        setImmediate(() => {
          void Promise.resolve(portal.call(t)).then((r) => {
            for (const f of makes) busy.delete(f);
            resolve(r);
          });
        });
      });
    },
    flush: (t) => portal.flush(t),
    hangup: () => portal.hangup(),
  };
}
