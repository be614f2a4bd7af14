/** Exports keep order: messages that one fid is named in take effect as they came, also where a mount makes them wait; who gives up holds up nobody. */
import { afterEach, expect, test } from "vitest";
import { type Booted, MAFTER, MCREATE, MREPL } from "../../kernel/index.ts";
import { extended, namesOf, type Path, ROOT } from "../../kernel/export/fid.ts";
import * as p from "../../proto/index.ts";
import { type Call, dial, dir, type DirNode, type Node, open, pair, type Portal, type Rmsg, type Server, serve, type Tmsg } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { testKernel, type TestKernel } from "../support/kernel.ts";
import { Nine } from "../support/nine.ts";

const kernels: Booted[] = [];
afterEach(() => {
  for (const k of kernels.splice(0)) k.shutdown();
});

const memory = (): Server => ram({ now: () => 1e9, owner: "glenda" });

/** /n/w is behind a wire in memory, with something mounted in it: walks there go first, and wait. */
async function furnished(): Promise<{ k: TestKernel; n: Nine; x: Portal; ask: (t: Tmsg) => Promise<Rmsg> }> {
  const k = await testKernel({});
  kernels.push(k);
  const [a, b] = pair();
  serve(b, (s) => open(memory(), s));
  await k.sys.mount(await dial(a), "/n/w", MREPL | MCREATE, "");
  for (const d of ["d", "e", "m"]) await k.sys.mkdir(`/n/w/${d}`, 0o777);
  await k.put("/n/w/d/a", "a");
  await k.sys.bind("/tmp", "/n/w/m", MREPL);
  const x = k.sys.export("/");
  return { k, n: await Nine.attach(x, { uname: "any" }), x, ask: async (t) => x.call(t) };
}

/** Those that have settled when everything that could happen has. */
async function settled(all: readonly Promise<Rmsg>[]): Promise<(Rmsg | undefined)[]> {
  const got: (Rmsg | undefined)[] = all.map(() => undefined);
  for (const [i, one] of all.entries()) void one.then((r) => (got[i] = r));
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  return got;
}

const types = (rs: readonly (Rmsg | undefined)[]): unknown[] => rs.map((r) => r && (p.errorOf(r)?.message ?? r.type));

test("a rename within one directory that is still being walked to", async () => {
  const { n, ask } = await furnished();
  const fid = n.fid();
  const all = [
    ask({ type: p.Twalk, fid: n.root, newfid: fid, wname: ["n", "w", "d"] }),
    ask({ type: p.Trenameat, olddirfid: fid, oldname: "a", newdirfid: fid, newname: "b" }),
    ask({ type: p.Tstat, fid }),
    ask({ type: p.Tclunk, fid }),
  ];
  expect(types(await settled(all))).toEqual([p.Rwalk, p.Rrenameat, p.Rstat, p.Rclunk]);
});

test("a message given up while it waits for its second fid does not hold the first", async () => {
  const { n, x, ask } = await furnished();
  const d = await n.walk("n/w/d");
  const fid = n.fid();
  const walking = ask({ type: p.Twalk, fid: n.root, newfid: fid, wname: ["n", "w", "e"] });
  const t: Tmsg = { type: p.Trenameat, olddirfid: d, oldname: "a", newdirfid: fid, newname: "b" };
  const all = [walking, ask(t)];
  x.flush(t);
  all.push(ask({ type: p.Tstat, fid: d }), ask({ type: p.Tstat, fid }));
  expect(types(await settled(all))).toEqual([p.Rwalk, p.Eintr, p.Rstat, p.Rstat]);
});

test("two renames, each between the other's directories, while both are still being walked to", async () => {
  const { k, n, ask } = await furnished();
  await k.put("/n/w/e/b", "b");
  const [d, e] = [n.fid(), n.fid()];
  const all = [
    ask({ type: p.Twalk, fid: n.root, newfid: d, wname: ["n", "w", "d"] }),
    ask({ type: p.Twalk, fid: n.root, newfid: e, wname: ["n", "w", "e"] }),
    ask({ type: p.Trenameat, olddirfid: e, oldname: "b", newdirfid: d, newname: "b" }),
    ask({ type: p.Trenameat, olddirfid: d, oldname: "a", newdirfid: e, newname: "a" }),
    ask({ type: p.Tclunk, fid: e }),
    ask({ type: p.Tclunk, fid: d }),
  ];
  expect(types(await settled(all))).toEqual([p.Rwalk, p.Rwalk, p.Rrenameat, p.Rrenameat, p.Rclunk, p.Rclunk]);
  expect([await k.cat("/n/w/d/b"), await k.cat("/n/w/e/a")]).toEqual(["b", "a"]);
});

test("an open that fails does not stand in the way of what was sent behind it", async () => {
  const { k, n, ask } = await furnished();
  const [d, e] = [await n.walk("n/w/d"), await n.walk("n/w/e")];
  const all = [
    ask({ type: p.Tlcreate, fid: d, name: "a", flags: p.L_O_RDWR | p.L_O_EXCL, mode: 0o644, gid: 0 }),
    ask({ type: p.Tlcreate, fid: d, name: "b", flags: p.L_O_RDWR, mode: 0o644, gid: 0 }),
    ask({ type: p.Twrite, fid: d, offset: 0, data: p.encode("b") }),
    ask({ type: p.Tlcreate, fid: d, name: "c", flags: p.L_O_RDWR, mode: 0o644, gid: 0 }),
    ask({ type: p.Twalk, fid: d, newfid: d, wname: [".."] }),
    ask({ type: p.Topen, fid: e, mode: p.OWRITE }),
    ask({ type: p.Twalk, fid: e, newfid: e, wname: ["..", "d", "a"] }),
    ask({ type: p.Topen, fid: e, mode: p.OREAD }),
    ask({ type: p.Tread, fid: e, offset: 0, count: 10 }),
  ];
  expect(types(await settled(all))).toEqual([p.Eexist, p.Rlcreate, p.Rwrite, p.Ebadfid, p.Ebadfid, p.Eisdir, p.Rwalk, p.Ropen, p.Rread]);
  expect(await k.cat("/n/w/d/b")).toBe("b");
});

