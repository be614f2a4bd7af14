/** chaos: each kind of trouble, and the calling convention in all of them together. */
import { describe, expect, it, test } from "vitest";
import { Seeded } from "../../clients/node/seeded.ts";
import {
  chaos, dial, Ehungup, Eintr, Eio, errorOf, NOFID, NOU32, open, OREAD, ORDWR, pair, type Portal, Rclunk, type Rmsg, Rread, serve, Tattach, Tclunk,
  type Tmsg, Topen, trace, Tread, Tremove, type Troubles, Twalk, Twrite, unpackDirs,
} from "../../proto/index.ts";
import { pipe, ram } from "../../servers/index.ts";
import { Nine } from "../support/nine.ts";
import { chance, seed } from "../support/random.ts";
import { serverSuite } from "../support/serversuite.ts";
import { slowly } from "../support/slowly.ts";

const now = (): number => 0;
const ramOpen = (): Portal => open(ram({ now }));
const who = { uname: "glenda" };

/** The troubles come once the client has attached: made by a function that is called then. */
function troubled(inner: Portal, troubles: Troubles, n = 1): { portal: Portal; trouble: () => void } {
  let t: Portal | undefined;
  const bad = chaos(inner, new Seeded(n), troubles);
  const portal: Portal = {
    dialect: inner.dialect, msize: inner.msize, ordered: bad.ordered,
    call: (m) => (t ?? inner).call(m), flush: (m) => (t ?? inner).flush(m), hangup: () => (t ?? inner).hangup(),
  };
  return { portal, trouble: () => void (t = bad) };
}

/** A portal that answers when told to, and says what was asked of it and flushed. */
function byHand(): { portal: Portal; asked: Tmsg[]; flushed: Tmsg[]; answer: (i: number, r: Rmsg) => void; hung: () => number } {
  const asked: Tmsg[] = [];
  const flushed: Tmsg[] = [];
  const resolve: ((r: Rmsg) => void)[] = [];
  let hung = 0;
  const portal: Portal = {
    dialect: "9P2000.L", msize: 8192, ordered: true,
    call(t) {
      asked.push(t);
      return new Promise((r) => resolve.push(r));
    },
    flush: (t) => void flushed.push(t),
    hangup() {
      hung++;
    },
  };
  return { portal, asked, flushed, answer: (i, r) => resolve[i]?.(r), hung: () => hung };
}

/** All that follows from what was done, sleeps included. */
const settled = async (host: Seeded): Promise<void> => {
  for (let last = -1; last !== host.turns;) {
    last = host.turns;
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  }
};

describe("delays and another order", () => {
  const ways: readonly [string, Troubles][] = [
    ["late, delayed and reordered", { late: 0.3, delay: 0.3, reorder: 0.5 }], ["all reordered", { reorder: 1 }],
  ];
  for (const [what, troubles] of ways) {
    serverSuite(`ram through chaos, ${what}`, () => ram({ now: Date.now }), {
      entries: 200, portal: (server, dialect) => chaos(open(server, { dialect }), new Seeded(seed()), troubles),
    });
  }
  serverSuite("ram on a wire with chaos at both ends", () => ram({ now: Date.now }), {
    entries: 200,
    portal: async (server, dialect) => {
      const host = new Seeded(seed());
      const [a, b] = pair();
      serve(b, (s) => chaos(open(server, s), host, { delay: 0.2, reorder: 0.3 }));
      return chaos(await dial(a, { versions: [`${dialect}.x`] }), host, { late: 0.2, reorder: 0.5 });
    },
  });

  it("answers calls that are under way together in any order", async () => {
    const nine = await Nine.attach(chaos(ramOpen(), new Seeded(seed()), { reorder: 1 }), who);
    const order: number[] = [];
    await Promise.all(Array.from({ length: 8 }, async (_, i) => {
      await nine.portal.call({ type: Twalk, fid: nine.root, newfid: 100 + i, wname: [] });
      order.push(i);
    }));
    expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
  });

  it("requests to an ordered portal do not overtake each other, to one that says so they do", async () => {
    for (const unordered of [false, true]) {
      const hand = byHand();
      const host = new Seeded(seed());
      const portal = chaos(hand.portal, host, { late: 0.5, unordered });
      expect(portal.ordered).toBe(!unordered);
      for (let fid = 0; fid < 40; fid++) void portal.call({ type: Tclunk, fid });
      await settled(host);
      const got = hand.asked.map((t) => ("fid" in t ? t.fid : -1));
      const inOrder = Array.from({ length: 40 }, (_, i) => i);
      expect(got.toSorted((a, b) => a - b)).toEqual(inOrder);
      if (unordered) expect(got).not.toEqual(inOrder);
      else expect(got).toEqual(inOrder);
    }
  });

  it("keeps the data of a reply that waits", async () => {
    const data = new Uint8Array([1, 2, 3]);
    const lent: Portal = { dialect: "9P2000.L", msize: 8192, ordered: true, call: () => ({ type: Rread, data }), flush: () => undefined, hangup: () => undefined };
    const r = chaos(lent, new Seeded(seed()), { delay: 1 }).call({ type: Tread, fid: 1, offset: 0, count: 3 });
    data.fill(0xdd);
    expect(await r).toEqual({ type: Rread, data: new Uint8Array([1, 2, 3]) });
  });
});

