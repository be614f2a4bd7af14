/** Ids: Linux's calls about who a process is and what it may have, and its end. */
import { type Awaitable, decodeUtf8, encode, errno } from "../../proto/index.ts";
import { STACKLIMIT } from "../guest/image.ts";
import { PAGE } from "../segment.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";
import { MAXFD } from "./opens.ts";
import { asleep, timespec } from "./wait.ts";

const ARCH = { setGs: 0x1001, setFs: 0x1002, getFs: 0x1003, getGs: 0x1004 } as const;
const PR = { setPdeathsig: 1, getPdeathsig: 2, getDumpable: 3, setDumpable: 4, getKeepcaps: 7, setName: 15, getName: 16, getSeccomp: 21, setNoNewPrivs: 38, getNoNewPrivs: 39 } as const;
const RLIMIT = { core: 4, stack: 3, nproc: 6, nofile: 7 } as const;
const MAXPROCS = 16_384;
/** getrandom(2): asked at once, at most. */
const MAXRANDOM = 1 << 20;
const UTSNAME = 65;

function uid(l: Linux): number {
  return l.proc.kernel.uid;
}

/** An id that a process can be given: the one it has, or -1 for that. */
function mine(l: Linux, ...ids: number[]): number {
  return ids.every((id) => id === -1 || id === uid(l)) ? 0 : -errno.EPERM;
}

function three(l: Linux, a: number, b: number, c: number): number {
  for (const at of [a, b, c]) l.user.putU32(at, uid(l));
  return 0;
}

/** A group: that of a number, or one of the process's own number. */
function setpgid(l: Linux, pid: number, group: number): number {
  const { proc } = l;
  if (group < 0) return -errno.EINVAL;
  if (pid !== 0 && pid !== proc.pid) return -errno.ESRCH;
  const to = group === 0 ? proc.pid : group;
  if (to === proc.notes.id) return 0;
  const known = proc.kernel.noteGroup(to);
  if (!known && to !== proc.pid) return -errno.EPERM;
  proc.regroup(known ?? proc.kernel.newNoteGroup(to));
  return 0;
}

function groupOf(l: Linux, pid: number): number {
  if (pid < 0) return -errno.EINVAL;
  return (pid === 0 ? l.proc : l.proc.kernel.procs.get(pid))?.notes.id ?? -errno.ESRCH;
}

const FUTEX = { wait: 0, wake: 1, requeue: 3, cmpRequeue: 4, wakeOp: 5, waitBitset: 9, wakeBitset: 10, command: 127 } as const;

/** There is nobody but this thread: nobody is woken, and who waits waits for a signal or the time. */
function futex(l: Linux, at: number, op: number, value: number, time: number): Awaitable<number> {
  const what = op & FUTEX.command;
  if (at % 4 !== 0) return -errno.EINVAL;
  switch (what) {
    case FUTEX.wait: case FUTEX.waitBitset: {
      if (l.user.u32(at) !== value) return -errno.EAGAIN;
      const now = l.proc.kernel.host.now();
      const ms = time === 0 ? Infinity : timespec(l, time);
      const left = what === FUTEX.waitBitset && ms !== Infinity ? Math.max(0, ms - now) : ms;
      const r = asleep(l, left);
      return r instanceof Promise ? r.then(() => -errno.ETIMEDOUT) : -errno.ETIMEDOUT;
    }
    case FUTEX.wake: case FUTEX.wakeBitset: case FUTEX.requeue: case FUTEX.cmpRequeue: case FUTEX.wakeOp:
      l.user.u32(at);
      return 0;
    default: return -errno.ENOSYS;
  }
}

/** Nobody here may do what these do to the whole machine. */
const FORBIDDEN = [
  "mount", "umount2", "swapon", "swapoff", "reboot", "sethostname", "setdomainname", "iopl", "ioperm", "pivot_root", "chroot", "settimeofday", "clock_settime",
  "adjtimex", "clock_adjtime", "acct", "vhangup", "init_module", "finit_module", "delete_module", "quotactl", "ptrace", "syslog", "kexec_load", "bpf", "setns", "unshare", "open_by_handle_at",
];
const forbidden = (): number => -errno.EPERM;

/** errno(3); no server says it. */
const EAFNOSUPPORT = 97;

/** f(), when a number is that of a process that is there; 0 is the caller. */
function known(l: Linux, pid: number, f: () => number): number {
  return pid < 0 ? -errno.EINVAL : pid === 0 || l.proc.kernel.procs.has(pid) ? f() : -errno.ESRCH;
}

const CAPVERSION = 0x20080522;

/** RLIM_INFINITY is all ones. */
function putLimit(l: Linux, at: number, limit: number): void {
  for (const word of [at, at + 8]) l.user.putU64(word, limit === Infinity ? -1 : limit);
}

