/**
 * The x87 where recorded vectors do not go: images of its state in memory, pointers to what raised an
 * exception, and the transcendental functions, of which processors differ in the last place. What is
 * expected here was read from a processor.
 */
import { expect, test } from "vitest";
import { Trap } from "../../../kernel/machine/trap.ts";
import { Bench, CODE, DATA } from "../../support/machine.ts";

const bench = new Bench();
const at = { rdi: BigInt(DATA) };
/** Bytes at DATA after a piece of code, in groups of four. */
function bytes(source: string, n: number, data?: Uint8Array): string {
  const r = bench.run(source, at, data);
  expect(r.trap).toBe(Trap.BP);
  return Buffer.from(r.data.subarray(0, n)).toString("hex").replaceAll(/.{8}(?=.)/g, "$& ");
}

/** 1/0 with that exception not masked: 0x37b. */
const DIVIDED = "fninit; movw $0x37b, 1024(%rdi); fldcw 1024(%rdi); fld1; fldz; .byte 0xde, 0xf9";

test("environments: tags of two bits, no pointers without an exception; all masked after it", () => {
  expect(bytes("fninit; fld1; fldz; fldpi; fnstenv (%rdi)", 28)).toBe("7f03ffff 0028ffff ff13ffff 00000000 00000000 00000000 0000ffff");
  expect(bytes(`${DIVIDED}; fnstenv 64(%rdi); fnstsw (%rdi); fnstcw 2(%rdi)`, 4)).toBe("04307f03");
});

test("what raised an exception that is not masked: rip, opcode and operand", () => {
  const r = bench.run("fninit; movw $0x37b, 1024(%rdi); fldcw 1024(%rdi); fld1; fidivl 2048(%rdi); fxsave64 (%rdi); fwait", at);
  expect(r.trap).toBe(Trap.MF);
  const view = new DataView(r.data.buffer, r.data.byteOffset);
  expect([view.getUint16(2, true).toString(16), view.getUint8(4), view.getUint16(6, true).toString(16)]).toEqual(["b884", 0x80, "2b7"]);
  expect([view.getUint32(8, true), view.getUint32(12, true), view.getUint32(16, true), view.getUint32(20, true)]).toEqual([CODE + 19, 0, DATA + 2048, 0]);
});

test("an environment read: ES and B as the words have it, tags from what is in the registers", () => {
  const data = new Uint8Array(8192);
  const view = new DataView(data.buffer);
  [0xffff, 0xb8ff, 0x1b00, 0x12345678, 0xffff0033, 0x9abcdef0].forEach((word, k) => view.setUint32(k * 4, word, true));
  expect(bytes("fldenv (%rdi); fnstenv (%rdi)", 24, data)).toBe("7f1fffff 7f38ffff 5557ffff 78563412 0000ff07 f0debc9a");
  view.setUint32(0, 0, true);
  view.setUint32(4, 4, true);
  expect(bytes("fldenv (%rdi); fnstsw (%rdi)", 2, data)).toBe("8480");
});

test("everything saved and restored, with either image", () => {
  const made = "fninit; fldpi; fld1; fldl2e; fchs";
  const stack = "fstpt (%rdi); fstpt 10(%rdi); fstpt 20(%rdi)";
  const plain = bytes(`${made}; ${stack}`, 30);
  expect(bytes(`${made}; fnsave 256(%rdi); fnstsw (%rdi); fnstcw 2(%rdi)`, 4)).toBe("00007f03");
  expect(bytes(`${made}; fnsave 256(%rdi); fld1; frstor 256(%rdi); ${stack}`, 30)).toBe(plain);
  expect(bytes(`${made}; fxsave 256(%rdi); fninit; fxrstor 256(%rdi); ${stack}`, 30)).toBe(plain);
  expect(bench.run("fxsave 8(%rdi)", at).trap).toBe(Trap.GP);
  expect(bench.run("movl $-1, 24(%rdi); fxrstor (%rdi)", at).trap).toBe(Trap.GP);
});

test.each([
  ["fld1; fsin", "3ffe d76aa47848677021"],
  ["fld1; fcos", "3ffe 8a51407da8345c92"],
  ["fld1; fptan; fstp %st(0)", "3fff c75922e5f71d2dc6"],
  ["fld1; fld1; fpatan", "3ffe c90fdaa22168c235"],
  ["fldpi; fld1; fchs; fpatan", "3fff f081f02b2be2ef51"],
  ["fldlg2; f2xm1", "3ffc ed979e2b4429fa81"],
  ["fld1; fldpi; fyl2x", "3fff d36439a4c6efbad9"],
  ["fld1; fldlg2; fyl2xp1", "3ffd c26209d9c3f33238"],
] as const)("%s", (source, expected) => {
  const r = bench.run(`fninit; ${source}; fstpt (%rdi)`, at);
  const view = new DataView(r.data.buffer, r.data.byteOffset);
  const off = view.getBigUint64(0, true) - BigInt(`0x${expected.slice(5)}`);
  expect([view.getUint16(8, true).toString(16), off >= -1n && off <= 1n, r.fsw & 0x20]).toEqual([expected.slice(0, 4), true, 0x20]);
});

test("angles beyond 2^63 are left, and C2 says so; pi has 66 bits", () => {
  expect(bytes("fninit; pushq $64; fild (%rsp); fld1; fscale; fsin; fnstsw (%rdi)", 2)).toBe("0034");
  // The sine of pi as it is loaded is what it has more: 2^-64 with these 66 bits.
  expect(bytes("fninit; fldpi; fsin; fstpt (%rdi)", 10)).toBe("00000000 00000080 bfbf");
});
