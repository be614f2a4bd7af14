/** proc(3), and devproc.c where the page is silent. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { MREPL, type Program, type SpawnOptions, type Sys } from "../../kernel/index.ts";
import { type DirNode, DMDIR, open, ORDWR, OREAD, OWRITE } from "../../proto/index.ts";
import { proc } from "../../servers/index.ts";
import { deviceUsers, madeDevice } from "../support/device.ts";
import { bytes, failure, testKernel, type TestKernel, text } from "../support/kernel.ts";
import { serverSuite } from "../support/serversuite.ts";

serverSuite("proc", () => madeDevice(proc), { users: deviceUsers, write: false, versioned: true, sample: { dir: "1", file: "noteid" } });

const sleeper: Program = (sys) => sys.sleep(7200_000);
let k: TestKernel;
beforeEach(async () => {
  k = await testKernel({ sleeper }, { proc });
  await k.sys.bind("#p", "/a", MREPL);
});
afterEach(() => k.shutdown());

async function write(path: string, body: string, sys: Sys = k.sys): Promise<void> {
  const fd = await sys.open(path, OWRITE);
  try {
    await sys.write(fd, bytes(body));
  } finally {
    await sys.close(fd);
  }
}

/** Until what was started has come to its first wait. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await k.sys.stat("/tmp");
}

async function sleep(options: Partial<SpawnOptions> = {}): Promise<number> {
  const pid = await k.sys.spawn({ argv: ["/bin/sleeper", "a b", "c"], path: "/bin/sleeper", noteGroup: "new", ...options });
  await settle();
  return pid;
}

test("directories of the living, by pid; self is the caller's", async () => {
  const pid = await sleep();
  expect(await k.ls("/a")).toEqual(["self", "1", String(pid)]);
  expect(await k.sys.readlink("/a/self")).toBe("1");
  expect(await k.sys.stat(`/a/${pid}`)).toMatchObject({ mode: (DMDIR | 0o555) >>> 0, uid: "glenda" });
  expect((await k.sys.readDir(`/a/${pid}`)).map((d) => [d.name, d.mode.toString(8)])).toEqual([
    ["args", "660"], ["ctl", "640"], ["fd", "444"], ["note", "640"], ["noteid", "664"], ["notepg", "640"], ["ns", "644"], ["ppid", "444"],
    ["segment", "444"], ["status", "444"], ["text", "440"], ["trace", "440"], ["wait", "440"],
  ]);
  const mine = await k.sys.spawn({ argv: ["x"], main: async (sys) => `${await sys.readlink("/a/self")} ${await k.cat("/a/self/ppid", sys)}` });
  expect((await k.sys.wait(mine)).status).toBe(`${mine}           1 `);
  for (const name of ["0", "01", "99", "x"]) expect(await failure(k.sys.stat(`/a/${name}`))).toBe("file does not exist");
});

test("status has the columns of the page; args, text, ppid, noteid, segment", async () => {
  const pid = await sleep();
  const status = await k.cat(`/a/${pid}/status`);
  expect(status).toHaveLength(176);
  expect(status).toMatch(/^sleeper {20} glenda {21} Wakeme {5} ( {10}\d ){2} *\d+ ( {10}0 ){4} {9}10 {10}10\n$/);
  expect(await k.cat(`/a/${pid}/args`)).toBe("/bin/sleeper 'a b' c");
  await write(`/a/${pid}/args`, "other 'x''y z'\n");
  expect(await k.cat(`/a/${pid}/args`)).toBe("other 'x''y z'");
  expect(await k.cat(`/a/${pid}/text`)).toBe("#!host sleeper\n");
  expect(await k.cat(`/a/${pid}/ctl`)).toBe(`${String(pid).padStart(11)} `);
  expect(await k.cat(`/a/${pid}/ppid`)).toBe("          1 ");
  expect(await k.cat(`/a/${pid}/noteid`)).toMatch(/^ {10}\d $/);
  expect(await k.cat(`/a/${pid}/segment`)).toBe("");
  expect(await failure(k.cat("/a/1/text"))).toBe("file does not exist");
  for (const file of ["fd", "status", "text", "wait"]) expect(await failure(k.sys.open(`/a/${pid}/${file}`, ORDWR))).toBe("permission denied");
  expect(await failure(k.sys.open(`/a/${pid}/notepg`, OREAD))).toBe("permission denied");
});

test("fd: the current directory, and a line for each open file", async () => {
  await k.put("/tmp/f", "x");
  await k.sys.chdir("/tmp");
  const fd = await k.sys.open("f", OREAD);
  const own = await k.sys.open("/a/self/fd", OREAD);
  expect(text(await k.sys.read(own))).toMatch(new RegExp(`^/tmp\n {2}${fd} r  M +\\d+ \\([0-9a-f]{16} \\d+ 00\\) +\\d+ +0 /tmp/f\n +\\d r  M .* /a/1/fd\n$`));
});

test("ns: a script of the name space, whose lines can be written", async () => {
  const pid = await sleep({ ns: "copy" });
  await write(`/a/${pid}/ns`, "bind /tmp /b\n# a comment\nbind -a /tmp /c\n");
  const ns = await k.cat(`/a/${pid}/ns`);
  expect(ns).toContain("bind /tmp /b\nbind -a /tmp /c\n");
  expect(ns).toMatch(/^cd \/\n$/m);
  expect(k.sys.ns().join("\n")).not.toContain("/tmp /b");
  expect(await failure(write(`/a/${pid}/ns`, "bind /nowhere /b\n"))).toBe("ns:1: bind /nowhere /b: file does not exist");
  expect(await failure(write(`/a/${pid}/ns`, "fly /b\n"))).toMatch(/unknown command/);
});

test("ns: who writes to it does not wait longer than a note, whatever the process waits for", async () => {
  const stuck: DirNode = { walk: () => new Promise(() => undefined), list: () => [] };
  await k.sys.mount(open({ name: "stuck", attach: () => stuck }), "/b", MREPL, "");
  const pid = await sleep();
  let said: string | undefined;
  const writer = await k.sys.spawn({
    argv: ["writer"], noteGroup: "new", main: async (sys) => {
      sys.notify(() => true);
      said = await failure(write(`/a/${pid}/ns`, "cd /b/x\n", sys));
    },
  });
  await settle();
  expect(said).toBe(undefined);
  k.sys.postNote(writer, "interrupt");
  await settle();
  expect(said).toBe("interrupted");
});

test("ctl: stoppg and startpg, and the notes stop and start, are for the whole note group", async () => {
  const { sys } = k;
  const main = (s: Sys): Promise<void> => s.sleep(7200_000);
  const a = await sys.spawn({ argv: ["a"], noteGroup: "new", main });
  const b = await sys.spawn({ argv: ["b"], noteGroup: a, main });
  const states = async (): Promise<string[]> => Promise.all([a, b].map(async (pid) => (await k.cat(`/a/${pid}/status`)).split(/ +/)[2] ?? ""));
  for (const [stop, start] of [["ctl stoppg", "ctl startpg"], ["notepg stop", "notepg start"]] as const) {
    for (const [how, states1] of [[stop, "Stopped"], [start, "Wakeme"]] as const) {
      const [file, word] = how.split(" ");
      await write(`/a/${b}/${file}`, word ?? "");
      await settle();
      expect(await states()).toEqual([states1, states1]);
    }
  }
  await write(`/a/${b}/notepg`, "interrupt");
  await sys.wait(a);
  await sys.wait(b);
});

test("ctl: stop, start, waitstop, startstop", async () => {
  let steps = 0;
  const pid = await k.sys.spawn({
    argv: ["steps"], noteGroup: "new", main: async (sys) => {
      for (;;) {
        await sys.sleep(1);
        steps++;
      }
    },
  });
  const waited: string[] = [];
  const waiter = await k.sys.spawn({ argv: ["w"], main: async (sys) => {
    await write(`/a/${pid}/ctl`, "waitstop", sys);
    waited.push("stopped");
  } });
  await settle();
  expect(waited).toEqual([]);
  await write(`/a/${pid}/ctl`, "stop\n");
  await k.sys.wait(waiter);
  expect(waited).toEqual(["stopped"]);
  expect(await k.cat(`/a/${pid}/status`)).toContain(" Stopped ");
  const { sys } = k;
  await sys.sleep(5);
  const before = steps;
  await sys.sleep(50);
  expect(steps).toBe(before);
  await write(`/a/${pid}/ctl`, "start");
  await sys.sleep(50);
  expect(steps).toBeGreaterThan(before);
  const ended = await sys.spawn({ argv: ["w"], main: (s) => write(`/a/${pid}/ctl`, "startstop", s) });
  await settle();
  await write(`/a/${pid}/ctl`, "kill");
  expect(await sys.wait(pid)).toMatchObject({ status: "kill" });
  // It also ends when the process does.
  expect(await sys.wait(ended)).toMatchObject({ status: "" });
});

test("ctl: close, closefiles, interrupt; anything else is no request", async () => {
  let calls = 0;
  const pid = await k.sys.spawn({
    argv: ["x"], noteGroup: "new", main: async (sys) => {
      for (let i = 0; i < 3; i++) await sys.open("/tmp", OREAD);
      for (let i = 0; i < 3; i++) await sys.sleep(7200_000).catch(() => calls++);
    },
  });
  await settle();
  const open = async (): Promise<number> => (await k.cat(`/a/${pid}/fd`)).split("\n").length - 2;
  expect(await open()).toBe(3);
  await write(`/a/${pid}/ctl`, "close 1");
  expect(await open()).toBe(2);
  expect(await failure(write(`/a/${pid}/ctl`, "close 1"))).toBe("fd out of range or not open");
  await write(`/a/${pid}/ctl`, "closefiles");
  expect(await open()).toBe(0);
  await write(`/a/${pid}/ctl`, "interrupt");
  await settle();
  expect(calls).toBe(1);
  for (const bad of ["", "fly", "close", "close x", "stop now", "kill 3"]) expect(await failure(write(`/a/${pid}/ctl`, bad))).toBe("bad process or channel control request");
  expect(await failure(write(`/a/${pid}/ctl`, "x".repeat(128)))).toBe("file too big");
});

test("note, notepg, noteid: to one, to the group but its writer, into another group of the same user", async () => {
  const notes: string[] = [];
  const noted = (name: string): Program => async (sys) => {
    sys.notify((note) => notes.push(`${name} ${note}`) > 0);
    for (let i = 0; i < 5; i++) await sys.sleep(7200_000).catch(() => undefined);
  };
  const a = await k.sys.spawn({ argv: ["a"], main: noted("a"), noteGroup: "new" });
  const b = await k.sys.spawn({ argv: ["b"], main: noted("b"), noteGroup: "new" });
  await settle();
  await write(`/a/${a}/note`, "hello\n");
  expect(notes).toEqual(["a hello"]);
  await write(`/a/${b}/noteid`, await k.cat(`/a/${a}/noteid`));
  expect(await k.cat(`/a/${b}/noteid`)).toBe(await k.cat(`/a/${a}/noteid`));
  await write(`/a/${b}/notepg`, "all");
  expect(notes.slice(1).toSorted()).toEqual(["a all", "b all"]);
  expect(await failure(write(`/a/${a}/noteid`, "9999"))).toBe("permission denied");
  // The writer himself, were he in the group, would not get it.
  await write("/a/1/noteid", await k.cat(`/a/${a}/noteid`));
  await write("/a/1/notepg", "ours");
  expect(notes.slice(3).toSorted()).toEqual(["a ours", "b ours"]);
  expect(await failure(write(`/a/${a}/note`, "x".repeat(128)))).toBe("file too big");
});

test("wait: records of children as await(2) gives them; it waits for those to come, a process without any does not", async () => {
  expect(await failure(k.cat("/a/self/wait"))).toBe("no living children");
  const parent = await k.sys.spawn({
    argv: ["parent"], noteGroup: "new", main: async (sys) => {
      await sys.sleep(10);
      await sys.spawn({ argv: ["child"], main: async () => "it's over" });
      await sys.sleep(7200_000);
    },
  });
  const fd = await k.sys.open(`/a/${parent}/wait`, OREAD);
  expect(text(await k.sys.read(fd))).toMatch(/^\d+ 0 0 \d+ 'it''s over'$/);
  const reads = k.sys.read(fd);
  await settle();
  await write(`/a/${parent}/ctl`, "kill");
  expect(await failure(reads)).toBe("process exited");
});

test("trace: nobody's own, whose reads would never end", async () => {
  expect(await failure(k.sys.open("/a/self/trace", OREAD))).toBe("permission denied: a process cannot watch itself");
});

test("trace: the messages of its calls, to each reader from his open on", async () => {
  const [r, w] = await k.sys.pipe();
  const pid = await k.sys.spawn({
    argv: ["x"], noteGroup: "new", fds: new Map([[0, r]]), main: async (sys) => {
      await sys.read(0, 1);
      await sys.writeFile("/tmp/made", bytes("abc"));
      await sys.read(0, 1);
    },
  });
  await settle();
  const fd = await k.sys.open(`/a/${pid}/trace`, OREAD);
  // Not its own: another's.
  await k.put("/tmp/other", "x");
  await k.sys.write(w, bytes("1"));
  let all = "";
  while (!/Tread/.test(all)) all += text(await k.sys.read(fd));
  expect(all).toMatch(/^# 9P2000.L.x msize \d+ #tmp$/m);
  expect(all).toMatch(/^-> Tl?create .*made.* # #tmp$/m);
  expect(all).toMatch(/^<- Rwrite .*count 3 # #tmp$/m);
  expect(all).not.toContain("other");
  await k.sys.write(w, bytes("2"));
  await k.sys.wait(pid);
  while (!/<- Rread/.test(all)) all += text(await k.sys.read(fd));
  while (text(await k.sys.read(fd)) !== "");
});

test("what is open of a process that has ended says so; its owner alone controls it", async () => {
  const pid = await sleep();
  const fds = await Promise.all(["status", "fd", "ns"].map((file) => k.sys.open(`/a/${pid}/${file}`, OREAD)));
  const ctl = await k.sys.open(`/a/${pid}/ctl`, OWRITE);
  await k.sys.write(ctl, bytes("kill"));
  await k.sys.wait(pid);
  for (const fd of fds) expect(await failure(k.sys.read(fd))).toBe("process exited");
  expect(await failure(k.sys.write(ctl, bytes("kill")))).toBe("process exited");
  expect(await failure(k.sys.stat(`/a/${pid}`))).toBe("file does not exist");
});
