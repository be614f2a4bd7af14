/** Guests side by side: turns, waits, notes, stops; pages and files over a wire; the same run from the same seed. */
import { expect, test } from "vitest";
import { system } from "../../../clients/node/system.ts";
import { MCREATE, MREPL } from "../../../kernel/index.ts";
import { dir, Eintr, NineError, open, trace } from "../../../proto/index.ts";
import { ram, tree } from "../../../servers/index.ts";
import { distant, type Distant } from "../../support/distant.ts";
import { call, DATAAT, elf, SYS } from "../../support/elf.ts";
import { guestKernel, type GuestKernel } from "../../support/guests.ts";
import { remote } from "../../support/kernel.ts";

const done = call(SYS.exit, 0);
const LOOP = elf("loop: jmp loop\n");
/** Writes a letter, counts so far, and again. */
function counter(letter: string, rounds: number, count: number): Uint8Array {
  return elf(`mov $${rounds}, %r12d\nround: ${call(SYS.write, 1, "letter", 1)}mov $${count}, %ecx\nspin: dec %ecx\njnz spin\ndec %r12d\njnz round\n${done}letter: .ascii "${letter}"\n`);
}

/** Starts it and lets it run for some turns. */
async function begin(k: GuestKernel, name: string, turns = 3): Promise<number> {
  const pid = await k.sys.spawn({ path: `/tmp/${name}`, argv: [name], noteGroup: "new" });
  for (let n = 0; n < turns; n++) await k.sys.sleep(0);
  return pid;
}

test("a loop is ended by an interrupt, by kill, and by the shell's end; stopped, it takes no turn", async () => {
  await using k = await guestKernel({ loop: LOOP, some: counter("x", 1, 20_000_000) });
  const before = k.stats();
  for (const note of ["interrupt", "kill", "hangup", "alarm"]) {
    const pid = await begin(k, "loop");
    k.sys.postNote(pid, note, true);
    expect(await k.sys.wait(pid)).toMatchObject({ pid, status: note });
  }
  const pid = await begin(k, "some", 1);
  k.sys.postNote(pid, "stop");
  expect(await k.sys.wait(pid, true)).toMatchObject({ pid, stopped: true });
  for (let n = 0; n < 100; n++) await k.sys.sleep(0);
  expect(k.sys.groupSize(pid)).toBe(1);
  k.sys.postNote(pid, "start");
  expect(await k.sys.wait(pid)).toMatchObject({ pid, status: "" });
  expect((await k.run("/tmp/loop & kill=$apid; sleep 0; echo kill > /proc/$kill/ctl; wait $kill; echo $status")).out).toBe("kill\n");
  expect(k.stats()).toEqual(before);
});

test("two guests and a host's program take turns", async () => {
  await using k = await guestKernel({ a: counter("a", 20, 1_500_000), b: counter("b", 20, 1_500_000) });
  const before = k.stats();
  const { out } = await k.run("/tmp/a & /tmp/b & for(i in `{seq 1 20}) echo -n c; wait");
  expect(out.replaceAll(/[^a]/g, "").length).toBe(20);
  expect(out.replaceAll(/[^c]/g, "").length).toBe(20);
  // None of them had to wait for the end of another.
  for (const [x, y] of ["ab", "ba", "ca", "cb"]) expect(out.indexOf(x as string), out).toBeLessThan(out.lastIndexOf(y as string));
  expect(k.stats()).toEqual(before);
});

test("a program and its data far away: it waits for pages and bytes, others do not; a page is asked for with those that follow", async () => {
  // Touches 40 pages of its own data, then reads a file.
  const big = elf(`xor %ebx, %ebx\nmov $${DATAAT}, %rsi\nmov $40, %ecx\nsum: add (%rsi), %ebx\nadd $4096, %rsi\nloop sum\n`
    + `${call(SYS.open, "name", 0, 0)}mov %rax, %r12\nsub $64, %rsp\n${call(SYS.read, "%r12", "%rsp", 64)}${call(SYS.write, 1, "%rsp", "%rax")}${call(SYS.exit, "%rbx")}name: .asciz "/n/far/f"\n`, { data: new Uint8Array(40 * 4096) });
  await using k = await guestKernel({ near: counter("n", 3, 1000) });
  let far: Distant | undefined;
  const { portal } = await remote(ram({ now: () => 1e12 }), undefined, (t) => (far = distant(t)).transport);
  await k.sys.mount(portal, "/n/far", MREPL | MCREATE, "");
  await k.sys.writeFile("/n/far/big", big, 0o755);
  await k.sys.writeFile("/n/far/f", new TextEncoder().encode("over the wire\n"));
  const before = k.stats();
  const { trips, value } = await (far as Distant).during(() => k.run("/n/far/big & sleep 0; /tmp/near; wait; echo"));
  expect(value).toEqual({ status: "", out: "nnnover the wire\n\n", err: "" });
  // Walk and open, head, stat with table; three runs of pages; walk and open, read.
  expect(trips).toBeLessThan(13);
  // What was closed arrives before what is asked for afterwards.
  await k.sys.stat("/n/far");
  expect(k.stats()).toEqual(before);
});

