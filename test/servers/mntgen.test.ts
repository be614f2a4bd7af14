/** mntgen: every name is there (mntgen(4)). */
import { describe, expect, it } from "vitest";
import { MREPL } from "../../kernel/index.ts";
import * as p from "../../proto/index.ts";
import { errno } from "../../proto/index.ts";
import { open } from "../../proto/srv.ts";
import { mntgen } from "../../servers/mntgen.ts";
import { failure, testKernel } from "../support/kernel.ts";
import { Nine, refused } from "../support/nine.ts";
import { serverSuite } from "../support/serversuite.ts";

serverSuite("mntgen", () => mntgen(), { write: false, sample: { dir: "somewhere" } });

describe("mntgen", () => {
  it("any name is an empty directory, the same for as long as somebody has it, and listed meanwhile", async () => {
    const server = mntgen();
    const n = await Nine.attach(open(server), { uname: "alice" });
    expect(await n.names("")).toEqual([]);
    const fid = await n.walk("boot");
    const boot = await n.fstat(fid);
    expect(boot.mode & p.DMDIR).not.toBe(0);
    expect(await n.names("boot")).toEqual([]);
    const m = await Nine.attach(open(server), { uname: "bob" });
    const dump = await m.walk("dump");
    expect(await n.names("")).toEqual(["boot", "dump"]);
    expect((await m.stat("boot")).qid).toEqual(boot.qid);
    expect((await m.fstat(dump)).qid.pathlo).not.toBe(boot.qid.pathlo);
    await refused(n.stat("boot/deeper"), errno.ENOENT);
    await refused(n.put("file"), errno.EACCES);
    await refused(n.put("boot/file"), errno.EACCES);
    await refused(n.remove("boot"), errno.EACCES);
  });

  it("a name that nobody has any more is forgotten", async () => {
    const server = mntgen({ limit: 100 });
    const n = await Nine.attach(open(server), { uname: "alice" });
    const kept = await n.walk("kept");
    const { qid } = await n.fstat(kept);
    for (let i = 0; i < 1000; i++) await n.stat(`mistyped${i}`);
    expect(await n.names("")).toEqual(["kept"]);
    const m = await Nine.attach(open(server), { uname: "bob" });
    expect((await m.stat("kept")).qid).toEqual(qid);
    await m.walk("his");
    expect(await n.names("")).toEqual(["his", "kept"]);
    m.portal.hangup();
    await n.clunk(kept);
    expect(await n.names("")).toEqual([]);
  });

  it("what is mounted on one stays, through thousands of other names", async () => {
    const k = await testKernel();
    await k.sys.bind("/tmp", "/n/x", MREPL);
    await k.put("/tmp/f", "text");
    for (let i = 0; i < 10_000; i++) expect(await failure(k.sys.stat(`/n/typo${i}/f`))).toBe("file does not exist");
    expect(await k.cat("/n/x/f")).toBe("text");
    expect(await k.ls("/n")).toEqual(["x"]);
    await k.sys.unmount(undefined, "/n/x");
    expect(await k.ls("/n")).toEqual([]);
    k.shutdown();
  });

  it("names are bounded in number and length", async () => {
    const n = await Nine.attach(open(mntgen({ limit: 3 })), { uname: "alice" });
    for (const name of ["a", "b", "c", "a"]) await n.walk(name);
    await refused(n.stat("d"), errno.ENOSPC);
    expect((await n.stat("b")).name).toBe("b");
    await refused(n.stat("x".repeat(300)), errno.ENAMETOOLONG);
  });

  it("behind a server that wraps it, where who has what is not known, nothing is forgotten", async () => {
    const inner = mntgen();
    const n = await Nine.attach(open({ name: "outer", attach: (call, aname) => inner.attach(call, aname) }), { uname: "alice" });
    await n.stat("a");
    expect(await n.names("")).toEqual(["a"]);
  });
});
