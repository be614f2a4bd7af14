/** bind mount unmount ns: what they do to the name space, and what they say when the kernel refuses. */
import { expect, test } from "vitest";
import { NineError, open, type Portal } from "../../../proto/index.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { ram } from "../../../servers/index.ts";
import { make, run } from "../../support/toolbench.ts";
import { tools } from "../../../clients/tools/index.ts";

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

test("bind, unmount, ns", async () => {
  const sys = await make();
  for (const d of ["/a", "/b"]) {
    await sys.mkdir(d, 0o777);
    await sys.writeFile(`${d}/in${d.slice(1)}`, new Uint8Array(0));
  }
  expect(await run(sys, ["bind", "-bc", "/a", "/b"])).toMatchObject({ err: "", status: "" });
  expect((await run(sys, ["ls", "-p", "/b"])).out).toBe("ina\ninb\n");
  expect((await run(sys, ["ns"])).out).toContain("bind -bc /a /b\n");
  await run(sys, ["touch", "/b/new"]);
  expect(await run(sys, ["unmount", "/a", "/b"])).toMatchObject({ err: "", status: "" });
  expect((await run(sys, ["ls", "-p", "/b"])).out).toBe("inb\n");
  expect((await run(sys, ["ls", "-p", "/a"])).out).toBe("ina\nnew\n");
  await run(sys, ["bind", "/a", "/b"]);
  expect((await run(sys, ["ls", "-p", "/b"])).out).toBe("ina\nnew\n");
  await run(sys, ["unmount", "/b"]);
  expect((await run(sys, ["ls", "-p", "/b"])).out).toBe("inb\n");
});

test("mount", async () => {
  const dialled: string[] = [];
  let ended = 0;
  const sys = await make((addr) => {
    dialled.push(addr);
    if (addr === "x!y") return Promise.reject(new Error("no such scheme"));
    const p = open(ram({ now: () => 0 }));
    const portal: Portal = {
      dialect: p.dialect, msize: p.msize, ordered: p.ordered, call: (t) => p.call(t), flush: (t) => p.flush(t),
      hangup() {
        ended++;
        p.hangup();
      },
    };
    return Promise.resolve(portal);
  });
  await sys.mkdir("/b", 0o777);
  expect(await run(sys, ["mount", "-acC", "tcp!h!564", "/b"])).toMatchObject({ err: "", status: "" });
  expect((await run(sys, ["ns"])).out).toMatch(/^mount -ac '?tcp!h!564'? \/b/m);
  expect(dialled).toEqual(["tcp!h!564"]);
  expect(ended).toBe(0);
  expect(await run(sys, ["mount", "tcp!h!564", "/none"])).toMatchObject({ err: "mount: /none: file does not exist\n" });
  expect(ended).toBeGreaterThan(0);
  expect((await run(sys, ["mount", "tcp!h!564", "/b", "dump"])).err).toMatch(/^mount: \/b: /);
  expect(await run(sys, ["mount", "x!y", "/b"])).toMatchObject({ err: "mount: x!y: no such scheme\n" });
  expect(await run(sys, ["mount", "x", "/b"])).toMatchObject({ err: "mount: x: file does not exist\n" });
});

test("ns of another process is what /proc says", async () => {
  const sys = await make();
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
  const sys = await make();
  for (const argv of [["ls", "/"], ["cp", "/a", "/b"], ["mv", "/a", "/b"], ["rm", "-rf", "/a"]]) {
    const main = tools.get(argv[0] ?? "");
    await expect(main?.(interrupted(sys), argv)).rejects.toThrow("interrupted");
  }
});

test.each([["cat"], ["grep", "x"], ["sort"], ["tail", "-f"], ["tee"], ["sleep", "1000"]])("a note ends %s %s, which waits", async (...argv) => {
  const sys = await make();
  const [in0] = await sys.pipe();
  const main = tools.get(argv[0] ?? "");
  if (!main) throw new Error("no such tool");
  const pid = await sys.spawn({ argv, main, fds: new Map([[0, in0]]), noteGroup: "new" });
  await sys.sleep(5);
  sys.postNote(pid, "interrupt");
  expect((await sys.wait(pid)).status).toBe("interrupt");
});