function limitOf(what: number): number {
  return what === RLIMIT.stack ? STACKLIMIT : what === RLIMIT.nofile ? MAXFD : what === RLIMIT.nproc ? MAXPROCS : what === RLIMIT.core ? 0 : Infinity;
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
  getpgid: groupOf,
  getsid: groupOf,
  setpgid,
  setsid(l) {
    const { proc } = l;
    if (proc.notes.id === proc.pid) return -errno.EPERM;
    const r = setpgid(l, 0, 0);
    return r < 0 ? r : proc.pid;
  },
  setuid: (l, id) => mine(l, id),
  setgid: (l, id) => mine(l, id),
  setreuid: (l, a, b) => mine(l, a, b),
  setregid: (l, a, b) => mine(l, a, b),
  setresuid: (l, a, b, c) => mine(l, a, b, c),
  setresgid: (l, a, b, c) => mine(l, a, b, c),
  getresuid: three,
  getresgid: three,
  setfsuid: uid,
  setfsgid: uid,
  getgroups(l, n, at) {
    if (n < 0) return -errno.EINVAL;
    if (n > 0) l.user.putU32(at, uid(l));
    return 1;
  },
  setgroups: forbidden,
  capget(l, header, data) {
    const version = l.user.u32(header);
    if (version !== CAPVERSION) {
      l.user.putU32(header, CAPVERSION);
      return data === 0 ? 0 : -errno.EINVAL;
    }
    if (data !== 0) l.user.put(data, new Uint8Array(24));
    return 0;
  },
  capset: (l, header) => (l.user.u32(header) === CAPVERSION ? -errno.EPERM : -errno.EINVAL),
  personality: () => 0,
  getpriority: (_l, which) => (which < 0 || which > 2 ? -errno.EINVAL : 20),
  setpriority: (_l, which, _who, nice) => (which < 0 || which > 2 ? -errno.EINVAL : nice < 0 ? -errno.EACCES : 0),
  sched_yield: (l) => l.proc.kernel.host.yield().then(() => 0),
  sched_getscheduler: (l, pid) => known(l, pid, () => 0),
  sched_setscheduler: (l, pid, policy) => known(l, pid, () => (policy === 0 ? 0 : policy === 1 || policy === 2 ? -errno.EPERM : -errno.EINVAL)),
  sched_getparam: (l, pid, at) => known(l, pid, () => (l.user.putU32(at, 0), 0)),
  sched_setparam: (l, pid, at) => known(l, pid, () => (l.user.u32(at) === 0 ? 0 : -errno.EINVAL)),
  sched_get_priority_max: (_l, policy) => (policy === 1 || policy === 2 ? 99 : policy === 0 || policy === 3 || policy === 5 ? 0 : -errno.EINVAL),
  sched_get_priority_min: (_l, policy) => (policy === 1 || policy === 2 ? 1 : policy === 0 || policy === 3 || policy === 5 ? 0 : -errno.EINVAL),
  sched_rr_get_interval: (l, pid, at) => known(l, pid, () => (l.user.put(at, new Uint8Array(16)), 0)),
  // There is one processor.
  sched_getaffinity: (l, pid, n, at) => known(l, pid, () => {
    if (n < 8 || n % 8 !== 0) return -errno.EINVAL;
    l.user.putU64(at, 1);
    return 8;
  }),
  sched_setaffinity: (l, pid, n, at) => known(l, pid, () => (n > 0 && l.user.bytes(at, 1)[0]! & 1 ? 0 : -errno.EINVAL)),
  getcpu(l, cpu, node) {
    for (const at of [cpu, node]) if (at !== 0) l.user.putU32(at, 0);
    return 0;
  },
  futex,
  get_robust_list: (l, pid, head, size) => known(l, pid, () => {
    l.user.putU64(head, 0);
    l.user.putU64(size, 24);
    return 0;
  }),
  wait4: () => -errno.ECHILD,
  waitid: (_l, which) => (which < 0 || which > 3 ? -errno.EINVAL : -errno.ECHILD),
  socket: () => -EAFNOSUPPORT,
  socketpair: () => -EAFNOSUPPORT,
  ...Object.fromEntries(FORBIDDEN.map((name) => [name, forbidden])),
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
      case PR.setName: {
        const name = new Uint8Array(16);
        for (let k = 0; k < 15; k++) {
          const [c = 0] = l.user.bytes(at + k, 1);
          if (c === 0) break;
          name[k] = c;
        }
        const nul = name.indexOf(0);
        l.comm = decodeUtf8(name, 0, nul);
        return 0;
      }
      case PR.getName: {
        const name = new Uint8Array(16);
        name.set(encode(l.comm).subarray(0, 15));
        l.user.put(at, name);
        return 0;
      }
      case PR.getPdeathsig:
        l.user.putU32(at, 0);
        return 0;
      case PR.getDumpable: return 1;
      case PR.setPdeathsig: return at < 0 || at > 64 ? -errno.EINVAL : 0;
      case PR.setDumpable: return at === 0 || at === 1 ? 0 : -errno.EINVAL;
      case PR.setNoNewPrivs: return at === 1 ? 0 : -errno.EINVAL;
      case PR.getKeepcaps: case PR.getSeccomp: case PR.getNoNewPrivs: return 0;
      default: return -errno.EINVAL;
    }
  },

  prlimit64(l, pid, what, next, old) {
    if (pid !== 0 && pid !== l.proc.pid) return -errno.ESRCH;
    if (what < 0 || what > 15) return -errno.EINVAL;
    if (next !== 0) {
      const [soft, hard] = [l.user.u64(next), l.user.u64(next + 8)];
      if (soft > hard) return -errno.EINVAL;
    }
    if (old !== 0) putLimit(l, old, limitOf(what));
    return 0;
  },

  // A limit is what it is; one that would be lower is not kept.
  setrlimit(l, what, at) {
    if (what < 0 || what > 15) return -errno.EINVAL;
    return l.user.u64(at) > l.user.u64(at + 8) ? -errno.EINVAL : 0;
  },

  getrlimit(l, what, at) {
    if (what < 0 || what > 15) return -errno.EINVAL;
    putLimit(l, at, limitOf(what));
    return 0;
  },

  getrandom(l, at, n, flags) {
    if (flags & ~7 || (flags & 6) === 6) return -errno.EINVAL;
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
