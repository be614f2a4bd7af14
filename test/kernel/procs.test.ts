/** Processes: programs, pipes, wait, notes, environment. */
import { afterEach, expect, test } from "vitest";
import { MREPL, type Program } from "../../kernel/index.ts";
import { dir, isInterrupted, NineError, OREAD, OWRITE, type OpenFile, type Server } from "../../proto/index.ts";
import { tree } from "../../servers/index.ts";
import { bytes, failure, remote, testKernel, type TestKernel, text } from "../support/kernel.ts";

let k: TestKernel;
afterEach(() => k.shutdown());

/** A file whose reads block until they are flushed; it counts both. */
function blocking(): { server: Server; counts: { reads: number; aborts: number } } {
  const counts = { reads: 0, aborts: 0 };
  const file: OpenFile = {
    stream: true,
    read: (_at, _n, call) => new Promise((_, reject) => {
      counts.reads++;
      call.signal.addEventListener("abort", () => {
        counts.aborts++;
        reject(new NineError("interrupted"));
      });
    }),
  };
  return { server: tree("blocking", dir({ block: { mode: 0o444, open: () => file } })), counts };
}

const echo: Program = async (sys, argv) => {
  await sys.write(1, bytes(`${argv.slice(1).join(" ")}\n`));
};

test("a program from /bin: arguments, output, status", async () => {
  k = await testKernel({ echo, fail: async () => "went wrong" });
  const [r, w] = await k.sys.pipe();
  const pid = await k.sys.spawn({ path: "/bin/echo", argv: ["echo", "a", "b"], fds: new Map([[1, w]]) });
  expect(await k.sys.wait(pid)).toMatchObject({ pid, status: "" });
  expect(text(await k.sys.read(r))).toBe("a b\n");
  const bad = await k.sys.spawn({ path: "/bin/fail", argv: ["fail"] });
  expect(await k.sys.wait()).toMatchObject({ pid: bad, status: "went wrong" });
  expect(await failure(k.sys.wait())).toBe("no living children");
});

test("what cannot be run says why", async () => {
  k = await testKernel({ echo });
  await k.put("/tmp/data", "no program");
  await k.put("/tmp/elf", "\x7fELF\x02\x01");
  await k.put("/tmp/loop", "#!/tmp/loop\n");
  await k.put("/tmp/gone", "#!/bin/gone\n");
  for (const f of ["data", "elf", "loop", "gone"]) await k.sys.wstat(`/tmp/${f}`, { mode: 0o755 });
  const run = (path: string): Promise<string> => failure(k.sys.spawn({ path, argv: [path] }));
  expect(await run("/tmp/data")).toBe("exec header invalid");
  expect(await run("/tmp/elf")).toBe("not an x86-64 ELF file: cut short");
  expect(await run("/tmp/loop")).toBe("exec header invalid");
  expect(await run("/tmp/gone")).toBe("file does not exist");
  expect(await run("/tmp/nothing")).toBe("file does not exist");
  await k.sys.wstat("/tmp/data", { mode: 0o644 });
  expect(await run("/tmp/data")).toBe("permission denied");
});

test("#! names an interpreter, with an argument", async () => {
  k = await testKernel({ echo });
  await k.put("/tmp/script", "#!/bin/echo -x\nrest\n");
  await k.sys.wstat("/tmp/script", { mode: 0o755 });
  const [r, w] = await k.sys.pipe();
  await k.sys.wait(await k.sys.spawn({ path: "/tmp/script", argv: ["script", "y"], fds: new Map([[1, w]]) }));
  expect(text(await k.sys.read(r))).toBe("-x /tmp/script y\n");
});

test("a pipe: order, the end of file, a reader that left, many bytes at constant memory", async () => {
  k = await testKernel();
  const { sys } = k;
  const [r, w] = await sys.pipe();
  await sys.write(w, bytes("one"));
  await sys.write(w, bytes("two"));
  expect(text(await sys.read(r, 2))).toBe("on");
  expect(text(await sys.read(r))).toBe("e");
  expect(text(await sys.read(r))).toBe("two");
  const total = 4 << 20;
  const pid = await sys.spawn({
    argv: ["writer"], fds: new Map([[1, w]]), main: async (s) => {
      const chunk = new Uint8Array(100_000);
      for (let sent = 0; sent < total; sent += chunk.length) await s.write(1, chunk.fill(sent & 0xff));
    },
  });
  await sys.close(w);
  let got = 0;
  for (;;) {
    const data = await sys.read(r);
    if (data.length === 0) break;
    got += data.length;
  }
  expect(got).toBe(Math.ceil(total / 100_000) * 100_000);
  await sys.wait(pid);
  const [r2, w2] = await sys.pipe();
  await sys.close(r2);
  expect(await failure(sys.write(w2, bytes("x")))).toBe("Broken pipe");
});