test("a note ends the wait for a page; so does one for bytes", async () => {
  const program = elf(`${call(SYS.read, 0, "%rsp", 1)}mov $${DATAAT}, %rax\nmov 90000(%rax), %rax\n${done}`, { data: new Uint8Array(100_000) });
  const file = {
    mode: 0o555, length: () => program.length,
    open: () => ({
      read(at: number, n: number, { signal }: { signal: AbortSignal }) {
        if (at < 65536) return program.subarray(at, Math.min(at + n, 65536));
        return new Promise<Uint8Array>((_, reject) => signal.addEventListener("abort", () => reject(new NineError(Eintr))));
      },
    }),
  };
  await using k = await guestKernel({});
  await k.sys.mount(open(tree("slow", dir({ prog: file }))), "/n/slow", MREPL, "");
  const before = k.stats();
  for (const byte of [true, false]) {
    const [ours, its] = await k.sys.pipe();
    const pid = await k.sys.spawn({ path: "/n/slow/prog", argv: ["prog"], fds: new Map([[0, its]]), noteGroup: "new" });
    if (byte) await k.sys.write(ours, new Uint8Array(1));
    for (let n = 0; n < 3; n++) await k.sys.sleep(0);
    expect(await k.cat(`/proc/${pid}/status`)).toMatch(/Wakeme/);
    k.sys.postNote(pid, "interrupt");
    expect(await k.sys.wait(pid)).toMatchObject({ status: "interrupt" });
    await k.sys.close(ours);
    await k.sys.close(its);
  }
  expect(k.stats()).toEqual(before);
});

test("scripts: an interpreter that is a guest, and one in front of it", async () => {
  // Its arguments, a line each.
  const args = elf(`mov (%rsp), %r12\nlea 8(%rsp), %r13\nnext: mov (%r13), %rsi\nxor %edx, %edx\nlen: inc %edx\ncmpb $0, (%rsi,%rdx)\njne len\nmov $1, %edi\nmov $1, %eax\nsyscall\n`
    + `${call(SYS.write, 1, "nl", 1)}add $8, %r13\ndec %r12\njnz next\n${done}nl: .ascii "\\n"\n`);
  const text = (s: string): Uint8Array => new TextEncoder().encode(s);
  await using k = await guestKernel({ args, script: text("#!/tmp/args -x\nrest\n"), outer: text("#!/tmp/script\n"), host: text("#!/bin/rc\necho $* >[1=2]\n") });
  expect((await k.run("/tmp/script a 'b c'")).out).toBe("/tmp/args\n-x\n/tmp/script\na\nb c\n");
  expect((await k.run("/tmp/outer z")).out).toBe("/tmp/args\n-x\n/tmp/script\n/tmp/outer\nz\n");
  expect(await k.run("/tmp/host 1 2")).toMatchObject({ err: "1 2\n" });
});

test("a seed gives the same run, message by message and call by call", async () => {
  const run = async (seed: number): Promise<readonly string[]> => {
    const lines: string[] = [];
    const k = await system({ uname: "glenda", seed, strace: (line) => lines.push(line), wrap: (portal, spec) => trace(portal, (line) => lines.push(line), { name: spec }) });
    try {
      await k.sys.writeFile("/tmp/a", counter("a", 5, 500_000), 0o755);
      await k.sys.writeFile("/tmp/b", counter("b", 5, 200_000), 0o755);
      const { out } = await k.run("/tmp/a & /tmp/b | tr b c & seq 1 3; wait");
      lines.push(out);
    } finally {
      k.shutdown();
    }
    return lines;
  };
  const [first, again, other] = [await run(1), await run(1), await run(2)];
  expect(first.length).toBeGreaterThan(100);
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
});
