/** trace and 9p: messages of a command from its first on, of a process, of all; the operations on a server. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { listen } from "../../../clients/node/index.ts";
import { dir, encode, open, type Server } from "../../../proto/index.ts";
import { ram } from "../../../servers/index.ts";
import { toolKernel, type ToolKernel } from "../../support/toolkernel.ts";

let k: ToolKernel;
beforeEach(async () => {
  k = await toolKernel();
});
afterEach(() => k.shutdown());

test("trace of a command: its messages alone, all of them, its status", async () => {
  await k.sh("echo hello > /n/far/f");
  const { out, err, status } = await k.run("trace cat /n/far/f");
  expect({ out, status }).toEqual({ out: "hello\n", status: "" });
  expect(err.split("\n").filter((line) => line.includes("# portal")).map((line) => line.replace(/ # portal$/, ""))).toEqual([
    expect.stringMatching(/^-> Twalk .* 'f'$/), expect.stringMatching(/^-> Tl?open /), expect.stringMatching(/^-> T(stat|getattr) /), expect.stringMatching(/^-> Tread /),
    expect.stringMatching(/^<- Rwalk /), expect.stringMatching(/^<- Rl?open /), expect.stringMatching(/^<- R(stat|getattr) /), expect.stringMatching(/^<- Rread .*'hello\\n'$/),
  ]);
  // Neither the trace's own, nor those of who started it.
  expect(err).not.toMatch(/#p\b|trace|ctl/);
  expect(await k.run("trace rc -c 'exit 3'")).toMatchObject({ status: "3" });
  expect(await k.sh("trace none; trace -p 99999; trace -p 1 x; trace -q")).toBe(
    "trace: none: file does not exist\ntrace: 99999: file does not exist\nusage: trace [-p pid | command [arg ...]]\nusage: trace [-p pid | command [arg ...]]\n");
});

/** Until a process has the file open. */
async function opened(file: string): Promise<void> {
  const has = async (pid: string): Promise<boolean> => (await k.sh(`cat /proc/${pid}/fd`)).includes(` ${file}\n`);
  for (;;) {
    for (const d of await k.sys.readDir("/proc")) if (/^\d+$/.test(d.name) && (await has(d.name))) return;
  }
}

test("trace of a process from now on, and to its end; of everybody", async () => {
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  const pid = await k.sys.spawn({ argv: ["writer"], main: async (sys) => {
    await sys.writeFile("/tmp/before", encode("before"));
    await gate;
    await sys.writeFile("/tmp/f", encode("hello"));
  } });
  const traced = k.sh(`trace -p ${pid} | sed -n 's/-> Twrite.*\\$?''(.*)''.*/\\1/p'`);
  await opened(`/proc/${pid}/trace`);
  go();
  expect(await traced).toBe("hello\n");
  const all = k.sh("trace | sed -n '/-> Twrite.*''(hello)''/{s/.*(hello).*/\\1/p;q;}'");
  await opened("/dev/trace");
  await k.sh("echo -n hello > /tmp/x");
  expect(await all).toBe("hello\n");
});

test("an interrupt ends the command, and trace tells what it said last", async () => {
  const pid = await k.sys.spawn({ path: "/bin/trace", argv: ["trace", "sleep", "1000"], noteGroup: "new" });
  while (!(await k.sh("ps -a")).includes("sleep 1000\n")) await new Promise((resolve) => setImmediate(resolve));
  await opened(`/proc/${pid + 1}/trace`);
  k.sys.postNote(pid, "interrupt", true);
  expect((await k.sys.wait(pid)).status).toBe("interrupt");
});

test("9p: the operations, by address", async () => {
  const server = ram({ now: () => 1e12 });
  const there = await listen("ws://127.0.0.1:0", (s) => open(server, s));
  const A = `'${there.address}'`;
  expect(await k.sh(`echo hello | 9p write ${A} /f; 9p read ${A} f; 9p mkdir ${A} d d/e; 9p mv ${A} f d/g; 9p ls ${A}; 9p ls ${A} /d; 9p -l ls ${A} d/g; 9p stat ${A} /d/g; 9p rm ${A} d/g d/e d; 9p ls -l ${A}`)).toMatch(
    /^hello\nd\ne\ng\n--rw.* 6 .*d\/g\ng: file, mode \d+, 6 bytes, user glenda, [^\n]*\n$/);
  expect(await k.sh(`9p read ${A} none; echo $status; 9p rm ${A} none x; 9p read ${A} /`)).toBe(
    `none: file does not exist\n${"9p: none: file does not exist\n".repeat(2)}9p: /: file is a directory\n`);
  for (const words of ["", "frob x", "read x", "mv x y", "ls", "-q ls x"]) expect(await k.sh(`9p ${words}`)).toBe("usage: 9p [-l] ls|read|write|stat|mkdir|rm|mv addr [path ...]\n");
  await there.close();
});

test("9p: a server that is stuck does not hold an interrupt up", async () => {
  let asked = (): void => {};
  const waiting = new Promise<void>((resolve) => (asked = resolve));
  const stuck: Server = { name: "stuck", attach: () => dir({ f: { open: () => ({ stream: true, read: () => new Promise<Uint8Array>(() => asked()) }) } }) };
  const there = await listen("ws://127.0.0.1:0", (s) => open(stuck, s));
  const pid = await k.sys.spawn({ path: "/bin/9p", argv: ["9p", "read", there.address, "f"], noteGroup: "new" });
  await waiting;
  k.sys.postNote(pid, "interrupt");
  expect((await k.sys.wait(pid)).status).toBe("interrupt");
  await there.close();
});
