/**
 * FileCalls: the calls of sys.ts on files by name, each turned into 9P messages on a Chan's portal
 * (sysfile.c). Invariant: names are resolved by namec's `at`, which runs the operation again when it
 * meets a symbolic link: an operation has no effect before it throws LinkFound.
 */
import {
  after, attempt, type Awaitable, Ebadarg, type Dir, DMDIR, Eintr, Eisdir, Enocreate, Enonexist, Enotdir, errno, Exdev, got, isInterrupted, lastly,
  LinkFound, NineError, OAPPEND, OEXCL, type Opened, OREAD, OTRUNC, OWRITE, type Qid, QTDIR, QTSYMLINK, type Steps, steps,
} from "../proto/index.ts";
import { Chan } from "./chan.ts";
import { asOpen, dressed, FdCalls } from "./fdcalls.ts";
import { at, cleanPath, mustBeDir, type NamecOptions, type Where } from "./namec.ts";
import { sameChan } from "./pgrp.ts";
import type { Proc } from "./proc.ts";
import type { Wstat } from "./sys.ts";

const FOLLOW: NamecOptions = {};
const NOFOLLOW: NamecOptions = { nofollow: true };

export class FileCalls extends FdCalls {
  open(path: string, mode: number): Awaitable<number> {
    const entered = this.enter();
    const c = entered ? entered.then(() => this.opened(path, mode)) : this.opened(path, mode);
    return c instanceof Promise ? c.then((x) => this.p.fgrp.add(x)) : this.p.fgrp.add(c);
  }

  openRead(path: string): Awaitable<number> {
    const { p } = this;
    return after(this.enter(), () => after(at(p, path, {}, (w) => {
      const { client } = w.c.mnt;
      return after(client.openRead(w.c.fid, w.names, client.iounit, p.intr), (o) => {
        const chan = this.chan(w, o, OREAD);
        chan.ahead = o.data;
        chan.length = o.dir?.length ?? 0;
        return chan;
      });
    }), (c) => {
      if (!c.isDir) return p.fgrp.add(c);
      c.close();
      throw new NineError(Eisdir);
    }));
  }

  create(path: string, mode: number, perm: number): Awaitable<number> {
    return after(this.enter(), () => after(this.created(path, mode, perm), (c) => this.p.fgrp.add(c)));
  }

  writeFile(path: string, data: Uint8Array, perm = 0o666): Awaitable<void> {
    return steps(() => this.writingFile(path, data, perm));
  }

  readDir(path: string): Awaitable<Dir[]> {
    return after(this.enter(), () => at(this.p, path, {}, (w) => steps(() => this.readingDir(w))));
  }

  stat(path: string, nofollow = false): Awaitable<Dir> {
    const entered = this.enter();
    return entered ? entered.then(() => this.statted(path, nofollow)) : this.statted(path, nofollow);
  }

  private statted(path: string, nofollow: boolean): Awaitable<Dir> {
    return nofollow ? at(this.p, path, NOFOLLOW, statAt) : at(this.p, path, FOLLOW, statFollowed);
  }

  wstat(path: string, changes: Wstat): Awaitable<void> {
    return after(this.enter(), () =>
      at(this.p, path, { nofollow: changes.name !== undefined }, (w) => w.c.mnt.client.wstat(w.c.fid, w.names, changes, this.p.intr)));
  }

  remove(path: string): Awaitable<void> {
    return after(this.enter(), () => at(this.p, path, { nomount: true, nofollow: true }, (w) => {
      // What a walk ended at is removed as its directory names it; the root of a server cannot be.
      if (w.names.length === 0 && this.p.pgrp.find(w.c.mnt, w.c.qid)) throw new NineError("is a mount point");
      return w.c.mnt.client.remove(w.c.fid, w.names, this.p.intr);
    }));
  }

  rename(from: string, to: string): Awaitable<void> {
    return after(this.enter(), () => {
      const a = this.split(from);
      const b = this.split(to);
      return at(this.p, a.dir, { walk: true }, (wa) =>
        at(this.p, b.dir, { walk: true }, (wb) => steps(() => this.renaming(wa, a.name, wb, b.name))));
    });
  }

  mkdir(path: string, perm: number): Awaitable<void> {
    return after(this.enter(), () => {
      const { dir, name } = this.split(path);
      return at(this.p, dir, {}, (w) => {
        const c = this.createdir(w).incref();
        return lastly(() => after(!this.alone(w) && this.exists(path), (exists) => {
          if (exists) throw new NineError("file already exists");
          return c.mnt.client.mkdir(c.fid, w.names, name, perm, this.p.intr);
        }), () => c.close());
      });
    });
  }

  symlink(target: string, path: string): Awaitable<void> {
    return after(this.enter(), () => {
      const { dir, name } = this.split(path);
      return at(this.p, dir, { walk: true }, (w) => {
        const c = this.createdir(w).incref();
        return lastly(() => c.mnt.client.symlink(c.fid, name, target, this.p.intr), () => c.close());
      });
    });
  }

