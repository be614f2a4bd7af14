/** A guest's memory: what is zero, what is of a file, what faults and how, what RAM bounds; nothing is left of it. */
import { expect, test } from "vitest";
import { call, DATAAT, elf, SYS } from "../../support/elf.ts";
import { guestKernel, outcomes } from "../../support/guests.ts";

/** Ends with the number in rax if it is not what is wanted. */
let labels = 0;
function must(condition: string, status: number): string {
  const over = `ok${++labels}`;
  return `${condition} ${over}\n${call(SYS.exit, status)}${over}:\n`;
}
const done = call(SYS.exit, 0);
const RW = 3;
const PRIVATE = 0x22;

test("bss, brk and anonymous maps are zero, hold what is stored, and are gone when given back", async () => {
  const anonymous = `${call(SYS.mmap, 0, 0x100000, RW, PRIVATE, -1, 0)}mov %rax, %r12\n`;
  expect(await outcomes({
    bss: elf(`mov $${DATAAT + 4096}, %rbx\ncmpq $0, (%rbx)\n${must("je", 1)}movq $7, 0x5000(%rbx)\ncmpq $7, 0x5000(%rbx)\n${must("je", 2)}cmpb $9, -4096(%rbx)\n${must("je", 3)}${done}`,
      { data: new Uint8Array(10).fill(9), bss: 100_000 }),
    brk: elf(`${call(SYS.brk, 0)}mov %rax, %rbx\nlea 100000(%rbx), %rdi\nmov $12, %eax\nsyscall\nlea 100000(%rbx), %rcx\ncmp %rcx, %rax\n${must("je", 1)}`
      + `cmpq $0, 90000(%rbx)\n${must("je", 2)}movq $5, 90000(%rbx)\nlea 200000(%rbx), %rdi\nmov $12, %eax\nsyscall\ncmpq $5, 90000(%rbx)\n${must("je", 3)}`
      + `lea 4096(%rbx), %rdi\nmov $12, %eax\nsyscall\nmov 90000(%rbx), %rax\n`),
    again: elf(`${call(SYS.brk, 0)}mov %rax, %rbx\nlea 9000(%rbx), %rdi\nmov $12, %eax\nsyscall\nmovq $5, 5000(%rbx)\nmov %rbx, %rdi\nmov $12, %eax\nsyscall\nlea 9000(%rbx), %rdi\nmov $12, %eax\nsyscall\n`
      + `cmpq $0, 5000(%rbx)\n${must("je", 1)}${done}`),
    mmap: elf(`${anonymous}cmpq $0, 0xff000(%rax)\n${must("je", 1)}movq $5, (%r12)\nmov %r12, %rdi\nadd $4096, %rdi\nmov $0x1000, %rsi\nmov $11, %eax\nsyscall\n`
      + `cmpq $5, (%r12)\n${must("je", 2)}cmpq $0, 0x2000(%r12)\n${must("je", 3)}mov 0x1ff8(%r12), %rax\n`),
    protect: elf(`${anonymous}movq $5, (%r12)\n${call(SYS.mprotect, "%r12", 4096, 1)}cmpq $5, (%r12)\n${must("je", 1)}movq $6, 0x1000(%r12)\nmovq $6, (%r12)\n`),
    none: elf(`${anonymous}movq $5, (%r12)\n${call(SYS.mprotect, "%r12", 4096, 0)}${call(SYS.mprotect, "%r12", 4096, 1)}cmpq $5, (%r12)\n${must("je", 1)}${call(SYS.mprotect, "%r12", 4096, 0)}mov (%r12), %rax\n`),
    execute: elf(`${anonymous}movb $0xc3, (%r12)\ncall *%r12\n`),
    executes: elf(`${call(SYS.mmap, 0, 4096, 7, PRIVATE, -1, 0)}mov %rax, %r12\nmovb $0xc3, (%r12)\ncall *%r12\n${done}`),
    text: elf("movb $1, 0(%rip)\n"),
    stack: elf(`lea -0x700000(%rsp), %rax\nmovq $1, (%rax)\ncmpq $0, 0x1000(%rax)\n${must("je", 1)}${done}`),
    deep: elf("lea -0x900000(%rsp), %rax\nmovq $1, (%rax)\n"),
  })).toEqual({
    bss: "", brk: "sys: segv", again: "", mmap: "sys: segv", protect: "sys: segv", none: "sys: segv", execute: "sys: segv", executes: "", text: "sys: segv",
    stack: "", deep: "sys: segv",
  });
});

