/** bind(2), mount(2), chan.c: unions, mounts over mounts, per-process views, "..". */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MAFTER, MBEFORE, MCREATE, MREPL } from "../../kernel/index.ts";
import { OREAD } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { failure, remote, testKernel, type TestKernel } from "../support/kernel.ts";

let k: TestKernel;
beforeEach(async () => {
  k = await testKernel();
  for (const d of ["one", "two"]) {
    await k.sys.mkdir(`/tmp/${d}`, 0o777);
    await k.put(`/tmp/${d}/${d}`, d);
    await k.put(`/tmp/${d}/both`, `both of ${d}`);
  }
});
afterEach(() => k.shutdown());

describe("bind", () => {
  test("replaces, and the old contents come back", async () => {
    await k.sys.bind("/tmp/one", "/a", MREPL);
    expect(await k.ls("/a")).toEqual(["one", "both"]);
    await k.sys.bind("/tmp/two", "/a", MREPL);
    expect(await k.cat("/a/both")).toBe("both of two");
    await k.sys.unmount(undefined, "/a");
    expect(await k.ls("/a")).toEqual([]);
  });

  test("before and after: searched in order, listed as one, twice what is there twice", async () => {
    await k.sys.bind("/tmp/one", "/a", MREPL);
    await k.sys.bind("/tmp/two", "/a", MAFTER);
    expect(await k.cat("/a/both")).toBe("both of one");
    expect(await k.cat("/a/two")).toBe("two");
    expect(await k.ls("/a")).toEqual(["one", "both", "two", "both"]);
    await k.sys.unmount(undefined, "/a");
    await k.sys.bind("/tmp/one", "/tmp/two", MBEFORE);
    expect(await k.cat("/tmp/two/both")).toBe("both of one");
    expect(await k.cat("/tmp/two/two")).toBe("two");
  });

  test("a union read by an open directory goes through its elements, and rewinds", async () => {
    await k.sys.bind("/tmp/one", "/a", MREPL);
    await k.sys.bind("/tmp/two", "/a", MAFTER);
    const fd = await k.sys.open("/a", OREAD);
    const read = async (): Promise<string[]> => {
      const names: string[] = [];
      for (;;) {
        const dirs = await k.sys.dirread(fd);
        if (dirs.length === 0) return names;
        names.push(...dirs.map((d) => d.name));
      }
    };
    expect(await read()).toEqual(["one", "both", "two", "both"]);
    await k.sys.seek(fd, 0, 0);
    expect(await read()).toEqual(["one", "both", "two", "both"]);
    await k.sys.close(fd);
  });

  test("creation goes to the first element that permits it, else nowhere", async () => {
    await k.sys.bind("/tmp/one", "/a", MREPL);
    await k.sys.bind("/tmp/two", "/a", MAFTER);
    expect(await failure(k.put("/a/new", "x"))).toBe("mounted directory forbids creation");
    expect(await failure(k.sys.mkdir("/a/newdir", 0o777))).toBe("mounted directory forbids creation");
    await k.sys.unmount("/tmp/two", "/a");
    await k.sys.bind("/tmp/two", "/a", MAFTER | MCREATE);
    await k.put("/a/new", "x");
    expect(await k.cat("/tmp/two/new")).toBe("x");
    // An existing file is truncated where it is, whether that element permits creation or not.
    await k.put("/a/one", "changed");
    expect(await k.cat("/tmp/one/one")).toBe("changed");
    expect(await k.ls("/tmp/two")).toEqual(["two", "both", "new"]);
  });

  test("a bound union brings its elements", async () => {
    await k.sys.bind("/tmp/one", "/a", MREPL);
    await k.sys.bind("/tmp/two", "/a", MAFTER);
    await k.sys.bind("/a", "/b", MREPL);
    expect(await k.ls("/b")).toEqual(["one", "both", "two", "both"]);
    await k.sys.unmount(undefined, "/a");
    expect(await k.cat("/b/two")).toBe("two");
  });

  test("a file over a file; never a file over a directory, nor a union of files", async () => {
    await k.sys.bind("/tmp/one/one", "/tmp/two/two", MREPL);
    expect(await k.cat("/tmp/two/two")).toBe("one");
    await k.put("/tmp/two/two", "written through");
    expect(await k.cat("/tmp/one/one")).toBe("written through");
    expect(await failure(k.sys.bind("/tmp/one/one", "/a", MREPL))).toMatch(/^inconsistent mount/);
    expect(await failure(k.sys.bind("/tmp/one", "/tmp/two/both", MREPL))).toMatch(/^inconsistent mount/);
    expect(await failure(k.sys.bind("/tmp/one/one", "/tmp/two/both", MAFTER))).toMatch(/^inconsistent mount/);
    expect(await failure(k.sys.bind("/tmp/one", "/a", MBEFORE | MAFTER))).toMatch(/^inconsistent mount/);
  });

  test("a mount point cannot be removed, what is below can", async () => {
    await k.sys.bind("/tmp/one", "/tmp/two", MREPL);
    await k.sys.remove("/tmp/two/one");
    expect(await k.ls("/tmp/one")).toEqual(["both"]);
  });

  test("unmount of what is not mounted", async () => {
    expect(await failure(k.sys.unmount(undefined, "/a"))).toBe("not mounted");
    await k.sys.bind("/tmp/one", "/a", MREPL);
    expect(await failure(k.sys.unmount("/tmp/two", "/a"))).toBe("not in union");
    await k.sys.unmount("/tmp/one", "/a");
    expect(await k.ls("/a")).toEqual([]);
  });

  test("an open file survives its unmounting", async () => {
    await k.sys.bind("/tmp/one", "/a", MREPL);
    const fd = await k.sys.openRead("/a/one");
    await k.sys.chdir("/a");
    await k.sys.unmount(undefined, "/a");
    expect(new TextDecoder().decode(await k.sys.read(fd))).toBe("one");
    // The current directory is the one that was mounted upon (chan.c, Atodir).
    expect(await failure(k.cat("both"))).toBe("file does not exist");
    await k.sys.chdir("..");
    expect(k.sys.getwd()).toBe("/");
  });
});

