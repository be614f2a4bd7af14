/** The kernel as a library: boot, spawn, mount, run, dispose; several kernels side by side. */
import { expect, test } from "vitest";
import { boot, type Booted, MCREATE, MREPL, type Program, type Sys } from "../../kernel/index.ts";
import { open, ORDWR } from "../../proto/index.ts";
import { bin, pipe, ram } from "../../servers/index.ts";
import { bytes, failure, testHost, text } from "../support/kernel.ts";

const upper: Program = async (sys) => {
  for (let data = await sys.read(0); data.length > 0; data = await sys.read(0)) await sys.write(1, bytes(text(data).toUpperCase()));
  await sys.write(2, bytes("done\n"));
  return "shouted";
};

function kernel(): Promise<Booted> {
  const host = testHost();
  const programs = new Map([["upper", upper]]);
  return boot({ host, programs, servers: { root: ram({ now: host.now }), pipe: pipe(), bin: bin(programs.keys()) } });
}

test("run: input, both outputs, status; by path, by name, as a function", async () => {
  using k = await kernel();
  await k.sys.mkdir("/bin", 0o777);
  await k.sys.bind("#bin", "/bin", MREPL);
  const ran = { out: "HELLO", err: "done\n", status: "shouted" };
  expect(await k.run(["upper"], { input: "hello" })).toEqual(ran);
  expect(await k.run(["/bin/upper"], { input: bytes("hello") })).toEqual(ran);
  expect(await k.run(["x"], { main: upper, input: "hello" })).toEqual(ran);
  // Nobody reads the input; more of it than a pipe holds.
  expect(await k.run(["deaf"], { main: async () => "", input: new Uint8Array(1 << 20) })).toEqual({ out: "", err: "", status: "" });
  const before = k.stats();
  expect(await failure(k.run(["nothing"]))).toBe("file does not exist");
  expect(k.stats()).toEqual(before);
  expect(await k.run(["env"], { env: new Map([["a", ["b"]]]), main: async (sys) => sys.getenv("a")?.join() ?? "" })).toMatchObject({ status: "b" });
});

test("run: what it opened is closed however it ends", async () => {
  using k = await kernel();
  const { sys } = k;
  const fd = await sys.create("/f", ORDWR, 0o666);
  const used = [fd];
  await k.run(["x"], { main: async () => "" });
  const none = async (): Promise<boolean> => (await failure(sys.dup(fd).then((n) => used.push(n)))) === "Too many open files";
  while (!(await none()));
  for (let free = 0; free < 8; free++) {
    const before = k.stats();
    for (let again = 0; again < 2; again++) {
      const end = await failure(k.run(["x"], { main: async () => "" }));
      expect([free, end]).toEqual([free, free < 6 ? "Too many open files" : "no error"]);
      for (let i = 0; i < 10; i++) await sys.stat("/f");
      expect(k.stats()).toEqual(before);
    }
    await sys.close(used.pop() ?? -1);
  }
});

test("two kernels in one program share a server, and nothing else", async () => {
  const shared = ram({ now: () => 0 });
  const a = await kernel();
  const b = await kernel();
  const mounted = async (sys: Sys): Promise<void> => {
    await sys.mkdir("/m", 0o777);
    await sys.mount(open(shared), "/m", MREPL | MCREATE, "");
  };
  await mounted(a.sys);
  await mounted(b.sys);
  await a.sys.writeFile("/m/f", bytes("from a"));
  const fd = await b.sys.openRead("/m/f");
  expect(text(await b.sys.read(fd))).toBe("from a");
  await a.sys.writeFile("/own", bytes("x"));
  expect(await failure(b.sys.stat("/own"))).toBe("file does not exist");
  const pid = await a.sys.spawn({ argv: ["waits"], main: (sys) => sys.sleep(1e9) });
  expect(pid).toBeGreaterThan(1);
  a[Symbol.dispose]();
  expect(Object.values(a.stats()).every((n) => n === 0)).toBe(true);
  expect(await failure(a.sys.stat("/"))).toBe("interrupted");
  expect((await b.sys.stat("/m/f")).length).toBe(6);
  b.shutdown();
  b.shutdown();
  expect(Object.values(b.stats()).every((n) => n === 0)).toBe(true);
});
