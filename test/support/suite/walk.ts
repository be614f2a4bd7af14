/** The part of the server suite on attach, walk and fids: walk(5), attach(5), design/9p.md 13 to 17. */
import { expect } from "vitest";
import * as p from "../../../proto/index.ts";
import { errno } from "../../../proto/index.ts";
import { Nine, refused } from "../nine.ts";
import type { Caps, Ctx, Test } from "../serversuite.ts";

export function walkTests(test: Test, caps: Caps): void {
  const dir = caps.write === false ? (caps.sample?.dir ?? "") : caps.subdirs === false ? "" : "d";
  const file = caps.write === false ? caps.sample?.file : "f";
  const path = `${dir}/${file}`;
  /** A directory with a file in it, whatever the server can do. */
  const prepare = async (c: Ctx): Promise<void> => {
    if (caps.write === false) return;
    if (dir) await c.n.mkdir(dir);
    await c.n.put(path, "content");
  };
  const needFile = file === undefined ? ["write"] as const : [] as const;

  test("attach: a directory; a fid in use and a tree that is not there are errors", [], async ({ n }) => {
    const stat = await n.fstat(n.root);
    expect(stat.qid.type & p.QTDIR).toBe(p.QTDIR);
    expect(stat.mode & p.DMDIR).not.toBe(0);
    expect(stat.name).toBe("/");
    const attach = { type: p.Tattach, afid: p.NOFID, uname: "alice", aname: "", n_uname: p.NOU32 } as const;
    await refused(n.rpc({ ...attach, fid: n.root }), errno.EBADF);
    await refused(n.rpc({ ...attach, fid: n.fid(), aname: "no such tree" }), errno.ENOENT);
    await refused(n.rpc({ ...attach, fid: n.fid(), afid: 7 }), errno.ENOENT, errno.EBADF);
    await refused(n.rpc({ type: p.Tauth, afid: n.fid(), uname: "alice", aname: "", n_uname: p.NOU32 }), errno.ENOENT);
  });

  test("walk: no names clones the fid, of directories and of files", needFile, async (c) => {
    await prepare(c);
    const { n } = c;
    const a = await n.walk(path);
    const b = n.fid();
    expect(await n.qids(a, b, [])).toEqual([]);
    expect((await n.fstat(b)).qid).toEqual((await n.fstat(a)).qid);
    await n.clunk(a);
    expect((await n.fstat(b)).name).toBe(file);
    const r = n.fid();
    await n.qids(n.root, r, []);
    expect((await n.fstat(r)).qid).toEqual((await n.fstat(n.root)).qid);
  });

  test("walk: newfid may be fid, which then moves", needFile, async (c) => {
    await prepare(c);
    const { n } = c;
    const a = await n.walk("");
    const wname = path.split("/").filter((s) => s !== "");
    expect(await n.qids(a, a, wname)).toHaveLength(wname.length);
    expect((await n.fstat(a)).name).toBe(file);
    await refused(n.qids(a, a, ["x"]), errno.ENOTDIR);
    expect((await n.fstat(a)).name).toBe(file);
  });

  test("walk: the first name missing is an error, and newfid is not made", ["write", "subdirs"], async (c) => {
    await prepare(c);
    const { n } = c;
    const newfid = n.fid();
    await refused(n.qids(n.root, newfid, ["missing"]), errno.ENOENT);
    await refused(n.clunk(newfid), errno.EBADF);
    const f = await n.walk("d/f");
    await refused(n.qids(f, newfid, ["x"]), errno.ENOTDIR);
    await refused(n.clunk(newfid), errno.EBADF);
    await refused(n.qids(n.root, newfid, [""]), errno.ENOENT, errno.EINVAL);
    await refused(n.qids(n.root, newfid, ["d/f"]), errno.ENOENT, errno.EINVAL);
  });

  test("walk: a later name missing makes it short, newfid is not made and fid stays", ["write", "subdirs"], async (c) => {
    await prepare(c);
    const { n } = c;
    const newfid = n.fid();
    const got = await n.qids(n.root, newfid, ["d", "missing", "f"]);
    expect(got).toEqual([(await n.stat("d")).qid]);
    await refused(n.clunk(newfid), errno.EBADF);
    expect(await n.qids(n.root, newfid, ["d", "f", "x"])).toHaveLength(2);
    await refused(n.clunk(newfid), errno.EBADF);
    const same = await n.walk("d");
    expect(await n.qids(same, same, ["..", "missing"])).toHaveLength(1);
    expect((await n.fstat(same)).name).toBe("d");
  });

  test("walk: at most 16 names", [], async ({ n }) => {
    const newfid = n.fid();
    await refused(n.qids(n.root, newfid, Array.from({ length: 17 }, () => "..")), errno.EINVAL, errno.EPROTO);
    await refused(n.clunk(newfid), errno.EBADF);
    expect(await n.qids(n.root, newfid, Array.from({ length: 16 }, () => ".."))).toHaveLength(16);
  });

  test("walk: sixteen directories deep in one message", ["write", "subdirs"], async ({ n }) => {
    const names: string[] = [];
    for (let i = 0; i < 16; i++) {
      names.push(`level${i}`);
      await n.mkdir(names.join("/"));
    }
    const newfid = n.fid();
    const got = await n.qids(n.root, newfid, names);
    expect(got).toHaveLength(16);
    expect(new Set(got.map((q) => `${q.pathhi}.${q.pathlo}`)).size).toBe(16);
    expect((await n.fstat(newfid)).name).toBe("level15");
    expect(await n.qids(newfid, n.fid(), Array.from({ length: 16 }, () => ".."))).toHaveLength(16);
  });

  test("walk: newfid in use is an error and stays what it was", needFile, async (c) => {
    await prepare(c);
    const { n } = c;
    const a = await n.walk(path);
    const b = await n.walk("");
    await refused(n.qids(b, a, []), errno.EBADF);
    expect((await n.fstat(a)).name).toBe(file);
    await refused(n.qids(n.fid(), n.fid(), []), errno.EBADF);
    await refused(n.qids(n.root, p.NOFID, []), errno.EBADF);
  });

  test("walk: .. of the root is the root, .. goes back, . stays", needFile, async (c) => {
    await prepare(c);
    const { n } = c;
    const root = (await n.fstat(n.root)).qid;
    const d = (await n.stat(dir)).qid;
    const up = await n.qids(n.root, n.fid(), ["..", ".."]);
    expect(up.map(id)).toEqual([id(root), id(root)]);
    if (dir === "") return;
    const there = await n.qids(n.root, n.fid(), [dir, ".", "..", dir]);
    expect(there.map(id)).toEqual([id(d), id(d), id(root), id(d)]);
  });

  test("walk: an open fid is not walked in 9P2000, and can be cloned in .L", needFile, async (c) => {
    await prepare(c);
    const plain = await c.connect(0, "9P2000");
    const f = await plain.open(dir);
    await refused(plain.qids(f, plain.fid(), []), errno.EBADF);
    const { n } = c;
    const g = await n.open(dir);
    const copy = n.fid();
    await n.qids(g, copy, []);
    expect((await n.fstat(copy)).qid.type & p.QTDIR).toBe(p.QTDIR);
    await n.rpc({ type: p.Topen, fid: copy, mode: p.OREAD });
    await refused(n.qids(g, g, []), errno.EBADF);
  });

  test("fids: unknown ones are errors, clunked ones are free again, and sessions have their own", [], async (c) => {
    const { n } = c;
    for (const t of [
      { type: p.Tclunk, fid: 999 }, { type: p.Tstat, fid: 999 }, { type: p.Topen, fid: 999, mode: 0 }, { type: p.Tread, fid: 999, offset: 0, count: 1 },
      { type: p.Tremove, fid: 999 }, { type: p.Tgetattr, fid: 999, request_mask: 1 }, { type: p.Tread, fid: n.root, offset: 0, count: 10 },
    ] as const) await refused(n.rpc(t), errno.EBADF);
    const a = await n.walk("");
    await n.clunk(a);
    await refused(n.fstat(a), errno.EBADF);
    await n.qids(n.root, a, []);
    const other = await c.connect();
    await refused(other.fstat(a + 100), errno.EBADF);
    const zero = new Nine(n.portal);
    await n.qids(n.root, 0, []);
    expect((await zero.fstat(0)).name).toBe("/");
  });

  test("hangup: all fids are gone and calls fail", [], async ({ n }) => {
    n.portal.hangup();
    n.portal.hangup();
    await expect(n.fstat(n.root)).rejects.toThrow();
  });
}

function id(q: p.Qid): number[] {
  return [q.type, q.pathhi, q.pathlo];
}
