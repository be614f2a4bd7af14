/**
 * Signals: those of one process: what it wants of each, those held back, those that wait. Invariants: an
 * ordinary signal waits once, one of real time as often as it came, up to a limit; SIGKILL and SIGSTOP are
 * never held back, caught or ignored; a handler runs before the next instruction of the program, on a
 * frame as Linux makes it (frame.ts). Notes become signals here, by the table of signals.ts.
 */
import type { Awaitable } from "../../proto/index.ts";
import { Again } from "../guest/user.ts";
import { type Info, NO_FAULT, pushFrame } from "./frame.ts";
import type { Linux } from "./linux.ts";
import { isIgnored, isStop, noteOf, NSIG, SIG, signalOf } from "./signals.ts";
import { hasSignal, NOSIGNALS, ofSignal, type Sigset, union, without } from "./sigset.ts";

/** sigaction(2), as the kernel has it. */
export interface Action {
  readonly handler: number;
  readonly flags: number;
  readonly restorer: number;
  readonly mask: Sigset;
}

export const SIG_DFL = 0;
export const SIG_IGN = 1;
export const SA = { siginfo: 4, onstack: 0x08000000, restart: 0x10000000, nodefer: 0x40000000, resethand: 0x80000000, restorer: 0x04000000 } as const;
/** si_code */
export const SI = { user: 0, kernel: 0x80, queue: -1, timer: -2, tkill: -6 } as const;
/** Signals of real time that wait, at most. */
const MAXQUEUE = 1024;
const FIRSTRT = 32;

const DEFAULT: Action = { handler: SIG_DFL, flags: 0, restorer: 0, mask: NOSIGNALS };
const UNBLOCKABLE: Sigset = union(ofSignal(SIG.KILL), ofSignal(SIG.STOP));

/** sigaltstack(2) */
export interface AltStack {
  readonly sp: number;
  readonly size: number;
  readonly flags: number;
}

export const SS = { onstack: 1, disable: 2, autodisarm: 0x80000000 } as const;

export class Signals {
  blocked: Sigset = NOSIGNALS;
  altstack: AltStack = { sp: 0, size: 0, flags: SS.disable };
  private readonly l: Linux;
  private readonly actions = new Map<number, Action>();
  private readonly queue: Info[] = [];
  /** What is held back again when the call that changed it is over. */
  private before: Sigset | undefined;

  constructor(l: Linux) {
    this.l = l;
  }

  /** From a program that makes way for another: what is held back, waits, or is ignored stays so. */
  inherit(before: Signals): void {
    this.blocked = before.before ?? before.blocked;
    this.queue.push(...before.queue);
    for (const [sig, action] of before.actions) if (action.handler === SIG_IGN) this.actions.set(sig, action);
    this.l.proc.jobs = this.jobs;
  }

  action(sig: number): Action {
    return this.actions.get(sig) ?? DEFAULT;
  }

  setAction(sig: number, action: Action): void {
    this.actions.set(sig, { ...action, mask: without(action.mask, UNBLOCKABLE) });
    if (this.ignores(sig)) this.drop(sig);
    this.l.proc.jobs = this.jobs;
  }

  /** Job control is the program's own, if it says anything about it. */
  private get jobs(): boolean {
    return [SIG.TSTP, SIG.CONT].some((s) => this.action(s).handler !== SIG_DFL);
  }

  setBlocked(set: Sigset): void {
    this.blocked = without(set, UNBLOCKABLE);
  }

  /** Holds others back for the time of a call; a handler that runs meanwhile goes back to those of before. */
  mask(set: Sigset): void {
    this.before ??= this.blocked;
    this.setBlocked(set);
  }

  /** The call is over. */
  unmask(): void {
    if (!this.before) return;
    this.blocked = this.before;
    this.before = undefined;
  }

  /** Those that wait. */
  get pending(): Sigset {
    return this.queue.reduce<Sigset>((set, { sig }) => union(set, ofSignal(sig)), NOSIGNALS);
  }

  /** Takes the first of some signals that waits. */
  take(set: Sigset): Info | undefined {
    const k = this.queue.findIndex(({ sig }) => hasSignal(set, sig));
    return k < 0 ? undefined : this.queue.splice(k, 1)[0];
  }

