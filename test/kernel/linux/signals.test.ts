/** Signals of guests: notes that come from outside, handlers, calls that are interrupted or made again, stopping. */
import { expect, test } from "vitest";
import { call, elf } from "../../support/elf.ts";
import { guestKernel } from "../../support/guests.ts";

const NR = { read: 0, write: 1, poll: 7, rtSigaction: 13, rtSigprocmask: 14, rtSigreturn: 15, pause: 34, nanosleep: 35, getpid: 39, exit: 60, kill: 62 } as const;
const SA_RESTART = 0x10000000;
const SA_RESTORER = 0x04000000;
const [INT, USR1] = [2, 10];

/** Says that it has come so far. */
const ready = call(NR.write, 1, "ready", 1);
/** A handler of a signal: adds one to r15, which sigreturn must take back, and to `count`, which stays. */
function handles(sig: number, flags: number): string {
  return `lea handler(%rip), %rax\nmov %rax, act(%rip)\nlea restorer(%rip), %rax\nmov %rax, act+16(%rip)\nmovq $${flags + SA_RESTORER}, act+8(%rip)\n${call(NR.rtSigaction, sig, "act", 0, 8)}`;
}
const tail = `handler: inc %r15\nincq count(%rip)\n${call(NR.write, 1, "hand", 1)}ret\nrestorer: mov $15, %eax\nsyscall\nready: .ascii "r"\nhand: .ascii "h"\n`;

/** Code with a few words that can be written: it maps its own text writable first. */
function program(source: string): Uint8Array {
  const writable = `mov $0x400000, %edi\nmov $4096, %esi\nmov $7, %edx\nmov $10, %eax\nsyscall\n`;
  return elf(`${writable}xor %r15d, %r15d\n${source}${tail}count: .quad 0\nact: .quad 0, 0, 0, 0\nbuf: .quad 0, 0\n`);
}

const exits = (reg: string): string => `mov ${reg}, %rdi\nmov $${NR.exit}, %eax\nsyscall\n`;

/** Runs it, with a note each time it writes an "r"; its status and what it wrote. */
async function noted(body: Uint8Array, notes: readonly string[], input?: string): Promise<{ status: string; out: string }> {
  await using k = await guestKernel({ p: body });
  const before = k.stats();
  const { sys } = k;
  const [near, far] = await sys.pipe();
  const given = await sys.pipe();
  const pid = await sys.spawn({ path: "/tmp/p", argv: ["p"], fds: new Map([[0, given[0]], [1, far], [2, far]]), noteGroup: "new" });
  await sys.close(far);
  await sys.close(given[0]);
  let out = "";
  const left = [...notes];
  let unsent = input;
  for (;;) {
    const some = new TextDecoder().decode(await sys.read(near));
    if (some === "") break;
    out += some;
    for (const c of some) {
      const note = c === "r" ? left.shift() : undefined;
      if (note !== undefined) {
        // It is to be waiting by then.
        while (!(await k.cat(`/proc/${pid}/status`)).includes("Wakeme")) await sys.sleep(0);
        k.postNote(pid, note);
      }
    }
    // Once: after its end nobody reads.
    if (left.length === 0 && unsent !== undefined) await sys.write(given[1], new TextEncoder().encode(unsent));
    if (left.length === 0) unsent = undefined;
  }
  const { status } = await sys.wait(pid);
  await sys.close(near);
  await sys.close(given[1]);
  expect(k.stats()).toEqual(before);
  return { status, out };
}

test("a handler runs, registers are as before, and pause says that it was interrupted", async () => {
  const source = `${handles(INT, 0)}${ready}mov $7, %r14d\n${call(NR.pause)}add %r15, %rax\nadd count(%rip), %rax\nneg %rax\n${exits("%rax")}`;
  expect(await noted(program(source), ["interrupt"])).toEqual({ status: "3", out: "rh" });
});

test("a read is made again after a handler that asked for that, and fails after one that did not", async () => {
  const source = (flags: number): Uint8Array => program(`${handles(INT, flags)}${ready}${call(NR.read, 0, "buf", 8)}test %rax, %rax\njns out\nneg %rax\nout: ${exits("%rax")}`);
  expect(await noted(source(SA_RESTART), ["interrupt"], "abcde")).toEqual({ status: "5", out: "rh" });
  expect(await noted(source(0), ["interrupt"])).toEqual({ status: "4", out: "rh" });
});

test("what is held back waits, and comes when it is let in; what is not handled ends the process", async () => {
  const blocked = `movq $${1 << (INT - 1)}, buf(%rip)\n${call(NR.rtSigprocmask, 0, "buf", 0, 8)}`;
  const let_in = call(NR.rtSigprocmask, 1, "buf", 0, 8);
  const self = `${call(NR.getpid)}mov %rax, %rdi\nmov $${INT}, %esi\nmov $${NR.kill}, %eax\nsyscall\n`;
  expect(await noted(program(`${handles(INT, 0)}${blocked}${self}${self}${call(NR.write, 1, "ready", 1)}${let_in}mov count(%rip), %rax\n${exits("%rax")}`), [])).toEqual({ status: "1", out: "rh" });
  expect(await noted(program(`${handles(USR1, 0)}${ready}${call(NR.pause)}${exits("%rax")}`), ["term"])).toEqual({ status: "term", out: "r" });
});

test("stopped it does nothing, and what it waited for goes on when it is started", async () => {
  await using k = await guestKernel({ p: program(`${ready}${call(NR.read, 0, "buf", 8)}${exits("%rax")}`) });
  const { sys } = k;
  const [near, far] = await sys.pipe();
  const given = await sys.pipe();
  const pid = await sys.spawn({ path: "/tmp/p", argv: ["p"], fds: new Map([[0, given[0]], [1, far]]), noteGroup: "new" });
  await sys.read(near);
  k.postNote(pid, "stop");
  await sys.write(given[1], new TextEncoder().encode("abc"));
  expect(await k.cat(`/proc/${pid}/status`)).toContain("Stopped");
  k.postNote(pid, "start");
  expect((await sys.wait(pid)).status).toBe("3");
});
