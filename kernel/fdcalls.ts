/**
 * FdCalls: the calls of sys.ts on open files (sysfile.c). Invariants: a Chan in the fd table is open;
 * a Chan is held across every wait; an offset moves when the call that uses it has completed; data
 * that crosses this boundary is the caller's own afterwards.
 */
import { Ebadoffset, Ebadusefd, type Dir, Eisdir, Enotdir, isInterrupted, NineError, OEXEC, OREAD, OWRITE } from "../proto/index.ts";
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

  async read(fd: number, n?: number, at?: number): Promise<Uint8Array> {
    await this.enter();
    const c = this.p.fgrp.get(fd).incref();
    try {
      if ((c.mode & 3) === OWRITE) throw new NineError(Ebadusefd);
      if (c.isDir) throw new NineError(Eisdir);
      const count = Math.min(n ?? c.iounit, c.iounit);
      if (at !== undefined) return await c.mnt.client.read(c.fid, offset(at), count, this.p.intr);
      return await this.turn(c.reading, () => c.readNext(count, this.p.intr));
    } finally {
      c.close();
    }
  }

  async write(fd: number, data: Uint8Array, at?: number): Promise<number> {
    await this.enter();
    const c = this.p.fgrp.get(fd).incref();
    try {
      const acc = c.mode & 3;
      if (acc === OREAD || acc === OEXEC) throw new NineError(Ebadusefd);
      if (at !== undefined) return await c.writeAt(offset(at), data, this.p.intr);
      return await this.turn(c.writing, async () => {
        const n = await c.writeAt(c.offset, data, this.p.intr);
        c.offset += n;
        return n;
      });
    } finally {
      c.close();
    }
  }

  async seek(fd: number, to: number, whence: 0 | 1 | 2): Promise<number> {
    await this.enter();
    const c = this.p.fgrp.get(fd).incref();
    try {
      // Reads and writes under way come first: they move the offset when they complete.
      return await this.turn(c.reading, () => this.turn(c.writing, async () => {
        const base = whence === 0 ? 0 : whence === 1 ? c.offset : (await c.mnt.client.statFid(c.fid, "", this.p.intr)).length;
        const next = offset(base + to);
        if (c.isDir && next !== 0) throw new NineError(Eisdir);
        c.offset = next;
        c.ahead = undefined;
        if (c.isDir) rewind(c);
        return next;
      }));
    } finally {
      c.close();
    }
  }

  async close(fd: number): Promise<void> {
    this.p.check();
    this.p.fgrp.close(fd);
  }

  async dup(from: number, to?: number): Promise<number> {
    await this.enter();
    const c = this.p.fgrp.get(from);
    if (to === from) return from;
    if (to === undefined) return this.p.fgrp.add(c.incref());
    this.p.fgrp.set(to, c.incref());
    return to;
  }

  async pipe(): Promise<[number, number]> {
    await this.enter();
    const root = await this.p.kernel.attachDevice("pipe", this.p);
    try {
      const end = async (name: string): Promise<Chan> => {
        const o = await root.mnt.client.open(root.fid, [name], 2);
        const c = new Chan(root.mnt, o.fid, o.qid, `#pipe/${name}`);
        return asOpen(c, 2, o.iounit);
      };
      const a = await end("data");
      const b = await end("data1").catch((e: unknown) => {
        a.close();
        throw e;
      });
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

  fd2path(fd: number): string {
    return this.p.fgrp.get(fd).path;
  }

  async dirread(fd: number): Promise<Dir[]> {
    await this.enter();
    const c = this.p.fgrp.get(fd).incref();
    try {
      if (!c.isDir) throw new NineError(Enotdir);
      return await this.turn(c.reading, () => this.nextDirs(c));
    } finally {
      c.close();
    }
  }

  async fstat(fd: number): Promise<Dir> {
    await this.enter();
    const c = this.p.fgrp.get(fd).incref();
    try {
      return dressed(c, await c.mnt.client.statFid(c.fid, c.path.split("/").at(-1) || "/", this.p.intr));
    } finally {
      c.close();
    }
  }

  async fwstat(fd: number, changes: Wstat): Promise<void> {
    await this.enter();
    const c = this.p.fgrp.get(fd).incref();
    try {
      await c.mnt.client.wstatFid(c.fid, changes, this.p.intr);
    } finally {
      c.close();
    }
  }

  /** Every call: an ended process does nothing, a stopped one waits, a busy one lets the event loop run. */
  protected async enter(): Promise<void> {
    this.p.check();
    await (this.p.held() ?? this.p.kernel.slice());
    this.p.check();
  }

  private async turn<T>(turn: Turn, f: () => Promise<T>): Promise<T> {
    await turn.enter(this.p);
    try {
      return await f();
    } finally {
      turn.leave();
    }
  }

  /** The next batch of a directory, and then of the other elements of its union. */
  private async nextDirs(c: Chan): Promise<Dir[]> {
    const head: Mhead | undefined = c.union === undefined ? undefined : this.p.pgrp.head(c.union);
    for (;;) {
      const from = c.uri === 0 ? c : c.unionChan;
      // An element of a union that cannot be read is passed over; a directory by itself is not.
      const passed = (e: unknown): undefined => {
        if (!head || head.mounts.length < 2 || !(e instanceof NineError) || isInterrupted(e)) throw e;
        return undefined;
      };
      if (from) {
        const got = await from.mnt.client.dirread(from.fid, c.cookie, from.fid, this.p.intr).catch(passed);
        if (got && got.dirs.length > 0) {
          c.cookie = got.next;
          return got.dirs.map((d) => dressed(from, d));
        }
      }
      const m = head?.mounts[c.uri + 1];
      if (!m) return [];
      const to = this.p.mine(m.to).incref();
      const o = await to.mnt.client.open(to.fid, [], OREAD, this.p.intr).catch(passed).finally(() => to.close());
      c.unionChan?.close();
      c.unionChan = o && new Chan(to.mnt, o.fid, o.qid, c.path);
      c.uri++;
      c.cookie = 0;
    }
  }
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
