/** mntgen: every name is there (mntgen(4)). */
import { describe, expect, it } from "vitest";
import * as p from "../../proto/index.ts";
import { errno } from "../../proto/index.ts";
import { open } from "../../proto/srv.ts";
import { mntgen } from "../../servers/mntgen.ts";
import { Nine, refused } from "../support/nine.ts";
import { serverSuite } from "../support/serversuite.ts";

serverSuite("mntgen", () => mntgen(), { write: false, sample: { dir: "somewhere" } });

describe("mntgen", () => {
  it("any name is an empty directory, the same each time, and listed from then on", async () => {
    const server = mntgen();
    const n = await Nine.attach(open(server), { uname: "alice" });
    expect(await n.names("")).toEqual([]);
    const boot = await n.stat("boot");
    expect(boot.mode & p.DMDIR).not.toBe(0);
    expect(await n.names("boot")).toEqual([]);
    const m = await Nine.attach(open(server), { uname: "bob" });
    expect((await m.stat("boot")).qid).toEqual(boot.qid);
    expect((await m.stat("dump")).qid.pathlo).not.toBe(boot.qid.pathlo);
    expect(await n.names("")).toEqual(["boot", "dump"]);
    await refused(n.stat("boot/deeper"), errno.ENOENT);
    await refused(n.put("file"), errno.EACCES);
    await refused(n.put("boot/file"), errno.EACCES);
    await refused(n.remove("boot"), errno.EACCES);
  });

  it("names are bounded in number and length", async () => {
    const n = await Nine.attach(open(mntgen({ limit: 3 })), { uname: "alice" });
    for (const name of ["a", "b", "c", "a"]) await n.stat(name);
    await refused(n.stat("d"), errno.ENOSPC);
    expect((await n.stat("b")).name).toBe("b");
    await refused(n.stat("x".repeat(300)), errno.ENAMETOOLONG);
  });
});
