/**
 * What is lent is not used when it has been given back: chunks to receivers until recv returns, to
 * transports until they are sent, payloads to servers until their reply. Everything given back is
 * overwritten at once here, and several connections take their buffers from the same pool.
 */
import { describe, expect, it } from "vitest";
import {
  Client, dial, dir, errorOf, type FileNode, limit, NOFID, NOU32, open, type OpenFile, ORDWR, OREAD, pair, type Portal, readonly, type Rmsg, Rread, Rwrite,
  serve, type Server, Tattach, Tcreate, type Tmsg, trace, Tread, type Transport, Twrite,
} from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { chance, seed } from "../support/random.ts";
import { sleepers, slowly } from "../support/slowly.ts";

/** A transport that keeps what it sends for a while, and overwrites whatever is no longer lent. */
function lending(inner: Transport, rnd: (n: number) => number): Transport {
  const queue: { chunk: Uint8Array; sent: (() => void) | undefined }[] = [];
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    for (let next = queue.shift(); next; next = queue.shift()) {
      for (let i = rnd(4); i > 0; i--) await new Promise((resolve) => setImmediate(resolve));
      inner.send(next.chunk.slice());
      next.chunk.fill(0xee);
      next.sent?.();
    }
    running = false;
  };
  return {
    peer: inner.peer, framed: false,
    get buffered() {
      return inner.buffered;
    },
    start: (to) => inner.start({
      recv(chunk) {
        for (let at = 0; at < chunk.length;) {
          const part = chunk.slice(at, at + 1 + rnd(200_000));
          at += part.length;
          to.recv(part);
          part.fill(0xdd);
        }
      },
      closed: (why) => to.closed(why),
    }),
    send(chunk, sent) {
      queue.push({ chunk, sent });
      if (!running) void run();
    },
    drain: () => inner.drain(), pause: () => inner.pause(), resume: () => inner.resume(), close: (why) => inner.close(why),
  };
}

const SIZE = 400_000;

/** One client that writes and reads at random places of a file of its own, several messages under way. */
async function work(portal: Portal, name: string, rnd: (n: number) => number): Promise<void> {
  const call = async (t: Tmsg): Promise<Rmsg> => {
    const r = await portal.call(t);
    const e = errorOf(r);
    if (e) throw e;
    return r;
  };
  await call({ type: Tattach, fid: 0, afid: NOFID, uname: "none", aname: "", n_uname: NOU32 });
  await call({ type: Tcreate, fid: 0, name, perm: 0o666, mode: ORDWR, extension: "" });
  const model = new Uint8Array(SIZE);
  await call({ type: Twrite, fid: 0, offset: 0, data: new Uint8Array(SIZE) });
  for (let round = 0; round < 12; round++) {
    // Writes first, then reads: the order on one fid is kept.
    const under: Promise<void>[] = [];
    for (let i = rnd(4); i >= 0; i--) {
      const offset = rnd(SIZE - 1);
      const data = new Uint8Array(1 + rnd(Math.min(SIZE - offset, rnd(2) ? 200 : 150_000))).map(() => rnd(256));
      model.set(data, offset);
      under.push(call({ type: Twrite, fid: 0, offset, data: data.slice() }).then((r) => expect(r).toEqual({ type: Rwrite, count: data.length })));
    }
    const now = model.slice();
    for (let i = rnd(6); i >= 0; i--) {
      const offset = rnd(SIZE - 1);
      const count = 1 + rnd(rnd(2) ? 9000 : 300_000);
      under.push(call({ type: Tread, fid: 0, offset, count }).then((r) => {
        const want = now.subarray(offset, offset + count);
        expect(r.type === Rread && Buffer.compare(r.data, want), `${offset} ${count}`).toBe(0);
      }));
    }
    await Promise.all(under);
  }
}

/** One file whose reads give `memory`, which is overwritten as soon as the receiver waits; where the caller said, when `uses`. */
function forgetful(memory: Uint8Array, how: { lasting?: boolean; uses?: boolean; late?: boolean }): Server {
  const file: FileNode = {
    open: (): OpenFile => ({
      ...(how.lasting && { lasting: true }),
      read(at, n, _call, into) {
        const from = how.lasting ? memory.slice() : memory;
        const want = from.subarray(at, at + n);
        const give = (): Uint8Array => {
          memory.forEach((_, i) => (memory[i] = i & 255));
          if (!how.uses || !into) {
            // A promise of it settles some turns before the receiver has it.
            if (how.late) setImmediate(() => memory.fill(0xee));
            else void Promise.resolve().then(() => memory.fill(0xee));
            return want;
          }
          into.set(want);
          return into.subarray(0, want.length);
        };
        return how.late ? Promise.resolve().then(give) : give();
      },
    }),
  };
  return { name: "forgetful", attach: () => dir({ file }) };
}

