/**
 * Linux: the personality of ELF programs: x86-64 Linux's calls, as programs know them, made of the
 * kernel's. One object a process. Invariants: a call's number and arguments are in the registers until
 * its result is, so that one that has not begun can be made again; a result is there before the next
 * instruction runs. The calls themselves stand by subject in the files of calls.ts.
 */
import { after, type Awaitable, errno, isInterrupted, NineError } from "../../proto/index.ts";
import type { FileCalls } from "../filecalls.ts";
import type { Guest, Personality } from "../guest/guest.ts";
import type { Laid } from "../guest/image.ts";
import type { Fault } from "../guest/segments.ts";
import { Again, type User } from "../guest/user.ts";
import { type Cpu, R, Trap } from "../machine/index.ts";
import { cleanPath } from "../namec.ts";
import type { Proc } from "../proc.ts";
import { CALLS, Width } from "./calls.ts";
import { type Info, NO_FAULT, trapState } from "./frame.ts";
import { NAMES, numberOf } from "./names.ts";
import { noteOf, SIG } from "./signals.ts";
import { SA, SI, Signals } from "./sigstate.ts";
import { type Shown, shown } from "./strace.ts";
import { Timers } from "./timers.ts";
import { Tty } from "./tty.ts";

/** Where the arguments are. */
const ARGS = [R.rdi, R.rsi, R.rdx, R.r10, R.r8, R.r9] as const;
/** Bytes of the syscall instruction. */
const SYSCALL = 2;

/** What a call gives that has put the registers in order itself. */
export const KEPT: number = Number.NaN;
/** Calls that a handler ends, whatever it was said to do (signal(7)). */
const NEVERAGAIN: ReadonlySet<number> = new Set(["poll", "ppoll", "select", "pselect6", "nanosleep", "clock_nanosleep", "pause", "rt_sigsuspend", "rt_sigtimedwait", "epoll_wait"].map(numberOf));

export class Linux implements Personality {
  readonly guest: Guest;
  readonly proc: Proc;
  readonly user: User;
  /** The kernel's calls on files, as this process. */
  readonly calls: FileCalls;
  /** The heap: where it begins, and ends now. */
  brkBase: number;
  brk: number;
  umask = 0o022;
  readonly signals: Signals = new Signals(this);
  readonly timers: Timers;
  readonly tty: Tty = new Tty(this);
  /** fds that exec closes. */
  readonly cloexec: Set<number> = new Set();
  /** Its name, as it calls itself; the file it runs. */
  comm: string;
  readonly exe: string;
  /** Of a call that waits for a time, when that is: it may be made several times. */
  deadline: number | undefined;
  /** What a call does when a handler ends it. */
  broken: (() => void) | undefined;
  /** The call is to be made again. */
  private again = false;
  /** Numbers of calls that are not there, told once. */
  private readonly missing = new Set<number>();
  private readonly args: number[] = [0, 0, 0, 0, 0, 0];

  /** `before`: the process's program so far. What it ignores stays ignored, and what it holds back held back. */
  constructor(guest: Guest, laid: Laid, before?: Linux) {
    this.guest = guest;
    this.proc = guest.proc;
    this.user = guest.user;
    this.calls = guest.calls;
    this.brkBase = this.brk = laid.brk;
    this.comm = this.proc.name.slice(0, 15);
    this.exe = this.proc.text.startsWith("#") ? `/${this.proc.text}` : cleanPath(this.proc, this.proc.text === "" ? "/" : this.proc.text);
    this.timers = before?.timers.handed(this) ?? new Timers(this);
    if (!before) return;
    this.umask = before.umask;
    this.signals.inherit(before.signals);
  }

  call(): Awaitable<void> {
    const { cpu } = this.guest;
    const nr = cpu.lo(R.rax);
    const known = CALLS[nr];
    this.proc.intr.lower();
    if (!this.again) this.deadline = undefined;
    this.again = false;
    this.broken = undefined;
    if (!known) return this.unknown(nr);
    const args = this.arguments(known.given);
    const line = this.proc.kernel.strace && shown(this, nr, args);
    let r: Awaitable<number>;
    try {
      r = known.run(this, args[0] as number, args[1] as number, args[2] as number, args[3] as number, args[4] as number, args[5] as number);
    } catch (e) {
      return this.failed(e, line);
    }
    if (typeof r === "number") {
      this.result(r, line);
      return;
    }
    // While it waits it is about to make the call.
    this.step(-SYSCALL);
    return r.then((n) => {
      this.step(SYSCALL);
      this.result(n, line);
    }, (e: unknown) => {
      this.step(SYSCALL);
      return this.failed(e, line);
    });
  }

  /** As many as the call is given; the array is used again. */
  private arguments(given: readonly Width[]): readonly number[] {
    const { cpu } = this.guest;
    for (let k = 0; k < given.length; k++) {
      const reg = ARGS[k] as number;
      switch (given[k]) {
        case Width.long: this.args[k] = cpu.number(reg); break;
        case Width.size: this.args[k] = cpu.hi(reg) * 2 ** 32 + cpu.lo(reg); break;
        case Width.int: this.args[k] = cpu.lo(reg) | 0; break;
        default: this.args[k] = cpu.lo(reg);
      }
    }
    return this.args;
  }

