/** limit: what passes a bound is refused with a clear error; flush and clunk always pass. */
import { describe, expect, it } from "vitest";
import {
  Budget, type DirNode, errno, limit, type Limited, type Limits, NOFID, NOU32, open, type Portal, Rclunk, Rerror, type Rmsg, Rread, Rwalk, type Server, Tattach, Tclunk, Tcreate, type Tmsg, Topen, Tread,
  Tremove, Tstat, Twalk, Twrite,
} from "../../../proto/index.ts";
import { ram } from "../../../servers/index.ts";
import { odd } from "../../support/odd.ts";
import { settle } from "../../support/peer.ts";

async function limited(limits: Limits, server: Server = ram({ now: () => 0 })): Promise<Limited> {
  const portal = limit(open(server), limits);
  await portal.call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
  return portal;
}

const walk = (newfid: number, ...wname: string[]): Tmsg => ({ type: Twalk, fid: 0, newfid, wname });
const refusal = async (r: Rmsg | Promise<Rmsg>): Promise<unknown> => {
  const x = await r;
  return x.type === Rerror ? x.errno : x.type;
};

describe("fids", () => {
  it("are counted as they are made and clunked", async () => {
    const p = await limited({ fids: 3 });
    expect(await refusal(p.call(walk(1)))).toBe(Rwalk);
    expect(await refusal(p.call(walk(2)))).toBe(Rwalk);
    expect(await p.call(walk(3))).toMatchObject({ ename: "Too many open files: at most 3 fids", errno: errno.EMFILE });
    // A walk of a fid to itself makes none; one that fails neither.
    expect(await refusal(p.call({ type: Twalk, fid: 1, newfid: 1, wname: [] }))).toBe(Rwalk);
    await p.call({ type: Tclunk, fid: 1 });
    for (let i = 0; i < 10; i++) expect(await refusal(p.call(walk(1, "none")))).toBe(errno.ENOENT);
    for (let i = 0; i < 10; i++) expect(await refusal(p.call(walk(2)))).toBe(errno.EBADF);
    expect(await refusal(p.call(walk(4)))).toBe(Rwalk);
    expect(await refusal(p.call({ type: Tremove, fid: 4 }))).not.toBe(errno.EMFILE);
    expect(await refusal(p.call(walk(4)))).toBe(Rwalk);
    expect(await refusal(p.call({ type: Tattach, fid: 9, afid: NOFID, uname: "x", aname: "", n_uname: NOU32 }))).toBe(errno.EMFILE);
  });

  it("nobody has are not remembered", async () => {
    const p = await limited({ fids: 3 });
    for (let fid = 10; fid < 100; fid++) await p.call({ type: Twalk, fid, newfid: fid, wname: ["a"] });
    for (let fid = 10; fid < 100; fid++) await p.call({ type: Tcreate, fid, name: "x", perm: 0, mode: 0, extension: "" });
    expect(await refusal(p.call(walk(1)))).toBe(Rwalk);
    expect(await refusal(p.call(walk(2)))).toBe(Rwalk);
  });

  it("whose clunk was flushed before it began still count", async () => {
    const p = await limited({ fids: 2 }, odd());
    await p.call(walk(1, "stuck"));
    await p.call({ type: Topen, fid: 1, mode: 1 });
    void p.call({ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(1) });
    const clunk: Tmsg = { type: Tclunk, fid: 1 };
    const r = p.call(clunk);
    p.flush(clunk);
    expect(await refusal(r)).toBe(errno.EINTR);
    expect(await refusal(p.call(walk(2)))).toBe(errno.EMFILE);
  });
});

describe("opens", () => {
  it("are counted until the fid is clunked", async () => {
    const p = await limited({ opens: 1 });
    await p.call(walk(1));
    await p.call(walk(2));
    const opening = (fid: number): Tmsg => ({ type: Topen, fid, mode: 0 });
    expect(await refusal(p.call(opening(9)))).toBe(errno.EBADF);
    expect(await refusal(p.call(opening(1)))).toBe(113);
    expect(await p.call(opening(2))).toMatchObject({ ename: "Too many open files: at most 1", errno: errno.EMFILE });
    await p.call({ type: Tclunk, fid: 2 });
    expect(p.use.opens).toBe(1);
    await p.call({ type: Tclunk, fid: 1 });
    expect(p.use.opens).toBe(0);
    await p.call(walk(1));
    expect(await refusal(p.call({ type: Tcreate, fid: 1, name: "f", perm: 0o600, mode: 0, extension: "" }))).toBe(115);
    expect(p.use).toMatchObject({ opens: 1, fids: 2 });
    await p.call({ type: Tremove, fid: 1 });
    expect(p.use).toMatchObject({ opens: 0, fids: 1 });
  });
});

