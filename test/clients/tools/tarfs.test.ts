/** tarfs: archives of the name space, mounted; the process that holds one goes with the tree. */
import { isDeepStrictEqual } from "node:util";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { gunzip, tarFormat } from "../../../clients/node/tarformat.ts";
import { rc } from "../../../clients/rc/index.ts";
import { tarfs, tools } from "../../../clients/tools/index.ts";
import { NineError } from "../../../proto/index.ts";
import { remote, testKernel, type TestKernel } from "../../support/kernel.ts";
import { hops } from "../../support/everypoint.ts";
import { archive } from "../../support/tarwriter.ts";
import { ram } from "../../../servers/index.ts";
import { MCREATE, MREPL } from "../../../kernel/index.ts";

const sample = archive([{ name: "d/f", data: "contents\n" }, { name: "link", type: "2", link: "/tmp/other" }, { name: "big", data: Buffer.alloc(3_000_000, "0123456789abcde\n") }]);
let k: TestKernel;
const sh = async (command: string): Promise<string> => {
  const { out, err } = await k.run(command);
  return out + err;
};

beforeEach(async () => {
  const deps = { format: tarFormat, gunzip };
  k = await testKernel(Object.fromEntries([...tools, ["tarfs", tarfs(deps)], ["rc", rc({})]]));
  k.sys.setenv("path", ["/bin"]);
  await k.sys.writeFile("/tmp/x.tar", sample);
  await k.sys.writeFile("/tmp/other", new TextEncoder().encode("another\n"));
});
afterEach(() => k.shutdown());

it("mounts an archive where it is told, and reads it where it lies", async () => {
  expect(await sh("tarfs /tmp/x.tar; cd /n/tapefs; ls -p; cat d/f link; wc big; tail -1 big")).toBe("big\nd\nlink\ncontents\nanother\n 187500  187500 3000000 big\n0123456789abcde\n");
  expect(await sh("cd /tmp; tarfs -m /a x.tar; cat /a/d/f; @ {echo x > /a/new}; cp -r /a /tmp/copy && cmp /tmp/copy/big /a/big; ns | grep tar")).toMatch(
    /^contents\nmount \/tmp\/x\.tar \/n\/tapefs\nmount \/tmp\/x\.tar \/a\nrc: \/a\/new: .*\n$/);
});

it("in unions, before and after", async () => {
  await k.sys.mkdir("/tmp/d", 0o777);
  expect(await sh("bind /tmp /b; tarfs -am /b /tmp/x.tar; ls -p /b; cat /b/d/f; tarfs -bm /b /tmp/x.tar; cat /b/d/f")).toBe("big\nd\nd\nlink\nother\nx.tar\ncontents\ncat: /b/d/f: file does not exist\n");
});

it("gzip is unpacked into memory, so much of it", async () => {
  await k.sys.writeFile("/tmp/x.tgz", gzipSync(sample));
  await k.sys.writeFile("/tmp/two.tgz", Buffer.concat([gzipSync(sample.subarray(0, 1000)), gzipSync(sample.subarray(1000))]));
  await k.sys.writeFile("/tmp/bomb.tgz", gzipSync(Buffer.alloc(20 << 20)));
  await k.sys.writeFile("/tmp/cut.tgz", gzipSync(sample).subarray(0, 500));
  await k.sys.writeFile("/tmp/bad.tgz", gzipSync(Buffer.from("no archive in it")));
  expect(await sh("tarfs /tmp/x.tgz; cmp /n/tapefs/big /n/tapefs/big; cat /n/tapefs/d/f; tarfs -m /a /tmp/two.tgz; cat /a/d/f")).toBe("contents\ncontents\n");
  expect(await sh("for(f in bomb cut bad) tarfs -s 10 -m /b /tmp/$f.tgz")).toBe(
    "tarfs: /tmp/bomb.tgz: file too big: more than 10485760 bytes when unpacked\ntarfs: /tmp/cut.tgz: bad gzip data: unexpected end of file\ntarfs: /tmp/bad.tgz: bad tar archive: at byte 0: it ends within a header\n");
});

