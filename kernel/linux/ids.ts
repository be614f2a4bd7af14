/** Ids: Linux's calls about who a process is and what it may have, and its end. */
import { encode, errno } from "../../proto/index.ts";
import { STACKLIMIT } from "../guest/image.ts";
import { PAGE } from "../segment.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";

const ARCH = { setGs: 0x1001, setFs: 0x1002, getFs: 0x1003, getGs: 0x1004 } as const;
const PR = { setName: 15, getName: 16 } as const;
const RLIMIT = { stack: 3, nproc: 6, nofile: 7 } as const;
const MAXPROCS = 16_384;
/** Descriptors of a process. */
const MAXFD = 4096;
/** getrandom(2): asked at once, at most. */
const MAXRANDOM = 1 << 20;
const UTSNAME = 65;

function uid(l: Linux): number {
  return l.proc.kernel.uid;
}

/** RLIM_INFINITY is all ones. */
function putLimit(l: Linux, at: number, limit: number): void {
  for (const word of [at, at + 8]) l.user.putU64(word, limit === Infinity ? -1 : limit);
}

function limitOf(what: number): number {
  return what === RLIMIT.stack ? STACKLIMIT : what === RLIMIT.nofile ? MAXFD : what === RLIMIT.nproc ? MAXPROCS : Infinity;
}

function exit(l: Linux, code: number): number {
  l.proc.exit((code & 255) === 0 ? "" : String(code & 255));
  return 0;
}

export const ids: Calls = {
  exit,
  exit_group: exit,
  getpid: (l) => l.proc.pid,
  gettid: (l) => l.proc.pid,
  getppid: (l) => l.proc.ppid,
  getpgrp: (l) => l.proc.notes.id,
  getpgid: (l, pid) => (pid === 0 ? l.proc : l.proc.kernel.procs.get(pid))?.notes.id ?? -errno.ESRCH,
  getuid: uid,
  geteuid: uid,
  getgid: uid,
  getegid: uid,
  set_tid_address: (l) => l.proc.pid,
  set_robust_list: (_l, _at, n) => (n === 24 ? 0 : -errno.EINVAL),

  arch_prctl(l, what, at) {
    const { cpu } = l.guest;
    switch (what) {
      case ARCH.setFs: case ARCH.setGs:
        if (at < 0 || at >= 2 ** 47) return -errno.EPERM;
        if (what === ARCH.setFs) cpu.fsbase = at;
        else cpu.gsbase = at;
        return 0;
      case ARCH.getFs: case ARCH.getGs:
        l.user.putU64(at, what === ARCH.getFs ? cpu.fsbase : cpu.gsbase);
        return 0;
      default: return -errno.EINVAL;
    }
  },

  prctl(l, what, at) {
    switch (what) {
      case PR.setName: return 0;
      case PR.getName: {
        const name = new Uint8Array(16);
        name.set(encode(l.proc.name).subarray(0, 15));
        l.user.put(at, name);
        return 0;
      }
      default: return -errno.EINVAL;
    }
  },

  prlimit64(l, pid, what, next, old) {
    if (pid !== 0 && pid !== l.proc.pid) return -errno.ESRCH;
    if (what < 0 || what > 15) return -errno.EINVAL;
    if (next !== 0) l.user.bytes(next, 16);
    if (old !== 0) putLimit(l, old, limitOf(what));
    return 0;
  },

  getrlimit(l, what, at) {
    if (what < 0 || what > 15) return -errno.EINVAL;
    putLimit(l, at, limitOf(what));
    return 0;
  },

  getrandom(l, at, n) {
    const some = new Uint8Array(Math.min(n, MAXRANDOM));
    l.user.room(at, some.length);
    const { random } = l.proc.kernel.host;
    for (let k = 0; k < some.length; k++) some[k] = random() >>> 24;
    l.user.put(at, some);
    return some.length;
  },

  uname(l, at) {
    const all = new Uint8Array(6 * UTSNAME);
    ["Linux", l.proc.egrp.get("sysname")?.[0] ?? "nineplex", "6.1.0", "#1 nineplex", "x86_64", "(none)"].forEach((s, k) =>
      all.set(encode(s).subarray(0, UTSNAME - 1), k * UTSNAME));
    l.user.put(at, all);
    return 0;
  },

  sysinfo(l, at) {
    const { total, used } = l.guest.ramUsage;
    const v = new DataView(new ArrayBuffer(112));
    const word = (offset: number, n: number): void => {
      v.setUint32(offset, n % 2 ** 32, true);
      v.setUint32(offset + 4, Math.floor(n / 2 ** 32), true);
    };
    word(0, Math.floor(l.guest.machine.instructions / 1e9));
    word(32, total * PAGE);
    word(40, (total - used) * PAGE);
    v.setUint16(80, l.proc.kernel.procs.size, true);
    v.setUint32(104, 1, true);
    l.user.put(at, new Uint8Array(v.buffer));
    return 0;
  },
};
