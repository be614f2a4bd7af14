/** bind mount unmount ns: what they ask of the kernel, and what they say when it refuses. */
import { describe, expect, test } from "vitest";
import { mount } from "../../../clients/tools/mount.ts";
import { NineError, type Portal } from "../../../proto/index.ts";
import { MAFTER, MBEFORE, MCREATE, MREPL, type Sys } from "../../../kernel/sys.ts";
import { Memsys } from "../../support/memsys.ts";
import { bin, run, worlds } from "../../support/toolbench.ts";

function portal(): Portal & { ended: boolean } {
  return {
    dialect: "9P2000", msize: 8192, ordered: false, ended: false,
    call: () => ({ type: 107, ename: "i/o error", errno: 0 }), flush: () => {}, hangup() { this.ended = true; },
  };
}

describe.each(worlds)("names on %s", (_, make) => {
  test("errors name what is wrong", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o777);
    expect(await run(sys, ["bind", "/none", "/d"])).toMatchObject({ err: "bind: /none: file does not exist\n", status: "file does not exist" });
    expect(await run(sys, ["bind", "/d", "/none"])).toMatchObject({ err: "bind: /none: file does not exist\n" });
    expect(await run(sys, ["bind", "-q", "/d", "/none"])).toMatchObject({ err: "", status: "file does not exist" });
    expect(await run(sys, ["bind", "-ab", "/d", "/d"])).toMatchObject({ err: "usage: bind [-abcq] new old\n", status: "usage" });
    expect(await run(sys, ["bind", "/d"])).toMatchObject({ status: "usage" });
    expect(await run(sys, ["mount", "tcp://x:1", "/d"])).toMatchObject({ err: "mount: tcp://x:1: connection refused\n", status: "connection refused" });
    expect(await run(sys, ["unmount", "/none"])).toMatchObject({ err: "unmount: /none: file does not exist\n" });
    expect(await run(sys, ["unmount"])).toMatchObject({ status: "usage" });
  });
});

test("flags and arguments reach the kernel", async () => {
  const sys = new Memsys();
  await sys.mkdir("/a", 0o777);
  await sys.mkdir("/b", 0o777);
  const p = portal();
  const dialled: string[] = [];
  const main = mount((addr) => {
    dialled.push(addr);
    return Promise.resolve(p);
  });
  await run(sys, ["bind", "/a", "/b"]);
  await run(sys, ["bind", "-bc", "/a", "/b"]);
  await run(sys, ["bind", "-a", "/a", "/b"]);
  expect(await run(sys, ["mount", "-aC", "tcp!h!564", "/b", "dump"], "", main)).toMatchObject({ err: "", status: "" });
  await run(sys, ["unmount", "/a", "/b"]);
  await run(sys, ["unmount", "/b"]);
  expect((await run(sys, ["ns"])).out.trimEnd().split("\n")).toEqual([
    `bind ${MREPL} /a /b`, `bind ${MBEFORE | MCREATE} /a /b`, `bind ${MAFTER} /a /b`, `mount ${MAFTER} tcp!h!564 /b dump`, "unmount /a /b", "unmount /b",
  ]);
  expect(dialled).toEqual(["tcp!h!564"]);
  expect(p.ended).toBe(false);
  expect(await run(sys, ["mount", "tcp!h!564", "/none"], "", main)).toMatchObject({ err: "mount: /none: file does not exist\n" });
  expect(p.ended).toBe(true);
  expect(await run(sys, ["mount", "x", "/b"], "", mount(() => Promise.reject(new Error("no such scheme"))))).toMatchObject({ err: "mount: x: no such scheme\n" });
});

test("ns of another process is what /proc says", async () => {
  const sys = new Memsys();
  expect(await run(sys, ["ns", "7"])).toMatchObject({ err: "ns: 7: file does not exist\n", status: "errors" });
  for (const d of ["/proc", "/proc/7"]) await sys.mkdir(d, 0o777);
  await sys.writeFile("/proc/7/ns", new TextEncoder().encode("bind /a /b\n"));
  expect((await run(sys, ["ns", "7"])).out).toBe("bind /a /b\n");
  expect(await run(sys, ["ns", "x"])).toMatchObject({ status: "usage" });
});

/** The same, but a note comes at every stat and remove. */
function interrupted(sys: Sys): Sys {
  return new Proxy(sys, {
    get(target, key): unknown {
      if (key === "stat" || key === "remove") return () => Promise.reject(new NineError("interrupted"));
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === "function" ? member.bind(target) as unknown : member;
    },
  });
}

test("a note is not swallowed", async () => {
  const sys = new Memsys();
  for (const argv of [["ls", "/"], ["cp", "/a", "/b"], ["mv", "/a", "/b"], ["rm", "-rf", "/a"]]) {
    const main = bin.get(argv[0] ?? "");
    await expect(main?.(interrupted(sys), argv)).rejects.toThrow("interrupted");
  }
});
