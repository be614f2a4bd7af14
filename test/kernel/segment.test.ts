/** Segments: what /proc/n/segment shows of them (proc(3)), and who holds their image. */
import { expect, test } from "vitest";
import { type Kernel, MREPL } from "../../kernel/index.ts";
import { PROT, Segment } from "../../kernel/segment.ts";
import { dir, OREAD } from "../../proto/index.ts";
import { proc } from "../../servers/index.ts";
import { testKernel } from "../support/kernel.ts";

/** RAM that only counts. */
const ram = {
  committed: 0,
  commit(n: number): void {
    this.committed += n;
  },
  uncommit(n: number): void {
    this.committed -= n;
  },
  release: () => undefined,
};

test("two processes share one, whose image is held until the last has ended", async () => {
  let kernel: Kernel | undefined;
  const k = await testKernel({}, {
    proc,
    spy: (of) => {
      kernel = of;
      const root = dir({});
      return { name: "spy", attach: () => root };
    },
  });
  try {
    await k.sys.bind("#p", "/a", MREPL);
    await k.sys.stat("#spy");
    await k.put("/tmp/image", "bytes");
    const waits = { argv: ["guest"], main: () => new Promise<void>(() => undefined) };
    const pids = [await k.sys.spawn(waits), await k.sys.spawn(waits)];
    for (const pid of pids) expect(await k.cat(`/a/${pid}/segment`)).toBe("");
    const before = k.stats();
    const fd = await k.sys.open("/tmp/image", OREAD);
    const chan = kernel?.procs.get(k.sys.pid)?.fgrp.get(fd).incref();
    expect(chan).toBeDefined();
    if (!chan) return;
    await k.sys.close(fd);
    const text = new Segment(ram, { type: "Text", base: 0x400000, top: 0x402000, prot: PROT.read | PROT.exec, image: { chan, offset: 0, length: 5 } });
    const stack = new Segment(ram, { type: "Stack", base: 0x7ffffffde000, top: 0x7ffffffff000, prot: PROT.read | PROT.write });
    expect(ram.committed).toBeGreaterThanOrEqual(2 + 33);
    const [a, b] = pids.map((pid) => kernel?.procs.get(pid));
    if (!a || !b) throw new Error("no processes");
    a.segments = [text, stack];
    b.segments = [text.incref()];
    const shown = "Text   R  0000000000400000 0000000000402000    2\n";
    expect(await k.cat(`/a/${a.pid}/segment`)).toBe(`${shown}Stack     00007ffffffde000 00007ffffffff000    1\n`);
    expect(await k.cat(`/a/${b.pid}/segment`)).toBe(shown);
    expect(k.stats().fids).toBe(before.fids + 1);
    k.sys.postNote(a.pid, "kill");
    await k.sys.wait(a.pid);
    expect([text.refs, stack.refs, k.stats().fids]).toEqual([1, 0, before.fids + 1]);
    expect(ram.committed).toBeLessThan(33);
    k.sys.postNote(b.pid, "kill");
    await k.sys.wait(b.pid);
    expect(k.stats()).toMatchObject({ procs: 1, fids: before.fids });
    expect(ram.committed).toBe(0);
  } finally {
    k.shutdown();
  }
});

test("addresses that cannot be are refused", () => {
  for (const [base, top] of [[1, 4096], [0, 100], [4096, 4096], [8192, 4096], [-4096, 0], [0, 2 ** 47 + 4096]] as const) {
    expect(() => new Segment(ram, { type: "Data", base, top, prot: PROT.read })).toThrow(/^Invalid argument: a segment from /);
  }
});