test("a note breaks a blocked read, in process and behind a wire, and every other wait", async () => {
  const near = blocking();
  const far = blocking();
  k = await testKernel({}, { near: near.server });
  await k.sys.bind("#near", "/a", MREPL);
  await k.sys.mount((await remote(far.server)).portal, "/n/far", MREPL, "");
  k.sys.notify(() => true);
  const [r] = await k.sys.pipe();
  const waits: Record<string, (sys: typeof k.sys) => Promise<unknown>> = {
    near: async (sys) => sys.read(await sys.open("/a/block", OREAD)),
    far: async (sys) => sys.read(await sys.open("/n/far/block", OREAD)),
    ahead: async (sys) => sys.openRead("/n/far/block"),
    pipe: (sys) => sys.read(r),
    sleep: (sys) => sys.sleep(1e9),
    child: async (sys) => sys.wait(await sys.spawn({ argv: ["c"], noteGroup: "new", main: async (s) => void (await s.read(r)) })),
  };
  for (const [name, wait] of Object.entries(waits)) {
    let seen = "nothing";
    const pid = await k.sys.spawn({
      argv: [name], noteGroup: "new", main: async (sys) => {
        sys.notify((note) => note === "interrupt");
        await wait(sys).catch((e: unknown) => {
          seen = isInterrupted(e) ? "interrupted" : String(e);
        });
        // The note was handled: life goes on.
        await sys.stat("/tmp");
        return "survived";
      },
    });
    for (let i = 0; i < 20; i++) await k.sys.stat("/tmp");
    await new Promise((resolve) => setTimeout(resolve, 2));
    k.sys.postNote(pid, "interrupt");
    const ended = await k.sys.wait(pid);
    expect([name, seen, ended.pid, ended.status]).toEqual([name, "interrupted", pid, "survived"]);
  }
  expect([near.counts, far.counts]).toEqual([{ reads: 1, aborts: 1 }, { reads: 2, aborts: 2 }]);
});

test("a note without a handler ends the process, and what it held is given back", async () => {
  const { server } = blocking();
  k = await testKernel();
  await k.sys.mount((await remote(server)).portal, "/n/far", MREPL, "");
  const before = k.stats();
  const pid = await k.sys.spawn({ argv: ["p"], main: async (sys) => void (await sys.read(await sys.open("/n/far/block", OREAD))) });
  await new Promise((resolve) => setTimeout(resolve, 2));
  k.sys.postNote(pid, "hangup");
  expect(await k.sys.wait(pid)).toMatchObject({ pid, status: "hangup" });
  await new Promise((resolve) => setTimeout(resolve, 2));
  expect(k.stats()).toEqual(before);
});

test("an error nobody caught is told on fd 2 and is the status; a bug goes to the host's log", async () => {
  k = await testKernel({
    err: async (sys) => void (await sys.open("/nope", OREAD)),
    bug: async () => {
      throw new TypeError("a bug");
    },
  });
  const [r, w] = await k.sys.pipe();
  const run = async (name: string): Promise<string> =>
    (await k.sys.wait(await k.sys.spawn({ path: `/bin/${name}`, argv: [name], fds: new Map([[2, w]]) }))).status;
  expect(await run("err")).toBe("file does not exist");
  expect(text(await k.sys.read(r))).toBe("err: file does not exist\n");
  expect(await run("bug")).toBe("i/o error");
  expect(k.log.join()).toContain("TypeError: a bug");
});

test("environment: shared, copied, changed", async () => {
  k = await testKernel();
  k.sys.setenv("x", ["1", "2"]);
  const seen: unknown[] = [];
  const main: Program = async (sys) => {
    seen.push(sys.getenv("x"), sys.getenv("y"));
    sys.setenv("x", ["child"]);
  };
  await k.sys.wait(await k.sys.spawn({ argv: ["a"], main, env: new Map([["y", ["only here"]]]) }));
  expect(k.sys.getenv("x")).toEqual(["1", "2"]);
  await k.sys.wait(await k.sys.spawn({ argv: ["b"], main, env: "share" }));
  expect(k.sys.getenv("x")).toEqual(["child"]);
  expect(seen).toEqual([["1", "2"], ["only here"], ["1", "2"], undefined]);
});

test("fds: the lowest free, dup shares the offset, concurrent reads queue", async () => {
  k = await testKernel();
  const { sys } = k;
  await k.put("/tmp/f", "abcdefghij");
  const a = await sys.open("/tmp/f", OREAD);
  const b = await sys.dup(a);
  expect([a, b]).toEqual([0, 1]);
  const parts = await Promise.all([sys.read(a, 3), sys.read(b, 3), sys.read(a, 3)]);
  expect(parts.map(text)).toEqual(["abc", "def", "ghi"]);
  await sys.close(a);
  expect(await sys.open("/tmp/f", OWRITE)).toBe(0);
  expect(await failure(sys.read(0))).toBe("inappropriate use of fd");
  expect(await failure(sys.read(9))).toBe("fd out of range or not open");
  expect(await sys.seek(b, -1, 2)).toBe(9);
  expect(text(await sys.read(b))).toBe("j");
  expect((await sys.read(b)).length).toBe(0);
});

test("2,000 processes and 20,000 opens leave nothing behind", async () => {
  k = await testKernel({ echo: async () => "" });
  await k.put("/tmp/f", "x");
  const before = k.stats();
  for (let i = 0; i < 20; i++) {
    const pids = await Promise.all(Array.from({ length: 100 }, () => k.sys.spawn({ path: "/bin/echo", argv: ["echo"] })));
    for (const pid of pids) await k.sys.wait(pid);
  }
  for (let i = 0; i < 20_000; i++) await k.sys.close(await k.sys.open("/tmp/f", OREAD));
  expect(k.stats()).toEqual(before);
});