  readlink(path: string): Awaitable<string> {
    return after(this.enter(), () => at(this.p, path, { walk: true, nofollow: true }, (w) => {
      if (!(w.c.qid.type & QTSYMLINK)) throw new NineError(`${Ebadarg}: not a symbolic link`);
      return w.c.mnt.client.readlink(w.c.fid, this.p.intr);
    }));
  }

  link(from: string, to: string): Awaitable<void> {
    return after(this.enter(), () => {
      const { dir, name } = this.split(to);
      return at(this.p, from, { walk: true, nofollow: true }, (wf) => at(this.p, dir, { walk: true }, (wd) => {
        const c = this.createdir(wd).incref();
        return lastly(() => {
          if (c.mnt !== wf.c.mnt) throw new NineError(Exdev);
          return c.mnt.client.link(c.fid, name, wf.c.fid, this.p.intr);
        }, () => c.close());
      }));
    });
  }

  chdir(path: string): Awaitable<void> {
    // Left before the mount point, so that one may mount on "." and see the effect.
    return after(this.enter(), () => after(at(this.p, path, { walk: true, nomount: true }, (w) => {
      if (!w.c.isDir) throw new NineError(Enotdir);
      return this.cloneOf(w);
    }), (c) => {
      const { p } = this;
      if (p.ended) {
        c.close();
        throw new NineError(Eintr);
      }
      p.dot.close();
      p.dot = c;
    }));
  }

  getwd(): string {
    return this.p.dot.path;
  }

  /** A Chan of its own, not open, for a place that was walked to. */
  protected cloneOf(w: Where): Awaitable<Chan> {
    return after(w.c.mnt.client.clone(w.c.fid, this.p.intr), (fid) => {
      const c = new Chan(w.c.mnt, fid, w.c.qid, w.path);
      c.union = w.umh?.key;
      return c;
    });
  }

  private opened(path: string, mode: number): Awaitable<Chan> {
    return at(this.p, path, FOLLOW, (w) => {
      const o = w.c.mnt.client.open(w.c.fid, w.names, mode & ~(OEXCL | OAPPEND), this.p.intr);
      return o instanceof Promise ? o.then((x) => this.chan(w, x, mode)) : this.chan(w, o, mode);
    });
  }

  private chan(w: Where, o: Opened, mode: number): Chan {
    const c = new Chan(w.c.mnt, o.fid, o.qid, w.path);
    c.union = w.umh?.key;
    return asOpen(c, mode, o.iounit);
  }

  /** create(2): a new file, or an existing one truncated. */
  private created(path: string, mode: number, perm: number): Awaitable<Chan> {
    if (mustBeDir(path) && !(perm & DMDIR)) throw new NineError("create without DMDIR");
    const { dir, name } = this.split(path);
    const excl = (mode & OEXCL) !== 0;
    const m = mode & ~OEXCL;
    // An existing directory asked for as one cannot be truncated: open(2) says so.
    const again = (): Awaitable<Chan> => this.opened(path, perm & DMDIR ? m : m | OTRUNC);
    return at(this.p, dir, {}, (w) => {
      return after(!this.alone(w) && this.exists(path), (exists) => {
        if (exists && excl) throw new NineError("file already exists");
        if (exists) return again();
        return attempt(() => this.fresh(w, name, m & ~OTRUNC, perm, cleanPath(this.p, path), m), (e) => {
          // Whether it exists is only known by trying: Tcreate alone is atomic.
          if (excl || !(e instanceof NineError) || e instanceof LinkFound || isInterrupted(e) || e.errno === errno.ENOENT) throw e;
          return attempt(again, (x) => {
            throw whichOf(e, x);
          });
        });
      });
    });
  }

  /** A directory where only the server knows which names there are: no union, and nothing mounted in it. */
  private alone(w: Where): boolean {
    return !this.p.pgrp.on(w.c.mnt) && (w.names.length > 0 || !isUnion(w));
  }

  /** A new file, open, at this place. */
  private fresh(w: Where, name: string, mode: number, perm: number, path: string, opened: number): Awaitable<Chan> {
    const c = this.createdir(w).incref();
    return lastly(() => after(c.mnt.client.create(c.fid, w.names, name, mode, perm, this.p.intr), (o) =>
      asOpen(new Chan(c.mnt, o.fid, o.qid, path), opened, o.iounit)), () => c.close());
  }

  private *writingFile(path: string, data: Uint8Array, perm: number): Steps<void> {
    yield* got(this.enter());
    const { dir, name } = this.split(path);
    const { intr } = this.p;
    if (!mustBeDir(path) && (yield* got(at(this.p, dir, {}, (w) => this.writtenAt(w, name, data, perm))))) return;
    const c = yield* got(this.created(path, OWRITE, perm));
    try {
      yield* got(c.mnt.client.write(c.fid, 0, data, intr));
    } finally {
      c.close();
    }
  }

