/**
 * The machine as a whole: runs and budgets, faults with the state unchanged, operands across pages,
 * code that changes itself, several spaces and contexts.
 */
import { describe, expect, test } from "vitest";
import { createMachine, PAGE, PF, R, Trap } from "../../../kernel/machine/index.ts";
import { chance, seed } from "../../support/random.ts";
import { assemble, Bench, CODE, DATA, fresh } from "../../support/machine.ts";

const bench = new Bench();
const run: Bench["run"] = (source, regs, data) => bench.run(source, regs, data);

describe("faults", () => {
  test("a read-modify-write into a page that is not there changes nothing", () => {
    const was = fresh({ rax: 1n, rdi: BigInt(DATA + 2 * PAGE - 2) });
    const r = bench.runOne(was, assemble("stc; add %eax, (%rdi)"));
    expect([r.trap, r.address, r.code, r.rip]).toEqual([Trap.PF, DATA + 2 * PAGE, PF.user | PF.write, CODE + 1]);
    expect(r.regs).toEqual(was.regs);
    expect(r.rflags & 1).toBe(1);
    expect(r.data.every((b) => b === 0)).toBe(true);
    expect(r.instructions).toBe(1);
  });
  test("reading, writing and executing tell different codes", () => {
    expect(run("mov (%rax), %rax", { rax: 0x1000n })).toMatchObject({ trap: Trap.PF, address: 0x1000, code: PF.user });
    expect(run("mov %rax, (%rbx)", { rbx: BigInt(CODE) })).toMatchObject({ trap: Trap.PF, address: CODE, code: PF.user | PF.write | PF.present });
    expect(run("jmp *%rax", { rax: BigInt(DATA) })).toMatchObject({ trap: Trap.PF, address: DATA, rip: DATA, code: PF.user | PF.instruction | PF.present });
    for (const to of ["push $-1; ret", "mov $-1, %rax; jmp *%rax", "mov $-1, %rax; call *%rax"]) expect(run(to)).toMatchObject({ trap: Trap.PF, code: PF.user | PF.instruction });
    expect(run("mov (%rax), %rax", { rax: 1n << 60n })).toMatchObject({ trap: Trap.GP, code: 0 });
  });
  test("division", () => {
    expect(run("div %rcx", { rcx: 0n })).toMatchObject({ trap: Trap.DE, rip: CODE });
    expect(run("div %rcx", { rdx: 5n, rcx: 5n })).toMatchObject({ trap: Trap.DE });
    expect([...run("div %rcx", { rdx: 4n, rax: 7n, rcx: 5n }).regs].slice(0, 3)).toEqual([((4n << 64n) + 7n) / 5n, 5n, ((4n << 64n) + 7n) % 5n]);
    expect([...run("idiv %rcx", { rdx: -1n, rax: -7n, rcx: 2n }).regs].slice(0, 3).map((v) => BigInt.asIntN(64, v))).toEqual([-3n, 2n, -1n]);
    expect(run("idiv %rcx", { rdx: -1n, rax: -(1n << 63n), rcx: -1n })).toMatchObject({ trap: Trap.DE });
  });
  test("what is not there, and what user mode may not do", () => {
    expect(bench.runOne(fresh(), Uint8Array.of(0x0f, 0x0b)).trap).toBe(Trap.UD);
    expect(bench.runOne(fresh(), Uint8Array.of(0xc5, 0xf8, 0x77)).trap).toBe(Trap.UD);
    expect(bench.runOne(fresh(), Uint8Array.of(0xf4)).trap).toBe(Trap.GP);
    expect(bench.runOne(fresh(), Uint8Array.of(0xf0, 0x01, 0xc0)).trap).toBe(Trap.UD);
    expect(bench.runOne(fresh(), new Uint8Array(16).fill(0x66)).trap).toBe(Trap.GP);
  });
  test("a repeated move stops where the page ends, with what is left in the registers", () => {
    const r = run("rep movsb", { rsi: BigInt(DATA), rdi: BigInt(DATA + 2 * PAGE - 100), rcx: 300n }, new Uint8Array(2 * PAGE).fill(7));
    expect(r).toMatchObject({ trap: Trap.PF, address: DATA + 2 * PAGE, rip: CODE });
    expect([r.regs[R.rcx], r.regs[R.rsi], r.regs[R.rdi]]).toEqual([200n, BigInt(DATA + 100), BigInt(DATA + 2 * PAGE)]);
  });
});

