/** What the package has in place of the emitter: the same forms, the same code, and a machine runs with it. */
import { expect, test, vi } from "vitest";
import { allForms, type Form } from "../../../kernel/machine/forms.ts";
import { Handlers } from "../../../kernel/machine/handlers.ts";
import { unpack } from "../../../kernel/machine/packed.ts";
import { packedCode } from "../../support/machinecode.ts";
import { assemble } from "../../support/machine.ts";

const CODE = "../../../kernel/machine/code.ts";
const packed = packedCode();

test("the forms, in their order", () => {
  const forms = packed.forms.split("\n").map((line) => line.split(","));
  expect(forms.length).toBe(allForms().length);
  allForms().forEach((f, k) => expect(forms[k]).toEqual([f.group, f.meaning, String(f.size), f.kinds, f.ends ? "1" : "0"]));
});

test("every handler outside the hot function, once", () => {
  const handlers = new Handlers();
  expect(packed.cold.flatMap((m) => m.ids).toSorted((a, b) => a - b)).toEqual(handlers.all.slice(handlers.hot).map((h) => h.id));
});

test("emitted again it is the same", () => {
  expect(packedCode()).toEqual(packed);
});

test("base64 of every length", () => {
  for (let n = 0; n < 9; n++) {
    const bytes = Uint8Array.from({ length: n }, (_, k) => (k * 89 + n * 31) & 255);
    expect(unpack(Buffer.from(bytes).toString("base64"))).toEqual(bytes);
  }
});

test("a machine runs with it: hot, cold, shared and native", async () => {
  const source = `
    mov $1000, %ecx
    xor %eax, %eax
  again: add %rcx, %rax
    dec %rcx
    jnz again
    mov $10, %ebx
    xor %edx, %edx
    div %rbx
    mov %rax, %r8
    mov $0x6867666564636261, %rsi
    movq %rsi, %xmm0
    mov $0x6766, %edi
    movq %rdi, %xmm1
    pcmpistri $12, %xmm0, %xmm1
    mov %rcx, %r9
    cpuid
    syscall`;
  const run = async (): Promise<unknown> => {
    const { createMachine, PAGE, R } = await import("../../../kernel/machine/index.ts");
    const m = createMachine({ ramBytes: 2 ** 20 });
    const space = (m.space = m.newSpace());
    space.map(PAGE, m.frames.alloc() ?? 0, { write: true, execute: true });
    m.write(PAGE, assemble(source));
    m.cpu.rip = PAGE;
    const { trap } = m.run(1e6);
    return [trap, m.cpu.number(R.r8), m.cpu.number(R.r9), m.cpu.number(R.rbx), m.instructions];
  };
  const emitted = await run();
  vi.resetModules();
  vi.doMock(CODE, async () => ({ SHARED: 128, newCode: (await import("../../../kernel/machine/packed.ts")).packed(packed) }));
  expect(await run()).toEqual(emitted);
  const { formNamed, meaningOf } = await import("../../../kernel/machine/forms.ts");
  expect(() => meaningOf(formNamed("add.8 rr") as Form)).toThrow("only declared");
});
