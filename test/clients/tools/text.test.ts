/** grep wc head tail: against the manual, and against the host's tools where they agree. */
import { describe, expect, test } from "vitest";
import type { Sys } from "../../../kernel/sys.ts";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { host, make, run, watched } from "../../support/toolbench.ts";
import { tools } from "../../../clients/tools/index.ts";
import { chance, seed as seedOf } from "../../support/random.ts";

const seed = seedOf();
const next = chance(seed);

/** Lines of words of few letters, some empty, some long, the last perhaps without its newline. */
function words(lines: number): string {
  const all = Array.from({ length: lines }, () =>
    Array.from({ length: next(8) }, () => "abcd é\t".charAt(next(7)) + "xyz".slice(next(3))).join(next(2) ? " " : "  ") + (next(50) === 0 ? "long".repeat(5000) : ""));
  return all.join("\n") + (next(2) ? "\n" : "");
}

describe("text", () => {
  test("grep: output and status", async () => {
    const sys = await make();
    await sys.writeFile("/a", encode("one\ntwo\nthree"));
    await sys.writeFile("/b", encode("four\nOne\n"));
    const out = async (...argv: string[]): Promise<string> => {
      const r = await run(sys, ["grep", ...argv], "one\nzwei\n");
      return r.err + r.out + (r.status === "" ? "" : `[${r.status}]`);
    };
    expect(await out("e$", "/a")).toBe("one\nthree\n");
    expect(await out("one", "/a", "/b")).toBe("/a:one\n");
    expect(await out("-n", "t", "/a")).toBe("2: two\n3: three\n");
    expect(await out("-in", "one", "/a", "/b")).toBe("/a:1: one\n/b:2: One\n");
    expect(await out("-h", "o", "/a", "/b")).toBe("one\ntwo\nfour\n");
    expect(await out("-c", "o", "/a", "/b")).toBe("/a:2\n/b:1\n");
    expect(await out("-v", "o", "/a")).toBe("three\n");
    expect(await out("-l", "two", "/a", "/b")).toBe("/a\n");
    expect(await out("-L", "two", "/a", "/b")).toBe("/b\n");
    expect(await out("-s", "one", "/a")).toBe("");
    expect(await out("-s", "nine", "/a")).toBe("[no matches]");
    expect(await out("-e", "one", "-e", "^th", "/a")).toBe("one\nthree\n");
    expect(await out("one\ntwo", "/a")).toBe("one\ntwo\n");
    await sys.writeFile("/pat", encode("^f\ntwo\n"));
    expect(await out("-f", "/pat", "/a", "/b")).toBe("/a:two\n/b:four\n");
    expect(await out("z")).toBe("zwei\n");
    // Literal after a leading *, in each line of the pattern.
    expect(await out("*o.e\n*z", "/a")).toBe("[no matches]");
    expect(await out("x\n*zw")).toBe("zwei\n");
    expect(await out("x", "/none", "/a")).toBe("grep: /none: file does not exist\n[errors]");
    expect(await out("one", "/none", "/a")).toBe("grep: /none: file does not exist\n/a:one\n[errors]");
    expect(await out("-f", "/none", "/a")).toBe("grep: /none: file does not exist\n[/none: file does not exist]");
    expect(await out("(", "/a")).toBe("grep: malformed expression: unmatched '('\n[malformed expression: unmatched '(']");
    expect(await out()).toBe("usage: grep [-bchiLlnsvE] [-e pattern | -f patternfile | pattern] [file ...]\n[usage]");
  });

  test("grep agrees with the host's", async () => {
    const sys = await make();
    for (const pattern of ["a", "^$", "a.*b", "(xyz|yz) +d", "[^a-c]$", "^(a|b)", "longlong$", "zz"]) {
      const text = words(200);
      for (const flag of ["-h", "-v", "-c"]) {
        const want = host(["grep", "-aE", flag, pattern], text);
        expect([`SEED=${seed}`, pattern, flag, (await run(sys, ["grep", flag, pattern], text)).out]).toEqual([`SEED=${seed}`, pattern, flag, want]);
      }
    }
  });

  test("grep writes what it found before it waits for more", async () => {
    const sys = await make();
    const [in0, in1] = await sys.pipe();
    const [out0, out1] = await sys.pipe();
    const main = tools.get("grep");
    if (!main) throw new Error("no grep");
    const pid = await sys.spawn({ argv: ["grep", "x"], main, fds: new Map([[0, in0], [1, out1]]) });
    await sys.close(in0);
    await sys.close(out1);
    await sys.write(in1, encode("ax\nb\npart"));
    expect(await sys.read(out0)).toEqual(encode("ax\n"));
    await sys.write(in1, encode("ial x\n"));
    expect(await sys.read(out0)).toEqual(encode("partial x\n"));
    await sys.close(in1);
    expect((await sys.wait(pid)).status).toBe("");
  });

  test("wc", async () => {
    const sys = await make();
    await sys.writeFile("/a", encode("one two\nthree\n"));
    await sys.writeFile("/b", Uint8Array.of(0xc3, 0xa9, 32, 0xff, 10));
    expect((await run(sys, ["wc", "/a"])).out).toBe("      2       3      14 /a\n");
    expect((await run(sys, ["wc"], "x y")).out).toBe("      0       2       3\n");
    expect((await run(sys, ["wc", "-lwrbc", "/a", "/b"])).out).toBe(
      "      2       3      14       0      14 /a\n      1       2       4       1       5 /b\n      3       5      18       1      19 total\n");
    expect((await run(sys, ["wc", "-l", "/none", "/a"]))).toMatchObject({ out: "      2 /a\n      2 total\n", err: "wc: /none: file does not exist\n" });
    const text = words(500);
    const want = host(["wc", "-lwc"], text).trim().split(/\s+/);
    expect((await run(sys, ["wc"], text)).out.trim().split(/\s+/)).toEqual(want);
    // Runes cut anywhere by reads.
    const cut = `${"x".repeat(8191)}€𝄞é${"€".repeat(9000)}`;
    expect((await run(sys, ["wc", "-rb"], cut)).out.trim().split(/\s+/)).toEqual([String(8191 + 3 + 9000), "0"]);
  });

  test("head agrees with the host's", async () => {
    const sys = await make();
    for (const flags of [[], ["-n", "3"], ["-5"], ["-n0"], ["-c", "7"], ["-c", "20000"], ["-n", "400"]]) {
      const text = words(300);
      expect([`SEED=${seed}`, flags, (await run(sys, ["head", ...flags], text)).out]).toEqual([`SEED=${seed}`, flags, host(["head", ...flags], text)]);
    }
    await sys.writeFile("/a", encode("1\n2\n"));
    expect((await run(sys, ["head", "-n1", "/a", "/a"])).out).toBe("==> /a <==\n1\n\n==> /a <==\n1\n");
    expect((await run(sys, ["head", "-n", "x"])).status).toBe("usage");
  });

  test("tail agrees with the host's, of files and of pipes", async () => {
    const sys = await make();
    for (const flags of [[], ["-n", "3"], ["-n0"], ["-n1"], ["-c", "7"], ["-c", "20000"], ["-n", "+4"], ["-c", "+9"], ["-n", "1000"], ["-n", "299"], ["-n", "300"]]) {
      const text = words(300) + "\n".repeat(next(3));
      await sys.writeFile("/f", encode(text));
      const want = [`SEED=${seed}`, flags, host(["tail", ...flags], text)];
      expect([`SEED=${seed}`, flags, (await run(sys, ["tail", ...flags], text)).out]).toEqual(want);
      expect([`SEED=${seed}`, flags, (await run(sys, ["tail", ...flags, "/f"])).out]).toEqual(want);
    }
    const text = words(1000).replace(/\n*$/, "\n");
    await sys.writeFile("/f", encode(text));
    expect((await run(sys, ["tail", "-r", "/f"])).out).toBe(host(["tac"], text));
    expect((await run(sys, ["tail", "-5r", "/f"])).out).toBe(host(["tac"], text).split("\n").slice(0, 5).join("\n") + "\n");
    expect((await run(sys, ["tail", "-3"], text)).out).toBe(host(["tail", "-n3"], text));
    expect((await run(sys, ["tail", "+3", "/f"])).out).toBe(host(["tail", "-n+3"], text));
    expect((await run(sys, ["tail", "-1b", "/f"])).out).toBe(host(["tail", "-c1024"], text));
    expect((await run(sys, ["tail", "+4c", "/f"])).out).toBe(host(["tail", "-c+5"], text));
    expect((await run(sys, ["tail", "-x"])).status).toBe("usage");
  });

  test("tail -f prints what is added", async () => {
    const sys = await make();
    await sys.writeFile("/log", encode("1\n2\n3\n"));
    const [out0, out1] = await sys.pipe();
    const main = tools.get("tail");
    if (!main) throw new Error("no tail");
    const fast = watched((s: Sys, argv) => main(quick(s), argv), [], { most: 0, calls: 0 });
    const pid = await sys.spawn({ argv: ["tail", "-n", "1", "-f", "/log"], main: fast, fds: new Map([[1, out1]]) });
    await sys.close(out1);
    expect(await sys.read(out0)).toEqual(encode("3\n"));
    const fd = await sys.open("/log", 1);
    await sys.write(fd, encode("4\n"), 6);
    expect(await sys.read(out0)).toEqual(encode("4\n"));
    // Shorter than it was: from the beginning.
    await sys.writeFile("/log", encode("new\n"));
    expect(await sys.read(out0)).toEqual(encode("new\n"));
    await sys.close(out0);
    await sys.write(fd, encode("last\n"), 4);
    expect((await sys.wait(pid)).status).not.toBe("");
  });
});

/** The same, with sleeps of no length. */
function quick(sys: Sys): Sys {
  return new Proxy(sys, {
    get(target, key): unknown {
      const member: unknown = Reflect.get(target, key, target);
      if (key === "sleep") return () => target.sleep(1);
      return typeof member === "function" ? member.bind(target) as unknown : member;
    },
  });
}