test("operands across a page are read and written whole", () => {
  for (let k = 1; k < 8; k++) {
    const at = BigInt(DATA + PAGE - k);
    const r = run("mov %rax, (%rdi); addq $1, (%rdi); mov (%rdi), %rbx; xchg %rcx, (%rdi); push (%rdi); pop %rdx", { rdi: at, rax: 0x1122334455667788n, rcx: -2n });
    expect([r.trap, r.regs[R.rbx], r.regs[R.rcx], r.regs[R.rdx]]).toEqual([Trap.BP, 0x1122334455667789n, 0x1122334455667789n, 0xfffffffffffffffen]);
    expect(r.data.subarray(PAGE - k, PAGE - k + 8)).toEqual(Uint8Array.of(0xfe, 255, 255, 255, 255, 255, 255, 255));
  }
});

test("overlapping forward moves propagate", () => {
  const data = new Uint8Array(2 * PAGE);
  data.set([1, 2, 3, 4, 5]);
  const r = run("rep movsb", { rsi: BigInt(DATA), rdi: BigInt(DATA + 3), rcx: 5000n }, data);
  expect(r.data.subarray(0, 5003).every((b, k) => b === (k % 3) + 1)).toBe(true);
});

test("an instruction across a page is fetched from both", () => {
  for (let k = 1; k < 10; k++) {
    const r = bench.runOne({ ...fresh(), rip: CODE + PAGE - k }, assemble("movabs $0x1122334455667788, %rax; inc %rax"));
    expect([r.trap, r.regs[0]]).toEqual([Trap.BP, 0x1122334455667789n]);
  }
});

test("every budget ends exactly, and the sum is the same", () => {
  const source = assemble("mov $1000, %ecx; l: add %rcx, %rax; test $3, %cl; je m; inc %rbx; m: dec %ecx; jne l");
  const whole = bench.runOne(fresh(), source, undefined, 1e6);
  for (const slice of [1, 2, 3, 7, 100]) {
    let ran = bench.runOne(fresh(), source, undefined, slice);
    let n = ran.instructions;
    while (ran.trap === Trap.Budget) {
      expect(ran.instructions).toBe(slice);
      const before = bench.machine.instructions;
      const exit = bench.machine.run(slice);
      ran = { ...ran, trap: exit.trap, instructions: bench.machine.instructions - before };
      n += ran.instructions;
    }
    expect([n, bench.machine.cpu.big(0), bench.machine.cpu.big(3)]).toEqual([whole.instructions, whole.regs[0], whole.regs[3]]);
  }
});

describe("a machine of one's own", () => {
  const m = createMachine({ ramBytes: 1 << 20 });
  const space = m.newSpace();
  m.space = space;
  const frame = m.frames.alloc() as number;
  space.map(0x400000, frame, { write: true, execute: true });
  const start = (source: string): void => {
    expect(m.write(0x400000, assemble(source))).toBeGreaterThan(0);
    m.cpu.reset();
    m.cpu.rip = 0x400000;
  };

  test("code that overwrites the next instruction", () => {
    // The store turns `mov $1, %eax` behind it into `mov $2, %eax`.
    start("movb $2, n+1(%rip); n: mov $1, %eax; syscall");
    expect(m.run(100).trap).toBe(Trap.Syscall);
    expect(m.cpu.number(R.rax)).toBe(2);
  });
  test("a loop that rewrites itself each time", () => {
    start("mov $10, %ecx; l: addb $1, n+1(%rip); n: mov $0, %eax; add %eax, %ebx; loop l; syscall");
    expect(m.run(1000).trap).toBe(Trap.Syscall);
    expect(m.cpu.number(R.rbx)).toBe(55);
  });
  test("accessed and dirty bits, and a page that is write-protected meanwhile", () => {
    const data = m.frames.alloc() as number;
    space.map(0x500000, data, { write: true, execute: false });
    start("mov 0x500000, %eax; syscall; mov %eax, 0x500000; syscall; mov %eax, 0x500000; syscall");
    m.run(100);
    expect(space.mapping(0x500000)).toMatchObject({ accessed: true, dirty: false });
    m.run(100);
    expect(space.mapping(0x500000)).toMatchObject({ accessed: true, dirty: true });
    space.protect(0x500000, { write: false, execute: false });
    expect(m.run(100)).toMatchObject({ trap: Trap.PF, address: 0x500000, code: PF.user | PF.write | PF.present });
    space.protect(0x500000, { write: true, execute: false });
    expect(m.run(100).trap).toBe(Trap.Syscall);
  });
  test("two spaces with other code at one address, two contexts", () => {
    const other = m.newSpace();
    const page = m.frames.alloc() as number;
    other.map(0x400000, page, { write: false, execute: true });
    m.frames.written(page);
    m.frames.bytes(page).set(assemble("l: add $2, %rax; syscall; jmp l"));
    start("l: add $1, %rax; syscall; jmp l");
    const contexts = [m.newContext(), m.newContext()];
    for (const c of contexts) m.cpu.save(c);
    for (let k = 0; k < 20; k++) {
      m.space = k % 2 ? other : space;
      m.cpu.load(contexts[k % 2] as (typeof contexts)[0]);
      expect(m.run(100).trap).toBe(Trap.Syscall);
      m.cpu.save(contexts[k % 2] as (typeof contexts)[0]);
      expect(m.cpu.number(R.rax)).toBe((Math.floor(k / 2) + 1) * (k % 2 ? 2 : 1));
    }
    m.space = space;
  });
});

