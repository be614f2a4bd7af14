/**
 * The x87's state as it lies in memory: environments (fnstenv, 28 bytes, or 14 with the operand size
 * prefix), these with the registers (fnsave), and with the vector registers (fxsave). Pointers to the last
 * instruction are kept for one that left an exception pending, and are 0 otherwise; selectors are 0.
 */
import { Fpu, MOST, ONE, SW } from "./fpu.ts";
import { CPU, CPU_BASE } from "./layout.ts";
import type { Memory } from "./memory.ts";
import type { NativeCall } from "./natives.ts";
import { Trap } from "./trap.ts";

const CONTROL = 0x1f3f;
const FXSAVE = { bytes: 512, used: 416, mxcsr: 24, st: 32, xmm: 160 } as const;
/** Bits of MXCSR that may be set. */
const MXCSR = 0xffff;

const address = ({ memory }: NativeCall): number => memory.number(CPU_BASE + CPU.temp);

/** What the bytes of the instruction say: wide with REX.W, small with the operand size prefix; opcode as FOP has it. */
function encoded(call: NativeCall): { wide: boolean; small: boolean; opcode: number } {
  const byte = new Uint8Array(1);
  let small = false;
  let rex = 0;
  for (let at = call.rip(); call.load(at, byte); at++) {
    const b = byte[0] as number;
    if (b === 0x66) small = true;
    rex = b >> 4 === 4 ? b : b < 0x40 || (b >= 0x64 && b <= 0x67) || b >= 0xf0 ? 0 : rex;
    if (b >= 0xd8 && b <= 0xdf) {
      call.load(at + 1, byte);
      return { wide: (rex & 8) !== 0, small: small && (rex & 8) === 0, opcode: ((b & 7) << 8) | (byte[0] as number) };
    }
    if (b === 0x0f) break;
  }
  return { wide: (rex & 8) !== 0, small, opcode: 0 };
}

/** Keeps where the instruction is that raised an exception, and its operand. */
export function pointers(call: NativeCall): boolean {
  const { memory } = call;
  memory.setNumber(CPU_BASE + CPU.fip, call.rip());
  memory.setNumber(CPU_BASE + CPU.fdp, address(call));
  memory.setCpu(CPU.fop, encoded(call).opcode);
  return true;
}

/** The tag word with two bits a register: in use, zero, special, empty. */
function fullTags(memory: Memory): number {
  let tags = 0;
  for (let n = 0; n < 8; n++) {
    const at = CPU_BASE + CPU.x87 + n * 16;
    const e = (memory.u16[(at + 8) >> 1] as number) & MOST;
    const m = BigInt.asUintN(64, memory.i64[at >> 3] as bigint);
    const tag = !((memory.cpu(CPU.ftw) >> n) & 1) ? 3 : e === 0 && m === 0n ? 1 : e === 0 || e === MOST || m < ONE ? 2 : 0;
    tags |= tag << (2 * n);
  }
  return tags;
}

function environment(call: NativeCall, small: boolean, view: DataView): void {
  const { memory } = call;
  const words = [memory.cpu(CPU.fcw), memory.cpu(CPU.fsw), fullTags(memory)];
  const [fip, fdp] = [memory.cpu(CPU.fip), memory.cpu(CPU.fdp)];
  if (small) [...words, fip, 0, fdp, 0].forEach((w, k) => view.setUint16(k * 2, w, true));
  else [...words.map((w) => w | 0xffff0000), fip, memory.cpu(CPU.fop) << 16, fdp, 0xffff0000].forEach((w, k) => view.setUint32(k * 4, w, true));
}

function setEnvironment(call: NativeCall, small: boolean, view: DataView): void {
  const { memory } = call;
  const word = (k: number): number => view.getUint16(k * (small ? 2 : 4), true);
  const pointer = (k: number): number => (small ? word(k) : view.getUint32(k * 4, true));
  memory.setCpu(CPU.fcw, (word(0) & CONTROL) | 0x40);
  memory.setCpu(CPU.fsw, word(1));
  let used = 0;
  for (let n = 0; n < 8; n++) if (((word(2) >> (2 * n)) & 3) !== 3) used |= 1 << n;
  memory.setCpu(CPU.ftw, used);
  memory.setNumber(CPU_BASE + CPU.fip, pointer(3));
  memory.setNumber(CPU_BASE + CPU.fdp, pointer(5));
  memory.setCpu(CPU.fop, small ? 0 : view.getUint16(18, true) & 0x7ff);
  new Fpu(memory).summarize();
}

/** Where st(k) lies. */
const register = (memory: Memory, k: number): number => CPU_BASE + CPU.x87 + (((memory.cpu(CPU.fsw) >> 11) + k) & 7) * 16;

