/** The host server and its descriptors: what happens when there are no more, and that none is left behind. */
import fs from "node:fs";
import path from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import * as p from "../../proto/index.ts";
import { errno } from "../../proto/index.ts";
import { connect } from "../../clients/node/connect.ts";
import { MAIN, start, stopAll } from "../support/children.ts";
import { cleanup, descriptors, linux, make, nine } from "../support/hosttree.ts";
import { Nine, refused } from "../support/nine.ts";

afterEach(cleanup);
afterAll(stopAll);

/** Opens files until that is refused; the fids. */
async function exhaust(n: Nine, name: (i: number) => string): Promise<number[]> {
  const fids: number[] = [];
  for (;;) {
    try {
      fids.push(await n.open(name(fids.length)));
    } catch (e) {
      if (!(e instanceof p.NineError)) throw e;
      expect([e.errno, e.message]).toEqual([errno.EMFILE, p.Etoomany]);
      return fids;
    }
    expect(fids.length).toBeLessThan(2000);
  }
}

function tree(dir: string): void {
  for (let i = 0; i < 30; i++) {
    fs.mkdirSync(path.join(dir, `d${i}`, "e"), { recursive: true });
    for (let k = 0; k < 10; k++) fs.writeFileSync(path.join(dir, `d${i}`, "e", `f${k}`), `${i} ${k}`);
  }
}

const name = (i: number): string => `d${i % 30}/e/f${i % 10}`;

describe.runIf(linux)("host: out of descriptors", () => {
  it("opens are refused, all else goes on, and a clunk makes room", async () => {
    const { server, dir, files } = make({}, { descriptors: 100 });
    tree(dir);
    const before = descriptors();
    const n = await nine(server);
    const other = await nine(server);
    // Directories that are held for later are let go first.
    for (let i = 0; i < 30; i++) await other.names(`d${i}/e`);
    const fids = await exhaust(n, name);
    expect(fids.length).toBeGreaterThan(85);
    expect(descriptors() - before).toBeLessThanOrEqual(100);
    for (const who of [n, other]) {
      // What needs no file open, or one for a moment only.
      expect((await who.stat("d7/e/f3")).length).toBe(3);
      await who.setattr("d8/e/f1", p.SETATTR_MODE, { mode: 0o600 });
      await who.mkdir("d9/new");
      await who.rename("d9/new", "d10/new2");
      await who.unlink("d10/new2", p.AT_REMOVEDIR);
      await who.symlink("x", "d11/link");
      await who.unlink("d11/link");
      await refused(who.put("d12/file", "x"), errno.EMFILE);
      await refused(who.names("d12"), errno.EMFILE);
      expect(fs.existsSync(path.join(dir, "d12/file"))).toBe(false);
    }
    for (const fid of fids.splice(0, 3)) await n.clunk(fid);
    expect(await other.get("d3/e/f3")).toBe("3 3");
    await other.put("d12/file", "x");
    expect((await other.names("d13")).length).toBe(1);
    for (const [i, fid] of fids.entries()) expect(await n.readText(fid), String(i)).toMatch(/^\d+ \d$/);
    n.portal.hangup();
    other.portal.hangup();
    for (let i = 0; i < 20 && descriptors() > before + 30; i++) await new Promise((resolve) => setImmediate(resolve));
    // What is left are directories held for later.
    expect(descriptors()).toBeLessThanOrEqual(before + 62);
    expect(files.exact).toBe(true);
  });

  it("when the system has none, directories held for later are let go, once", async () => {
    const { server, dir, files } = make();
    tree(dir);
    const n = await nine(server);
    for (let i = 0; i < 30; i++) await n.names(`d${i}/e`);
    const held = descriptors();
    const open = files.open.bind(files);
    let refusals = 1;
    files.open = (...args): ReturnType<typeof open> => {
      if (refusals-- > 0) throw p.NineError.fromErrno(errno.EMFILE);
      return open(...args);
    };
    expect(await n.get("d4/e/f4")).toBe("4 4");
    expect(descriptors()).toBeLessThan(held - 50);
    refusals = 2;
    await refused(n.get("d4/e/f4"), errno.EMFILE);
    refusals = 0;
    expect(await n.get("d4/e/f4")).toBe("4 4");
  });

  it("a served process at its limit serves others", async () => {
    const { dir } = make();
    tree(dir);
    const server = start("sh", ["-c", 'ulimit -n 200; exec "$0" "$@"', process.execPath, ...MAIN, "serve", "--rw", "--listen", "tcp://127.0.0.1:0", dir]);
    const at = (await server.said(/^tcp:\/\/\S+$/m))[0];
    const n = await Nine.attach(await connect(at), { uname: "root" });
    const fids = await exhaust(n, name);
    expect(fids.length).toBeGreaterThan(100);
    // Descriptors are left for connections, and for what needs one for a moment.
    const others = await Promise.all(Array.from({ length: 5 }, async () => Nine.attach(await connect(at), { uname: "root" })));
    for (const other of others) {
      expect((await other.stat("d7/e/f3")).length).toBe(3);
      await other.mkdir("d7/mine");
      await other.remove("d7/mine");
      await refused(other.get("d7/e/f3"), errno.EMFILE);
    }
    await n.clunk(fids.pop() ?? 0);
    expect(await others[0]?.get("d7/e/f3")).toBe("7 3");
    // Who leaves takes his files along.
    n.portal.hangup();
    const last = others[1];
    if (!last) expect.fail("nobody");
    for (let tries = 0; tries < 100; tries++) {
      const some = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => last.open(name(i))));
      const open = some.flatMap((r) => (r.status === "fulfilled" ? [r.value] : []));
      for (const fid of open) await last.clunk(fid);
      if (open.length === 50) break;
      expect(tries).toBeLessThan(99);
    }
    for (const other of others) other.portal.hangup();
    await server.stop();
    expect(server.err()).toBe("");
  });
});
