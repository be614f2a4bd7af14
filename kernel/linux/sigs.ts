/** Sigs: Linux's calls about signals: what a process wants of them, and sending them. */
import { errno } from "../../proto/index.ts";
import type { Calls } from "./call.ts";
import { Linux } from "./linux.ts";
import { noteOf, SIG } from "./signals.ts";

/** Bytes of a set of signals, and of struct kernel_sigaction. */
const SIGSET = 8;
const ACTION = 32;
const HOW = { block: 0, unblock: 1, setmask: 2 } as const;

/** A signal to a process, or to its group with a negative number, or to the caller's with 0; 0 only asks. */
function kill(l: Linux, pid: number, sig: number): number {
  if (sig !== 0 && !Linux.isSignal(sig)) return -errno.EINVAL;
  const { kernel } = l.proc;
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

export const sigs: Calls = {
  rt_sigaction(l, sig, next, old, size) {
    if (!Linux.isSignal(sig) || size !== SIGSET) return -errno.EINVAL;
    const was = l.actions.get(sig) ?? { handler: 0, flags: 0, restorer: 0, mask: [0, 0] };
    if (next !== 0) {
      if (sig === SIG.KILL || sig === SIG.STOP) return -errno.EINVAL;
      const v = l.user.view(next, ACTION);
      const word = (at: number): number => v.getUint32(at + 4, true) * 2 ** 32 + v.getUint32(at, true);
      if (old !== 0) l.user.room(old, ACTION);
      l.actions.set(sig, { handler: word(0), flags: v.getUint32(8, true), restorer: word(16), mask: [v.getUint32(24, true), v.getUint32(28, true)] });
    }
    if (old !== 0) {
      const v = new DataView(new ArrayBuffer(ACTION));
      const words = [was.handler, was.flags, was.restorer];
      words.forEach((w, k) => {
        v.setUint32(k * 8, w % 2 ** 32, true);
        v.setUint32(k * 8 + 4, Math.floor(w / 2 ** 32), true);
      });
      v.setUint32(24, was.mask[0], true);
      v.setUint32(28, was.mask[1], true);
      l.user.put(old, new Uint8Array(v.buffer));
    }
    return 0;
  },

  rt_sigprocmask(l, how, next, old, size) {
    if (size !== SIGSET) return -errno.EINVAL;
    const [lo, hi] = l.blocked;
    if (next !== 0) {
      const v = l.user.view(next, SIGSET);
      const [a, b] = [v.getUint32(0, true), v.getUint32(4, true)];
      if (old !== 0) l.user.room(old, SIGSET);
      if (how === HOW.block) l.blocked = [lo | a, hi | b];
      else if (how === HOW.unblock) l.blocked = [lo & ~a, hi & ~b];
      else if (how === HOW.setmask) l.blocked = [a, b];
      else return -errno.EINVAL;
    }
    if (old !== 0) {
      l.user.putU32(old, lo);
      l.user.putU32(old + 4, hi);
    }
    return 0;
  },

  kill,
  tkill: kill,
  tgkill: (l, group, pid, sig) => (group === pid ? kill(l, pid, sig) : -errno.ESRCH),
};
