/** Sigs: Linux's calls about signals: what a process wants of them, waiting for them, and sending them. */
import { after, type Awaitable, errno } from "../../proto/index.ts";
import { Struct, unsigned } from "./bytes.ts";
import type { Calls } from "./call.ts";
import { isOnStack, NO_FAULT, popFrame, siginfo, SIGINFO } from "./frame.ts";
import { KEPT, type Linux } from "./linux.ts";
import { noteOf, SIG } from "./signals.ts";
import { type Sigset, union, without } from "./sigset.ts";
import { SI, Signals, SS } from "./sigstate.ts";
import { asleep, asleepFor, sigset, timespec } from "./wait.ts";

/** Bytes of a set of signals, of struct kernel_sigaction, of stack_t; MINSIGSTKSZ. */
const SIGSET = 8;
const ACTION = 32;
const STACK = 24;
const MINSTACK = 2048;
const HOW = { block: 0, unblock: 1, setmask: 2 } as const;

/** A signal to the process itself is there when the call returns. */
function raise(l: Linux, sig: number, code: number): number {
  if (sig === 0) return 0;
  if (sig === SIG.KILL) {
    l.proc.note("kill");
    return 0;
  }
  return l.signals.post({ sig, code, pid: l.proc.pid, uid: l.proc.kernel.uid, fault: NO_FAULT }) ? 0 : -errno.EAGAIN;
}

/** A signal to a process, or to its group with a negative number, or to the caller's with 0; 0 only asks. */
function kill(l: Linux, pid: number, sig: number): number {
  if (sig !== 0 && !Signals.isSignal(sig)) return -errno.EINVAL;
  const { kernel } = l.proc;
  if (pid === l.proc.pid) return raise(l, sig, SI.user);
  if (pid > 0) {
    const to = kernel.procs.get(pid);
    if (!to) return -errno.ESRCH;
    if (to.user !== l.proc.user) return -errno.EPERM;
    if (sig !== 0) to.note(noteOf(sig));
    return 0;
  }
  const group = pid === 0 ? l.proc.notes : kernel.noteGroup(-pid);
  if (!group || pid === -1) return -errno.ESRCH;
  if (sig !== 0) group.note(noteOf(sig));
  return 0;
}

/** The one thread of a process. */
function tkill(l: Linux, pid: number, sig: number): number {
  if (pid <= 0 || (sig !== 0 && !Signals.isSignal(sig))) return -errno.EINVAL;
  return pid === l.proc.pid ? raise(l, sig, SI.tkill) : kill(l, pid, sig);
}

/** With a siginfo of the sender's, which must not say that it is the kernel's. */
function queue(l: Linux, pid: number, sig: number, at: number): number {
  const v = l.user.view(at, SIGINFO);
  const code = v.getInt32(8, true);
  if (sig !== 0 && !Signals.isSignal(sig)) return -errno.EINVAL;
  if ((code >= 0 || code === SI.tkill) && pid !== l.proc.pid) return -errno.EPERM;
  if (pid !== l.proc.pid) return kill(l, pid, sig);
  if (sig === 0) return 0;
  if (sig === SIG.KILL) return raise(l, sig, SI.user);
  const info = { sig, code, pid: v.getInt32(16, true), uid: v.getUint32(20, true), value: v.getBigUint64(24, true), fault: NO_FAULT };
  return l.signals.post(info) ? 0 : -errno.EAGAIN;
}

function putSet(l: Linux, at: number, [lo, hi]: Sigset, size: number): void {
  l.user.put(at, new Struct(8).u32(0, lo).u32(4, hi).bytes.subarray(0, size));
}

/** Waits for a signal of a set, which it takes; those that have handlers end it. */
function timedwait(l: Linux, set: number, info: number, time: number, size: number): Awaitable<number> {
  const wanted = sigset(l, set, size);
  const ms = time === 0 ? Infinity : timespec(l, time);
  if (info !== 0) l.user.room(info, SIGINFO);
  const found = l.signals.take(wanted);
  if (found) {
    if (info !== 0) l.user.put(info, siginfo(found));
    return found.sig;
  }
  if (ms <= 0) return -errno.EAGAIN;
  l.signals.mask(union(l.signals.blocked, wanted));
  return after(ms === Infinity ? asleep(l, ms) : asleepFor(l, ms), () => -errno.EAGAIN);
}