test("single steps: #DB after the instruction behind popf, and after each until TF is clear", () => {
  const m = createMachine({ ramBytes: 2 ** 20 });
  const space = (m.space = m.newSpace());
  for (const at of [CODE, DATA]) space.map(at, m.frames.alloc() ?? 0, { write: true, execute: true });
  m.write(CODE, assemble("pushf; orl $0x100, (%rsp); popf; inc %eax; jmp on; on: mov $3, %ecx; rep stosb; pushf; andl $0xfffffeff, (%rsp); popf; inc %eax; int3"));
  m.cpu.rip = CODE;
  m.cpu.setNumber(R.rsp, DATA + 1000);
  m.cpu.setNumber(R.rdi, DATA + 100);
  const steps: number[] = [];
  for (let exit = m.run(1000); exit.trap === Trap.DB; exit = m.run(1000)) {
    expect(exit.code).toBe(0);
    steps.push(m.cpu.rip - CODE);
  }
  // inc, jmp, mov, rep stosb whose rounds are done at once, pushf, and, popf; the rest at full speed.
  expect(steps).toEqual([...new Set(steps)]);
  expect(steps.length).toBe(7);
  expect(m.cpu.number(R.rax)).toBe(2);
  expect(m.cpu.number(R.rcx)).toBe(0);
});

test("copying in and out says how far it came", () => {
  const m = createMachine({ ramBytes: 1 << 20 });
  const space = m.newSpace();
  m.space = space;
  for (const va of [0x1000, 0x2000]) space.map(va, m.frames.alloc() as number, { write: va === 0x1000, execute: false });
  const bytes = Uint8Array.from({ length: 5000 }, (_, k) => k);
  expect(m.write(0x1800, bytes)).toBe(0x800);
  expect(m.write(0x1000, bytes)).toBe(0x1000);
  const back = new Uint8Array(9000);
  expect(m.read(0x1000, back)).toBe(0x2000);
  expect(back.subarray(0, 0x1000)).toEqual(bytes.subarray(0, 0x1000));
  expect([m.read(0, back), m.read(2 ** 50, back), m.read(-8, back), m.write(2 ** 47 - 4, bytes)]).toEqual([0, 0, 0, 0]);
});

test("an arena that holds a few blocks only", () => {
  const m = createMachine({ ramBytes: 1 << 20, arenaBytes: 2 * PAGE });
  const space = m.newSpace();
  m.space = space;
  for (const va of [0x400000, 0x401000]) space.map(va, m.frames.alloc() as number, { write: true, execute: true });
  const steps = Array.from({ length: 200 }, (_, k) => `s${k}: add $${k}, %rax; test $1, %ecx; jne t${k}; inc %rbx; t${k}:`).join("\n");
  m.write(0x400000, assemble(`mov $50, %ecx; l: ${steps}\ndec %ecx; jne l; syscall`));
  m.cpu.rip = 0x400000;
  expect(m.run(1e6).trap).toBe(Trap.Syscall);
  expect([m.cpu.number(R.rax), m.cpu.number(R.rbx)]).toEqual([(50 * 199 * 200) / 2, 25 * 200]);
});

test("random bytes as code end in a trap or with the budget, and can be followed by any other", () => {
  const n = chance(seed());
  const traps = new Set<number>();
  for (let k = 0; k < 3000; k++) {
    const state = fresh();
    for (let r = 0; r < 16; r++) state.regs[r] = n(2) ? BigInt(DATA + n(2 * PAGE)) : BigInt(n(2 ** 32)) << BigInt(n(33));
    const ran = bench.runOne({ ...state, rip: CODE + n(2 * PAGE - 64), rflags: 0x202 | n(0x1000) }, Uint8Array.from({ length: 64 }, () => n(256)), undefined, 200);
    // A repeated move counts an eighth of what it moved at once, a page at most.
    expect(ran.instructions, `SEED=${seed()}, case ${k}`).toBeLessThanOrEqual(200 + PAGE / 8 + 1);
    traps.add(ran.trap);
  }
  for (const trap of [Trap.PF, Trap.UD, Trap.GP]) expect(traps).toContain(trap);
  expect(run("mov $6, %eax; mul %eax").regs[0]).toBe(36n);
});
