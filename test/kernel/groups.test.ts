/** What processes share, copy or leave: rfork(2), spawn, rendezvous(2), alarm(2), notes to groups, stop and start, mounts of open files. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { MCREATE, MREPL, type Sys } from "../../kernel/index.ts";
import { isInterrupted, open, OREAD, ORDWR, type Portal, serve } from "../../proto/index.ts";
import { proc, ram, srv } from "../../servers/index.ts";
import { bytes, failure, testKernel, type TestKernel, text } from "../support/kernel.ts";

let k: TestKernel;
beforeEach(async () => {
  k = await testKernel();
  // Its Mnt is made at first use and stays.
  await k.sys.stat("#pipe");
});
afterEach(() => k.shutdown());

/** Runs main as a process to its end. */
async function child(main: (sys: Sys) => Promise<string | void>, options: object = {}): Promise<string> {
  return (await k.sys.wait(await k.sys.spawn({ argv: ["child"], main, ...options }))).status;
}

test("fds: copied, shared, none", async () => {
  await k.put("/tmp/f", "0123456789");
  const fd = await k.sys.open("/tmp/f", OREAD);
  await child(async (sys) => {
    await sys.read(fd, 3);
    await sys.close(fd);
  });
  // The offset is the Chan's, which both had; the child's fd was its own.
  expect(text(await k.sys.read(fd, 2))).toBe("34");
  await child(async (sys) => void (await sys.open("/tmp/f", OREAD)), { fds: "share" });
  expect(text(await k.sys.read(fd + 1, 1))).toBe("0");
  expect(await child(async (sys) => failure(sys.read(fd)), { fds: "clean" })).toBe("fd out of range or not open");
  await child(async (sys) => {
    sys.rfork({ fds: "copy" });
    await sys.close(fd);
    sys.rfork({ fds: "clean" });
    expect(await sys.open("/tmp/f", OREAD)).toBe(0);
  }, { fds: "share" });
  expect(text(await k.sys.read(fd, 1))).toBe("5");
});

test("a shared fd table stays until the last process has left", async () => {
  await k.put("/tmp/f", "x");
  const before = k.stats();
  const [r, w] = await k.sys.pipe();
  await child(async (sys) => {
    await sys.spawn({
      argv: ["grandchild"], fds: "share", main: async (s) => {
        await s.read(r, 1);
        await s.read(await s.open("/tmp/f", OREAD));
        await s.write(w, bytes("done"));
      },
    });
  });
  await k.sys.write(w, bytes("go"));
  expect(text(await k.sys.read(r, 1))).toBe("o");
  await k.sys.close(r);
  await k.sys.close(w);
  for (let i = 0; i < 50; i++) await k.sys.stat("/tmp");
  expect(k.stats()).toEqual(before);
});

test("environment: shared, copied, changed, none", async () => {
  k.sys.setenv("a", ["1", "2"]);
  await child(async (sys) => sys.setenv("b", ["shared"]));
  expect(k.sys.getenv("b")).toEqual(["shared"]);
  await child(async (sys) => {
    sys.setenv("b", undefined);
    sys.rfork({ env: "clean" });
    expect([...sys.environ()]).toEqual([]);
  }, { env: "copy" });
  expect(await child(async (sys) => [...sys.environ().keys()].join(" "), { env: new Map([["c", ["3"]]]) })).toBe("a b c");
  expect(await child(async (sys) => `${sys.environ().size}`, { env: "clean" })).toBe("0");
  expect(k.sys.getenv("b")).toEqual(["shared"]);
});

test("rendezvous: two meet at a tag and change values; a note takes a wait back; groups are apart", async () => {
  const pid = await k.sys.spawn({ argv: ["a"], main: async (sys) => String(await sys.rendezvous("tag", "from a")) });
  for (let i = 0; i < 10; i++) await k.sys.stat("/tmp");
  expect(await k.sys.rendezvous("tag", "from us")).toBe("from a");
  expect((await k.sys.wait(pid)).status).toBe("from us");
  let ended = "";
  const lone = await k.sys.spawn({
    argv: ["b"], noteGroup: "new", rend: "new", main: async (sys) => {
      sys.notify(() => true);
      await sys.rendezvous("tag", 1).catch((e: unknown) => {
        ended = isInterrupted(e) ? "interrupted" : String(e);
      });
      return String(await sys.rendezvous("tag", 2).catch(() => "again"));
    },
  });
  for (let i = 0; i < 10; i++) await k.sys.stat("/tmp");
  k.sys.postNote(lone, "first");
  for (let i = 0; i < 10; i++) await k.sys.stat("/tmp");
  expect(ended).toBe("interrupted");
  k.sys.postNote(lone, "second");
  expect((await k.sys.wait(lone)).status).toBe("again");
});

test("alarm: a note at its time, replaced and taken back", async () => {
  expect(await child(async (sys) => {
    const notes: string[] = [];
    sys.notify((note) => notes.push(note) > 0);
    expect(sys.alarm(7200_000)).toBe(0);
    expect(sys.alarm(20)).toBe(7200_000);
    await sys.sleep(7200_000).catch(() => undefined);
    expect(sys.alarm(0)).toBe(0);
    return notes.join();
  }, { noteGroup: "new" })).toBe("alarm");
});

