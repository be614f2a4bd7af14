/**
 * FileCalls: the calls of sys.ts on files by name, each turned into 9P messages on a Chan's portal
 * (sysfile.c). Invariant: names are resolved by namec's `at`, which runs the operation again when it
 * meets a symbolic link: an operation has no effect before it throws LinkFound.
 */
import {
  Ebadarg, type Dir, DMDIR, Eisdir, Enocreate, Enonexist, Enotdir, errno, Exdev, isInterrupted, LinkFound, NineError, OAPPEND, OEXCL, OREAD, OTRUNC,
  OWRITE, type Qid, QTDIR, QTSYMLINK,
} from "../proto/index.ts";
import { Chan } from "./chan.ts";
import { asOpen, dressed, FdCalls } from "./fdcalls.ts";
import { at, cleanPath, type Where } from "./namec.ts";
import { sameChan } from "./pgrp.ts";
import type { Proc } from "./proc.ts";
import type { Wstat } from "./sys.ts";

export class FileCalls extends FdCalls {
  async open(path: string, mode: number): Promise<number> {
    await this.enter();
    return this.p.fgrp.add(await this.opened(path, mode));
  }

  async openRead(path: string): Promise<number> {
    await this.enter();
    const c = await at(this.p, path, {}, async (w) => {
      const { mnt } = w.c;
      const o = await mnt.client.openRead(w.c.fid, w.names, mnt.client.iounit, this.p.intr);
      const chan = this.chan(w, o, OREAD);
      chan.ahead = o.data;
      chan.length = o.dir?.length ?? 0;
      return chan;
    });
    if (c.isDir) {
      c.close();
      throw new NineError(Eisdir);
    }
    return this.p.fgrp.add(c);
  }

  async create(path: string, mode: number, perm: number): Promise<number> {
    await this.enter();
    return this.p.fgrp.add(await this.created(path, mode, perm));
  }

  async writeFile(path: string, data: Uint8Array, perm = 0o666): Promise<void> {
    await this.enter();
    const { intr } = this.p;
    const { dir, name } = this.split(path);
    const done = await at(this.p, dir, {}, async (w) => {
      if (w.names.length === 0 && (w.umh || this.p.pgrp.on(w.c.mnt) > 0)) return false;
      if (this.p.pgrp.on(w.c.mnt) > 0) return false;
      const { client } = w.c.mnt;
      try {
        await client.createWrite(w.c.fid, w.names, name, perm, data, intr);
      } catch (e) {
        if (!(e instanceof NineError) || e instanceof LinkFound || isInterrupted(e) || e.errno === errno.ENOENT) throw e;
        try {
          await client.truncateWrite(w.c.fid, [...w.names, name], data, intr);
        } catch (x) {
          // The name is a symbolic link: the long way knows where it leads.
          if (x instanceof LinkFound) return false;
          throw whichOf(e, x);
        }
      }
      return true;
    });
    if (done) return;
    const c = await this.created(path, OWRITE, perm);
    try {
      await c.mnt.client.write(c.fid, 0, data, intr);
    } finally {
      c.close();
    }
  }

  async readDir(path: string): Promise<Dir[]> {
    await this.enter();
    return at(this.p, path, {}, async (w) => {
      const elems = elementsOf(this.p, w).map((e) => e.incref());
      try {
        const all: Dir[] = [];
        let failed: unknown;
        let read = 0;
        for (const e of elems) {
          try {
            const dirs = await e.mnt.client.list(e.fid, w.names, this.p.intr);
            read++;
            for (const d of dirs) all.push(dressed(e, d));
          } catch (x) {
            // An element of a union that cannot be read is passed over, unless there is no other.
            if (elems.length === 1 || !(x instanceof NineError) || isInterrupted(x)) throw x;
            failed ??= x;
          }
        }
        if (read === 0 && failed) throw failed;
        return all;
      } finally {
        for (const e of elems) e.close();
      }
    });
  }

  async stat(path: string, nofollow = false): Promise<Dir> {
    await this.enter();
    return at(this.p, path, { nofollow }, async (w) => {
      const d = await w.c.mnt.client.stat(w.c.fid, w.names, this.p.intr);
      // The walk met no link, but what it ended at is one.
      if (!nofollow && d.qid.type & QTSYMLINK && w.names.length > 0) throw new LinkFound(linkAt(w, d.qid));
      return dressed(w.c, d);
    });
  }

  async wstat(path: string, changes: Wstat): Promise<void> {
    await this.enter();
    await at(this.p, path, { nofollow: changes.name !== undefined }, (w) => w.c.mnt.client.wstat(w.c.fid, w.names, changes, this.p.intr));
  }

