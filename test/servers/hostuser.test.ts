/**
 * The host server in a process without privilege, where the system decides who may do what: the
 * server suite over TCP, each test in a directory of its own, and what only such a process shows.
 * Wants root (to give it up) and setpriv(1).
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectTcp } from "../../clients/node/tcp.ts";
import * as p from "../../proto/index.ts";
import { dial, errno, NineError, type Dialect, type Portal, type Server } from "../../proto/index.ts";
import { MAIN, type Started, start, stopAll } from "../support/children.ts";
import { root } from "../support/hosttree.ts";
import { programPath } from "../support/need.ts";
import { Nine, refused } from "../support/nine.ts";
import { serverSuite } from "../support/serversuite.ts";

const UID = 2001;
const able = root && programPath("setpriv") !== undefined && readable(import.meta.dirname);
let base = "";
let server: Started | undefined;
let port = 0;
let last = 0;

/** Whether anybody can read what is in a directory. */
function readable(dir: string): boolean {
  for (let d = dir; d !== path.dirname(d); d = path.dirname(d)) if (!(fs.statSync(d).mode & 0o001)) return false;
  return true;
}

beforeAll(async () => {
  if (!able) return;
  base = fs.mkdtempSync(path.join(os.tmpdir(), "nineplex-user-"));
  fs.chownSync(base, UID, UID);
  fs.chmodSync(base, 0o755);
  const as = ["--reuid", String(UID), "--regid", String(UID), "--groups", "2050", process.execPath];
  server = start("setpriv", [...as, ...MAIN, "serve", "--rw", "--listen", "tcp://127.0.0.1:0", base]);
  port = Number((await server.said(/^tcp:\/\/127\.0\.0\.1:(\d+)$/m))[1]);
});

afterAll(async () => {
  await stopAll();
  if (base) fs.rmSync(base, { recursive: true });
  if (server) expect(server.err()).toBe("");
});

/** A directory of the process's, by its name. */
function place(): string {
  const name = `t${++last}`;
  fs.mkdirSync(path.join(base, name));
  fs.chownSync(path.join(base, name), UID, UID);
  return name;
}

/** A portal whose root is one directory of what is served. */
async function portal({ name }: Pick<Server, "name">, dialect: Dialect): Promise<Portal> {
  const wire = await dial(await connectTcp("127.0.0.1", port), { versions: [dialect === "9P2000.L" ? "9P2000.L.x" : dialect] });
  return {
    dialect: wire.dialect, msize: wire.msize, ordered: wire.ordered, lasting: wire.lasting ?? false,
    call: (t) => wire.call(t.type === p.Tattach && (t.aname === "" || t.aname === "/") ? { ...t, aname: `/${name}` } : t),
    flush: (t) => wire.flush(t),
    hangup: () => wire.hangup(),
  };
}

const served = (): Server => ({
  name: place(),
  attach: () => {
    throw new NineError(p.Enosys);
  },
});

if (able) {
  serverSuite("host without privilege", served, {
    mknod: false, xattr: false, perms: false, times: 1000, entries: 2000, versioned: true, portal, users: [{ uname: "me" }, { uname: "you" }],
  });
}

describe.runIf(able)("host without privilege", () => {
  const nine = async (name: string): Promise<Nine> => Nine.attach(await portal({ name }, "9P2000.L"), { uname: "me" });

  it("may do what the system lets its user do, and nothing else", async () => {
    const name = place();
    const dir = path.join(base, name);
    const n = await nine(name);
    const other = (x: string, mode: number): void => {
      fs.writeFileSync(path.join(dir, x), x);
      fs.chmodSync(path.join(dir, x), mode);
    };
    other("secret", 0o600);
    other("public", 0o644);
    other("shared", 0o646);
    fs.mkdirSync(path.join(dir, "closed"), { mode: 0o700 });
    fs.mkdirSync(path.join(dir, "sticky"));
    fs.chmodSync(path.join(dir, "sticky"), 0o1777);
    other("sticky/f", 0o666);
    await refused(n.get("secret"), errno.EACCES);
    expect((await n.stat("secret")).length).toBe(6);
    expect(await n.get("public")).toBe("public");
    await refused(n.open("public", p.OWRITE), errno.EACCES);
    await n.clunk(await n.open("shared", p.OWRITE));
    for (const what of [{ mode: 0o666 }, { gid: "2050" }, { length: 0 }]) await refused(n.wstat("public", what), errno.EPERM, errno.EACCES);
    await refused(n.open("closed"), errno.EACCES);
    const closed = await n.walk("closed");
    await refused(n.qids(closed, n.fid(), ["x"]), errno.EACCES);
    await refused(n.put("closed/x"), errno.EACCES);
    await refused(n.unlink("sticky/f"), errno.EPERM);
    await refused(n.rename("sticky/f", "sticky/g"), errno.EPERM);
    // Its own it may give to a group it is in, and to nobody else.
    await n.put("own", "x");
    await n.setattr("own", p.SETATTR_GID, { gid: 2050 });
    expect(fs.statSync(path.join(dir, "own")).gid).toBe(2050);
    await refused(n.setattr("own", p.SETATTR_GID, { gid: 2060 }), errno.EPERM);
    await refused(n.setattr("own", p.SETATTR_UID, { uid: 2002 }), errno.EPERM);
    // A directory one may not write is no hindrance to opening what is there, as O_CREAT has it.
    fs.chmodSync(dir, 0o555);
    await n.clunk(await n.lcreate("own", p.L_O_CREAT | p.L_O_RDWR));
    await refused(n.lcreate("new", p.L_O_CREAT | p.L_O_RDWR), errno.EACCES);
    await refused(n.lcreate("own", p.L_O_CREAT | p.L_O_EXCL | p.L_O_RDWR), errno.EEXIST);
  });

  it("sets the times of what it may write to the present, and only its own to others", async () => {
    const name = place();
    const file = path.join(base, name, "shared");
    fs.writeFileSync(file, "x");
    fs.chmodSync(file, 0o666);
    fs.utimesSync(file, 1000, 1000);
    const n = await nine(name);
    const both = p.SETATTR_ATIME | p.SETATTR_MTIME;
    await refused(n.setattr("shared", both | p.SETATTR_MTIME_SET | p.SETATTR_ATIME_SET, { atime_sec: 5, mtime_sec: 5 }), errno.EPERM);
    await refused(n.setattr("shared", both | p.SETATTR_MTIME_SET, { mtime_sec: 5 }), errno.EPERM);
    expect(fs.statSync(file).mtimeMs).toBe(1_000_000);
    const before = Date.now() - 20;
    await n.setattr("shared", both);
    const st = fs.statSync(file);
    for (const t of [st.atimeMs, st.mtimeMs]) expect(t).toBeGreaterThanOrEqual(before);
    // The same of an open file.
    fs.utimesSync(file, 1000, 1000);
    const f = await n.open("shared", p.OWRITE);
    await n.fsetattr(f, both);
    expect(fs.statSync(file).mtimeMs).toBeGreaterThanOrEqual(before);
    fs.chmodSync(file, 0o644);
    await refused(n.setattr("shared", both), errno.EPERM, errno.EACCES);
  });
});