  /** The handler that is to run next, if one is. */
  get next(): Action | undefined {
    for (const { sig } of this.queue) {
      if (hasSignal(this.blocked, sig)) continue;
      const action = this.action(sig);
      if (action.handler !== SIG_DFL && action.handler !== SIG_IGN) return action;
      if (action.handler === SIG_DFL && !isIgnored(sig)) return undefined;
    }
    return undefined;
  }

  /** A signal for the process, which is not told of one that it ignores; of real time it may be one too many (EAGAIN). */
  post(info: Info): boolean {
    const { sig } = info;
    if (this.ignores(sig) && !hasSignal(this.blocked, sig)) return true;
    const known = this.queue.some((x) => x.sig === sig);
    if (sig <= FIRSTRT ? known : this.queue.length >= MAXQUEUE) return sig <= FIRSTRT;
    if (sig === SIG.CONT) for (const stop of [SIG.STOP, SIG.TSTP, SIG.TTIN, SIG.TTOU]) this.drop(stop);
    const at = this.queue.findIndex((x) => x.sig > sig);
    this.queue.splice(at < 0 ? this.queue.length : at, 0, info);
    return true;
  }

  /** A note has come; false leaves it to end the process. */
  note(note: string): boolean {
    const sig = signalOf(note);
    if (sig === SIG.KILL) return false;
    const held = hasSignal(this.blocked, sig);
    if (!held && this.action(sig).handler === SIG_DFL && !isIgnored(sig) && !isStop(sig)) return false;
    this.post({ sig, code: SI.kernel, fault: NO_FAULT });
    return true;
  }

  /** What the program has done itself, and cannot go on from: false when it does not handle that. */
  trap(info: Info): boolean {
    const { handler } = this.action(info.sig);
    if (handler === SIG_DFL || handler === SIG_IGN || hasSignal(this.blocked, info.sig)) return false;
    this.drop(info.sig);
    this.queue.unshift(info);
    return true;
  }

  /** Does what signals that wait ask for: frames for handlers, an end, a stop. */
  deliver(again: boolean): Awaitable<void> {
    const { proc } = this.l;
    if (this.queue.length === 0 && !this.before) return undefined;
    for (;;) {
      const k = this.queue.findIndex(({ sig }) => !hasSignal(this.blocked, sig));
      const info = this.queue[k];
      if (!info) break;
      const action = this.action(info.sig);
      if (action.handler === SIG_DFL && isStop(info.sig)) {
        this.queue.splice(k, 1);
        proc.stop();
        // The note that brought it is not one that ends this wait.
        proc.intr.lower();
        return proc.held();
      }
      if (action.handler === SIG_DFL && !isIgnored(info.sig)) {
        proc.exit(noteOf(info.sig));
        return undefined;
      }
      if (action.handler !== SIG_DFL && action.handler !== SIG_IGN) {
        const wait = this.handled(info, action);
        if (wait) return wait;
        if (proc.ended) return undefined;
      }
      this.queue.splice(this.queue.indexOf(info), 1);
    }
    if (!again) this.unmask();
    return undefined;
  }

  /** A frame for a handler; a promise when its place has to be brought first. */
  private handled(info: Info, action: Action): Awaitable<void> {
    try {
      if (!pushFrame(this.l, info, action, this.before ?? this.blocked)) return this.l.guest.crash(noteOf(SIG.SEGV), `${noteOf(SIG.SEGV)}: no room for a signal's frame`);
    } catch (e) {
      if (e instanceof Again) return e.ready.then(() => undefined);
      throw e;
    }
    this.before = undefined;
    this.setBlocked(union(union(this.blocked, action.mask), action.flags & SA.nodefer ? NOSIGNALS : ofSignal(info.sig)));
    if (action.flags & SA.resethand) this.actions.delete(info.sig);
    return undefined;
  }

  private ignores(sig: number): boolean {
    const { handler } = this.action(sig);
    return handler === SIG_IGN || (handler === SIG_DFL && isIgnored(sig));
  }

  private drop(sig: number): void {
    for (let k = this.queue.length - 1; k >= 0; k--) if (this.queue[k]?.sig === sig) this.queue.splice(k, 1);
  }

  static isSignal(sig: number): boolean {
    return sig >= 1 && sig <= NSIG;
  }
}
