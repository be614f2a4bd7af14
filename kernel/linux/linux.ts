/**
 * Linux: the personality of ELF programs: x86-64 Linux's calls, as programs know them, made of the
 * kernel's. One object a process. Invariants: a call's number and arguments are in the registers until
 * its result is, so that one that has not begun can be made again; a result is there before the next
 * instruction runs. The calls themselves stand by subject in the files of calls.ts.
 */
import { after, type Awaitable, type Dir, errno, isInterrupted, NineError } from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import type { FileCalls } from "../filecalls.ts";
import type { Guest, Personality } from "../guest/guest.ts";
import type { Laid } from "../guest/image.ts";
import type { Fault } from "../guest/segments.ts";
import { Again, type User } from "../guest/user.ts";
import { R, Trap } from "../machine/index.ts";
import type { Proc } from "../proc.ts";
import { CALLS, Width } from "./calls.ts";
import { NAMES } from "./names.ts";
import { isIgnored, NSIG, noteOf, SIG, signalOf } from "./signals.ts";
import { type Shown, shown } from "./strace.ts";

/** Where the arguments are. */
const ARGS = [R.rdi, R.rsi, R.rdx, R.r10, R.r8, R.r9] as const;
/** Bytes of the syscall instruction. */
const SYSCALL = 2;

/** sigaction(2), as the kernel has it. */
export interface Action {
  readonly handler: number;
  readonly flags: number;
  readonly restorer: number;
  readonly mask: readonly [lo: number, hi: number];
}

export const SIG_DFL = 0;
export const SIG_IGN = 1;

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
  /** What it wants of signals; the default is not there. */
  readonly actions: Map<number, Action> = new Map();
  /** Signals that are held back, as bits from signal 1 on. */
  blocked: [lo: number, hi: number] = [0, 0];
  /** Entries of open directories that were read and did not fit. */
  readonly listings: WeakMap<Chan, Dir[]> = new WeakMap();
  /** fds that exec closes. */
  readonly cloexec: Set<number> = new Set();
  private readonly args: number[] = [0, 0, 0, 0, 0, 0];

  /** `before`: the process's program so far. What it ignores stays ignored, and what it holds back held back. */
  constructor(guest: Guest, laid: Laid, before?: Linux) {
    this.guest = guest;
    this.proc = guest.proc;
    this.user = guest.user;
    this.calls = guest.calls;
    this.brkBase = this.brk = laid.brk;
    if (!before) return;
    this.umask = before.umask;
    this.blocked = before.blocked;
    for (const [sig, action] of before.actions) if (action.handler === SIG_IGN) this.actions.set(sig, action);
  }

  call(): Awaitable<void> {
    const { cpu } = this.guest;
    const nr = cpu.lo(R.rax);
    const known = CALLS[nr];
    this.proc.intr.lower();
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
    if (!guest.over) guest.cpu.setNumber(R.rax, n);
  }

  private failed(e: unknown, line: Shown | undefined): Awaitable<void> {
    if (this.guest.over) return;
    if (e instanceof Again) {
      this.step(-SYSCALL);
      return after(e.ready, (why) => {
        // The page cannot be had: making the call again would ask for it again.
        if (!why) return;
        this.step(SYSCALL);
        this.result(-errno.EFAULT, line);
      });
    }
    if (!(e instanceof NineError)) throw e;
    if (isInterrupted(e)) {
      // What was only ignored, or a process that ends, has nothing to be told.
      this.step(-SYSCALL);
      return;
    }
    if (e.errno === errno.EPIPE) this.raise(SIG.PIPE);
    this.result(-e.errno, line);
  }

  /** Over the call, or back to before it: then it is made again when the process goes on. */
  private step(bytes: number): void {
    if (!this.guest.over) this.guest.cpu.rip += bytes;
  }

  private unknown(nr: number): void {
    const { strace } = this.proc.kernel;
    strace?.(`${this.proc.pid} ${NAMES[nr]?.name ?? `syscall ${nr}`}(...) = -1 ENOSYS (not in this kernel)`);
    this.result(-errno.ENOSYS, undefined);
  }

  /** A signal for the process itself, by its own doing. */
  raise(sig: number): void {
    this.proc.note(noteOf(sig));
  }

  note(note: string): boolean {
    const sig = signalOf(note);
    if (sig === SIG.KILL) return false;
    const action = this.actions.get(sig)?.handler ?? SIG_DFL;
    return action === SIG_IGN || (action === SIG_DFL && isIgnored(sig));
  }

  deliver(): Awaitable<void> {
    return undefined;
  }

  fault(trap: Trap, why: Fault | undefined): Awaitable<void> {
    const sig = trap === Trap.PF ? (why?.kind === "missing" ? SIG.BUS : SIG.SEGV)
      : trap === Trap.UD ? SIG.ILL : trap === Trap.DE || trap === Trap.MF || trap === Trap.XM ? SIG.FPE
      : trap === Trap.BP || trap === Trap.DB ? SIG.TRAP : trap === Trap.AC ? SIG.BUS : SIG.SEGV;
    return this.guest.crash(noteOf(sig), `${noteOf(sig)}: ${what(trap, why)}`);
  }

  /** Whether a number is a signal's. */
  static isSignal(sig: number): boolean {
    return sig >= 1 && sig <= NSIG;
  }
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