describe("errors", () => {
  it("answers i/o error, and nothing has happened; clunk and remove free the fid all the same", async () => {
    const seen: Tmsg[] = [];
    const inner = ramOpen();
    const nine = await Nine.attach(inner, who);
    await nine.put("f", "text");
    const f = await nine.walk("f");
    const g = await nine.walk("f");
    const watched: Portal = {
      ...inner, dialect: inner.dialect, msize: inner.msize, ordered: true, flush: (t) => inner.flush(t), hangup: () => inner.hangup(),
      call(t) {
        seen.push(t);
        return inner.call(t);
      },
    };
    const bad = chaos(watched, new Seeded(seed()), { error: 1 });
    const ts: Tmsg[] = [
      { type: Twalk, fid: f, newfid: 99, wname: [] }, { type: Topen, fid: f, mode: OREAD }, { type: Twrite, fid: f, offset: 0, data: new Uint8Array(3) },
      { type: Tclunk, fid: f }, { type: Tremove, fid: g },
    ];
    for (const t of ts) expect(errorOf(await bad.call(t))?.message).toBe(Eio);
    expect(seen).toEqual([{ type: Tclunk, fid: f }, { type: Tclunk, fid: g }]);
    expect(await nine.get("f")).toBe("text");
  });

  it("come as often as they should", async () => {
    const { portal, trouble } = troubled(ramOpen(), { error: 0.25 }, seed());
    const nine = await Nine.attach(portal, who);
    trouble();
    let errors = 0;
    for (let i = 0; i < 4000; i++) if (errorOf(await portal.call({ type: Twalk, fid: nine.root, newfid: 100 + i, wname: [] }))) errors++;
    expect(errors).toBeGreaterThan(850);
    expect(errors).toBeLessThan(1150);
  });
});