describe("numbers used again while their clunk is under way", () => {
  /** A server whose files can be closed when the test says so; .open() of the fid is needed for that. */
  function closing(): { server: Server; go: () => void } {
    const waiting: (() => void)[] = [];
    const file = { mode: 0o666, open: () => ({ close: () => new Promise<void>((resolve) => waiting.push(resolve)) }) };
    const deep: DirNode = { walk: (name) => (name === "f" ? file : deep), list: () => [] };
    return { server: { name: "closing", attach: () => deep }, go: () => waiting.splice(0).forEach((f) => f()) };
  }

  it("do not pass the bound of fids, and are counted once at the end", async () => {
    const { server, go } = closing();
    const p = await limited({ fids: 4 }, server);
    let n = 0;
    for (let i = 1; i < 50; i++) {
      if (await refusal(p.call(walk(i, "f"))) !== Rwalk) break;
      await p.call({ type: Topen, fid: i, mode: 0 });
      void p.call({ type: Tclunk, fid: i });
      if (await refusal(p.call(walk(i))) !== Rwalk) break;
      n++;
    }
    expect(n).toBe(1);
    go();
    await settle();
    // The root, 1 and 2 in use or not, as the bound was met: two more pass when what was made is clunked.
    for (let i = 1; i < 4; i++) await p.call({ type: Tclunk, fid: i });
    go();
    await settle();
    for (let i = 1; i < 4; i++) expect(await refusal(p.call(walk(i)))).toBe(Rwalk);
    expect(await refusal(p.call(walk(4)))).toBe(errno.EMFILE);
  });

  it("keep the bound of depth", async () => {
    const { server, go } = closing();
    const p = await limited({ depth: 5 }, server);
    await p.call(walk(1, "f"));
    await p.call({ type: Topen, fid: 1, mode: 0 });
    const clunk = p.call({ type: Tclunk, fid: 1 });
    expect(await refusal(p.call(walk(1, "a", "b", "c")))).toBe(Rwalk);
    go();
    expect(await clunk).toEqual({ type: Rclunk });
    await settle();
    expect(await refusal(p.call({ type: Twalk, fid: 1, newfid: 1, wname: ["a", "b", "c"] }))).toBe(errno.ENAMETOOLONG);
    expect(await refusal(p.call({ type: Twalk, fid: 1, newfid: 1, wname: ["a", "b"] }))).toBe(Rwalk);
  });
});

it("a walk up that may still fail is to nobody's credit", async () => {
  let fail: () => void = () => undefined;
  const deep: DirNode = {
    walk: (name) => (name === "late" ? new Promise((resolve) => (fail = () => resolve(undefined))) : deep), list: () => [],
  };
  const p = await limited({ depth: 4 }, { name: "deep", attach: () => deep });
  await p.call(walk(1, "a", "b", "c"));
  const up = p.call({ type: Twalk, fid: 1, newfid: 1, wname: ["..", "..", "late"] });
  const copy = p.call({ type: Twalk, fid: 1, newfid: 2, wname: [] });
  fail();
  await Promise.all([up, copy]);
  expect(await refusal(p.call({ type: Twalk, fid: 2, newfid: 2, wname: ["d", "e"] }))).toBe(errno.ENAMETOOLONG);
});

describe("calls and bytes", () => {
  it("under way are bounded; flush and clunk pass", async () => {
    const p = await limited({ calls: 2 }, odd());
    await p.call(walk(1, "block"));
    await p.call(walk(2));
    await p.call({ type: Topen, fid: 1, mode: 0 });
    const reads: Tmsg[] = [1, 2].map(() => ({ type: Tread, fid: 1, offset: 0, count: 10 }));
    const replies = reads.map((t) => p.call(t));
    expect(await p.call({ type: Tstat, fid: 0 })).toMatchObject({ ename: "Resource temporarily unavailable: at most 2 requests at a time", errno: errno.EAGAIN });
    expect(await p.call({ type: Tclunk, fid: 2 })).toEqual({ type: Rclunk });
    p.flush(reads[0]!);
    await replies[0];
    expect((await p.call({ type: Tstat, fid: 0 })).type).not.toBe(Rerror);
  });

  it("of writes are summed; one alone always passes", async () => {
    const p = await limited({ bytes: 100 }, odd());
    await p.call(walk(1, "stuck"));
    await p.call({ type: Topen, fid: 1, mode: 1 });
    void p.call({ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(1000) });
    expect(await refusal(p.call({ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(1) }))).toBe(errno.EAGAIN);
    expect(p.use).toMatchObject({ bytes: 1000, calls: 1, opens: 1, fids: 2, refused: 1 });
  });

  it("of reads are summed; one that would pass the bound gives less, 8 KiB at least", async () => {
    const counts: number[] = [];
    const file = { open: () => ({ stream: true, read: (_at: number, n: number) => (counts.push(n), new Promise<Uint8Array>(() => undefined)) }) };
    const budget = new Budget(150_000);
    const p = await limited({ bytes: 100_000, budget }, { name: "f", attach: () => file });
    await p.call({ type: Topen, fid: 0, mode: 0 });
    for (const count of [60_000, 60_000, 60_000, 10]) void p.call({ type: Tread, fid: 0, offset: 0, count });
    expect(counts).toEqual([60_000, 40_000, 8192, 10]);
    // Another holder has what is left of the budget.
    const q = await limited({ bytes: 100_000, budget }, { name: "f", attach: () => file });
    await q.call({ type: Topen, fid: 0, mode: 0 });
    for (const count of [60_000, 60_000]) void q.call({ type: Tread, fid: 0, offset: 0, count });
    expect(counts.slice(4)).toEqual([150_000 - 108_202, 8192]);
    expect(budget).toMatchObject({ reads: 158_192, writes: 0 });
    p.hangup();
    await settle();
    expect(budget.reads).toBe(50_000 - 10);
  });

  it("of reads that were flushed count until the server is done with them", async () => {
    const counts: number[] = [];
    const done: (() => void)[] = [];
    const file = { open: () => ({ stream: true, read: (_at: number, n: number) => (counts.push(n), new Promise<Uint8Array>((resolve) => done.push(() => resolve(new Uint8Array(0))))) }) };
    const p = await limited({ bytes: 100_000 }, { name: "f", attach: () => file });
    await p.call({ type: Topen, fid: 0, mode: 0 });
    const t: Tmsg = { type: Tread, fid: 0, offset: 0, count: 90_000 };
    const r = p.call(t);
    p.flush(t);
    expect(await refusal(r)).toBe(errno.EINTR);
    void p.call({ type: Tread, fid: 0, offset: 0, count: 60_000 });
    done[0]?.();
    await settle();
    void p.call({ type: Tread, fid: 0, offset: 0, count: 60_000 });
    expect(counts).toEqual([90_000, 10_000, 60_000]);
  });
});

