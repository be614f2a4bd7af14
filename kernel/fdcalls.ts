/**
 * FdCalls: the calls of sys.ts on open files (sysfile.c). A call answers at once, and throws what
 * fails, when the server does. Invariants: a Chan in the fd table is open; a Chan is held across every
 * wait; an offset moves when the call that uses it has completed; data that crosses this boundary is
 * the caller's own afterwards.
 */
import {
  after, attempt, type Awaitable, Ebadoffset, Ebadusefd, type Dir, Eisdir, Enotdir, got, isInterrupted, lastly, NineError, OEXEC, type Opened, ORDWR,
  OREAD, OWRITE, type Steps, steps,
} from "../proto/index.ts";
import { Chan } from "./chan.ts";
import type { Mhead } from "./pgrp.ts";
import type { Proc } from "./proc.ts";
import type { Wstat } from "./sys.ts";
import type { Turn } from "./turn.ts";

/** Dir.type of files behind a Mnt: devmnt's letter. */
const MNTCHAR = "M".charCodeAt(0);

export class FdCalls {
  protected readonly p: Proc;

  constructor(p: Proc) {
    this.p = p;
  }

  read(fd: number, n?: number, at?: number, into?: Uint8Array): Awaitable<Uint8Array> {
    return this.using(fd, (c) => {
      if ((c.mode & 3) === OWRITE) throw new NineError(Ebadusefd);
      if (c.isDir) throw new NineError(Eisdir);
      const count = Math.min(n ?? c.iounit, c.iounit, into?.length ?? c.iounit);
      const { pid, intr } = this.p;
      if (at !== undefined) return c.mnt.client.read(c.fid, offset(at), count, intr, into, c.free ? pid : undefined);
      return c.free ? c.readNext(count, intr, into, pid) : this.inTurn(c.reading, () => c.readNext(count, intr, into, pid));
    });
  }

  write(fd: number, data: Uint8Array, at?: number): Awaitable<number> {
    return this.using(fd, (c) => {
      const acc = c.mode & 3;
      if (acc === OREAD || acc === OEXEC) throw new NineError(Ebadusefd);
      if (at !== undefined) return c.writeAt(offset(at), data, this.p.intr);
      return this.inTurn(c.writing, () => after(c.writeAt(c.offset, data, this.p.intr), (n) => {
        c.offset += n;
        return n;
      }));
    });
  }

  seek(fd: number, to: number, whence: 0 | 1 | 2): Awaitable<number> {
    // Reads and writes under way come first: they move the offset when they complete.
    return this.using(fd, (c) => this.inTurn(c.reading, () => this.inTurn(c.writing, () =>
      after(whence === 2 ? c.mnt.client.statFid(c.fid, "", this.p.intr) : undefined, (d) => {
        const next = offset((d ? d.length : whence === 1 ? c.offset : 0) + to);
        if (c.isDir && next !== 0) throw new NineError(Eisdir);
        c.offset = next;
        c.ahead = undefined;
        if (c.isDir) rewind(c);
        return next;
      }))));
  }

  close(fd: number): void {
    this.p.check();
    this.p.fgrp.close(fd);
  }

  dup(from: number, to?: number): Awaitable<number> {
    return after(this.enter(), () => {
      const c = this.p.fgrp.get(from);
      if (to === from) return from;
      if (to === undefined) return this.p.fgrp.add(c.incref());
      this.p.fgrp.set(to, c.incref());
      return to;
    });
  }

  pipe(): Awaitable<[number, number]> {
    return steps(() => this.piping());
  }

  fd2path(fd: number): string {
    return this.p.fgrp.get(fd).path;
  }

  dirread(fd: number): Awaitable<Dir[]> {
    return this.using(fd, (c) => {
      if (!c.isDir) throw new NineError(Enotdir);
      return this.inTurn(c.reading, () => steps(() => this.nextDirs(c)));
    });
  }

  fstat(fd: number): Awaitable<Dir> {
    return this.using(fd, (c) =>
      after(c.mnt.client.statFid(c.fid, c.path.slice(c.path.lastIndexOf("/") + 1) || "/", this.p.intr), (d) => dressed(c, d)));
  }

