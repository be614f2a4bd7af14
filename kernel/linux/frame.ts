/**
 * Frame: what Linux puts on a program's stack for a handler of a signal, and takes from there when the
 * handler returns (arch/x86/kernel/signal_64.c, struct rt_sigframe): lowest first the return address,
 * struct ucontext, struct siginfo; above them, on 64 bytes, the x87 and SSE registers as FXSAVE has them.
 *
 *   0 pretcode   8 uc_flags  16 uc_link  24 uc_stack  48 uc_mcontext  304 uc_sigmask   312 siginfo   440 end
 */
import { errno, NineError } from "../../proto/index.ts";
import { type Cpu, R, Trap } from "../machine/index.ts";
import { putWord, Struct, unsigned } from "./bytes.ts";
import type { Linux } from "./linux.ts";
import type { Sigset } from "./sigset.ts";
import { type Action, type AltStack, SA, SS } from "./sigstate.ts";

/** What a trap leaves in the context besides registers. */
export interface TrapState {
  readonly trapno: number;
  readonly err: number;
  readonly cr2: number;
}

export const NO_FAULT: TrapState = { trapno: 0, err: 0, cr2: 0 };

/** A signal and where it is from: who sent it, with a value; or the address of a fault. */
export interface Info {
  readonly sig: number;
  readonly code: number;
  readonly pid?: number;
  readonly uid?: number;
  readonly addr?: number;
  /** sigval: a pointer or an int. */
  readonly value?: bigint;
  readonly fault: TrapState;
}

const FRAME = 440;
const UC = 8;
const MCONTEXT = 48;
const SIGMASK = 304;
const INFO = 312;
const FXSAVE = 512;
/** Below rsp a function may keep things. */
const REDZONE = 128;
/** UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
const UCFLAGS = 6;
const CS = 0x33;
const SEGMENT = 0x2b;
/** Flags that a program may set by returning: of the kernel's FIX_EFLAGS. */
const FLAGS = 0x50dd5;
const DF = 0x400;
const TF = 0x100;
const RF = 0x10000;
const SYSMXCSR = 0xffff;
/** Bytes of siginfo_t. */
export const SIGINFO = 128;

/** The order of registers in struct sigcontext. */
const ORDER = [R.r8, R.r9, R.r10, R.r11, R.r12, R.r13, R.r14, R.r15, R.rdi, R.rsi, R.rbp, R.rbx, R.rdx, R.rax, R.rcx, R.rsp] as const;
const RIP = 128;
const EFLAGS = 136;
const SEGMENTS = 144;
const ERR = 152;
const FPSTATE = 184;

/** siginfo_t */
export function siginfo(info: Info): Uint8Array<ArrayBuffer> {
  const s = new Struct(SIGINFO).u32(0, info.sig).u32(8, info.code);
  if (info.addr !== undefined) s.u64(16, info.addr);
  else {
    s.u32(16, info.pid ?? 0).u32(20, info.uid ?? 0);
    if (info.value !== undefined) new DataView(s.bytes.buffer).setBigUint64(24, info.value, true);
  }
  return s.bytes;
}

function onStack(sp: number, { sp: base, size, flags }: AltStack): boolean {
  return !(flags & SS.disable) && !(flags & SS.autodisarm) && sp > base && sp - base <= size;
}

/** Whether the program runs on its other stack. */
export function isOnStack(l: Linux): boolean {
  return onStack(l.guest.cpu.number(R.rsp), l.signals.altstack);
}

/** Makes a frame and sends the program to its handler; false when there is no place for one. */
export function pushFrame(l: Linux, info: Info, action: Action, mask: Sigset): boolean {
  const { cpu } = l.guest;
  const { altstack } = l.signals;
  if (!(action.flags & SA.restorer)) return false;
  let sp = cpu.number(R.rsp) - REDZONE;
  const now = cpu.number(R.rsp);
  const other = (action.flags & SA.onstack) !== 0 && !(altstack.flags & SS.disable) && !onStack(now, altstack);
  if (other) sp = altstack.sp + altstack.size;
  const fp = floor(sp - FXSAVE, 64);
  const at = floor(fp - FRAME, 16) - 8;
  if (at < 0 || (other || onStack(now, altstack) ? at < altstack.sp : false)) return false;
  const frame = new Uint8Array(fp + FXSAVE - at);
  const v = new DataView(frame.buffer);
  putWord(v, 0, action.restorer);
  putWord(v, UC, UCFLAGS);
  putStack(v, UC + 16, altstack, onStack(now, altstack));
  putContext(v, cpu, info, fp);
  v.setUint32(MCONTEXT + 168, mask[0], true);
  v.setUint32(MCONTEXT + 172, mask[1], true);
  v.setUint32(SIGMASK, mask[0], true);
  v.setUint32(SIGMASK + 4, mask[1], true);
  frame.set(siginfo(info), INFO);
  frame.set(fxsave(cpu), fp - at);
  if (!stored(l, at, frame)) return false;
  if (altstack.flags & SS.autodisarm) l.signals.altstack = { sp: 0, size: 0, flags: SS.disable };
  cpu.setNumber(R.rdi, info.sig);
  cpu.setNumber(R.rsi, at + INFO);
  cpu.setNumber(R.rdx, at + UC);
  cpu.setNumber(R.rax, 0);
  cpu.setNumber(R.rsp, at);
  cpu.rip = action.handler;
  cpu.rflags &= ~(DF | TF | RF);
  return true;
}

