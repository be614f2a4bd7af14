/** exec: a guest's program makes way for another guest's, a script's, a host's; what stays of the process, and when it cannot be. */
import { expect, test } from "vitest";
import { call, elf, HELLO, SYS } from "../../support/elf.ts";
import { guestKernel } from "../../support/guests.ts";

/** Makes way for a program with one argument and one variable; when that fails, ends with the error. */
function execs(path: string, argument: string, variable = "X=it"): Uint8Array {
  return elf(`sub $64, %rsp\nlea path(%rip), %rdi\nmov %rdi, (%rsp)\nlea arg(%rip), %rax\nmov %rax, 8(%rsp)\nmovq $0, 16(%rsp)\nlea var(%rip), %rax\nmov %rax, 24(%rsp)\nmovq $0, 32(%rsp)\n`
    + `mov %rsp, %rsi\nlea 24(%rsp), %rdx\nmov $59, %eax\nsyscall\nneg %eax\nmov %eax, %edi\nmov $${SYS.exit}, %eax\nsyscall\n`
    + `path: .asciz "${path}"\narg: .asciz "${argument}"\nvar: .asciz "${variable}"\n`);
}

test("another guest, a host's program, a script, itself again and again, and nothing", async () => {
  await using k = await guestKernel({
    hello: elf(HELLO), toHello: execs("/tmp/hello", "a"), toEcho: execs("/bin/echo", "said"), toRc: execs("/tmp/script", "a b"), none: execs("/tmp/nothing", ""),
    noElf: execs("/tmp/script2", ""), script: new TextEncoder().encode("#!/bin/rc\necho $X $1 $pid; cat /proc/$pid/args\nexit 5\n"), script2: new TextEncoder().encode("text\n"),
    kept: elf(`mov $39, %eax\nsyscall\nmov %rax, %rdi\nmov $60, %eax\nsyscall\n`), toKept: execs("/tmp/kept", ""),
  });
  const before = k.stats();
  expect(await k.run("/tmp/toHello")).toEqual({ status: "3", out: "hello, world\n", err: "" });
  expect(await k.run("/tmp/toEcho one | tr a-z A-Z")).toMatchObject({ status: "", out: "SAID\n" });
  const { status, out } = await k.run("/tmp/toRc");
  expect(status).toBe("5");
  expect(out).toMatch(/^it a b \d+\n\/bin\/rc \/tmp\/script 'a b'$/);
  expect([(await k.run("/tmp/none")).status, (await k.run("/tmp/noElf")).status]).toEqual(["2", "8"]);
  const pid = await k.sys.spawn({ path: "/tmp/toKept", argv: ["toKept"] });
  expect((await k.sys.wait(pid)).status).toBe(String(pid & 255));
  expect(k.stats()).toEqual(before);
});

test("names and arguments that cannot be read are EFAULT", async () => {
  await using k = await guestKernel({
    bad: elf(`lea path(%rip), %rdi\nmov $8, %esi\nxor %edx, %edx\nmov $59, %eax\nsyscall\nneg %eax\nmov %eax, %edi\nmov $60, %eax\nsyscall\npath: .asciz "/tmp/bad"\n`),
    null: elf(`${call(59, 0, 0, 0)}neg %eax\nmov %eax, %edi\nmov $60, %eax\nsyscall\n`),
  });
  expect([(await k.run("/tmp/bad")).status, (await k.run("/tmp/null")).status]).toEqual(["14", "14"]);
});