  private result(n: number, line: Shown | undefined): void {
    const { proc, guest } = this;
    if (line) proc.kernel.strace?.(line.done(n));
    if (!guest.over && n === n) guest.cpu.setNumber(R.rax, n);
  }

  private failed(e: unknown, line: Shown | undefined): Awaitable<void> {
    if (this.guest.over) return;
    if (e instanceof Again) {
      this.rewind();
      return after(e.ready, (why) => {
        // The page cannot be had: making the call again would ask for it again.
        if (!why) return;
        this.step(SYSCALL);
        this.result(-errno.EFAULT, line);
      });
    }
    if (!(e instanceof NineError)) throw e;
    if (isInterrupted(e)) {
      // What is only ignored, or a process that ends or stops, has nothing to be told.
      const action = this.signals.next;
      if (!action || (action.flags & SA.restart && !NEVERAGAIN.has(this.guest.cpu.lo(R.rax)))) this.rewind();
      else {
        this.broken?.();
        this.result(-errno.EINTR, line);
      }
      return;
    }
    if (e.errno === errno.EPIPE) this.raise(SIG.PIPE);
    this.result(-e.errno, line);
  }

  /** The call is made again when the process goes on. */
  private rewind(): void {
    this.again = true;
    this.step(-SYSCALL);
  }

  /** Over the call, or back to before it: then it is made again when the process goes on. */
  private step(bytes: number): void {
    if (!this.guest.over) this.guest.cpu.rip += bytes;
  }

  private unknown(nr: number): void {
    const { strace } = this.proc.kernel;
    if (!this.missing.has(nr) && this.missing.size < 1024) strace?.(`${this.proc.pid} ${NAMES[nr]?.name ?? `syscall ${nr}`}(...) = -1 ENOSYS (not in this kernel)`);
    this.missing.add(nr);
    this.result(-errno.ENOSYS, undefined);
  }

  /** A signal for the process itself, by its own doing. */
  raise(sig: number): void {
    this.signals.post({ sig, code: SI.user, pid: this.proc.pid, uid: this.proc.kernel.uid, fault: NO_FAULT });
  }

  /** A signal that comes by itself: what the process waits for ends. */
  send(info: Info): void {
    if (this.proc.ended) return;
    this.signals.post(info);
    this.proc.interrupt();
  }

  note(note: string): boolean {
    return this.signals.note(note);
  }

  deliver(): Awaitable<void> {
    return this.signals.deliver(this.again);
  }

  fault(trap: Trap, why: Fault | undefined, code = 0): Awaitable<void> {
    const info = faultInfo(trap, why, code, this.guest.cpu);
    if (this.signals.trap(info)) return undefined;
    return this.guest.crash(noteOf(info.sig), `${noteOf(info.sig)}: ${what(trap, why)}`);
  }
}

/** The signal of a trap, and what its handler is told (sigaction(2)). */
function faultInfo(trap: Trap, why: Fault | undefined, code: number, cpu: Cpu): Info {
  const info = (sig: number, si: number, addr: number): Info => ({ sig, code: si, addr, fault: trapState(trap, why?.code ?? code, why?.address ?? 0) });
  switch (trap) {
    case Trap.PF: return info(why?.kind === "missing" ? SIG.BUS : SIG.SEGV, why?.kind === "unmapped" ? 1 : 2, why?.address ?? 0);
    case Trap.UD: return info(SIG.ILL, 2, cpu.rip);
    case Trap.DE: return info(SIG.FPE, 1, cpu.rip);
    case Trap.MF: return info(SIG.FPE, fpeCode(cpu.x87("fsw") & ~cpu.x87("fcw")), cpu.rip);
    case Trap.XM: return info(SIG.FPE, fpeCode(cpu.mxcsr & ~(cpu.mxcsr >> 7)), cpu.rip);
    case Trap.BP: return info(SIG.TRAP, SI.kernel, 0);
    case Trap.DB: return info(SIG.TRAP, 2, cpu.rip);
    case Trap.AC: return info(SIG.BUS, 1, 0);
    case Trap.SS: return info(SIG.BUS, SI.kernel, 0);
    default: return info(SIG.SEGV, SI.kernel, 0);
  }
}

/** si_code by the exceptions that are not masked: invalid, division, overflow, underflow, inexact. */
function fpeCode(flags: number): number {
  return flags & 1 ? 7 : flags & 4 ? 3 : flags & 8 ? 4 : flags & 0x12 ? 5 : flags & 0x20 ? 6 : 0;
}

function what(trap: Trap, why: Fault | undefined): string {
  if (why) {
    const how = why.code & 16 ? "execute" : why.code & 2 ? "write" : "read";
    const because = why.kind === "unmapped" ? "nothing is mapped there" : why.kind === "rights" ? "not allowed there" : (why.why ?? "beyond the end of the file");
    return `${how} at 0x${why.address.toString(16)}: ${because}`;
  }
  switch (trap) {
    case Trap.UD: return "no instruction of this processor";
    case Trap.DE: return "division";
    case Trap.GP: return "general protection";
    case Trap.BP: return "breakpoint";
    default: return `trap ${trap}`;
  }
}