function floor(n: number, unit: number): number {
  return n - (((n % unit) + unit) % unit);
}

function stored(l: Linux, at: number, bytes: Uint8Array): boolean {
  try {
    l.user.room(at, bytes.length);
    l.user.put(at, bytes);
    return true;
  } catch (e) {
    if (e instanceof NineError && e.errno === errno.EFAULT) return false;
    throw e;
  }
}

function putStack(v: DataView, at: number, s: AltStack, on: boolean): void {
  putWord(v, at, s.sp);
  v.setUint32(at + 8, on ? s.flags | SS.onstack : s.flags, true);
  putWord(v, at + 16, s.size);
}

function putContext(v: DataView, cpu: Cpu, { fault }: Info, fp: number): void {
  ORDER.forEach((r, k) => {
    v.setUint32(MCONTEXT + k * 8, cpu.lo(r), true);
    v.setUint32(MCONTEXT + k * 8 + 4, cpu.hi(r), true);
  });
  putWord(v, MCONTEXT + RIP, cpu.rip);
  putWord(v, MCONTEXT + EFLAGS, cpu.rflags);
  v.setUint16(MCONTEXT + SEGMENTS, CS, true);
  v.setUint16(MCONTEXT + SEGMENTS + 6, SEGMENT, true);
  putWord(v, MCONTEXT + ERR, fault.err);
  putWord(v, MCONTEXT + ERR + 8, fault.trapno);
  putWord(v, MCONTEXT + ERR + 24, fault.cr2);
  putWord(v, MCONTEXT + FPSTATE, fp);
}

/** FXSAVE's image of the registers (SDM vol. 1, 10.5.1). */
function fxsave(cpu: Cpu): Uint8Array {
  const s = new Struct(FXSAVE).u16(0, cpu.x87("fcw")).u16(2, cpu.x87("fsw")).u8(4, cpu.x87("ftw") & 255).u16(6, cpu.x87("fop")).u32(24, cpu.mxcsr).u32(28, SYSMXCSR);
  const top = (cpu.x87("fsw") >> 11) & 7;
  for (let k = 0; k < 8; k++) s.bytes.set(cpu.st((top + k) & 7).subarray(0, 10), 32 + k * 16);
  for (let k = 0; k < 16; k++) s.bytes.set(cpu.xmm(k), 160 + k * 16);
  return s.bytes;
}

function fxrstor(cpu: Cpu, v: DataView): void {
  const bytes = new Uint8Array(v.buffer, v.byteOffset, FXSAVE);
  cpu.setX87("fcw", v.getUint16(0, true));
  cpu.setX87("fsw", v.getUint16(2, true));
  cpu.setX87("ftw", v.getUint8(4));
  cpu.setX87("fop", v.getUint16(6, true) & 0x7ff);
  cpu.mxcsr = v.getUint32(24, true) & SYSMXCSR;
  const top = (v.getUint16(2, true) >> 11) & 7;
  for (let k = 0; k < 8; k++) cpu.st((top + k) & 7).set(bytes.subarray(32 + k * 16, 42 + k * 16));
  for (let k = 0; k < 16; k++) cpu.xmm(k).set(bytes.subarray(160 + k * 16, 176 + k * 16));
}

/** rt_sigreturn(2): all is as the frame says that lies below rsp. */
export function popFrame(l: Linux): void {
  const { cpu } = l.guest;
  const at = cpu.number(R.rsp) - 8;
  const v = l.user.view(at, FRAME);
  const fp = unsigned(v, MCONTEXT + FPSTATE);
  const fx = fp === 0 ? undefined : l.user.view(fp, FXSAVE);
  ORDER.forEach((r, k) => cpu.set(r, v.getUint32(MCONTEXT + k * 8, true), v.getUint32(MCONTEXT + k * 8 + 4, true)));
  cpu.rip = unsigned(v, MCONTEXT + RIP);
  cpu.rflags = (cpu.rflags & ~FLAGS) | (v.getUint32(MCONTEXT + EFLAGS, true) & FLAGS);
  if (fx) fxrstor(cpu, fx);
  l.signals.setBlocked([v.getUint32(SIGMASK, true), v.getUint32(SIGMASK + 4, true)]);
  const flags = v.getUint32(UC + 16 + 8, true) & ~SS.onstack;
  l.signals.altstack = { sp: unsigned(v, UC + 16), size: unsigned(v, UC + 32), flags: flags >>> 0 };
}

/** The processor's own numbers of what a program has done. */
export function trapState(trap: Trap, err: number, cr2: number): TrapState {
  return { trapno: trap < 32 ? trap : Trap.GP, err, cr2 };
}