  async remove(path: string): Promise<void> {
    await this.enter();
    await at(this.p, path, { nomount: true, nofollow: true }, async (w) => {
      const { client } = w.c.mnt;
      // What a walk ended at is removed as its directory names it; the root of a server cannot be.
      if (w.names.length > 0) await client.remove(w.c.fid, w.names, this.p.intr);
      else if (this.p.pgrp.find(w.c.mnt, w.c.qid)) throw new NineError("permission denied: is a mount point");
      else await client.remove(w.c.fid, [], this.p.intr);
    });
  }

  async rename(from: string, to: string): Promise<void> {
    await this.enter();
    const a = this.split(from);
    const b = this.split(to);
    await at(this.p, a.dir, { walk: true }, async (wa) => {
      await at(this.p, b.dir, { walk: true }, async (wb) => {
        const from = await this.elementWith(wa, a.name);
        // Within one directory the file stays in its element of the union.
        const to = (sameChan(wa.c, wb.c) ? from : isUnion(wb) ? this.createdir(wb) : wb.c).incref();
        try {
          const { client } = from.mnt;
          if (to.mnt !== from.mnt) throw new NineError(Exdev);
          if (client.portal.dialect === "9P2000.L") await client.rename(from.fid, a.name, to.fid, b.name, this.p.intr);
          else if (sameChan(from, to)) await client.wstat(from.fid, [a.name], { name: b.name }, this.p.intr);
          else throw new NineError(Exdev);
        } finally {
          from.close();
          to.close();
        }
      });
    });
  }

  async mkdir(path: string, perm: number): Promise<void> {
    await this.enter();
    const { dir, name } = this.split(path);
    await at(this.p, dir, {}, async (w) => {
      const c = this.createdir(w).incref();
      try {
        if (w.names.length === 0 && await this.exists(path)) throw new NineError("file already exists");
        await c.mnt.client.mkdir(c.fid, w.names, name, perm, this.p.intr);
      } finally {
        c.close();
      }
    });
  }

  async symlink(target: string, path: string): Promise<void> {
    await this.enter();
    const { dir, name } = this.split(path);
    await at(this.p, dir, { walk: true }, (w) => {
      const c = this.createdir(w).incref();
      return c.mnt.client.symlink(c.fid, name, target, this.p.intr).finally(() => c.close());
    });
  }

  async readlink(path: string): Promise<string> {
    await this.enter();
    return at(this.p, path, { walk: true, nofollow: true }, (w) => {
      if (!(w.c.qid.type & QTSYMLINK)) throw new NineError(`${Ebadarg}: not a symbolic link`);
      return w.c.mnt.client.readlink(w.c.fid, this.p.intr);
    });
  }

  async link(from: string, to: string): Promise<void> {
    await this.enter();
    const { dir, name } = this.split(to);
    await at(this.p, from, { walk: true, nofollow: true }, (wf) =>
      at(this.p, dir, { walk: true }, async (wd) => {
        const c = this.createdir(wd).incref();
        try {
          if (c.mnt !== wf.c.mnt) throw new NineError(Exdev);
          await c.mnt.client.link(c.fid, name, wf.c.fid, this.p.intr);
        } finally {
          c.close();
        }
      }));
  }

  async chdir(path: string): Promise<void> {
    await this.enter();
    const c = await at(this.p, path, { walk: true }, async (w) => {
      if (!w.c.isDir) throw new NineError(Enotdir);
      return this.cloneOf(w);
    });
    this.p.dot.close();
    this.p.dot = c;
  }

  getwd(): string {
    return this.p.dot.path;
  }

  /** A Chan of its own, not open, for a place that was walked to. */
  protected async cloneOf(w: Where): Promise<Chan> {
    const c = new Chan(w.c.mnt, await w.c.mnt.client.clone(w.c.fid, this.p.intr), w.c.qid, w.path);
    c.union = w.umh?.key;
    return c;
  }

  private opened(path: string, mode: number): Promise<Chan> {
    return at(this.p, path, {}, (w) => this.openAt(w, mode));
  }

  private async openAt(w: Where, mode: number): Promise<Chan> {
    return this.chan(w, await w.c.mnt.client.open(w.c.fid, w.names, mode & ~(OEXCL | OAPPEND), this.p.intr), mode);
  }

  private chan(w: Where, o: { fid: number; qid: Qid; iounit: number }, mode: number): Chan {
    const c = new Chan(w.c.mnt, o.fid, o.qid, w.path);
    c.union = w.umh?.key;
    return asOpen(c, mode, o.iounit);
  }

