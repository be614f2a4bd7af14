/**
 * Sandbox: code that means no good, on a machine of its own: random bytes, random instructions that jump
 * anywhere and write into their own pages, which are also mapped elsewhere. A round runs the same in one
 * machine with large slices and in another with slices of one instruction, where each is decoded afresh:
 * both must come to the same end, with nothing outside their pages touched.
 */
import { createMachine, PAGE, R, Trap, type Exit, type Machine } from "../../kernel/machine/index.ts";
import { encodable, encode, type Encodable } from "./oracle/encode.ts";
import { word } from "./oracle/values.ts";
import { chance } from "./random.ts";

const CODE = 0x400000;
const DATA = 0x500000;
const STACK = 0x600000;
const HIGH = 0x7f0000000000;
/** Pages of a guest: four of code, two of data, one stack. */
const FRAMES = 7;
/** Instructions of a round, and how many more a step at a time may need: repeated moves cost by the slice. */
const BUDGET = 600;
const STEPS = 4 * BUDGET;
const RDTSC: Buffer = Buffer.of(0x0f, 0x31);
/** Traps after which a round goes on. */
const STARTS = 6;
/** A repeated move counts an eighth of what it moves at once, a page at most. */
const MOVE = PAGE / 8 + 1;
const ENDS = new Set<number>(Object.values(Trap));

class Guest {
  readonly machine: Machine;
  readonly frames: readonly Uint8Array<ArrayBuffer>[];
  private readonly ids: readonly number[];
  /** Frames that no guest has, and what is in them. */
  private readonly guards: readonly Uint8Array<ArrayBuffer>[];

  constructor() {
    // An arena that is emptied now and then.
    const m = createMachine({ ramBytes: 1 << 18, arenaBytes: 1 << 16 });
    const space = m.newSpace();
    m.space = space;
    const frame = (): number => m.frames.alloc() as number;
    this.machine = m;
    this.ids = Array.from({ length: FRAMES }, frame);
    this.frames = this.ids.map((f) => m.frames.bytes(f));
    const map = (va: number, k: number, write: boolean, execute: boolean): void => space.map(va, this.ids[k] as number, { write, execute });
    for (let k = 0; k < 4; k++) map(CODE + k * PAGE, k, k < 3, true);
    for (let k = 4; k < 6; k++) map(DATA + (k - 4) * PAGE, k, true, false);
    map(STACK, 6, true, true);
    map(DATA + 2 * PAGE, 0, true, false);
    map(DATA + 3 * PAGE, 3, true, false);
    map(HIGH, 1, false, true);
    map(HIGH + PAGE, 4, true, true);
    this.guards = [];
    const guards = [];
    for (let f = m.frames.alloc(); f !== undefined; f = m.frames.alloc()) guards.push(m.frames.bytes(f).fill(0xa5));
    this.guards = guards;
  }

  /** The round's memory and registers. */
  load(seed: number, pool: Uint8Array, forms: readonly Encodable[]): void {
    const n = chance(seed);
    const { machine: m } = this;
    this.frames.forEach((bytes, k) => {
      m.frames.written(this.ids[k] as number);
      const from = n(pool.length - PAGE);
      bytes.set(pool.subarray(from, from + PAGE));
    });
    m.cpu.reset();
    const start = n(4 * PAGE - 1024);
    for (let r = 0; r < 16; r++) {
      // Many point at the code that is about to run.
      if (n(3) === 0) m.cpu.setNumber(r, CODE + start + n(200) - 20);
      else if (n(4)) m.cpu.setNumber(r, ([CODE, CODE, CODE + PAGE, DATA, DATA + PAGE, DATA + 2 * PAGE, STACK, HIGH][n(8)] as number) + n(PAGE));
      else m.cpu.set(r, n(2) ? n(70) : word(n), n(2) ? 0 : word(n));
    }
    m.cpu.setNumber(R.rsp, STACK + PAGE / 2 + n(64) * 8);
    m.cpu.rflags = 0x202 | (word(n) & 0xcd5);
    m.cpu.rip = CODE + start;
    if (n(4) === 0) return;
    let at = start;
    for (let k = 5 + n(40); k > 0 && at < start + 1000; k--) {
      const e = encode(forms[n(forms.length)] as Encodable, n, n(4) === 0);
      if (!e) continue;
      const { code, insn: i } = e;
      // Jumps stay near, forth and back.
      if (i.row.imm.startsWith("J") && n(8)) code.fill(n(3) ? 0 : 255, code.length - (i.row.imm === "Jb" ? 1 : 4))[code.length - (i.row.imm === "Jb" ? 1 : 4)] = n(256);
      for (const b of code) {
        (this.frames[Math.floor(at / PAGE)] as Uint8Array)[at % PAGE] = b;
        at++;
      }
    }
  }