describe("dot and dotdot", () => {
  test(".. is lexical, across mounts and symbolic links", async () => {
    await k.sys.bind("/tmp/one", "/a", MREPL);
    await k.sys.chdir("/a");
    expect(await k.ls("..")).toEqual(await k.ls("/"));
    expect(await k.cat("../tmp/two/two")).toBe("two");
    expect(await k.cat("/a/../tmp/../../tmp/one/one")).toBe("one");
    await k.sys.symlink("/tmp/two", "/tmp/one/link");
    await k.sys.chdir("link");
    expect(k.sys.getwd()).toBe("/tmp/two");
    expect(await k.cat("two")).toBe("two");
  });

  test("symbolic links: relative, absolute against the root, across mounts, in loops, dangling", async () => {
    const { sys } = k;
    await sys.symlink("../two/two", "/tmp/one/rel");
    await sys.symlink("/a/both", "/tmp/one/abs");
    await sys.bind("/tmp/two", "/a", MREPL);
    expect(await k.cat("/tmp/one/rel")).toBe("two");
    expect(await k.cat("/tmp/one/abs")).toBe("both of two");
    await sys.symlink("loop", "/tmp/loop");
    expect(await failure(k.cat("/tmp/loop"))).toBe("Too many levels of symbolic links");
    await sys.symlink("nowhere", "/tmp/dangling");
    expect(await failure(k.cat("/tmp/dangling"))).toBe("file does not exist");
    expect(await sys.readlink("/tmp/dangling")).toBe("nowhere");
    expect((await sys.stat("/tmp/dangling", true)).extension).toBe("nowhere");
    expect((await sys.stat("/tmp/one/rel")).length).toBe(3);
    await sys.remove("/tmp/dangling");
    expect(await k.ls("/tmp")).not.toContain("dangling");
  });
});