  /** create(2): a new file, or an existing one truncated. */
  private async created(path: string, mode: number, perm: number): Promise<Chan> {
    const { dir, name } = this.split(path);
    const excl = (mode & OEXCL) !== 0;
    const m = mode & ~OEXCL;
    const fresh = (w: Where, c: Chan): Promise<Chan> =>
      c.mnt.client.create(c.fid, w.names, name, m & ~OTRUNC, perm, this.p.intr).then((o) =>
        asOpen(new Chan(c.mnt, o.fid, o.qid, cleanPath(this.p, path)), m, o.iounit));
    // An existing directory asked for as one cannot be truncated: open(2) says so.
    const again = (): Promise<Chan> => this.opened(path, perm & DMDIR ? m : m | OTRUNC);
    return at(this.p, dir, {}, async (w) => {
      const simple = this.p.pgrp.on(w.c.mnt) === 0 && (w.names.length > 0 || !w.umh || w.umh.mounts.length === 1);
      if (!simple && await this.exists(path)) {
        if (excl) throw new NineError("file already exists");
        return again();
      }
      try {
        const c = this.createdir(w).incref();
        return await fresh(w, c).finally(() => c.close());
      } catch (e) {
        // Whether it exists is only known by trying: Tcreate alone is atomic.
        if (excl || !(e instanceof NineError) || e instanceof LinkFound || isInterrupted(e) || e.errno === errno.ENOENT) throw e;
        return await again().catch((x: unknown) => {
          throw whichOf(e, x);
        });
      }
    });
  }

  /** Where a file made in this directory goes: the first element of a union that permits it (bind(2) MCREATE). */
  private createdir(w: Where): Chan {
    if (!w.umh) return w.c;
    const m = w.umh.mounts.find((x) => x.create);
    if (!m) throw new NineError(Enocreate);
    return this.p.mine(m.to);
  }

  /** The directory, or the first element of the union, that has the name; a reference of the caller's. */
  private async elementWith(w: Where, name: string): Promise<Chan> {
    if (!isUnion(w)) return w.c.incref();
    for (const e of elementsOf(this.p, w).map((c) => c.incref())) {
      const { fid } = await e.mnt.client.walkPart(e.fid, [name], this.p.intr).catch((x: unknown) => {
        if (!(x instanceof NineError) || isInterrupted(x)) throw x;
        return { fid: undefined };
      });
      if (fid !== undefined) {
        e.mnt.client.clunk(fid);
        return e;
      }
      e.close();
    }
    throw new NineError(Enonexist);
  }

  private async exists(path: string): Promise<boolean> {
    try {
      await at(this.p, path, { walk: true }, () => Promise.resolve());
      return true;
    } catch (e) {
      if (e instanceof NineError && e.errno === errno.ENOENT) return false;
      throw e;
    }
  }

  /** The directory and the last name of a path; a directory at or below the current one is named from there. */
  private split(path: string): { dir: string; name: string } {
    const clean = cleanPath(this.p, path);
    const dot = this.p.dot.path === "/" ? "" : this.p.dot.path;
    if (!path.startsWith("/") && !path.startsWith("#") && clean.startsWith(`${dot}/`) && clean.length > dot.length + 1) {
      const below = clean.slice(dot.length + 1).split("/");
      return { dir: ["."].concat(below.slice(0, -1)).join("/"), name: below.at(-1) ?? "" };
    }
    const slash = clean.lastIndexOf("/");
    const name = clean.slice(slash + 1);
    if (slash < 0 || name === "") throw new NineError(`${Ebadarg}: ${path} is not a name that can be made or moved`);
    return { dir: clean.slice(0, slash) || "/", name };
  }
}

/** Of a failed create and the failed open that followed, the error to tell: "exists" and "does not exist" mean a link that leads nowhere. */
function whichOf(create: NineError, open: unknown): unknown {
  return open instanceof NineError && open.errno === errno.ENOENT && create.errno !== errno.EEXIST ? create : open;
}

function isUnion(w: Where): boolean {
  return w.names.length === 0 && w.umh !== undefined && w.umh.mounts.length > 1;
}

/** What a directory's entries come from: the elements of a union, or the directory alone. */
function elementsOf(p: Proc, w: Where): Chan[] {
  return w.umh && w.names.length === 0 ? w.umh.mounts.map((m) => p.mine(m.to)) : [w.c];
}

/** The qids a walk of all names would have given, as far as anybody looks: the last is the link's. */
function linkAt(w: Where, qid: Qid): Qid[] {
  return w.names.map((_, i) => (i === w.names.length - 1 ? qid : { ...qid, type: QTDIR }));
}