  /** Runs to a trap, or until the budget is used up. */
  run(slice: number, most: number): Exit {
    const { machine: m } = this;
    for (let left = most; ;) {
      const before = m.instructions;
      const exit = m.run(Math.min(slice, left));
      const ran = m.instructions - before;
      left -= Math.max(1, ran);
      if (!ENDS.has(exit.trap)) throw new Error(`stopped with ${exit.trap}`);
      if (ran < 0 || ran > slice + MOVE) throw new Error(`${ran} instructions, ${slice} allowed`);
      if (exit.trap !== Trap.Budget || left <= 0) return exit;
    }
  }

  /** Whether the rest of RAM is as it was. */
  untouched(): boolean {
    return this.guards.every((g) => g.every((b) => b === 0xa5));
  }
}

export class Sandbox {
  private readonly whole = new Guest();
  private readonly stepped = new Guest();
  private readonly pool = new Uint8Array(1 << 18);
  private readonly forms: readonly Encodable[] = encodable().filter((e) => !/^(rdtsc|privileged|far|verify|descriptor|int|syscall|sysenter|ud2)/.test(e.form.key));
  /** How rounds have ended, by trap. */
  readonly ends: Map<number, number> = new Map();
  /** Rounds whose two ends were compared. */
  compared = 0;

  constructor() {
    const n = chance(7);
    for (let k = 0; k < this.pool.length; k++) this.pool[k] = n(256);
    for (let k = 1; k < this.pool.length; k++) if (this.pool[k] === RDTSC[1] && this.pool[k - 1] === RDTSC[0]) this.pool[k] = 0;
  }

  /** One round: the code is begun, and begun again somewhere else after each trap; what was wrong is an error. */
  round(seed: number): void {
    const { whole, stepped } = this;
    const n = chance(seed);
    for (const g of [whole, stepped]) g.load(seed, this.pool, this.forms);
    for (let k = 0; k < STARTS && this.leg(seed); k++) {
      const rip = n(2) ? CODE + n(4 * PAGE) : whole.machine.cpu.rip + n(16);
      for (const g of [whole, stepped]) g.machine.cpu.rip = rip;
    }
  }

  /** To the next trap; false when the budget is used up. */
  private leg(seed: number): boolean {
    const { whole, stepped } = this;
    const end = { ...whole.run(BUDGET, BUDGET) };
    this.ends.set(end.trap, (this.ends.get(end.trap) ?? 0) + 1);
    if (end.trap === Trap.Budget) return false;
    this.compared++;
    const again = stepped.run(1, STEPS);
    const [a, b] = [whole.machine.cpu, stepped.machine.cpu];
    const wrong: string[] = [];
    if (end.trap !== again.trap || (end.trap === Trap.PF && end.address !== again.address) || end.code !== again.code) wrong.push(`ended with ${end.trap} ${end.address} ${end.code}, in steps with ${again.trap} ${again.address} ${again.code}`);
    if (a.rip !== b.rip) wrong.push(`rip ${a.rip.toString(16)}, in steps ${b.rip.toString(16)}`);
    if (a.rflags !== b.rflags) wrong.push(`flags ${a.rflags.toString(16)}, in steps ${b.rflags.toString(16)}`);
    for (let r = 0; r < 16; r++) if (a.big(r) !== b.big(r)) wrong.push(`register ${r} ${a.big(r).toString(16)}, in steps ${b.big(r).toString(16)}`);
    for (let r = 0; r < 16; r++) if (Buffer.compare(a.xmm(r), b.xmm(r))) wrong.push(`xmm${r}`);
    for (let k = 0; k < 8; k++) if (Buffer.compare(a.st(k), b.st(k))) wrong.push(`x87 register ${k}`);
    for (const which of ["fcw", "fsw", "ftw"] as const) if (a.x87(which) !== b.x87(which)) wrong.push(which);
    if (a.mxcsr !== b.mxcsr) wrong.push("mxcsr");
    for (let k = 0; k < FRAMES; k++) if (Buffer.compare(whole.frames[k] as Uint8Array, stepped.frames[k] as Uint8Array)) wrong.push(`page ${k}`);
    // What has read the clock is another matter: the two have not executed the same number of instructions.
    if (wrong.length > 0 && [...whole.frames, ...stepped.frames].some((f) => Buffer.from(f.buffer, f.byteOffset, PAGE).includes(RDTSC))) return false;
    if (wrong.length > 0) throw new Error(`round ${seed}: ${wrong.join("; ")}; at ${whole.machine.disassemble(a.rip)}`);
    return true;
  }

  /** Whether nothing else of RAM has been touched. */
  untouched(): boolean {
    return this.whole.untouched() && this.stepped.untouched();
  }
}