  /** A file made, or truncated, and written in as few round trips as there can be; false where that may be the wrong file: something is mounted here, or the name is a link. */
  private writtenAt(w: Where, name: string, data: Uint8Array, perm: number): Awaitable<boolean> {
    if (!this.alone(w) || w.umh?.mounts.some((m) => !m.create)) return false;
    const { client } = w.c.mnt;
    const { intr } = this.p;
    const yes = (): boolean => true;
    return attempt(() => after(client.createWrite(w.c.fid, w.names, name, perm, data, intr), yes), (e) => {
      if (!(e instanceof NineError) || e instanceof LinkFound || isInterrupted(e) || e.errno === errno.ENOENT) throw e;
      return attempt(() => after(client.truncateWrite(w.c.fid, [...w.names, name], data, intr), yes), (x) => {
        // The name is a symbolic link: the long way knows where it leads.
        if (x instanceof LinkFound) return false;
        throw whichOf(e, x);
      });
    });
  }

  private *readingDir(w: Where): Steps<Dir[]> {
    const elems = elementsOf(this.p, w).map((e) => e.incref());
    try {
      const all: Dir[] = [];
      let failed: unknown;
      let read = 0;
      for (const e of elems) {
        try {
          const dirs = yield* got(e.mnt.client.list(e.fid, w.names, this.p.intr));
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
  }

  private *renaming(wa: Where, oldname: string, wb: Where, newname: string): Steps<void> {
    const from = yield* this.elementWith(wa, oldname);
    let to: Chan | undefined;
    try {
      // Within one directory the file stays in its element of the union.
      to = (sameChan(wa.c, wb.c) ? from : isUnion(wb) ? this.createdir(wb) : wb.c).incref();
      const { client } = from.mnt;
      if (to.mnt !== from.mnt) throw new NineError(Exdev);
      if (client.portal.dialect === "9P2000.L") yield* got(client.rename(from.fid, oldname, to.fid, newname, this.p.intr));
      else if (sameChan(from, to)) yield* got(client.wstat(from.fid, [oldname], { name: newname }, this.p.intr));
      else throw new NineError(Exdev);
    } finally {
      from.close();
      to?.close();
    }
  }

  /** Where a file made in this directory goes: the first element of a union that permits it (bind(2) MCREATE). */
  private createdir(w: Where): Chan {
    if (!w.umh) return w.c;
    const m = w.umh.mounts.find((x) => x.create);
    if (!m) throw new NineError(Enocreate);
    return this.p.mine(m.to);
  }

  /** The directory, or the first element of the union, that has the name; a reference of the caller's. */
  private *elementWith(w: Where, name: string): Steps<Chan> {
    if (!isUnion(w)) return w.c.incref();
    const elems = elementsOf(this.p, w).map((c) => c.incref());
    try {
      for (const e of elems) {
        const { client } = e.mnt;
        const { fid } = yield* got(attempt<{ fid: number | undefined }>(() => client.walkPart(e.fid, [name], this.p.intr), (x) => {
          if (!(x instanceof NineError) || isInterrupted(x)) throw x;
          return { fid: undefined };
        }));
        if (fid === undefined) continue;
        client.clunk(fid);
        return e.incref();
      }
      throw new NineError(Enonexist);
    } finally {
      for (const e of elems) e.close();
    }
  }

  private exists(path: string): Awaitable<boolean> {
    return attempt(() => at(this.p, path, { walk: true }, () => true), (e) => {
      if (e instanceof NineError && e.errno === errno.ENOENT) return false;
      throw e;
    });
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

function statAt(w: Where): Awaitable<Dir> {
  const d = w.c.mnt.client.stat(w.c.fid, w.names, w.p.intr);
  return d instanceof Promise ? dressedLater(w.c, d) : dressed(w.c, d);
}

function statFollowed(w: Where): Awaitable<Dir> {
  const d = statAt(w);
  return d instanceof Promise ? noLinkLater(w, d) : noLink(w, d);
}

async function dressedLater(c: Chan, d: Promise<Dir>): Promise<Dir> {
  return dressed(c, await d);
}

async function noLinkLater(w: Where, d: Promise<Dir>): Promise<Dir> {
  return noLink(w, await d);
}

/** The walk met no link, but what it ended at may be one. */
function noLink(w: Where, d: Dir): Dir {
  if (d.qid.type & QTSYMLINK && w.names.length > 0) throw new LinkFound(linkAt(w, d.qid));
  return d;
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
export function linkAt(w: Where, qid: Qid): Qid[] {
  return w.names.map((_, i) => (i === w.names.length - 1 ? qid : { ...qid, type: QTDIR }));
}