it("a budget knows what nobody waits for any more, whoever asked for it", async () => {
  const stuck: (() => void)[] = [];
  const file = { mode: 0o666, open: () => ({ write: () => new Promise<number>((resolve) => stuck.push(() => resolve(0))) }) };
  const server = { name: "stuck", attach: () => file };
  const budget = new Budget(8 << 20);
  let last: number | undefined;
  // Each connection writes one message that is never taken, and hangs up.
  for (let i = 0; i < 10; i++) {
    const p = await limited({ budget }, server);
    await p.call({ type: Topen, fid: 0, mode: 1 });
    const r = p.call({ type: Twrite, fid: 0, offset: 0, data: new Uint8Array(1_000_000) });
    p.hangup();
    const x = await r;
    last = x.type === Rerror ? x.errno : undefined;
    await settle();
  }
  expect(budget.writes).toBe(0);
  expect(budget.lingeringBytes).toBe(8_000_000);
  expect(stuck).toHaveLength(8);
  expect(last).toBe(errno.EAGAIN);
  for (const done of stuck) done();
  await settle();
  expect(budget.lingeringBytes).toBe(0);
  const p = await limited({ budget }, server);
  await p.call({ type: Topen, fid: 0, mode: 1 });
  void p.call({ type: Twrite, fid: 0, offset: 0, data: new Uint8Array(1_000_000) });
  expect(stuck).toHaveLength(9);
});

describe("depth", () => {
  it("is counted in elements below the root", async () => {
    const p = await limited({ depth: 3 });
    const mk = (fid: number, name: string): Tmsg => ({ type: Tcreate, fid, name, perm: 0x800001ff, mode: 0, extension: "" });
    await p.call(walk(1));
    for (const name of ["a", "b", "c"]) {
      expect((await p.call(mk(1, name))).type).toBe(115);
      await p.call({ type: Tclunk, fid: 1 });
      await p.call(walk(1, ...["a", "b", "c"].slice(0, "abc".indexOf(name) + 1)));
    }
    expect(await p.call(mk(1, "d"))).toMatchObject({ ename: "File name too long: at most 3 elements", errno: errno.ENAMETOOLONG });
    expect(await refusal(p.call({ type: Twalk, fid: 1, newfid: 2, wname: ["x"] }))).toBe(errno.ENAMETOOLONG);
    expect(await refusal(p.call({ type: Twalk, fid: 1, newfid: 1, wname: ["..", "c"] }))).toBe(Rwalk);
    expect(await refusal(p.call({ type: Twalk, fid: 1, newfid: 1, wname: [".."] }))).toBe(Rwalk);
    // Failures leave the count as it was.
    for (let i = 0; i < 5; i++) expect(await refusal(p.call({ type: Twalk, fid: 1, newfid: 1, wname: ["none"] }))).toBe(errno.ENOENT);
    expect(await refusal(p.call({ type: Twalk, fid: 1, newfid: 1, wname: ["c"] }))).toBe(Rwalk);
    expect(await refusal(p.call(walk(5, "..", "..", "..", "a")))).toBe(Rwalk);
  });
});

it("passes what the portal is", () => {
  const inner: Portal = {
    dialect: "9P2000.u", msize: 999, ordered: false, lasting: true,
    call: () => ({ type: Rread, data: new Uint8Array(0) }), flush: () => undefined, hangup: () => undefined,
  };
  const p = limit(inner);
  expect([p.dialect, p.msize, p.ordered, p.lasting]).toEqual(["9P2000.u", 999, false, true]);
  // A call that is answered at once is answered at once.
  expect(p.call({ type: Tread, fid: 0, offset: 0, count: 1 })).toEqual({ type: Rread, data: new Uint8Array(0) });
});
