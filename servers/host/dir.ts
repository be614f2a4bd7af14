/**
 * HostDir: a directory of a host tree. Invariants: what a call makes or takes away is named by one
 * element below a held directory; a removal or a rename first looks whether the name still is the
 * node's file. Between that look and the deed a local program may put another file there: then that
 * one is removed or moved, as with rm(1) and mv(1), still inside the tree. A new file whose owner or
 * mode cannot be set is taken away again.
 */
import {
  AEXEC, after, AREAD, attempt, AWRITE, type Awaitable, type Call, type DirNode, DMAPPEND, DMDIR, Eexist, Eio, Enonexist, Eperm, errno, Exdev, got,
  NineError, type Node, OAPPEND, type OpenFile, ORDWR, OREAD, OWRITE, quietly, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, statMode, type Steps, steps,
} from "../../proto/index.ts";
import { HostFile, HostLink } from "./file.ts";
import type { Entries, Handle, HostStat } from "./files.ts";
import { Held } from "./held.ts";
import { HostNode } from "./node.ts";
import { type Cred, mayUnname, permits, type Tree } from "./tree.ts";

/** So long after its last change a directory's time tells of the next; file systems' clocks tick every 10 ms or faster. */
const SETTLED_MS = 100;
/** A listing is as old as this at most: what is mounted upon an entry changes no directory. */
const FRESH_MS = 2000;

export class HostDir extends HostNode implements DirNode {
  walk(name: string, call: Call): Awaitable<Node | undefined> {
    const { tree } = this;
    return after(tree.at(this, (fd) => tree.files.lstat(fd, name)), (st) => st && this.seen(name, st, call));
  }

  list(_call: Call): Awaitable<Entries> {
    const { tree } = this;
    return attempt<Entries>(() => tree.at(this, (fd) => tree.opening(() => tree.files.list(fd))), (e) => {
      // A client may have a directory open that is removed by now: it reads as empty.
      if (e instanceof NineError && e.errno === errno.ENOENT) return [].values();
      throw e;
    });
  }

  version(_call: Call): Awaitable<string | undefined> {
    const { tree } = this;
    return tree.at(this, (fd) => after(tree.files.stat(fd), (st) => {
      const now = tree.now();
      // A clock tick later than its last change, another change has another time.
      if (!tree.files.local(fd) || now - Number(st.ctimeNs / 1_000_000n) < SETTLED_MS) return undefined;
      return `${st.ctimeNs} ${tree.markings} ${Math.floor(now / FRESH_MS)}`;
    }));
  }

  override look(): Awaitable<HostStat> {
    return after(this.tree.at(this, (fd) => this.tree.files.stat(fd)), (st) => {
      if (st.nlink === 0) throw new NineError(Enonexist);
      return this.see(st);
    });
  }

  override held<T>(op: (h: Handle) => Awaitable<T>): Awaitable<T> {
    return this.tree.at(this, op);
  }

  create(name: string, mode: number, openMode: number | undefined, call: Call): Awaitable<Made> {
    this.tree.mutable();
    return this.tree.at(this, (dir) => after(mode & DMDIR ? this.mkdir(dir, name, mode, call) : this.mkfile(dir, name, mode, openMode, call), (made) => {
      this.tree.ids.changed(this.id);
      return made;
    }));
  }

  remove(name: string, node: Node, call: Call): Awaitable<void> {
    this.tree.mutable();
    return this.tree.at(this, (dir) => steps(() => this.removing(dir, name, node, call)));
  }

  rename(name: string, node: Node, newdir: DirNode, newname: string, replace: boolean, call: Call): Awaitable<void> {
    const { tree } = this;
    tree.mutable();
    if (!(newdir instanceof HostDir) || newdir.tree !== tree || !(node instanceof HostNode)) throw new NineError(Exdev);
    return tree.at(this, (from) => tree.at(newdir, (to) => steps(() => this.renaming(from, name, node, to, newdir, newname, replace, call))));
  }

  symlink(name: string, target: string, call: Call): Awaitable<Node> {
    const { tree } = this;
    tree.mutable();
    return tree.at(this, (dir) => after(tree.files.symlink(target, dir, name), () => {
      tree.ids.changed(this.id);
      return after(this.made(dir, name, tree.cred(call), S_IFLNK, undefined), (st) => this.seen(name, st, call));
    }));
  }

  link(name: string, node: Node, call: Call): Awaitable<void> {
    const { tree } = this;
    tree.mutable();
    if (!(node instanceof HostNode) || node.tree !== tree) throw new NineError(Exdev);
    if (!(node instanceof HostFile || node instanceof HostLink)) throw new NineError("Operation not permitted");
    return after(node.look(), (st) => {
      const cred = tree.cred(call);
      // As with fs.protected_hardlinks: a link would keep alive, or later hand over, what is not one's own.
      if (cred && st.uid !== cred.uid) {
        const plain = (st.mode & S_IFMT) === S_IFREG && !(st.mode & 0o6000) && permits(st, AREAD | AWRITE, cred);
        if (!plain) throw new NineError("Operation not permitted");
      }
      const { up } = node;
      if (!up) throw new NineError(Enonexist);
      return tree.at(up, (from) => tree.at(this, (to) => steps(() => this.linking(from, node, to, name))));
    });
  }