describe("what a client reads is his", () => {
  const around: readonly (readonly [string, (p: Portal) => Portal])[] = [
    ["as it is", (p) => p], ["traced", (p) => trace(p, () => undefined)], ["read-only", (p) => readonly(p)], ["limited", (p) => limit(p, {})],
  ];
  for (const [name, wrap] of around) {
    for (const uses of [false, true]) {
      it.each([[64], [65], [4096], [4097], [100_000]])(`${name}${uses ? ", the server reads to where it is told" : ""}: %d bytes`, async (n) => {
        for (const late of [false, true]) {
          const memory = new Uint8Array(n).map((_, i) => i & 255);
          const client = new Client(wrap(open(forgetful(memory, { uses, late }))));
          const { fid: root } = await client.attach("none", "");
          const { fid } = await client.open(root, ["file"], OREAD);
          const want = memory.slice();
          const kept: Uint8Array[] = [];
          for (let i = 0; i < 20; i++) {
            kept.push(await client.read(fid, 0, n));
            // A page of the caller's, longer than the file and at an offset of its own.
            const page = new Uint8Array(n + 100).fill(1);
            const part = page.subarray(50, 50 + n + 10);
            const got = await client.read(fid, 0, n + 10, undefined, part);
            expect([got.buffer === page.buffer, got.byteOffset, got.length]).toEqual([true, 50, n]);
            kept.push(got);
            expect(page.subarray(0, 50).every((b) => b === 1) && page.subarray(50 + n).every((b) => b === 1)).toBe(true);
            const small = new Uint8Array(10);
            kept.push(await client.read(fid, 0, n, undefined, small));
            expect(kept.at(-1)?.buffer).toBe(small.buffer);
          }
          await new Promise((resolve) => setImmediate(resolve));
          for (const data of kept) expect(Buffer.compare(data, want.subarray(0, data.length))).toBe(0);
          // Nobody else's: writing over one changes no other.
          kept.forEach((data, i) => data.fill(i));
          kept.forEach((data, i) => expect(data.every((b) => b === i)).toBe(true));
        }
      });
    }
  }

  it("and is not copied where the server says that it lasts", async () => {
    for (const late of [false, true]) {
      const given: Uint8Array[] = [];
      const inner = open(forgetful(new Uint8Array(5000).fill(3), { lasting: true, late }));
      const seen = (r: Rmsg): Rmsg => {
        if (r.type === Rread) given.push(r.data);
        return r;
      };
      const client = new Client({
        dialect: inner.dialect, msize: inner.msize, ordered: inner.ordered, flush: (t) => inner.flush(t), hangup: () => inner.hangup(),
        call(t) {
          const r = inner.call(t);
          return r instanceof Promise ? r.then(seen) : seen(r);
        },
      });
      const { fid: root } = await client.attach("none", "");
      const { fid } = await client.open(root, ["file"], OREAD);
      expect(await client.read(fid, 0, 5000)).toBe(given[0]);
    }
  });
});

describe("lent bytes", () => {
  it.each([["at once", false], ["later", true]])("a server that answers %s", async (_, late) => {
    const rnd = chance(seed());
    const nap = sleepers(rnd);
    const inner = ram({ now: () => 0 });
    const server = late ? slowly(inner, () => nap.sleep()) : inner;
    const clients: Promise<void>[] = [];
    for (let i = 0; i < 4; i++) {
      const [a, b] = pair();
      serve(lending(b, rnd), (s) => open(server, s));
      clients.push(dial(lending(a, rnd), { msize: 500_000 }).then((p) => work(p, `f${i}`, rnd)));
    }
    const state = { over: false };
    const all = Promise.all(clients).finally(() => {
      state.over = true;
    });
    while (!state.over) {
      await nap.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await all.catch((e: unknown) => {
      throw new Error(`SEED=${seed()}`, { cause: e });
    });
  });
});