describe("short reads", () => {
  it("give less of a file, never nothing, and all of it in the end; of a stream nothing is lost", async () => {
    const nine = await Nine.attach(chaos(ramOpen(), new Seeded(seed()), { short: 1 }), who);
    const text = "0123456789".repeat(100);
    await nine.put("f", text);
    const fid = await nine.open("f");
    const first = await nine.read(fid, 0, 1000);
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThan(1000);
    expect(await nine.get("f")).toBe(text);
    const pipes = await Nine.attach(chaos(open(pipe()), new Seeded(seed()), { short: 0.5 }), who);
    const [a, b] = [await pipes.open("data", ORDWR), await pipes.open("data1", ORDWR)];
    await pipes.write(a, 0, text);
    let got = "";
    while (got.length < text.length) got += await pipes.readText(b, 0, 100);
    expect(got).toBe(text);
  });

  it("leave the records of a directory whole", async () => {
    const inner = open(ram({ now }), { dialect: "9P2000" });
    const { portal, trouble } = troubled(inner, { short: 1 }, seed());
    const nine = await Nine.attach(portal, who);
    for (let i = 0; i < 50; i++) await nine.put(`file${i}`);
    trouble();
    // A number that was an open file's before is a directory's now.
    const f = await nine.open("file1");
    await nine.clunk(f);
    await nine.portal.call({ type: Twalk, fid: nine.root, newfid: f, wname: [] });
    await nine.portal.call({ type: Topen, fid: f, mode: OREAD });
    const names: string[] = [];
    for (let at = 0; ;) {
      const data = await nine.read(f, at, 300);
      if (data.length === 0) break;
      names.push(...unpackDirs(data, "9P2000").map((d) => d.name));
      at += data.length;
    }
    expect(names).toHaveLength(50);
  });
});

describe("flush", () => {
  it("settles what has not been asked yet, and it is never asked", async () => {
    const hand = byHand();
    const host = new Seeded(seed());
    const portal = chaos(hand.portal, host, { late: 1 });
    const ts: Tmsg[] = [1, 2, 3].map((fid) => ({ type: Tclunk, fid }));
    const rs = ts.map((t) => portal.call(t));
    for (const t of ts.slice(0, 2)) portal.flush(t);
    expect(errorOf(await rs[0]!)?.message).toBe(Eintr);
    expect(errorOf(await rs[1]!)?.message).toBe(Eintr);
    await settled(host);
    expect(hand.asked).toEqual([{ type: Tclunk, fid: 3 }]);
    hand.answer(0, { type: Rclunk });
    expect(await rs[2]).toEqual({ type: Rclunk });
    expect(hand.flushed).toEqual([]);
  });

  it("brings a reply that waits", async () => {
    const hand = byHand();
    const host = new Seeded(seed());
    const portal = chaos(hand.portal, host, { delay: 1, longestMs: 1e9 });
    const t: Tmsg = { type: Tclunk, fid: 1 };
    const r = portal.call(t);
    hand.answer(0, { type: Rclunk });
    await Promise.resolve();
    await Promise.resolve();
    portal.flush(t);
    expect(await r).toEqual({ type: Rclunk });
    expect(host.turns).toBe(0);
    expect(hand.flushed).toEqual([]);
  });

  it("is heard late, and not at all when the reply came first", async () => {
    const hand = byHand();
    const host = new Seeded(seed());
    const portal = chaos(hand.portal, host, { deaf: 1 });
    const [t, u]: Tmsg[] = [{ type: Tclunk, fid: 1 }, { type: Tclunk, fid: 2 }];
    const [r, s] = [portal.call(t!), portal.call(u!)];
    portal.flush(t!);
    portal.flush(u!);
    expect(hand.flushed).toEqual([]);
    hand.answer(1, { type: Rclunk });
    expect(await s).toEqual({ type: Rclunk });
    await settled(host);
    expect(hand.flushed).toEqual([t]);
    hand.answer(0, { type: Rclunk });
    expect(await r).toEqual({ type: Rclunk });
  });
});

test("a hang-up settles every call, wherever it is, and the session is over", async () => {
  const inner = open(pipe());
  const host = new Seeded(seed());
  const nine = await Nine.attach(inner, who);
  const [data] = [await nine.open("data", ORDWR)];
  for (const troubles of [{ late: 0.5 }, { delay: 0.5 }, { reorder: 0.5 }]) {
    const hand = byHand();
    const portal = chaos(hand.portal, host, troubles);
    const rs = Array.from({ length: 20 }, (_, fid) => Promise.resolve(portal.call({ type: Tclunk, fid })));
    const before = hand.asked.length;
    for (let i = 0; i < before; i += 2) hand.answer(i, { type: Rclunk });
    await Promise.resolve();
    portal.hangup();
    expect(hand.hung()).toBe(1);
    // A server settles what it was asked.
    for (let i = 1; i < before; i += 2) hand.answer(i, { type: Rclunk });
    expect(await Promise.all(rs)).toHaveLength(20);
    await settled(host);
    expect(hand.asked).toHaveLength(before);
    expect(errorOf(await portal.call({ type: Tclunk, fid: 1 }))?.message).toBe(Ehungup);
  }
  const portal = chaos(inner, host, { hangup: 0.1 });
  const blocked = portal.call({ type: Tread, fid: data, offset: 0, count: 1 });
  for (let i = 0; i < 200; i++) await portal.call({ type: Twalk, fid: nine.root, newfid: 1000 + i, wname: [] });
  expect(errorOf(await blocked)?.message).toBe(Ehungup);
  expect(errorOf(await inner.call({ type: Tclunk, fid: data }))?.message).toBe(Ehungup);
});