it("from another server", async () => {
  const { portal } = await remote(ram({ now: () => 0 }));
  await k.sys.mount(portal, "/n/far", MREPL | MCREATE, "");
  expect(await sh("cp /tmp/x.tar /n/far; tarfs /n/far/x.tar; cat /n/tapefs/d/f; cmp /n/tapefs/big /n/tapefs/big; wc -l /n/tapefs/big")).toMatch(/^contents\n +187500 /);
});

it("the process that has it open ends with the last mount", async () => {
  expect(await sh("tarfs /tmp/x.tar; cat /n/tapefs/d/f")).toBe("contents\n");
  const { procs, mnts } = k.stats();
  expect(await sh("unmount /n/tapefs; cat /n/tapefs/d/f")).toBe("cat: /n/tapefs/d/f: file does not exist\n");
  while (k.stats().procs === procs) await new Promise((resolve) => setImmediate(resolve));
  expect(k.stats()).toMatchObject({ procs: procs - 1, mnts: mnts - 1 });
});

it("what is wrong is said of the file", async () => {
  await k.sys.writeFile("/tmp/empty", new Uint8Array(0));
  await k.sys.writeFile("/tmp/text", new TextEncoder().encode("some text\n".repeat(100)));
  await k.sys.writeFile("/tmp/xz", Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0));
  await sh("true");
  const before = k.stats();
  expect(await sh("for(f in none empty text xz '') tarfs /tmp/$f")).toBe([
    "tarfs: /tmp/none: file does not exist", "tarfs: /tmp/empty: no tar archive: the file is empty",
    "tarfs: /tmp/text: bad tar archive: at byte 0: no tar header, or a damaged one (bad checksum)", "tarfs: /tmp/xz: compressed by xz: only gzip is unpacked here", "tarfs: /tmp/: file is a directory\n",
  ].join("\n"));
  expect(await sh("tarfs -m /none /tmp/x.tar; tarfs; tarfs -ab x; tarfs -s x y; tarfs -x")).toBe(
    `tarfs: /none: file does not exist\n${"usage: tarfs [-ab] [-m mtpt] [-s megabytes] file\n".repeat(4)}`);
  while (k.stats().procs > before.procs) await new Promise((resolve) => setImmediate(resolve));
  expect(k.stats()).toEqual(before);
});

it("a note ends it while it looks for headers", async () => {
  let asked: () => void;
  const waiting = new Promise<void>((resolve) => (asked = resolve));
  const slow = { name: "slow", attach: () => ({ walk: () => ({ stat: () => ({ length: 1e6 }), open: () => ({ read: (_at: number, _n: number, call: { signal: AbortSignal }) => new Promise<Uint8Array>((_resolve, reject) => {
    asked();
    call.signal.addEventListener("abort", () => reject(new NineError("interrupted")));
  }) }) }), list: () => [] }) };
  const { portal } = await remote(slow);
  await k.sys.mount(portal, "/n/slow", MREPL, "");
  const before = k.stats().procs;
  const pid = await k.sys.spawn({ path: "/bin/tarfs", argv: ["tarfs", "/n/slow/x"], noteGroup: "new" });
  await waiting;
  k.sys.postNote(pid, "interrupt");
  expect((await k.sys.wait(pid)).status).toBe("interrupt");
  while (k.stats().procs > before) await new Promise((resolve) => setImmediate(resolve));
});

it("a note ends it at any point, and nothing of it stays", async () => {
  await k.sys.writeFile("/tmp/small.tar", archive([{ name: "f", data: "contents\n" }]));
  await sh("tarfs /tmp/small.tar; unmount /n/tapefs; bind /tmp /n/tapefs; unmount /n/tapefs");
  while (k.stats().procs > 1) await new Promise((resolve) => setImmediate(resolve));
  const before = k.stats();
  let whole = 0;
  for (let n = 0; whole < 3 && n < 1000; n++) {
    const pid = await k.sys.spawn({ path: "/bin/tarfs", argv: ["tarfs", "/tmp/small.tar"], noteGroup: "new", ns: "copy" });
    await hops(n);
    k.postNote(pid, "interrupt");
    if ((await k.sys.wait(pid)).status === "") whole++;
    for (let i = 0; !isDeepStrictEqual(k.stats(), before) && i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(k.stats(), `after ${n} suspensions`).toEqual(before);
  }
  expect(whole).toBe(3);
});