/** fnstenv, and with `all` fnsave: all exceptions are masked then, or everything is as after fninit. */
export function saveEnvironment(call: NativeCall, all: boolean): boolean {
  const { memory } = call;
  const { small } = encoded(call);
  const head = small ? 14 : 28;
  const bytes = new Uint8Array(head + (all ? 80 : 0));
  environment(call, small, new DataView(bytes.buffer));
  if (all) for (let k = 0; k < 8; k++) bytes.set(memory.u8.subarray(register(memory, k), register(memory, k) + 10), head + k * 10);
  if (!call.store(address(call), bytes)) return false;
  if (all) {
    memory.setCpu(CPU.fcw, 0x37f);
    for (const word of [CPU.fsw, CPU.ftw, CPU.fop]) memory.setCpu(word, 0);
    for (const pointer of [CPU.fip, CPU.fdp]) memory.setNumber(CPU_BASE + pointer, 0);
  } else {
    memory.setCpu(CPU.fcw, memory.cpu(CPU.fcw) | 0x3f);
    new Fpu(memory).summarize();
  }
  return true;
}

/** fldenv, and with `all` frstor. */
export function loadEnvironment(call: NativeCall, all: boolean): boolean {
  const { memory } = call;
  const { small } = encoded(call);
  const head = small ? 14 : 28;
  const bytes = new Uint8Array(head + (all ? 80 : 0));
  if (!call.load(address(call), bytes)) return false;
  setEnvironment(call, small, new DataView(bytes.buffer));
  if (all) for (let k = 0; k < 8; k++) memory.u8.set(bytes.subarray(head + k * 10, head + k * 10 + 10), register(memory, k));
  return true;
}

/** fxsave; what it does not use of its 512 bytes stays as it was. */
export function fxsave(call: NativeCall): boolean {
  const { memory } = call;
  const bytes = new Uint8Array(FXSAVE.used);
  const view = new DataView(bytes.buffer);
  const { wide } = encoded(call);
  view.setUint16(0, memory.cpu(CPU.fcw), true);
  view.setUint16(2, memory.cpu(CPU.fsw), true);
  bytes[4] = memory.cpu(CPU.ftw);
  if (memory.cpu(CPU.fsw) & SW.ES) {
    view.setUint16(6, memory.cpu(CPU.fop), true);
    view.setInt32(8, memory.cpu(CPU.fip), true);
    view.setInt32(16, memory.cpu(CPU.fdp), true);
    if (wide) {
      view.setInt32(12, memory.cpu(CPU.fip + 4), true);
      view.setInt32(20, memory.cpu(CPU.fdp + 4), true);
    }
  }
  view.setUint32(FXSAVE.mxcsr, memory.cpu(CPU.mxcsr), true);
  view.setUint32(FXSAVE.mxcsr + 4, MXCSR, true);
  for (let k = 0; k < 8; k++) bytes.set(memory.u8.subarray(register(memory, k), register(memory, k) + 10), FXSAVE.st + k * 16);
  bytes.set(memory.u8.subarray(CPU_BASE + CPU.xmm, CPU_BASE + CPU.xmm + 256), FXSAVE.xmm);
  return call.store(address(call), bytes, FXSAVE.bytes);
}

/** fxrstor; bits of MXCSR that are none are #GP. */
export function fxrstor(call: NativeCall): boolean {
  const { memory } = call;
  const bytes = new Uint8Array(FXSAVE.bytes);
  const view = new DataView(bytes.buffer);
  if (!call.load(address(call), bytes)) return false;
  const { wide } = encoded(call);
  if (view.getUint32(FXSAVE.mxcsr, true) & ~MXCSR) {
    memory.setCpu(CPU.exit, Trap.GP);
    memory.setCpu(CPU.code, 0);
    return false;
  }
  memory.setCpu(CPU.mxcsr, view.getUint32(FXSAVE.mxcsr, true));
  memory.setCpu(CPU.fcw, (view.getUint16(0, true) & CONTROL) | 0x40);
  memory.setCpu(CPU.fsw, view.getUint16(2, true));
  memory.setCpu(CPU.ftw, bytes[4] as number);
  memory.setCpu(CPU.fop, view.getUint16(6, true) & 0x7ff);
  for (const [at, pointer] of [[8, CPU.fip], [16, CPU.fdp]] as const) {
    memory.setCpu(pointer, view.getInt32(at, true));
    memory.setCpu(pointer + 4, wide ? view.getInt32(at + 4, true) : 0);
  }
  new Fpu(memory).summarize();
  for (let k = 0; k < 8; k++) memory.u8.set(bytes.subarray(FXSAVE.st + k * 16, FXSAVE.st + k * 16 + 10), register(memory, k));
  memory.u8.set(bytes.subarray(FXSAVE.xmm, FXSAVE.used), CPU_BASE + CPU.xmm);
  return true;
}
