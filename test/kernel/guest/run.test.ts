/** Guests: programs of our own, assembled here, run by name in the name space. */
import { expect, test } from "vitest";
import type { System } from "../../../clients/node/system.ts";
import { call, elf, HELLO, SYS } from "../../support/elf.ts";
import { guestKernel } from "../../support/guests.ts";

async function withGuests(programs: Readonly<Record<string, Uint8Array>>, f: (k: System) => Promise<void>): Promise<void> {
  await using k = await guestKernel(programs);
  const before = k.stats();
  await f(k);
  expect(k.stats()).toEqual(before);
}

test("hello: output, status, in a pipeline with a host's program, to a file", async () => {
  await withGuests({ hello: elf(HELLO), pie: elf(HELLO, { pie: true }) }, async (k) => {
    expect(await k.run("/tmp/hello")).toEqual({ status: "3", out: "hello, world\n", err: "" });
    expect(await k.run("/tmp/pie")).toEqual({ status: "3", out: "hello, world\n", err: "" });
    expect((await k.run("/tmp/hello | tr a-z A-Z; echo $status; /tmp/hello > /tmp/out; cat /tmp/out; rm /tmp/out")).out).toBe("HELLO, WORLD\n3|\nhello, world\n");
  });
});

test("a program's own mistake: who, where, what, and the status", async () => {
  await withGuests({ bad: elf("xor %eax, %eax\nmov (%rax), %rcx\n"), ud: elf("ud2\n") }, async (k) => {
    const r = await k.run("/tmp/bad; echo $status; /tmp/ud; echo $status");
    expect(r.out).toBe("sys: segv\nsys: ill\n");
    expect(r.err).toMatch(/^bad \d+: sys: segv: read at 0x0: nothing is mapped there\n400202: mov rcx, qword \[rax\]\nrip {4}0000000000400202 /);
    expect(r.err).toMatch(/\nud \d+: sys: ill: no instruction of this processor\n400200: ud2\n/);
  });
});

test("what is typed comes back: a guest waits for a pipe", async () => {
  const source = `again:\n${call(SYS.read, 0, "%rsp", 16)}test %rax, %rax\njle done\n${call(SYS.write, 1, "%rsp", "%rax")}jmp again\ndone:\n${call(SYS.exit, 0)}`;
  await withGuests({ cat: elf(`sub $64, %rsp\n${source}`) }, async (k) => {
    expect((await k.run("{ echo one; sleep 0; echo two } | /tmp/cat | sed s/o/0/")).out).toBe("0ne\ntw0\n");
  });
});
