/** touch sleep true false pwd date basename cmp test seq tee xd. */
import { describe, expect, test } from "vitest";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { cleanName, compareNames, dirName } from "../../../clients/tools/lib/names.ts";
import { contents, host, make, run } from "../../support/toolbench.ts";

describe("small tools", () => {
  test("touch", async () => {
    const sys = await make();
    expect(await run(sys, ["touch", "/a"])).toMatchObject({ err: "", status: "" });
    expect(await run(sys, ["touch", "-t", "1234", "/a", "/b"])).toMatchObject({ err: "", status: "" });
    expect([(await sys.stat("/a")).mtime, (await sys.stat("/b")).mtime]).toEqual([1234, 1234]);
    expect(await run(sys, ["touch", "-c", "/none"])).toMatchObject({ err: "touch: /none: file does not exist\n", status: "errors" });
  });

  test("sleep, true, false, pwd, basename", async () => {
    const sys = await make();
    const before = sys.now();
    expect((await run(sys, ["sleep", ".02"])).status).toBe("");
    expect(sys.now() - before).toBeGreaterThanOrEqual(15);
    expect((await run(sys, ["sleep", "x"])).err).toBe("usage: sleep seconds\n");
    expect((await run(sys, ["true"])).status).toBe("");
    expect((await run(sys, ["false"])).status).toBe("false");
    await sys.mkdir("/d", 0o777);
    await sys.chdir("/d");
    expect(await run(sys, ["pwd"])).toMatchObject({ out: "/d\n", status: "" });
    expect((await run(sys, ["basename", "/a/b.c", ".c"])).out).toBe("b\n");
    expect((await run(sys, ["basename", "b.c"])).out).toBe("b.c\n");
    expect((await run(sys, ["basename", "-d", "/a/b.c"])).out).toBe("/a\n");
    expect((await run(sys, ["basename", "-d", "b.c"])).out).toBe(".\n");
  });

  test("date", async () => {
    const sys = await make();
    expect((await run(sys, ["date", "240591832"])).out).toBe("Tue Aug 16 15:03:52 GMT 1977\n");
    expect((await run(sys, ["date", "-n", "5"])).out).toBe("5\n");
    expect((await run(sys, ["date", "-n"])).out).toMatch(/^\d{10}\n$/);
    sys.setenv("timezone", ["EST -18000 EDT -14400", "   230281200 247215600"]);
    expect((await run(sys, ["date", "240591832"])).out).toBe("Tue Aug 16 11:03:52 EDT 1977\n");
    expect((await run(sys, ["date", "250000000"])).out).toBe("Sat Dec  3 07:26:40 EST 1977\n");
    expect((await run(sys, ["date", "-u", "240591832"])).out).toBe("Tue Aug 16 15:03:52 GMT 1977\n");
  });

  test("cmp", async () => {
    const sys = await make();
    const long = "x".repeat(20_000);
    await sys.writeFile("/a", encode(`${long}\nabc`));
    await sys.writeFile("/b", encode(`${long}\nabd`));
    await sys.writeFile("/c", encode(long));
    expect(await run(sys, ["cmp", "/a", "/a"])).toMatchObject({ out: "", status: "" });
    expect(await run(sys, ["cmp", "/a", "/b"])).toMatchObject({ out: "/a /b differ: char 20004\n", status: "differ" });
    expect(await run(sys, ["cmp", "-L", "/a", "/b"])).toMatchObject({ out: "/a /b differ: char 20004 line 2\n" });
    expect(await run(sys, ["cmp", "-l", "/a", "/b"])).toMatchObject({ out: " 20004 63 64\n", status: "differ" });
    expect(await run(sys, ["cmp", "-s", "/a", "/b"])).toMatchObject({ out: "", status: "differ" });
    expect(await run(sys, ["cmp", "/a", "/c"])).toMatchObject({ out: "EOF on /c\n", status: "EOF" });
    expect(await run(sys, ["cmp", "/a", "/a", "20001", "20001"])).toMatchObject({ out: "", status: "" });
    expect(await run(sys, ["cmp", "/a", "/none"])).toMatchObject({ err: "cmp: /none: file does not exist\n", status: "open" });
  });

  test("test", async () => {
    const sys = await make();
    await sys.mkdir("/d", 0o777);
    await sys.writeFile("/f", encode("x"), 0o600);
    await sys.writeFile("/empty", encode(""));
    await sys.wstat("/f", { mtime: 1000 });
    const is = async (expr: string): Promise<string> => (await run(sys, ["test", ...expr.split(" ").filter((w) => w !== "").map((w) => (w === "''" ? "" : w))])).status;
    for (const expr of [
      "x", "-e /f", "-f /f", "-d /d", "-s /f", "-r /f", "-w /f", "! -e /g", "a = a", "a != b", "-n x", "-z ''", "1 -eq 01", "2 -gt 1", "-l abc -eq 3", "3 -eq -l abc",
      "/empty -nt /f", "/f -ot /empty", "/f -older 1d", "/f -older 1001", "-e /f -a -d /d", "-e /g -o -d /d", "( a = b -o a = a ) -a x", "! a = b -a a = a", "-f = -f", "!",
    ]) expect([expr, await is(expr)]).toEqual([expr, ""]);
    for (const expr of ["", "''", "-e /g", "-f /d", "-d /f", "-s /empty", "a = b", "-z x", "-n ''", "1 -gt 2", "/f -older 1000", "! x", "-e /f -a -e /g", "x -a ''", "-c /f"]) {
      expect([expr, await is(expr)]).toEqual([expr, "false"]);
    }
    expect(await is("1 -eq x")).toBe("usage");
    expect(await is("( a")).toBe("usage");
  });

  test("seq agrees with the host's", async () => {
    const sys = await make();
    for (const args of [["3"], ["2", "5"], ["5", "-1", "3"], ["-w", "8", "11"], ["-w", "0", ".05", ".1"], ["3", "1"], ["-2", "2"], ["1", "3", "10"], ["-w", "-5", "5"]]) {
      expect([args, (await run(sys, ["seq", ...args])).out]).toEqual([args, host(["seq", ...args])]);
    }
    expect((await run(sys, ["seq", "0", ".05", ".1"])).out).toBe("0\n0.05\n0.1\n");
    expect((await run(sys, ["seq", "100000"])).out).toBe(host(["seq", "100000"]));
    expect((await run(sys, ["seq", "1", "0", "2"])).status).toBe("usage");
  });

  test("tee", async () => {
    const sys = await make();
    expect(await run(sys, ["tee", "/a", "/none/b"], "data")).toMatchObject({ out: "data", err: "tee: /none/b: file does not exist\n", status: "errors" });
    expect(await run(sys, ["tee", "-a", "/a", "/c"], "more")).toMatchObject({ out: "more", status: "" });
    expect([await contents(sys, "/a"), await contents(sys, "/c")]).toEqual([encode("datamore"), encode("more")]);
  });

  test("xd", async () => {
    const sys = await make();
    expect((await run(sys, ["xd"], "hello, world\nabcdefg")).out).toBe(
      "0000000  68656c6c 6f2c2077 6f726c64 0a616263\n0000010  64656667\n0000014\n");
    expect((await run(sys, ["xd", "-c", "-1x"], "a\n\xff")).out).toBe("0000000   a \\n c3 bf\n         61 0a c3 bf\n0000004\n");
    expect((await run(sys, ["xd", "-r", "-b"], "\0".repeat(64))).out).toBe(`0000000  ${Array(16).fill("00").join(" ")}\n*\n0000040\n`);
    expect((await run(sys, ["xd", "-2d", "-ad"], "\x01\x02\x03")).out).toBe("0000000000    258   768\n0000000003\n");
    expect((await run(sys, ["xd", "-s"], "abcd")).out).toBe("0000000  64636261\n0000004\n");
    expect((await run(sys, ["xd", "-q"])).status).toBe("usage");
  });
});

test("names", () => {
  expect(["/a/../b//c/.", "a/..", "../x", "/..", "#s/../../x", "a/../.."].map(cleanName)).toEqual(["/b/c", ".", "../x", "/", "#s/x", ".."]);
  expect(["/a/b", "/a", "a", "a/b/", "/"].map(dirName)).toEqual(["/a", "/", ".", "a", "/"]);
  expect(["\u{1f600}", "\uffee", "b", "a", "ab"].toSorted(compareNames)).toEqual(["a", "ab", "b", "\uffee", "\u{1f600}"]);
});