  /** The node of an entry found for this message. */
  private seen(name: string, st: HostStat, call: Call): HostDir | HostFile | HostLink {
    const node = nodeOf(this.tree, this, name, st);
    this.tree.looked(call, node, st);
    return node;
  }

  private *removing(dir: Handle, name: string, node: Node, call: Call): Steps<void> {
    const { files, ids } = this.tree;
    const st = yield* got(this.named(dir, name, node, call));
    const cred = this.tree.cred(call);
    if (cred) mayUnname(yield* got(files.stat(dir)), st, cred);
    yield* got((st.mode & S_IFMT) === S_IFDIR ? files.rmdir(dir, name) : files.unlink(dir, name));
    ids.changed(this.id);
    if (node instanceof HostNode) ids.changed(node.id);
    this.lost(st);
  }

  private *renaming(
    from: Handle, name: string, node: HostNode, to: Handle, newdir: HostDir, newname: string, replace: boolean, call: Call,
  ): Steps<void> {
    const { tree } = this;
    const st = yield* got(this.named(from, name, node, call));
    const target = yield* got(tree.files.lstat(to, newname));
    const cred = tree.cred(call);
    if (cred) {
      mayUnname(yield* got(tree.files.stat(from)), st, cred);
      const there = yield* got(tree.files.stat(to));
      if (target) mayUnname(there, target, cred);
      else if (!permits(there, AWRITE | AEXEC, cred)) throw new NineError(Eperm);
    }
    if (newdir.id.key === this.id.key && name === newname) return;
    if (replace) yield* got(tree.files.rename(from, name, to, newname));
    else yield* this.renameNew(from, name, to, newname, st, target);
    const same = target && tree.ids.is(node.id, target);
    if (target && !same) newdir.lost(target);
    if (same) return;
    for (const id of [this.id, newdir.id, node.id]) tree.ids.changed(id);
    node.up = newdir;
    node.name = newname;
    tree.moved(node.id, newdir, newname);
  }

  private *linking(from: Handle, node: HostFile | HostLink, to: Handle, name: string): Steps<void> {
    const { tree } = this;
    const { files } = tree;
    yield* got(files.link(from, node.name, to, name));
    const now = yield* got(files.lstat(to, name));
    if (!now || !tree.ids.is(node.id, now)) {
      if (now) yield* got(files.unlink(to, name));
      throw new NineError(Enonexist);
    }
    for (const id of [this.id, node.id]) tree.ids.changed(id);
    node.see(now);
    tree.moved(node.id, this, name);
  }

  private mkfile(dir: Handle, name: string, mode: number, openMode: number | undefined, call: Call): Awaitable<Made> {
    const { tree } = this;
    const { files } = tree;
    const cred = tree.cred(call);
    const perm = statMode(mode) & 0o7777;
    const acc = openMode === undefined ? OWRITE : openMode & 3;
    const as = (acc === 3 ? OREAD : acc) | ((openMode ?? 0) & OAPPEND) | (mode & DMAPPEND ? OAPPEND : 0);
    // Until it has its owner nobody else may open it.
    return after(tree.opening(() => files.create(dir, name, as, cred ? perm & 0o700 : perm)), (fd) => {
      const held = new Held(files, fd);
      const entered = (): Awaitable<Made> => after(held.use((h) => settle(tree, dir, h, cred, perm)), (st) => {
        const node = new HostFile(tree, this, name, st, tree.ids.of(st));
        node.mark(mode, st);
        tree.looked(call, node, st);
        if (openMode === undefined) return after(held.close(), () => ({ node }));
        return { node, opened: node.opened(held, acc === OWRITE || acc === ORDWR, call) };
      });
      return attempt(entered, (e) => {
        quietly(held.close());
        return after(attempt(() => files.unlink(dir, name), () => undefined), () => {
          throw e;
        });
      });
    });
  }

  private mkdir(dir: Handle, name: string, mode: number, call: Call): Awaitable<Made> {
    const { tree } = this;
    const cred = tree.cred(call);
    const perm = statMode(mode) & 0o7777;
    return after(tree.files.mkdir(dir, name, cred ? perm & 0o700 : perm), () =>
      after(this.made(dir, name, cred, S_IFDIR, perm), (st) => {
        const node = new HostDir(tree, this, name, st, tree.ids.of(st));
        node.mark(mode, st);
        tree.looked(call, node, st);
        return { node };
      }));
  }