/** A server that is slow, its portal through all troubles, a client that sends whatever it likes: what both saw, as text. */
async function wild(n: number): Promise<string[]> {
  const rnd = chance(n);
  const host = new Seeded(n);
  const log: string[] = [];
  const inner = trace(open(slowly(ram({ now }), () => host.sleep(rnd(30)))), (l) => log.push(l), { name: "in" });
  const settledInner = new Set<Tmsg>();
  const asked = new Map<Tmsg, boolean>();
  const watched: Portal = {
    dialect: inner.dialect, msize: inner.msize, ordered: true, flush: (t) => inner.flush(t), hangup: () => inner.hangup(),
    call(t) {
      asked.set(t, true);
      const r = inner.call(t);
      if (r instanceof Promise) void r.then(() => settledInner.add(t));
      else settledInner.add(t);
      return r;
    },
  };
  const rate = (): number => rnd(4) / 8;
  const outer = trace(chaos(watched, host, { late: rate(), delay: rate(), reorder: rate(), error: rate() / 4, short: rate(), deaf: rate(), hangup: rnd(3) === 0 ? 0.01 : 0 }), (l) => log.push(l), { name: "out" });
  const calls: Promise<void>[] = [];
  const live = new Set<Tmsg>();
  const send = (t: Tmsg): void => {
    const r = outer.call(t);
    if (!(r instanceof Promise)) return;
    live.add(t);
    calls.push(r.then(() => {
      live.delete(t);
      // Whoever was asked has answered by now: nothing of the call is still to come.
      if (asked.has(t)) expect(settledInner.has(t)).toBe(true);
    }));
  };
  send({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
  for (let i = 0; i < 60; i++) {
    const fid = rnd(6);
    const kind = rnd(8);
    if (kind < 3) send({ type: Twalk, fid: rnd(3), newfid: fid, wname: rnd(2) ? [] : [`f${rnd(3)}`] });
    else if (kind === 3) send({ type: Topen, fid, mode: rnd(3) });
    else if (kind === 4) send({ type: Tread, fid, offset: 0, count: 100 });
    else if (kind === 5) send({ type: Twrite, fid, offset: rnd(10), data: new Uint8Array(rnd(20)) });
    else if (kind === 6) send(rnd(2) ? { type: Tclunk, fid } : { type: Tremove, fid });
    else for (const t of [...live]) if (rnd(3) === 0) outer.flush(t);
    if (rnd(4) === 0) await host.yield();
  }
  if (rnd(3) === 0) outer.hangup();
  await Promise.all(calls);
  expect(live.size).toBe(0);
  outer.hangup();
  return log;
}

test("whatever happens, each call settles once, and nothing of it happens afterwards; a seed says it all", async () => {
  const seen = new Set<string>();
  for (let i = 0; i < 150; i++) {
    const n = seed() * 1000 + i;
    try {
      const log = (await wild(n)).join("\n");
      if (i % 10 === 0) expect((await wild(n)).join("\n")).toBe(log);
      seen.add(log);
    } catch (e) {
      throw new Error(`seed ${n}, SEED=${seed()}`, { cause: e });
    }
  }
  expect(seen.size).toBe(150);
});