test("maps of files: private and shared, the tail of the last page, beyond the end, and the rights the file was opened with", async () => {
  /** Opens /tmp/f and maps so much of it: rax, r12. */
  const map = (mode: number, prot: number, flags: number, bytes = 0x4000): string =>
    `${call(SYS.open, "name", mode, 0)}mov %rax, %r8\nxor %edi, %edi\nmov $${bytes}, %esi\nmov $${prot}, %edx\nmov $${flags}, %r10d\nxor %r9d, %r9d\nmov $9, %eax\nsyscall\nmov %rax, %r12\n${call(SYS.close, "%r8")}`;
  const name = 'name: .asciz "/tmp/f"\n';
  await using k = await guestKernel({
    reads: elf(`${map(0, 1, 2)}cmpb $'a', (%r12)\n${must("je", 1)}cmpb $'z', 4999(%r12)\n${must("je", 2)}cmpb $0, 5000(%r12)\n${must("je", 3)}cmpb $0, 8191(%r12)\n${must("je", 4)}${done}${name}`),
    beyond: elf(`${map(0, 1, 2)}mov 8192(%r12), %al\n${done}${name}`),
    private: elf(`${map(0, 3, 2)}movb $'X', (%r12)\ncmpb $'X', (%r12)\n${must("je", 1)}${done}${name}`),
    shared: elf(`${map(2, 3, 1)}movb $'S', (%r12)\nmovb $'T', 4500(%r12)\nmovb $'U', 5001(%r12)\n${done}${name}`),
    unmapped: elf(`${map(2, 3, 1)}movb $'V', 1(%r12)\n${call(SYS.munmap, "%r12", 0x4000)}${call(SYS.open, "name", 0, 0)}mov %rax, %rdi\nlea -8(%rsp), %rsi\nmov $2, %edx\nxor %eax, %eax\nsyscall\n`
      + `cmpb $'V', -7(%rsp)\n${must("je", 1)}${done}${name}`),
    refused: elf(`${map(0, 3, 1)}cmp $-13, %r12\n${must("je", 1)}${done}${name}`),
  });
  const body = `a${"-".repeat(4998)}z`;
  await k.sys.writeFile("/tmp/f", new TextEncoder().encode(body));
  const before = k.stats();
  const run = async (name: string): Promise<string> => (await k.run([`/tmp/${name}`])).status;
  for (const [name, status] of Object.entries({ reads: "", beyond: "sys: bus", private: "", refused: "" })) expect([name, await run(name)]).toEqual([name, status]);
  expect((await k.run("cat /tmp/f")).out).toBe(body);
  expect(await run("shared")).toBe("");
  expect((await k.run("cat /tmp/f")).out).toBe(`S${"-".repeat(4499)}T${"-".repeat(498)}z`);
  expect(await run("unmapped")).toBe("");
  expect(k.stats()).toEqual(before);
});

