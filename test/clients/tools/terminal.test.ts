/** What tools show on a terminal: names without control characters, the progress of long work; how few round trips many files take. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { Progress } from "../../../clients/tools/lib/progress.ts";
import { harmless } from "../../../clients/tools/lib/terminal.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { make, run } from "../../support/toolbench.ts";
import { toolKernel, type ToolKernel } from "../../support/toolkernel.ts";

let k: ToolKernel;
beforeEach(async () => {
  k = await toolKernel();
});
afterEach(() => k.shutdown());

describe("names on a terminal", () => {
  test("what a terminal acts upon is written out, and only that", () => {
    expect(harmless("plain ü 漢 🙂 it's\\n")).toBe("plain ü 漢 🙂 it's\\n");
    expect(harmless("\u001b[2J\n\t\r\u007f\u009b\u202e\udcff\ud800")).toBe("\\033[2J\\n\\t\\015\\177\\302\\233\\342\\200\\256\\377\\357\\277\\275");
  });

  test("in lists, in headers, in errors; raw where it is no terminal", async () => {
    const name = "e\u001b]0;x\u0007";
    await k.sys.writeFile(`/tmp/${name}`, encode("a\n"));
    await k.sys.mkdir("/tmp/d\u001b", 0o777);
    const shown = "e\\033]0;x\\007";
    expect(await k.seen("cd /tmp; ls; ls -lQ; du -a; walk; wc e*; head e* e*; tail e* e*; grep a e* e*; grep -l a e*; md5sum e*; sum e*; cmp e* /bin/ls; diff e* /bin/ls; mtime e*; strings e* e*; ls none*e*; cat e* none^e*; rm none^e*; sort none^e*")).toEqual(
      expect.not.stringMatching(/[^ -~\n\t]/));
    expect(await k.seen("ls -p /tmp")).toBe(`'d\\033'\n'${shown}'\n`);
    expect(await k.seen("cat /tmp/none^`{ls -Q /tmp}")).toContain("cat: /tmp/none/tmp/d\\033: file does not exist");
    expect(await k.sh("ls -pQ /tmp; cat /tmp/no^`{ls -pQ /tmp}")).toBe(`d\u001b\n${name}\ncat: /tmp/nod\u001b: file does not exist\n`);
    expect(await k.seen("cat /tmp/e*; ls -pQ /tmp | cat")).toBe(`a\nd\u001b\n${name}\n`);
  });
});

describe("progress", () => {
  /** A Sys whose clock goes by steps and whose fd 2 is kept. */
  function clocked(paths: readonly string[], step: number): { sys: Sys; lines: string[] } {
    let now = 0;
    const lines: string[] = [];
    const sys = {
      now: () => (now += step), fd2path: (fd: number) => paths[fd] ?? "",
      write: (_fd: number, data: Uint8Array) => {
        lines.push(new TextDecoder().decode(data));
        return Promise.resolve(data.length);
      },
    };
    return { sys: sys as unknown as Sys, lines };
  }

  test("after a second, four times a second, gone at the end", async () => {
    const { sys, lines } = clocked(["/dev/stdin", "/dev/stdout", "/dev/stderr"], 50);
    const p = new Progress(sys, "cp", () => Promise.resolve(true));
    p.expect(100e6);
    for (let i = 0; i < 30; i++) {
      p.add(1e6);
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(lines).toEqual(["\rcp: 21.0 of 100.0 MB, 21%, 21.0 MB/s", "\rcp: 26.0 of 100.0 MB, 26%, 20.8 MB/s"]);
    await p.clear();
    expect(lines.at(-1)).toBe(`\r${" ".repeat(36)}\r`);
    await p.clear();
    expect(lines).toHaveLength(3);
  });

  test("not where fd 2 is no terminal, not in pipelines, not before a second", async () => {
    for (const [paths, terminal, step] of [[["/dev/stdin", "/dev/stdout", "/tmp/x"], false, 500], [["#pipe/data", "/dev/stdout", "/dev/stderr"], true, 500], [["/dev/stdin", "#pipe/data1", "/dev/stderr"], true, 500], [["", "", "/dev/stderr"], true, 10]] as const) {
      const { sys, lines } = clocked(paths, step);
      const p = new Progress(sys, "cp", () => Promise.resolve(terminal));
      for (let i = 0; i < 20; i++) p.add(1);
      await p.clear();
      expect(lines).toEqual([]);
    }
  });

  test("of cp, mv, gzip, md5sum on a terminal whose clock is fast", async () => {
    k.shutdown();
    // Time passes with each look at the clock.
    k = await toolKernel({ seed: 1 });
    await k.sh("cd /tmp; {for(i in `{seq 1 64}) cat /bin/*} > one; for(i in `{seq 1 40}) cat one > big^$i");
    await k.sh("cd /tmp; cat big* > whole; mkdir d; mv big* d");
    for (const [command, name] of [["cp /tmp/whole /n/far/x", "cp"], ["cp -r /tmp/d /n/far/d", "cp"], ["md5sum /tmp/whole", "md5sum"], ["gzip -c /tmp/whole > /tmp/z", "gzip"], ["gunzip -t /tmp/z", "gunzip"], ["mv /tmp/d /n/far/e", "mv"]] as const) {
      const out = await k.seen(command);
      const lines = out.split("\r").filter((line) => line.startsWith(`${name}: `));
      for (const line of lines) expect(line, command).toMatch(/^\w+: \d+\.\d( of \d+\.\d MB, \d+%| MB), \d+\.\d MB\/s *$/);
      // Whatever was shown was taken away.
      if (lines.length > 0) expect(out, command).toMatch(/\r +\r(\S.*\n)?$/s);
      expect(await k.sh(command.replace("/n/far/", "/tmp/no/"))).not.toContain("MB/s");
    }
  });
});

test("many files far away are opened several at a time", async () => {
  await k.sh("for(i in `{seq 1 48}) echo line $i > /n/far/f$i");
  const files = Array.from({ length: 48 }, (_, i) => `/n/far/f${i + 1}`).join(" ");
  for (const command of ["cat", "grep line", "wc", "md5sum", "sort", "head -1"]) {
    const { out, trips } = await k.counted(`${command} ${files} >/tmp/out; wc -l </tmp/out`);
    expect(Number(out), command).toBeGreaterThanOrEqual(48);
    // Eight at a time; first the walk to the place of each is known.
    expect(trips, command).toBeLessThan(48 / 8 + 2);
  }
});

test("what is read is as if they were opened in turn", async () => {
  const sys = await make();
  const a = await run(sys, ["cat", "-"], "");
  expect(a.status).toBe("errors");
  await k.sh("cd /tmp; echo 1 > a; echo 2 > b");
  expect(await k.sh("cd /tmp; cat a a b a b b b")).toBe("1\n1\n2\n1\n2\n2\n2\n");
  expect(await k.sh("cd /tmp; echo in | cat a /fd/0 b")).toBe("1\nin\n2\n");
  expect(await k.sh("cd /tmp; cat a none b")).toBe("1\ncat: none: file does not exist\n");
  expect(await k.sh("cd /tmp; wc -l a none b")).toBe("      1 a\n      1 b\n      2 total\nwc: none: file does not exist\n");
  // The second file is written by who is asked for the first.
  expect(await k.sh("cd /tmp; cat <{echo first; echo late > b} b")).toBe("first\nlate\n");
});
