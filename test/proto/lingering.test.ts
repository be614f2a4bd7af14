/** What a peer cannot make a server keep. Calls whose caller has left still count while the server runs them; a file that cannot be opened leaves its fid in place. */
import { expect, it } from "vitest";
import {
  type DirNode, dir, errno, limit, NineError, NOFID, NOTAG, NOU32, open, packMessage, pair, type Portal, Rerror, serve, Tattach, Tcreate, type Tmsg, Topen, Tread, Tstat, Tversion, Twalk, type Fcall,
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
