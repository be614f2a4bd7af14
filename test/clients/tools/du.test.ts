/** du: sums, lines and flags; loops; listings under way. */
import { describe, expect, test } from "vitest";
import { du } from "../../../clients/tools/du.ts";
import { general } from "../../../clients/tools/lib/general.ts";
import { MREPL, type Sys } from "../../../kernel/sys.ts";
import { qidPath } from "../../../proto/index.ts";
import { make, run, watched } from "../../support/toolbench.ts";

/** A tree: names that end in "/" are directories, the others files of so many bytes. */
async function plant(sys: Sys, tree: Readonly<Record<string, number>>): Promise<void> {
  for (const [path, n] of Object.entries(tree)) {
    if (path.endsWith("/")) await sys.mkdir(path.slice(0, -1), 0o777);
    else await sys.writeFile(path, new Uint8Array(n));
  }
}

const small = { "/t/": 0, "/t/a/": 0, "/t/a/x": 3, "/t/a/b/": 0, "/t/a/b/y": 5000, "/t/c/": 0, "/t/c/empty": 0, "/t/z": 1024 };

describe("du", () => {
  test("a line for each directory, below before above", async () => {
    const sys = await make();
    await plant(sys, small);
    expect(await run(sys, ["du", "/t"])).toMatchObject({ out: "5\t/t/a/b\n6\t/t/a\n0\t/t/c\n7\t/t\n", err: "", status: "" });
    await sys.chdir("/t/a");
    expect((await run(sys, ["du"])).out).toBe("5\t./b\n6\t.\n");
    expect((await run(sys, ["du", "x", "b", "b"])).out).toBe("1\tx\n5\tb\n5\tb\n");
  });

  test("-a -s -n -b", async () => {
    const sys = await make();
    await plant(sys, small);
    expect((await run(sys, ["du", "-a", "/t"])).out).toBe("1\t/t/a/x\n5\t/t/a/b/y\n5\t/t/a/b\n6\t/t/a\n0\t/t/c/empty\n0\t/t/c\n1\t/t/z\n7\t/t\n");
    expect((await run(sys, ["du", "-s", "/t", "/t/a"])).out).toBe("7\t/t\n6\t/t/a\n");
    expect((await run(sys, ["du", "-n", "/t/a"])).out).toBe("3\t/t/a/x\n5000\t/t/a/b/y\n5000\t/t/a/b\n5003\t/t/a\n");
    expect((await run(sys, ["du", "-sn", "/t"])).out).toMatch(/\n6027\t\/t\n$/);
    expect((await run(sys, ["du", "-b4k", "/t/a"])).out).toBe("8\t/t/a/b\n12\t/t/a\n");
    expect((await run(sys, ["du", "-b", "0x200", "-p", "", "/t/a"])).out).toBe("5120\t/t/a/b\n5632\t/t/a\n");
  });

  test("-h -e -p", async () => {
    const sys = await make();
    await plant(sys, { "/t/": 0, "/t/a": 1_500_000, "/t/b": 10 });
    expect((await run(sys, ["du", "-ah", "/t"])).out).toBe("1.43066M\t/t/a\n1k\t/t/b\n1.43164M\t/t\n");
    expect((await run(sys, ["du", "-nh", "/t"])).out).toBe("1.43051M\t/t/a\n10\t/t/b\n1.43052M\t/t\n");
    expect((await run(sys, ["du", "-sepm", "/t"])).out).toBe("1.43164\t/t\n");
    expect((await run(sys, ["du", "-sep", "", "/t"])).out).toBe("1.50118e+06\t/t\n");
    expect((await run(sys, ["du", "-spG", "/t"])).out).toBe("1\t/t\n");
    for (const words of [["-p", "q"], ["-b", "x"], ["-b", "4m"], ["-y"]]) {
      expect(await run(sys, ["du", ...words, "/t"])).toMatchObject({ err: "usage: du [-aefhnqrstu] [-b size] [-p SI-prefix] [file ...]\n", status: "usage" });
    }
    expect([0, 1, 0.5, 999999, 1000000, 0.0001, 0.00001234567, 123456.7, 2.71828e-7, 1e21, 102400].map((n) => general(n)))
      .toEqual(["0", "1", "0.5", "999999", "1e+06", "0.0001", "1.23457e-05", "123457", "2.71828e-07", "1e+21", "102400"]);
  });

  test("-t -u -q", async () => {
    const sys = await make();
    await plant(sys, { "/t/": 0, "/t/a": 1, "/t/it's": 1 });
    await sys.wstat("/t/a", { mtime: 1234, atime: 4321 });
    await sys.wstat("/t", { mtime: 99 });
    expect((await run(sys, ["du", "-at", "/t"])).out).toMatch(/^1234\t\/t\/a\n\d+\t'\/t\/it''s'\n99\t\/t\n$/);
    expect((await run(sys, ["du", "-tu", "/t/a"])).out).toBe("4321\t/t/a\n");
    const path = qidPath((await sys.stat("/t/a")).qid).toString(16).padStart(16, "0");
    expect((await run(sys, ["du", "-q", "/t/a"])).out).toBe(`${path}\t/t/a\n`);
  });

  test("errors are told, but with -f; the rest is counted", async () => {
    const sys = await make();
    await plant(sys, small);
    const closed: typeof du = (all, argv) => du(new Proxy(all, {
      get(of, key): unknown {
        if (key === "readDir") return (path: string) => of.readDir(path === "/t/a/b" ? "/t/a/b/none" : path);
        const member: unknown = Reflect.get(of, key, of);
        return typeof member === "function" ? member.bind(of) : member;
      },
    }), argv);
    expect(await run(sys, ["du", "/none", "/t"], "", closed)).toMatchObject({
      out: "0\t/t/a/b\n1\t/t/a\n0\t/t/c\n2\t/t\n", err: "du: /none: file does not exist\ndu: /t/a/b: file does not exist\n", status: "errors",
    });
    expect(await run(sys, ["du", "-fs", "/none", "/t"], "", closed)).toMatchObject({ out: "2\t/t\n", err: "", status: "" });
  });

  test("a loop of binds ends; links are not followed", async () => {
    const sys = await make();
    await plant(sys, small);
    await sys.symlink("/t/a", "/t/c/link");
    await sys.bind("/t", "/t/c", MREPL);
    const r = await run(sys, ["du", "-s", "/t"]);
    expect(r).toMatchObject({ err: "", status: "" });
    expect(r.out).toMatch(/^\d+\t\/t\n$/);
    expect((await run(sys, ["du", "/t"])).out.split("\n").length).toBeLessThan(10);
  });

  test("-r reads every byte and prints nothing", async () => {
    const sys = await make();
    await plant(sys, { ...small, "/t/big": 3_000_000 });
    let bytes = 0;
    const counted: typeof du = (all, argv) => du(new Proxy(all, {
      get(of, key): unknown {
        if (key === "read") {
          return async (...args: Parameters<Sys["read"]>) => {
            const data = await of.read(...args);
            bytes += data.length;
            return data;
          };
        }
        const member: unknown = Reflect.get(of, key, of);
        return typeof member === "function" ? member.bind(of) : member;
      },
    }), argv);
    expect(await run(sys, ["du", "-r", "/t"], "", counted)).toMatchObject({ out: "", err: "", status: "" });
    expect(bytes).toBe(3_000_000 + 6027);
  });

  test("each directory is listed once, several at a time, in the order of the lines", async () => {
    const sys = await make();
    const dirs = Array.from({ length: 40 }, (_, i) => `/t/d${String(i).padStart(2, "0")}`);
    await plant(sys, { "/t/": 0, ...Object.fromEntries(dirs.flatMap((d) => [[`${d}/`, 0], [`${d}/s/`, 0], [`${d}/s/f`, 1]])) });
    const watch = { most: 0, calls: 0 };
    const r = await run(sys, ["du", "/t"], "", watched(du, ["readDir"], watch));
    expect(r.out).toBe(`${dirs.map((d) => `1\t${d}/s\n1\t${d}\n`).join("")}40\t/t\n`);
    expect(watch.calls).toBe(81);
    expect(watch.most).toBeGreaterThan(8);
    expect(watch.most).toBeLessThanOrEqual(17);
  });
});
