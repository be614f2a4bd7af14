/** The part of the server suite on several users and several clients: permissions, DMEXCL, locks. */
import { expect } from "vitest";
import * as p from "../../../proto/index.ts";
import { errno } from "../../../proto/index.ts";
import { refused } from "../nine.ts";
import type { Caps, Test } from "../serversuite.ts";

export function permTests(test: Test, _caps: Caps): void {
  const needs = ["write", "perms", "mode"] as const;

  test("permissions: reading and writing files", needs, async (c) => {
    const { n } = c;
    const bob = await c.connect(1);
    await n.put("f", "secret");
    await n.wstat("f", { mode: 0o640 });
    for (const mode of [p.OREAD, p.OWRITE, p.ORDWR, p.OEXEC, p.OREAD | p.OTRUNC]) await refused(bob.open("f", mode), errno.EACCES);
    await refused(bob.lopen("f"), errno.EACCES);
    await n.wstat("f", { mode: 0o644 });
    expect(await bob.get("f")).toBe("secret");
    await refused(bob.open("f", p.OWRITE), errno.EACCES);
    await refused(bob.open("f", p.OREAD | p.OTRUNC), errno.EACCES);
    await n.wstat("f", { mode: 0o604 });
    const f = await bob.open("f");
    await n.wstat("f", { mode: 0o600 });
    expect(await bob.readText(f)).toBe("secret");
    await n.wstat("f", { mode: 0o466 });
    await refused(n.open("f", p.OWRITE), errno.EACCES);
    expect(await n.get("f")).toBe("secret");
  });

  test("permissions: a file made read-only can be written through the fid that made it", needs, async ({ n }) => {
    const f = await n.create("f", 0o444, p.OWRITE);
    await n.write(f, 0, "once");
    await n.clunk(f);
    expect(await n.get("f")).toBe("once");
    await refused(n.open("f", p.OWRITE), errno.EACCES);
  });

  test("permissions: who may write may take the set-user bit away, and change no other", needs, async (c) => {
    const { n } = c;
    const bob = await c.connect(1);
    await n.put("f");
    const set = (who: typeof n, mode: number): Promise<unknown> => who.setattr("f", p.SETATTR_MODE, { mode });
    const mode = async (): Promise<number> => (await n.getattr("f")).mode & 0o7777;
    await set(n, 0o4755);
    await refused(set(bob, 0o755), errno.EPERM);
    await set(n, 0o4777);
    await refused(set(bob, 0o775), errno.EPERM);
    await refused(set(bob, 0o6777), errno.EPERM);
    await set(bob, 0o777);
    expect(await mode()).toBe(0o777);
    await refused(set(bob, 0o4777), errno.EPERM);
    expect(await mode()).toBe(0o777);
  });

  test("permissions: directories", needs, async (c) => {
    const { n } = c;
    const bob = await c.connect(1);
    await n.mkdir("d");
    await n.put("d/f", "x");
    await n.wstat("d", { mode: (p.DMDIR | 0o755) >>> 0 });
    await refused(bob.create("d/g"), errno.EACCES);
    await refused(bob.mkdir("d/g"), errno.EACCES);
    await refused(bob.remove("d/f"), errno.EACCES);
    await refused(bob.unlink("d/f"), errno.EACCES);
    await refused(bob.rename("d/f", "d/g"), errno.EACCES);
    await refused(bob.wstat("d/f", { name: "g" }), errno.EACCES);
    await refused(bob.open("d/f", p.OREAD | p.ORCLOSE), errno.EACCES);
    expect(await bob.names("d")).toEqual(["f"]);
    await n.wstat("d", { mode: (p.DMDIR | 0o711) >>> 0 });
    await refused(bob.open("d"), errno.EACCES);
    expect(await bob.get("d/f")).toBe("x");
    await n.wstat("d", { mode: (p.DMDIR | 0o744) >>> 0 });
    await refused(bob.get("d/f"), errno.EACCES, errno.ENOENT);
    const newfid = bob.fid();
    expect(await bob.qids(bob.root, newfid, ["d", "f"])).toHaveLength(1);
    expect(await n.names("d")).toEqual(["f"]);
  });

  test("permissions: what belongs to somebody else is not changed", needs, async (c) => {
    const { n } = c;
    const bob = await c.connect(1);
    await n.put("f", "x");
    await n.wstat("f", { mode: 0o666 });
    await refused(bob.wstat("f", { mode: 0o777 }), errno.EPERM, errno.EACCES);
    await refused(bob.setattr("f", p.SETATTR_MODE, { mode: 0o777 }), errno.EPERM);
    await refused(bob.wstat("f", { mtime: 5 }), errno.EPERM, errno.EACCES);
    await refused(bob.setattr("f", p.SETATTR_UID, { uid: 4242 }), errno.EPERM);
    await bob.setattr("f", p.SETATTR_MTIME | p.SETATTR_ATIME);
    await bob.wstat("f", { length: 0 });
    await n.wstat("f", { mode: 0o644 });
    await refused(bob.wstat("f", { length: 5 }), errno.EACCES);
    await refused(bob.setattr("f", p.SETATTR_MTIME | p.SETATTR_ATIME), errno.EACCES);
    expect((await n.stat("f")).length).toBe(0);
  });

  test("permissions: new files belong to who made them, and to the directory's group", needs, async (c) => {
    const { n } = c;
    const bob = await c.connect(1);
    await n.mkdir("d");
    await n.wstat("d", { mode: (p.DMDIR | 0o777) >>> 0 });
    const d = await n.stat("d");
    await bob.put("d/f", "bob's");
    const f = await n.stat("d/f");
    expect(f.uid).not.toBe(d.uid);
    expect(f.gid).toBe(d.gid);
    await n.put("d/g");
    expect((await n.stat("d/g")).uid).toBe(d.uid);
  });

  test("permissions: in a sticky directory only owners remove", needs, async (c) => {
    const { n } = c;
    const bob = await c.connect(1);
    await n.mkdir("tmp");
    await n.setattr("tmp", p.SETATTR_MODE, { mode: 0o1777 });
    await n.put("tmp/a");
    await bob.put("tmp/b");
    await refused(bob.remove("tmp/a"), errno.EPERM, errno.EACCES);
    await refused(bob.rename("tmp/a", "tmp/c"), errno.EPERM, errno.EACCES);
    await refused(bob.rename("tmp/b", "tmp/a"), errno.EPERM, errno.EACCES);
    await bob.rename("tmp/b", "tmp/c");
    await n.remove("tmp/c");
    expect(await n.names("tmp")).toEqual(["a"]);
  });

  test("DMEXCL: one open at a time, of all clients", ["write", "exclusive"], async (c) => {
    const { n } = c;
    const m = await c.connect();
    const f = await n.create("f", (p.DMEXCL | 0o666) >>> 0);
    expect((await n.fstat(f)).qid.type).toBe(p.QTEXCL);
    await refused(m.open("f"), errno.EAGAIN, errno.EBUSY);
    await refused(n.open("f"), errno.EAGAIN, errno.EBUSY);
    expect((await m.stat("f")).name).toBe("f");
    await n.clunk(f);
    const g = await m.open("f", p.ORDWR);
    await refused(n.open("f"), errno.EAGAIN, errno.EBUSY);
    m.portal.hangup();
    expect(g).toBeGreaterThan(0);
    const h = await n.open("f");
    await n.rpc({ type: p.Tremove, fid: h });
    await n.put("f");
    await n.clunk(await n.open("f"));
  });

  test("locks: between clients, by ranges, dropped at clunk and hang-up", ["write"], async (c) => {
    const { n } = c;
    const m = await c.connect();
    await n.put("f", "0123456789");
    const a = await n.open("f", p.ORDWR);
    const b = await m.open("f", p.ORDWR);
    expect(await n.lock(a, p.LOCK_TYPE_WRLCK, 0, 5)).toBe(p.LOCK_SUCCESS);
    expect(await m.lock(b, p.LOCK_TYPE_WRLCK, 4, 2)).toBe(p.LOCK_BLOCKED);
    expect(await m.lock(b, p.LOCK_TYPE_RDLCK, 0, 0)).toBe(p.LOCK_BLOCKED);
    expect(await m.lock(b, p.LOCK_TYPE_WRLCK, 5, 0)).toBe(p.LOCK_SUCCESS);
    expect(await n.lock(a, p.LOCK_TYPE_WRLCK, 0, 6)).toBe(p.LOCK_BLOCKED);
    const ask = { type: p.Tgetlock, fid: b, ltype: p.LOCK_TYPE_WRLCK, start: 0, length: 0, proc_id: 1, client_id: "test" } as const;
    expect(await m.rpc(ask)).toMatchObject({ ltype: p.LOCK_TYPE_WRLCK, start: 0, length: 5, proc_id: 1 });
    expect(await n.lock(a, p.LOCK_TYPE_UNLCK, 0, 3)).toBe(p.LOCK_SUCCESS);
    expect(await m.lock(b, p.LOCK_TYPE_WRLCK, 0, 3)).toBe(p.LOCK_SUCCESS);
    expect(await m.lock(b, p.LOCK_TYPE_WRLCK, 0, 4)).toBe(p.LOCK_BLOCKED);
    await n.clunk(a);
    expect(await m.lock(b, p.LOCK_TYPE_WRLCK, 0, 4)).toBe(p.LOCK_SUCCESS);
    const again = await n.open("f", p.ORDWR);
    expect(await n.lock(again, p.LOCK_TYPE_RDLCK)).toBe(p.LOCK_BLOCKED);
    m.portal.hangup();
    // On a connection of its own the hang-up may come after what is asked next.
    for (let tries = 0; (await n.lock(again, p.LOCK_TYPE_WRLCK)) !== p.LOCK_SUCCESS; tries++) expect(tries).toBeLessThan(1000);
  });

  test("locks: readers share", ["write"], async (c) => {
    const { n } = c;
    const m = await c.connect();
    await n.put("f");
    const a = await n.open("f", p.ORDWR);
    const b = await m.open("f", p.ORDWR);
    expect(await n.lock(a, p.LOCK_TYPE_RDLCK)).toBe(p.LOCK_SUCCESS);
    expect(await m.lock(b, p.LOCK_TYPE_RDLCK)).toBe(p.LOCK_SUCCESS);
    expect(await m.lock(b, p.LOCK_TYPE_WRLCK)).toBe(p.LOCK_BLOCKED);
    expect(await n.lock(a, p.LOCK_TYPE_UNLCK)).toBe(p.LOCK_SUCCESS);
    expect(await m.lock(b, p.LOCK_TYPE_WRLCK)).toBe(p.LOCK_SUCCESS);
  });
}