describe("mount", () => {
  const now = (): number => 0;

  test("a server behind a wire, any name under /n", async () => {
    const server = ram({ now });
    await k.sys.mount((await remote(server)).portal, "/n/x", MREPL | MCREATE, "", "mem:x");
    await k.put("/n/x/f", "far");
    await k.sys.mount((await remote(server)).portal, "/n/y", MREPL, "");
    expect(await k.cat("/n/y/f")).toBe("far");
    expect(await k.ls("/n")).toEqual(["x", "y"]);
    expect(await failure(k.put("/n/y/g", "no -c"))).toBe("mounted directory forbids creation");
    expect(k.sys.ns()).toContain("mount -c mem:x /n/x");
  });

  test("mounts on mounts: a local directory on a remote one, a remote one below it", async () => {
    const far = ram({ now });
    const further = ram({ now });
    await k.sys.mount((await remote(far)).portal, "/n/x", MREPL | MCREATE, "");
    await k.sys.mkdir("/n/x/dir", 0o777);
    await k.sys.mkdir("/n/x/dir/sub", 0o777);
    await k.sys.bind("/tmp/one", "/n/x/dir/sub", MREPL);
    expect(await k.cat("/n/x/dir/sub/one")).toBe("one");
    await k.sys.mount((await remote(further)).portal, "/n/x/dir", MREPL | MCREATE, "");
    expect(await k.ls("/n/x/dir")).toEqual([]);
    await k.put("/n/x/dir/deep", "deep");
    await k.sys.unmount(undefined, "/n/x/dir");
    expect(await k.cat("/n/x/dir/sub/one")).toBe("one");
    expect(await failure(k.sys.rename("/n/x/dir/sub", "/tmp/elsewhere"))).toBe("Invalid cross-device link");
  });

  test("the connection ends with the last use of it", async () => {
    const before = k.stats();
    await k.sys.mount((await remote(ram({ now }))).portal, "/n/x", MREPL | MCREATE, "");
    await k.put("/n/x/f", "x");
    const fd = await k.sys.openRead("/n/x/f");
    await k.sys.unmount(undefined, "/n/x");
    expect(k.stats().mnts).toBe(before.mnts + 1);
    await k.sys.close(fd);
    expect(k.stats().mnts).toBe(before.mnts);
  });

  test("a failed mount hangs up and changes nothing", async () => {
    const before = k.stats();
    const { portal } = await remote(ram({ now }));
    expect(await failure(k.sys.mount(portal, "/nowhere/x", MREPL, ""))).toBe("file does not exist");
    const again = await remote(ram({ now }));
    expect(await failure(k.sys.mount(again.portal, "/n/x", MREPL, "no such tree"))).toBe("file does not exist");
    expect(k.stats().mnts).toBe(before.mnts);
    expect(k.sys.ns().join()).not.toContain("portal");
  });
});

describe("processes see their own name space", () => {
  test("shared, copied, clean", async () => {
    const seen: Record<string, string> = {};
    const run = async (ns: "share" | "copy" | "clean"): Promise<void> => {
      const pid = await k.sys.spawn({
        argv: [ns], ns, main: async (sys) => {
          seen[`${ns} before`] = await failure(k.cat("/a/one", sys));
          await sys.bind("/tmp/two", "/b", MREPL).catch(() => undefined);
          seen[`${ns} after`] = await failure(k.cat("/b/two", sys));
        },
      });
      await k.sys.wait(pid);
      seen[`parent after ${ns}`] = await failure(k.cat("/b/two"));
    };
    await k.sys.bind("/tmp/one", "/a", MREPL);
    await run("copy");
    await run("clean");
    await run("share");
    const no = "file does not exist";
    expect(seen).toEqual({
      "copy before": "no error", "copy after": "no error", "parent after copy": no,
      "clean before": no, "clean after": no, "parent after clean": no,
      "share before": "no error", "share after": "no error", "parent after share": "no error",
    });
  });

  test("ns prints what makes the name space again", async () => {
    await k.sys.bind("/tmp/one", "/a", MREPL);
    await k.sys.bind("/tmp/two", "/a", MBEFORE | MCREATE);
    await k.sys.mkdir("/tmp/it's", 0o777);
    await k.sys.bind("/tmp/it's", "/b", MAFTER);
    const lines = k.sys.ns();
    expect(lines.slice(3)).toEqual(["bind /tmp/one /a", "bind -bc /tmp/two /a", "bind -a '/tmp/it''s' /b", "cd /"]);
  });
});

test("10,000 binds and unmounts leave nothing behind", async () => {
  const before = k.stats();
  for (let i = 0; i < 10_000; i++) {
    await k.sys.bind("/tmp/one", "/a", i % 3 === 0 ? MREPL : MAFTER);
    await k.sys.unmount(undefined, "/a");
  }
  expect(k.stats()).toEqual(before);
});
