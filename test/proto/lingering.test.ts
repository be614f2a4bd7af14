/** What a peer cannot make a server keep. Calls whose caller has left still count while the server runs them; a file that cannot be opened leaves its fid in place. */
import { expect, it } from "vitest";
import {
  type DirNode, dir, errno, limit, NineError, NOFID, NOTAG, NOU32, open, packMessage, pair, type Portal, Rerror, serve, Splitter, Tattach, Tcreate, type Tmsg, Topen, Tread, Tstat, Tversion, Twalk, type Fcall,
} from "../../proto/index.ts";
import { settle } from "../support/peer.ts";

function stuck(): { root: DirNode; runs: () => number } {
  let n = 0;
  const root = dir({
    f: {
      mode: 0o444, open: () => ({
        read: () => {
          n++;
          return new Promise<Uint8Array>(() => undefined);
        },
      }),
    },
  });
  return { root, runs: () => n };
}

async function attached(p: Portal): Promise<Portal> {
  await p.call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
  return p;
}

it("a flush does not make room for another call that never ends", async () => {
  const { root, runs } = stuck();
  const p = await attached(limit(open({ name: "stuck", attach: () => root }), { calls: 10 }));
  await p.call({ type: Twalk, fid: 0, newfid: 1, wname: ["f"] });
  await p.call({ type: Topen, fid: 1, mode: 0 });
  for (let i = 0; i < 30; i++) {
    const t: Tmsg = { type: Tread, fid: 1, offset: 0, count: 8 };
    const r = p.call(t);
    p.flush(t);
    await r;
  }
  expect(runs()).toBe(10);
});

it("nor does another version", async () => {
  const { root, runs } = stuck();
  const [a, b] = pair();
  serve(b, (s) => open({ name: "stuck", attach: () => root }, s), { limits: { calls: 10 } });
  a.start({ recv: () => undefined, closed: () => undefined });
  const send = (f: Fcall, tag: number): void => a.send(packMessage(f, tag, "9P2000"));
  for (let i = 0; i < 20; i++) {
    send({ type: Tversion, msize: 8192, version: "9P2000" }, NOTAG);
    send({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 }, 0);
    send({ type: Twalk, fid: 0, newfid: 1, wname: ["f"] }, 1);
    send({ type: Topen, fid: 1, mode: 0 }, 2);
    await settle();
    for (let k = 0; k < 4; k++) send({ type: Tread, fid: 1, offset: 0, count: 8 }, 10 + k);
    await settle();
  }
  expect(runs()).toBeGreaterThan(4);
  expect(runs()).toBeLessThanOrEqual(10);
});

it("a file made but not opened leaves the fid at its directory", async () => {
  const node = {
    mode: 0o666, open: () => {
      throw new NineError("i/o error");
    },
  };
  const root: DirNode = { walk: () => undefined, list: () => [], create: () => ({ node }) };
  const p = await attached(open({ name: "t", attach: () => root }));
  expect(await p.call({ type: Tcreate, fid: 0, name: "x", perm: 0o666, mode: 1, extension: "" })).toMatchObject({ type: Rerror, errno: errno.EIO });
  expect(await p.call({ type: Tstat, fid: 0 })).toMatchObject({ stat: { name: "/", qid: { type: 0x80 } } });
});

it("a user's name is not kept however long it is", async () => {
  const p = open({ name: "t", attach: () => dir({}) });
  const uname = (n: number): Tmsg => ({ type: Tattach, fid: 0, afid: NOFID, uname: "x".repeat(n), aname: "", n_uname: NOU32 });
  expect(await p.call(uname(257))).toMatchObject({ type: Rerror, errno: errno.EINVAL });
  expect((await p.call(uname(256))).type).toBe(105);
});

it("reads that a bound has cut cost no more than they may give", async () => {
  let pinned = 0;
  const root = dir({
    f: { mode: 0o444, open: () => ({ read: (at, n, _call, into) => (at === 0 ? new Uint8Array(n) : ((pinned += into?.buffer.byteLength ?? 0), new Promise<Uint8Array>(() => undefined))) }) },
  });
  const [a, b] = pair();
  serve(b, (s) => open({ name: "late", attach: () => root }, s), { limits: { bytes: 4 << 20 } });
  a.start({ recv: () => undefined, closed: () => undefined });
  const send = (f: Fcall, tag: number): void => a.send(packMessage(f, tag, "9P2000"));
  send({ type: Tversion, msize: 1 << 20, version: "9P2000" }, NOTAG);
  send({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 }, 0);
  send({ type: Twalk, fid: 0, newfid: 1, wname: ["f"] }, 1);
  send({ type: Topen, fid: 1, mode: 0 }, 2);
  // One answered at once, so that the next are given a place in the reply; then those that wait.
  let tag = 10;
  for (let i = 0; i < 100; i++) {
    send({ type: Tread, fid: 1, offset: 0, count: 100_000 }, tag++);
    send({ type: Tread, fid: 1, offset: 1, count: 1 << 20 }, tag++);
    await settle();
  }
  expect(pinned).toBeGreaterThan(1 << 20);
  expect(pinned).toBeLessThan(10 << 20);
});

it("a peer's requests wait for others when they take long", async () => {
  let now = 0;
  let turns = 0;
  let walks = 0;
  const root: DirNode = {
    walk: () => {
      walks++;
      now += 6;
      return undefined;
    }, list: () => [],
  };
  const [a, b] = pair();
  const go: (() => void)[] = [];
  serve(b, (s) => open({ name: "long", attach: () => root }, s), {
    host: {
      now: () => now,
      yield: () => {
        turns++;
        return new Promise((resolve) => go.push(resolve));
      },
    },
  });
  let answers = 0;
  const splitter = new Splitter(8192);
  a.start({ recv: (c) => splitter.push(c, () => answers++), closed: () => undefined });
  const messages = [
    packMessage({ type: Tversion, msize: 8192, version: "9P2000" }, NOTAG, "9P2000"),
    packMessage({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 }, 0, "9P2000"),
    ...Array.from({ length: 20 }, (_, i) => packMessage({ type: Twalk, fid: 0, newfid: 1, wname: ["x"] }, i + 1, "9P2000")),
  ];
  a.send(new Uint8Array(Buffer.concat(messages)));
  await settle();
  // The clock is looked at after every fourth message, the version and the attach among them.
  for (const [n, did] of [2, 6, 10, 14, 18].entries()) {
    expect([walks, turns]).toEqual([did, n + 1]);
    go.shift()?.();
    await settle();
  }
  expect([walks, turns]).toEqual([20, 5]);
  expect(answers).toBe(22);
});
