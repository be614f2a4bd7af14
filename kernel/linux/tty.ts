/**
 * Tty: Linux's ioctls on a terminal, which is the console: its line discipline is the console's own. What
 * termios says is kept for whoever asks; of it, no ICANON is the console raw, by consctl, held open until it
 * is cooked again or the process ends. Its size is winsize's, the group in its foreground consctl's.
 */
import { after, attempt, type Awaitable, encode, errno, got, NineError, OWRITE, type Steps, steps } from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { attrOf, kindOf } from "./attr.ts";
import { Struct } from "./bytes.ts";
import type { Calls } from "./call.ts";
import type { Linux } from "./linux.ts";
import { O, setStatus, statusOf } from "./opens.ts";

const T = {
  tcgets: 0x5401, tcsets: 0x5402, tcsetsw: 0x5403, tcsetsf: 0x5404, tcsbrk: 0x5409, tcxonc: 0x540a, tcflsh: 0x540b, tiocsctty: 0x540e, tiocgpgrp: 0x540f, tiocspgrp: 0x5410,
  tiocoutq: 0x5411, tiocgwinsz: 0x5413, tiocswinsz: 0x5414, fionread: 0x541b, fionbio: 0x5421, tiocnotty: 0x5422, tcsbrkp: 0x5425, tiocgsid: 0x5429, fionclex: 0x5450, fioclex: 0x5451,
} as const;
/** struct termios of the kernel: four flags, the line discipline, 19 characters. */
const TERMIOS = 36;
const LFLAG = 12;
const ICANON = 2;
/** As Linux has a new terminal: ICRNL IXON, OPOST ONLCR, B38400 CS8 CREAD, ISIG ICANON ECHO ECHOE ECHOK ECHOCTL ECHOKE IEXTEN. */
const COOKED = { iflag: 0x500, oflag: 5, cflag: 0xbf, lflag: 0x8a3b } as const;
const CHARS = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0];
/** Where the console's control files are. */
const CONSCTL = "#dev/consctl";
const WINSIZE = "#dev/winsize";

/** A terminal as a process has set it. */
export class Tty {
  private readonly l: Linux;
  termios: Uint8Array<ArrayBuffer> = cooked();
  private control: number | undefined;

  constructor(l: Linux) {
    this.l = l;
  }

  /** Takes effect, and is remembered. */
  set(termios: Uint8Array<ArrayBuffer>): Awaitable<number> {
    return steps(() => this.setting(termios));
  }

  private *setting(termios: Uint8Array<ArrayBuffer>): Steps<number> {
    const raw = !(new DataView(termios.buffer).getUint32(LFLAG, true) & ICANON);
    const { calls } = this.l;
    if (raw && this.control === undefined) this.control = yield* this.told("rawon");
    else if (!raw && this.control !== undefined) {
      yield* got(calls.write(this.control, encode("rawoff")));
      calls.close(this.control);
      this.control = undefined;
    }
    this.termios = termios;
    return 0;
  }

  /** An fd of consctl that was told something. It is out of the way of the program's own. */
  private *told(what: string): Steps<number> {
    const { calls, proc } = this.l;
    const low = yield* got(calls.open(CONSCTL, OWRITE));
    let fd = 1023;
    while (proc.fgrp.has(fd)) fd--;
    try {
      yield* got(calls.dup(low, fd));
    } finally {
      calls.close(low);
    }
    yield* got(calls.write(fd, encode(what)));
    this.l.cloexec.add(fd);
    return fd;
  }

  /** Brings a group to the foreground. */
  *foreground(group: number): Steps<number> {
    const fd = yield* this.told(`fg ${group}`);
    this.l.calls.close(fd);
    this.l.cloexec.delete(fd);
    return 0;
  }

  /** Rows and columns. */
  *size(): Steps<readonly [number, number]> {
    const { calls } = this.l;
    const fd = yield* got(calls.open(WINSIZE, 0));
    try {
      const text = yield* got(calls.read(fd, 64, 0));
      const [rows = 0, cols = 0] = String.fromCharCode(...text).trim().split(" ").map(Number);
      return [rows, cols];
    } finally {
      calls.close(fd);
    }
  }
}

function cooked(): Uint8Array<ArrayBuffer> {
  const s = new Struct(TERMIOS).u32(0, COOKED.iflag).u32(4, COOKED.oflag).u32(8, COOKED.cflag).u32(LFLAG, COOKED.lflag);
  s.bytes.set(CHARS, 17);
  return s.bytes;
}

/** Of a terminal only. */
function onTty(l: Linux, c: Chan, f: () => Awaitable<number>): Awaitable<number> {
  return after(kindOf(l, c), (kind) => (kind === "tty" ? f() : -errno.ENOTTY));
}

/** A console without its control files is none. */
function orNone(f: () => Awaitable<number>): Awaitable<number> {
  return attempt(f, (e) => {
    if (e instanceof NineError && e.errno === errno.ENOENT) return -errno.ENOTTY;
    throw e;
  });
}

/** What can be read without waiting, as far as it is known. */
function available(l: Linux, c: Chan): Awaitable<number> {
  return after(kindOf(l, c), (kind) => {
    if (kind === "file") return after(attrOf(l, c), (a) => Math.max(0, Math.min(a.size - c.offset, 0x7fff_ffff)));
    return kind === "dir" ? -errno.ENOTTY : (c.kept?.length ?? 0);
  });
}

function ioctl(l: Linux, fd: number, what: number, arg: number): Awaitable<number> {
  const c = l.proc.fgrp.get(fd);
  if (c.mode < 0) return -errno.EBADF;
  const { tty, user } = l;
  switch (what) {
    case T.fioclex: l.cloexec.add(fd); return 0;
    case T.fionclex: l.cloexec.delete(fd); return 0;
    case T.fionbio: return setStatus(c, user.u32(arg) === 0 ? statusOf(c) & ~O.nonblock : statusOf(c) | O.nonblock);
    case T.fionread:
      user.room(arg, 4);
      return after(available(l, c), (n) => {
        if (n >= 0) user.putU32(arg, n);
        return Math.min(n, 0);
      });
    case T.tcgets: return onTty(l, c, () => (user.put(arg, tty.termios), 0));
    case T.tcsets: case T.tcsetsw: case T.tcsetsf: return onTty(l, c, () => {
      const termios = user.bytes(arg, TERMIOS);
      return orNone(() => tty.set(termios as Uint8Array<ArrayBuffer>));
    });
    case T.tiocgwinsz: return onTty(l, c, () => {
      user.room(arg, 8);
      return orNone(() => after(steps(() => tty.size()), ([rows, cols]) => (user.put(arg, new Struct(8).u16(0, rows).u16(2, cols).bytes), 0)));
    });
    case T.tiocgpgrp: case T.tiocgsid: return onTty(l, c, () => (user.putU32(arg, l.proc.notes.id), 0));
    case T.tiocspgrp: return onTty(l, c, () => {
      const group = user.u32(arg);
      return l.proc.kernel.noteGroup(group) ? orNone(() => steps(() => tty.foreground(group))) : -errno.EPERM;
    });
    case T.tiocoutq: return onTty(l, c, () => (user.putU32(arg, 0), 0));
    case T.tcsbrk: case T.tcsbrkp: case T.tcxonc: case T.tcflsh: case T.tiocswinsz: case T.tiocsctty: case T.tiocnotty: return onTty(l, c, () => 0);
    default: return -errno.ENOTTY;
  }
}

export const ttys: Calls = { ioctl };