test("RFNOMNT: no more mounts, and no '#' names but a process's own; copies inherit it", async () => {
  expect(await child(async (sys) => {
    sys.rfork({ ns: "copy", nomnt: true });
    expect(await failure(sys.mount(open(ram({ now: () => 0 })), "/a", MREPL, ""))).toBe("mount/attach disallowed");
    expect(await failure(sys.stat("#tmp"))).toBe("mount/attach disallowed");
    await sys.bind("/tmp", "/a", MREPL);
    await sys.stat("#pipe");
    return (await sys.wait(await sys.spawn({ argv: ["x"], ns: "copy", main: (s) => failure(s.bind("#tmp", "/b", MREPL)) }))).status;
  })).toBe("mount/attach disallowed");
});

test("RFNOMNT: no address is dialled, also where nothing would come of it", async () => {
  const dialled: string[] = [];
  const dial = (addr: string): Promise<Portal> => {
    dialled.push(addr);
    return Promise.resolve(open(ram({ now: () => 0 })));
  };
  const own = await testKernel({}, { srv, proc }, { dial });
  const { sys } = own;
  try {
    await sys.mount("tcp!h!1", "/a", MREPL, "");
    await sys.bind("#p", "/c", MREPL);
    sys.rfork({ nomnt: true });
    for (const why of [
      await failure(sys.mount("tcp!h!2", "/b", MREPL, "")), await failure(sys.dial("tcp!h!3")), await failure((async () => sys.post("x", "tcp!h!4"))()),
      await failure(sys.writeFile("/c/1/ns", bytes("mount tcp!h!5 /b\n"))),
    ]) expect(why).toMatch(/mount\/attach disallowed$/);
  } finally {
    own.shutdown();
  }
  expect(dialled).toEqual(["tcp!h!1"]);
});

test("RFNOWAIT: nobody is told", async () => {
  await k.sys.spawn({ argv: ["x"], main: async () => undefined, nowait: true });
  expect(await failure(k.sys.wait())).toBe("no living children");
  await k.sys.spawn({ argv: ["x"], main: async (sys) => sys.rfork({ nowait: true }) });
  for (let i = 0; i < 10; i++) await k.sys.stat("/tmp");
  expect(await failure(k.sys.wait())).toBe("no living children");
});

test("kill ends a process whatever its program does", async () => {
  const before = k.stats();
  const pid = await k.sys.spawn({ argv: ["deaf"], main: () => new Promise(() => undefined) });
  k.sys.postNote(pid, "kill");
  expect(await k.sys.wait(pid)).toMatchObject({ pid, status: "kill" });
  expect(k.stats()).toEqual(before);
});

test("a program that does not hear that it has ended does not keep others from running, and is ended", async () => {
  let calls = 0;
  const pid = await k.sys.spawn({
    argv: ["deaf"], noteGroup: "new", main: async (sys) => {
      for (;;) {
        calls++;
        await sys.sleep(7200_000).catch(() => undefined);
      }
    },
  });
  await k.sys.stat("/tmp");
  k.sys.postNote(pid, "hangup");
  expect(await k.sys.wait(pid)).toMatchObject({ pid, status: "hangup" });
  const made = calls;
  for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
  expect([made > 100, calls]).toEqual([true, made]);
});

test("9P on an open file: a pipe is mounted by its fd, the same one twice; both ends go when nobody has them", async () => {
  const before = k.stats();
  const pid = await k.sys.spawn({
    argv: ["server"], main: async (sys) => {
      const [ours, theirs] = await sys.pipe();
      serve(sys.transport(ours), (s) => open(ram({ now: () => 0 }), s));
      await sys.close(ours);
      await sys.mount(theirs, "/a", MREPL | MCREATE, "");
      await sys.mount(theirs, "/b", MREPL | MCREATE, "");
      await sys.close(theirs);
      await sys.writeFile("/a/f", bytes("through a pipe"));
      expect((await sys.stat("/b/f")).dev).toBe((await sys.stat("/a/f")).dev);
      const fd = await sys.openRead("/b/f");
      expect(text(await sys.read(fd))).toBe("through a pipe");
      await sys.close(fd);
    },
  });
  expect(await k.sys.wait(pid)).toMatchObject({ status: "" });
  // The server's end went with its process.
  // Whether the reader or the writer of the pipe is the first to see it.
  expect(await failure(k.sys.stat("/a/f"))).toMatch(/^i\/o on hungup channel(: Broken pipe)?$/);
  await k.sys.unmount(undefined, "/a");
  await k.sys.unmount(undefined, "/b");
  for (let i = 0; i < 50; i++) await k.sys.stat("/tmp");
  expect(k.stats()).toEqual(before);
  expect(await failure(k.sys.mount(7, "/a", MREPL, ""))).toBe("fd out of range or not open");
  expect(await failure(k.sys.mount("tcp://127.0.0.1:1", "/a", MREPL, ""))).toMatch(/cannot dial/);
  await k.put("/tmp/rubbish", "this is no 9P at all, not one message of it");
  expect(await failure(k.sys.mount("/tmp/rubbish", "/a", MREPL, ""))).not.toBe("no error");
  expect(await k.sys.open("/tmp/rubbish", ORDWR)).toBe(0);
});