test("RAM bounds what is mapped, not what is reserved; who is refused lives on, and so do others", async () => {
  const maps = (bytes: number, prot: number, wanted: string): string => `${call(SYS.mmap, 0, bytes, prot, PRIVATE, -1, 0)}cmp $-12, %rax\n${must(wanted, 1)}`;
  await using k = await guestKernel({
    much: elf(`${maps(16 << 20, RW, "je")}${maps(2 ** 30, 0, "jne")}${maps(4 << 20, RW, "jne")}mov %rax, %rdi\nmov $0x400000, %ecx\nmov $1, %al\nrep stosb\n${maps(4 << 20, RW, "je")}${done}`),
    // Reserved, then made writable piece by piece until there is no more.
    piecewise: elf(`${call(SYS.mmap, 0, 2 ** 30, 0, PRIVATE, -1, 0)}mov %rax, %r12\nxor %ebx, %ebx\nmore: ${call(SYS.mprotect, "%r12", 0x100000, RW)}test %rax, %rax\njnz full\nmov %rbx, (%r12)\nadd $0x100000, %r12\ninc %ebx\njmp more\n`
      + `full: cmp $-12, %rax\n${must("je", 100)}${call(SYS.exit, "%rbx")}`),
    // A page here and there, given back each time: so are the tables it needed.
    scattered: elf(`mov $0x100000000, %r12\nmov $5000, %ebx\nnext: ${call(SYS.mmap, "%r12", 4096, RW, PRIVATE | 0x10, -1, 0)}cmp %rax, %r12\n${must("je", 1)}movb $1, (%r12)\n${call(SYS.munmap, "%r12", 4096)}`
      + `mov $0x88300000, %eax\nadd %rax, %r12\ndec %ebx\njnz next\n${done}`),
    // What is hidden is still there.
    hidden: elf(`xor %ebx, %ebx\nmore: ${call(SYS.mmap, 0, 0x100000, RW, PRIVATE, -1, 0)}test %rax, %rax\njs full\nmov %rax, %r12\nmov %rax, %rdi\nmov $0x100000, %ecx\nmov $1, %al\nrep stosb\n${call(SYS.mprotect, "%r12", 0x100000, 0)}inc %ebx\njmp more\n`
      + `full: ${call(SYS.exit, "%rbx")}`),
  }, { ram: 8 << 20 });
  const before = k.stats();
  expect((await k.run(["/tmp/much"])).status).toBe("");
  expect((await k.run(["/tmp/scattered"])).status).toBe("");
  expect(["5", "6", "7"]).toContain((await k.run(["/tmp/hidden"])).status);
  const most = Number((await k.run(["/tmp/piecewise"])).status);
  expect(most).toBeGreaterThanOrEqual(5);
  expect(most).toBeLessThan(8);
  expect(k.stats()).toEqual(before);
});

test("/proc shows it", async () => {
  await using k = await guestKernel({ waits: elf(`${call(SYS.read, 0, "%rsp", 1)}${done}`, { data: new Uint8Array(5), bss: 9000 }) });
  const [ours, its] = await k.sys.pipe();
  const pid = await k.sys.spawn({ path: "/tmp/waits", argv: ["waits"], fds: new Map([[0, its]]) });
  await k.sys.sleep(0);
  const { out } = await k.run(`for(f in segment maps regs text) cat /proc/${pid}/$f; ls /proc/$pid | grep -c 'regs|maps'`);
  await k.sys.write(ours, new Uint8Array(1));
  expect((await k.sys.wait(pid)).status).toBe("");
  expect(out).toMatch(/^Text {3}R {2}0000000000400000 0000000000401000 {4}1\nData {6}0000000000600000 0000000000601000 {4}1\nBss {7}0000000000601000 0000000000603000 {4}1\nStack {5}/);
  expect(out).toMatch(/\n00400000-00401000 r-xp 00000000 00:00 0 +\/tmp\/waits\n00600000-00601000 rw-p 00001000 00:00 0 +\/tmp\/waits\n00601000-00603000 rw-p 00000000 00:00 0\nffffffde000-ffffffff000 rw-p 00000000 00:00 0 +\[stack\]\n/);
  expect(out).toMatch(/\n400216: syscall\nrip {4}0000000000400216 .*\n\/tmp\/waits\n0\n$/s);
});