export const sigs: Calls = {
  rt_sigaction(l, sig, next, old, size) {
    if (size !== SIGSET) return -errno.EINVAL;
    if (!Signals.isSignal(sig)) return -errno.EINVAL;
    const was = l.signals.action(sig);
    if (next !== 0) {
      const v = l.user.view(next, ACTION);
      if (sig === SIG.KILL || sig === SIG.STOP) return -errno.EINVAL;
      if (old !== 0) l.user.room(old, ACTION);
      l.signals.setAction(sig, { handler: unsigned(v, 0), flags: v.getUint32(8, true), restorer: unsigned(v, 16), mask: [v.getUint32(24, true), v.getUint32(28, true)] });
    }
    if (old !== 0) l.user.put(old, new Struct(ACTION).u64(0, was.handler).u32(8, was.flags).u64(16, was.restorer).u32(24, was.mask[0]).u32(28, was.mask[1]).bytes);
    return 0;
  },

  rt_sigprocmask(l, how, next, old, size) {
    if (size !== SIGSET) return -errno.EINVAL;
    const { signals } = l;
    const was = signals.blocked;
    if (next !== 0) {
      const set = sigset(l, next, size);
      if (how !== HOW.block && how !== HOW.unblock && how !== HOW.setmask) return -errno.EINVAL;
      if (old !== 0) l.user.room(old, SIGSET);
      signals.setBlocked(how === HOW.block ? union(was, set) : how === HOW.unblock ? without(was, set) : set);
    }
    if (old !== 0) putSet(l, old, was, SIGSET);
    return 0;
  },

  rt_sigpending(l, at, size) {
    if (size > SIGSET) return -errno.EINVAL;
    const { signals } = l;
    const { pending } = signals;
    putSet(l, at, [pending[0] & signals.blocked[0], pending[1] & signals.blocked[1]], size);
    return 0;
  },

  rt_sigsuspend(l, at, size) {
    l.signals.mask(sigset(l, at, size));
    return after(asleep(l, Infinity), () => 0);
  },

  pause: (l) => after(asleep(l, Infinity), () => 0),
  rt_sigtimedwait: timedwait,
  rt_sigqueueinfo: queue,
  rt_tgsigqueueinfo: (l, group, pid, sig, at) => (group === pid ? queue(l, pid, sig, at) : -errno.ESRCH),

  rt_sigreturn(l) {
    popFrame(l);
    return KEPT;
  },

  sigaltstack(l, next, old) {
    const { signals } = l;
    const on = isOnStack(l);
    const was = signals.altstack;
    if (old !== 0) l.user.room(old, STACK);
    if (next !== 0) {
      const v = l.user.view(next, STACK);
      const flags = v.getUint32(8, true);
      const size = unsigned(v, 16);
      if (on) return -errno.EPERM;
      const mode = (flags & ~SS.autodisarm) >>> 0;
      if (mode !== 0 && mode !== SS.onstack && mode !== SS.disable) return -errno.EINVAL;
      if (mode !== SS.disable && size < MINSTACK) return -errno.ENOMEM;
      signals.altstack = mode === SS.disable ? { sp: 0, size: 0, flags } : { sp: unsigned(v, 0), size, flags };
    }
    if (old !== 0) l.user.put(old, new Struct(STACK).u64(0, was.sp).u32(8, (was.flags | (on ? SS.onstack : 0)) >>> 0).u64(16, was.size).bytes);
    return 0;
  },

  kill,
  tkill,
  tgkill: (l, group, pid, sig) => (group <= 0 ? -errno.EINVAL : group === pid ? tkill(l, pid, sig) : -errno.ESRCH),
};