  fwstat(fd: number, changes: Wstat): Awaitable<void> {
    return this.using(fd, (c) => c.mnt.client.wstatFid(c.fid, changes, this.p.intr));
  }

  /** Every call: an ended process does nothing, a stopped one waits, a busy one lets the event loop run. */
  protected enter(): Awaitable<void> {
    const { p } = this;
    if (p.killed !== undefined || p.ended) return p.afterlife();
    p.intr.lower();
    // It may have been stopped while it waited for its slice.
    return (p.held() ?? p.kernel.slices.next(p.notes)?.then(() => p.held()))?.then(() => p.check());
  }

  /** A call on an open file, which is held meanwhile. */
  private using<T>(fd: number, f: (c: Chan) => Awaitable<T>): Awaitable<T> {
    return after(this.enter(), () => {
      const c = this.p.fgrp.get(fd).incref();
      return lastly(() => f(c), () => c.close());
    });
  }

  private inTurn<T>(turn: Turn, f: () => Awaitable<T>): Awaitable<T> {
    return after(turn.enter(this.p), () => lastly(f, () => turn.leave()));
  }

  private *piping(): Steps<[number, number]> {
    yield* got(this.enter());
    const root = yield* got(this.p.kernel.attachDevice("pipe", this.p));
    try {
      const a = yield* got(pipeEnd(root, "data"));
      let b: Chan;
      try {
        b = yield* got(pipeEnd(root, "data1"));
      } catch (e) {
        a.close();
        throw e;
      }
      const { fgrp } = this.p;
      let fd: number;
      try {
        fd = fgrp.add(a);
      } catch (e) {
        b.close();
        throw e;
      }
      try {
        return [fd, fgrp.add(b)];
      } catch (e) {
        fgrp.close(fd);
        throw e;
      }
    } finally {
      root.close();
    }
  }

  /** The next batch of a directory, and then of the other elements of its union. */
  private *nextDirs(c: Chan): Steps<Dir[]> {
    const head: Mhead | undefined = c.union === undefined ? undefined : this.p.pgrp.head(c.union);
    for (;;) {
      const from = c.uri === 0 ? c : c.unionChan;
      // An element of a union that cannot be read is passed over; a directory by itself is not.
      const passed = (e: unknown): undefined => {
        if (!head || head.mounts.length < 2 || !(e instanceof NineError) || isInterrupted(e)) throw e;
        return undefined;
      };
      if (from) {
        const some = yield* got(attempt<{ dirs: Dir[]; next: number | bigint } | undefined>(() =>
          from.mnt.client.dirread(from.fid, c.cookie, from.fid, this.p.intr), passed));
        if (some && some.dirs.length > 0) {
          c.cookie = some.next;
          return some.dirs.map((d) => dressed(from, d));
        }
      }
      const m = head?.mounts[c.uri + 1];
      if (!m) return [];
      const to = this.p.mine(m.to).incref();
      const opened = (o: Opened): Chan => new Chan(to.mnt, o.fid, o.qid, c.path);
      const next = yield* got(lastly(() => attempt<Chan | undefined>(() => after(to.mnt.client.open(to.fid, [], OREAD, this.p.intr), opened), passed), () => to.close()));
      c.unionChan?.close();
      c.unionChan = next;
      c.uri++;
      c.cookie = 0;
    }
  }
}

function pipeEnd(root: Chan, name: string): Awaitable<Chan> {
  return after(root.mnt.client.open(root.fid, [name], ORDWR), (o) => asOpen(new Chan(root.mnt, o.fid, o.qid, `#pipe/${name}`), ORDWR, o.iounit));
}

export function asOpen(c: Chan, mode: number, iounit: number): Chan {
  c.mode = mode;
  c.iounit = iounit;
  return c;
}

/** A stat as the kernel hands it out: type and dev tell the server. */
export function dressed(c: Chan, d: Dir): Dir {
  d.type = MNTCHAR;
  d.dev = c.mnt.dev;
  return d;
}

function rewind(c: Chan): void {
  c.uri = 0;
  c.cookie = 0;
  c.unionChan?.close();
  c.unionChan = undefined;
}

function offset(n: number): number {
  if (!Number.isSafeInteger(n) || n < 0) throw new NineError(Ebadoffset);
  return n;
}