test("names made and removed in one directory, all sent together, and then its clunk", async () => {
  const { k, n, ask } = await furnished();
  const d = await n.walk("n/w/d");
  const all = [
    ask({ type: p.Tunlinkat, dirfid: d, name: "a", flags: 0 }),
    ask({ type: p.Tmkdir, dfid: d, name: "a", mode: 0o755, gid: 0 }),
    ask({ type: p.Trenameat, olddirfid: d, oldname: "a", newdirfid: d, newname: "b" }),
    ask({ type: p.Tmkdir, dfid: d, name: "a", mode: 0o755, gid: 0 }),
    ask({ type: p.Tclunk, fid: d }),
  ];
  expect(types(await settled(all))).toEqual([p.Runlinkat, p.Rmkdir, p.Rrenameat, p.Rmkdir, p.Rclunk]);
  expect((await k.sys.readDir("/n/w/d")).map((e) => e.name)).toEqual(["b", "a"]);
});

test("a file is moved between directories of two attaches that have the same name below them", async () => {
  const { k, ask } = await furnished();
  await k.put("/n/w/e/file", "moved");
  const to = (fid: number, aname: string): Tmsg => ({ type: p.Tattach, fid, afid: p.NOFID, uname: "any", aname, n_uname: p.NOU32 });
  const all = [
    ask(to(100, "/n/w/e")), ask({ type: p.Twalk, fid: 100, newfid: 101, wname: ["file"] }), ask(to(102, "/n/w")),
    ask({ type: p.Trename, fid: 101, dfid: 102, name: "there" }),
  ];
  expect(types(await settled(all))).toEqual([p.Rattach, p.Rwalk, p.Rattach, p.Rrename]);
  expect(await k.cat("/n/w/there")).toBe("moved");
});

test("a path that goes back and forth stays as long as it is deep", () => {
  let path = extended(ROOT, ["a", "b"]);
  for (let i = 0; i < 100; i++) for (const names of [[], ["."], ["c", ".."], ["..", "b"]]) path = extended(path, names);
  let kept = 0;
  for (let at: Path | undefined = path; at; at = at.from) kept += 1 + at.names.length;
  expect([namesOf(path), kept]).toEqual([["a", "b"], 3]);
});

test("who is interrupted on his way to a directory behind a plain wire goes alone", async () => {
  const k = await testKernel({});
  kernels.push(k);
  const gates: (() => void)[] = [];
  let gated = false;
  const inner: DirNode = dir({ b: dir({}) });
  const walked = (call: Call): Promise<Node> => new Promise((resolve, reject) => {
    gates.push(() => resolve(inner));
    call.signal.addEventListener("abort", () => reject(new p.NineError(p.Eintr)));
  });
  const root: DirNode = { walk: (_name, call) => (gated ? walked(call) : inner), list: () => [] };
  const [a, b] = pair();
  serve(b, (s) => open({ name: "gated", attach: () => root }, s));
  await k.sys.mount(await dial(a, { versions: ["9P2000"] }), "/n/w", MREPL, "");
  const x = k.sys.export("/");
  const n = await Nine.attach(x, { uname: "any" });
  const below = await n.walk("n/w/a/b");
  const up = n.fid();
  await n.rpc({ type: p.Twalk, fid: below, newfid: up, wname: [".."] });
  gated = true;
  const first: Tmsg = { type: p.Tstat, fid: up };
  const all = [x.call(first), x.call({ type: p.Tstat, fid: up })].map(async (r) => r);
  await settled([]);
  expect(gates.length).toBe(1);
  x.flush(first);
  await settled([]);
  expect(gates.length).toBe(2);
  for (const go of gates) go();
  expect(types(await settled(all))).toEqual([p.Eintr, p.Rstat]);
});

test("an open of a union is given up also while its element does not even walk", async () => {
  const k = await testKernel({});
  kernels.push(k);
  const server = open(memory());
  let stuck = false;
  const silent = new Map<Tmsg, (r: Rmsg) => void>();
  const portal: Portal = {
    dialect: server.dialect, msize: server.msize, ordered: true,
    call: (t) => (stuck ? new Promise((resolve) => silent.set(t, resolve)) : server.call(t)),
    // As a wire whose peer answers nothing gives up on what was flushed.
    flush: (t) => silent.get(t)?.({ type: p.Rerror, ename: p.Enoanswer, errno: p.errno.EINTR }),
    hangup: () => server.hangup(),
  };
  await k.sys.mount(portal, "/a", MREPL, "");
  await k.sys.bind("/tmp", "/a", MAFTER);
  const x = k.sys.export("/");
  const n = await Nine.attach(x, { uname: "any" });
  const fid = await n.walk("a");
  stuck = true;
  const t: Tmsg = { type: p.Topen, fid, mode: p.OREAD };
  const opening = (async () => x.call(t))();
  await settled([]);
  x.flush(t);
  const [r] = await settled([opening]);
  expect(r && p.isInterrupted(p.errorOf(r))).toBe(true);
});