  /** The stat of what was just made, once it has its owner and mode. */
  private made(dir: Handle, name: string, cred: Cred | undefined, kind: number, perm: number | undefined): Awaitable<HostStat> {
    if (cred) return steps(() => this.giving(dir, name, cred, kind, perm));
    return after(this.tree.files.lstat(dir, name), (st) => {
      const right = st && this.ours(st, kind) && (perm === undefined || (st.mode & 0o7777) === wanted(st, cred, perm));
      return right ? st : steps(() => this.giving(dir, name, cred, kind, perm));
    });
  }

  /** Gives what was just made its owner and mode; takes it away again when that fails. */
  private *giving(dir: Handle, name: string, cred: Cred | undefined, kind: number, perm: number | undefined): Steps<HostStat> {
    const { files } = this.tree;
    const held = new Held(files, yield* got(this.tree.opening(() => files.hold(dir, name))));
    try {
      // A local program was faster with something of its own.
      if (!this.ours(yield* got(files.stat(held.fd)), kind)) throw new NineError(Eio);
      try {
        return yield* got(settle(this.tree, dir, held.fd, cred, perm));
      } catch (e) {
        yield* got(attempt(() => (kind === S_IFDIR ? files.rmdir(dir, name) : files.unlink(dir, name)), () => undefined));
        throw e;
      }
    } finally {
      quietly(held.close());
    }
  }

  private ours(st: HostStat, kind: number): boolean {
    return (st.mode & S_IFMT) === kind && st.uid === this.tree.files.uid;
  }

  /** The stat of `name`, which must be `node`'s file. */
  private named(dir: Handle, name: string, node: Node | HostNode, call: Call): Awaitable<HostStat> {
    if (!(node instanceof HostNode)) throw new NineError(Enonexist);
    const st = node.up === this && node.name === name ? this.tree.just(call, node) : undefined;
    return st ?? after(this.tree.files.lstat(dir, name), (now) => {
      if (!now || !this.tree.ids.is(node.id, now)) throw new NineError(Enonexist);
      return now;
    });
  }

  /**
   * rename(2) that replaces nothing. Files: a link and an unlink, so nothing is ever overwritten.
   * Directories, and where links are not to be had: only what was not there at the look before.
   */
  private *renameNew(from: Handle, name: string, to: Handle, newname: string, st: HostStat, target: HostStat | undefined): Steps<void> {
    const { files } = this.tree;
    if (target) throw new NineError(Eexist);
    if ((st.mode & S_IFMT) !== S_IFDIR) {
      try {
        yield* got(files.link(from, name, to, newname));
      } catch (e) {
        const nolinks: number[] = [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS];
        if (!(e instanceof NineError) || !nolinks.includes(e.errno)) throw e;
        return yield* got(files.rename(from, name, to, newname));
      }
      try {
        return yield* got(files.unlink(from, name));
      } catch (e) {
        yield* got(attempt(() => files.unlink(to, newname), () => undefined));
        throw e;
      }
    }
    return yield* got(files.rename(from, name, to, newname));
  }

  /** An entry with this stat has lost its name. */
  private lost(st: HostStat): void {
    if ((st.mode & S_IFMT) === S_IFDIR || st.nlink <= 1) this.tree.removed(this.tree.ids.of(st), st);
  }
}

interface Made {
  readonly node: Node;
  readonly opened?: OpenFile;
}

/** The node of a file found in a directory. */
function nodeOf(tree: Tree, up: HostDir, name: string, st: HostStat): HostDir | HostFile | HostLink {
  const id = tree.ids.of(st);
  const kind = st.mode & S_IFMT;
  if (kind === S_IFDIR) return new HostDir(tree, up, name, st, id);
  return kind === S_IFLNK ? new HostLink(tree, up, name, st, id) : new HostFile(tree, up, name, st, id);
}

/** Owner and mode of what was just made: a caller's own, in the directory's group (open(5)); the process's the system has seen to. */
function settle(tree: Tree, dir: Handle, h: Handle, cred: Cred | undefined, perm: number | undefined): Awaitable<HostStat> {
  const { files } = tree;
  const owned = cred && after(files.stat(dir), (d) => files.chown(h, cred.uid, d.gid));
  return after(after(owned, () => files.stat(h)), (st) => {
    if (perm === undefined) return st;
    const mode = wanted(st, cred, perm);
    return (st.mode & 0o7777) === mode ? st : after(files.chmod(h, mode), () => files.stat(h));
  });
}

/** The mode of what was just made: the process's umask is not the caller's; a directory may pass its set-group-ID bit on. */
function wanted(st: HostStat, cred: Cred | undefined, perm: number): number {
  if ((st.mode & S_IFMT) === S_IFDIR) return perm | (st.mode & 0o2000);
  return cred && !cred.groups.includes(st.gid) ? perm & ~0o2000 : perm;
}
