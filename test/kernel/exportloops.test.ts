/** Mounts that lead back to where they are: bounded, with an error that says so; long ways round are no loops. */
import { afterEach, expect, test } from "vitest";
import { type Booted, MAFTER, MREPL } from "../../kernel/index.ts";
import * as p from "../../proto/index.ts";
import { dial, dir, DMDIR, errno, NineError, pair, type Portal, serve, textFile } from "../../proto/index.ts";
import { tree } from "../../servers/index.ts";
import { failure, testKernel, type TestKernel } from "../support/kernel.ts";
import { Nine } from "../support/nine.ts";

const kernels: Booted[] = [];
afterEach(() => {
  for (const k of kernels.splice(0)) k.shutdown();
});

async function kernel(): Promise<TestKernel> {
  const k = await testKernel();
  kernels.push(k);
  return k;
}

/** k's name space behind a wire; `sent` counts what goes over it. */
async function over(k: TestKernel, sent: { bytes: number } = { bytes: 0 }): Promise<Portal> {
  const [a, b] = pair();
  serve(b, () => k.sys.export("/"));
  return dial({
    peer: a.peer, framed: a.framed, buffered: 0, start: (to) => a.start(to), drain: () => a.drain(), pause: () => a.pause(), resume: () => a.resume(),
    close: (why) => a.close(why),
    send(chunk, done) {
      sent.bytes += chunk.length;
      a.send(chunk, done);
    },
  });
}

const LOOP = "Too many levels of symbolic links: mounts lead back to where they are";

test("a union that contains its own export, once and twice", async () => {
  const k = await kernel();
  await k.put("/tmp/f", "text");
  for (const name of ["one", "two"]) {
    await k.sys.mount(k.sys.export("/"), `/n/${name}`, MREPL, "");
    await k.sys.bind(`/n/${name}`, "/", MAFTER);
    expect(await k.cat("/tmp/f")).toBe("text");
    expect(await failure(k.sys.stat("/none"))).toBe(LOOP);
    expect(await failure(k.sys.stat("/none/below"))).toBe(LOOP);
    expect(await failure(k.sys.writeFile("/none", new Uint8Array(3)))).toBe(LOOP);
    // An element that cannot be read is passed over.
    expect((await k.ls("/")).length).toBeGreaterThanOrEqual(7);
    const n = await Nine.attach(k.sys.export("/"), { uname: "any" });
    await expect(n.list("")).rejects.toThrow(LOOP);
    await expect(n.dirents("")).rejects.toThrow(LOOP);
    await expect(n.walk("none")).rejects.toThrow(LOOP);
    expect(await n.get("tmp/f")).toBe("text");
    n.portal.hangup();
  }
  await k.sys.unmount(undefined, "/");
  expect(await failure(k.sys.stat("/none"))).toBe("file does not exist");
});

test("an export mounted on its own root, in process, over a wire and by a bind: no name is used up there", async () => {
  const k = await kernel();
  const before = k.stats();
  const ways: readonly (() => Promise<void>)[] = [
    () => k.sys.mount(k.sys.export("/a"), "/a", MREPL, ""),
    async () => {
      const [a, b] = pair();
      serve(b, () => k.sys.export("/a"));
      await k.sys.mount(await dial(a), "/a", MREPL, "");
    },
    async () => {
      await k.sys.mount(k.sys.export("/a"), "/n/x", MREPL, "");
      await k.sys.bind("/n/x", "/a", MREPL);
      await k.sys.unmount(undefined, "/n/x");
    },
  ];
  for (const way of ways) {
    await way();
    // What was attached to, before it was mounted upon, is there; nothing is walked for it.
    expect((await k.sys.stat("/a")).mode & DMDIR).not.toBe(0);
    expect(await failure(k.sys.stat("/a/x"))).toBe(LOOP);
    expect(await failure(k.ls("/a"))).toBe(LOOP);
    expect(await failure(k.sys.writeFile("/a/x", new Uint8Array(1)))).toBe(LOOP);
    await k.sys.unmount(undefined, "/a");
    expect(await k.ls("/a")).toEqual([]);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(k.stats()).toEqual(before);
  }
});

test("two kernels whose roots are unions with each other's, over wires", async () => {
  const [a, b] = [await kernel(), await kernel()];
  const sent = { bytes: 0 };
  await a.put("/tmp/f", "of a");
  await b.sys.mkdir("/tmp/d", 0o755);
  const before = [a.stats(), b.stats()];
  await a.sys.mount(await over(b, sent), "/", MAFTER, "");
  await b.sys.mount(await over(a, sent), "/", MAFTER, "");
  const mounted = sent.bytes;
  expect(await failure(a.sys.stat("/none"))).toBe(LOOP);
  const lost = await a.sys.stat("/none").catch((e: unknown) => e);
  expect(lost instanceof NineError && lost.errno).toBe(errno.ELOOP);
  // Each lap is one short walk each way, and there are few.
  expect(sent.bytes - mounted).toBeLessThan(16_384);
  expect(await a.cat("/tmp/f")).toBe("of a");
  expect(await failure(b.sys.stat("/none"))).toBe(LOOP);
  await a.sys.unmount(undefined, "/");
  expect(await failure(b.sys.stat("/none"))).toBe("file does not exist");
  await b.sys.unmount(undefined, "/");
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  expect([a.stats(), b.stats()]).toEqual(before);
});

test("a mount of a mount of the first kernel is no loop, however long the name", async () => {
  const [a, b] = [await kernel(), await kernel()];
  await a.put("/tmp/f", "of a");
  await a.sys.mount(await over(b), "/n/b", MREPL, "");
  await b.sys.mount(await over(a), "/n/a", MREPL, "");
  const round = "/n/b/n/a".repeat(12);
  expect(await a.cat(`${round}/tmp/f`)).toBe("of a");
  expect((await a.ls(`${round}/tmp`))).toEqual(["f"]);
  expect(await failure(a.sys.stat(`${round}/none`))).toBe("file does not exist");
});

test("64 identical walks at a time, through a union and a server that is slow, are no loop; nor are those of a client that numbers fids by chance", async () => {
  const k = await kernel();
  const held: (() => void)[] = [];
  const slow = tree("slow", { ...dir({}), walk: () => new Promise((resolve) => held.push(() => resolve(textFile(() => "f")))) });
  await k.sys.mount(p.open(slow), "/a", MREPL, "");
  await k.sys.bind("/b", "/a", MAFTER);
  for (const number of [(i: number) => 1000 + i, (i: number) => (Math.imul(i + 1, 0x9e3779b1) >>> 0) % 0xfffffff0]) {
    const n = await Nine.attach(k.sys.export("/"), { uname: "any" });
    const walks = Array.from({ length: 64 }, (_, i) => n.qids(n.root, number(i), ["a", "f"]));
    while (held.length < 64) await new Promise((resolve) => setImmediate(resolve));
    for (const go of held.splice(0)) go();
    for (const w of walks) expect(await w).toHaveLength(2);
    n.portal.hangup();
  }
});
