/**
 * HostDir: a directory of a host tree. Invariants: what a call makes or takes away is named by one
 * element below a held directory; a removal or a rename first looks whether the name still is the
 * node's file. Between that look and the deed a local program may put another file there: then that
 * one is removed or moved, as with rm(1) and mv(1), still inside the tree. A new file whose owner or
 * mode cannot be set is taken away again.
 */
import {
  AEXEC, after, AREAD, attempt, AWRITE, type Awaitable, type Call, type DirNode, DMAPPEND, DMDIR, Eexist, Eio, Enonexist, Eperm, errno, Exdev, NineError, type Node,
  OAPPEND, type OpenFile, ORDWR, OREAD, OWRITE, quietly, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, statMode,
} from "../../proto/index.ts";
import { HostFile, HostLink } from "./file.ts";
import type { Entries, Handle, HostStat } from "./files.ts";
import { Held } from "./held.ts";
import { HostNode } from "./node.ts";
import { type Cred, MARKS, mayUnname, permits, type Tree } from "./tree.ts";

export class HostDir extends HostNode implements DirNode {
  walk(name: string, _call: Call): Awaitable<Node | undefined> {
    return after(this.tree.at(this, (fd) => this.tree.files.lstat(fd, name)), (st) => st && this.child(name, st));
  }

  list(_call: Call): Awaitable<Iterable<readonly [string, Node]> | AsyncIterable<readonly [string, Node]>> {
    // A client may have a directory open that is removed by now: it reads as empty.
    const entries = attempt<Entries>(() => this.tree.at(this, (fd) => this.tree.files.list(fd)), (e) => {
      if (e instanceof NineError && e.errno === errno.ENOENT) return [].values();
      throw e;
    });
    return after(entries, (all) => nodes(all, (name, st) => this.child(name, st).fromList(st)));
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

  async create(name: string, mode: number, openMode: number | undefined, call: Call): Promise<{ node: Node; opened?: OpenFile }> {
    this.tree.mutable();
    return this.tree.at(this, async (dir) => {
      const made = await (mode & DMDIR ? this.mkdir(dir, name, mode, call) : this.mkfile(dir, name, mode, openMode, call));
      this.tree.ids.changed(this.id);
      return made;
    });
  }

  async remove(name: string, node: Node, call: Call): Promise<void> {
    const { tree } = this;
    const { files } = tree;
    tree.mutable();
    await tree.at(this, async (dir) => {
      const st = await this.named(dir, name, node);
      const cred = tree.cred(call);
      if (cred) mayUnname(await files.stat(dir), st, cred);
      const isdir = (st.mode & S_IFMT) === S_IFDIR;
      await (isdir ? files.rmdir(dir, name) : files.unlink(dir, name));
      tree.ids.changed(this.id);
      tree.ids.changed(node instanceof HostNode ? node.id : this.id);
      this.lost(st);
    });
  }

  async rename(name: string, node: Node, newdir: DirNode, newname: string, replace: boolean, call: Call): Promise<void> {
    const { tree } = this;
    tree.mutable();
    if (!(newdir instanceof HostDir) || newdir.tree !== tree || !(node instanceof HostNode)) throw new NineError(Exdev);
    await tree.at(this, (from) => tree.at(newdir, async (to) => {
      const st = await this.named(from, name, node);
      const target = await tree.files.lstat(to, newname);
      const cred = tree.cred(call);
      if (cred) {
        mayUnname(await tree.files.stat(from), st, cred);
        const there = await tree.files.stat(to);
        if (target) mayUnname(there, target, cred);
        else if (!permits(there, AWRITE | AEXEC, cred)) throw new NineError(Eperm);
      }
      if (newdir.id.key === this.id.key && name === newname) return;
      if (replace) await tree.files.rename(from, name, to, newname);
      else await this.renameNew(from, name, to, newname, st, target);
      const same = target && tree.ids.is(node.id, target);
      if (target && !same) newdir.lost(target);
      if (same) return;
      for (const id of [this.id, newdir.id, node.id]) tree.ids.changed(id);
      node.up = newdir;
      node.name = newname;
      tree.moved(node.id, newdir, newname);
    }));
  }

  async symlink(name: string, target: string, call: Call): Promise<Node> {
    const { tree } = this;
    tree.mutable();
    return tree.at(this, async (dir) => {
      await tree.files.symlink(target, dir, name);
      tree.ids.changed(this.id);
      const cred = tree.cred(call);
      const st = await this.made(dir, name, cred, S_IFLNK, undefined);
      return this.child(name, st);
    });
  }

  async link(name: string, node: Node, call: Call): Promise<void> {
    const { tree } = this;
    tree.mutable();
    if (!(node instanceof HostNode) || node.tree !== tree) throw new NineError(Exdev);
    if (node instanceof HostDir) throw new NineError("Operation not permitted");
    const st = await node.look();
    const cred = tree.cred(call);
    // As with fs.protected_hardlinks: a link would keep alive, or later hand over, what is not one's own.
    if (cred && st.uid !== cred.uid) {
      const plain = (st.mode & S_IFMT) === S_IFREG && !(st.mode & 0o6000) && permits(st, AREAD | AWRITE, cred);
      if (!plain) throw new NineError("Operation not permitted");
    }
    const { up } = node;
    if (!up) throw new NineError(Enonexist);
    await tree.at(up, (from) => tree.at(this, async (to) => {
      await tree.files.link(from, node.name, to, name);
      const now = await tree.files.lstat(to, name);
      if (!now || !tree.ids.is(node.id, now)) {
        if (now) await tree.files.unlink(to, name);
        throw new NineError(Enonexist);
      }
      for (const id of [this.id, node.id]) tree.ids.changed(id);
      node.see(now);
      tree.moved(node.id, this, name);
    }));
  }

  /** The node of an entry. */
  private child(name: string, st: HostStat): HostDir | HostFile | HostLink {
    return nodeOf(this.tree, this, name, st);
  }

  private async mkfile(dir: Handle, name: string, mode: number, openMode: number | undefined, call: Call): Promise<{ node: Node; opened?: OpenFile }> {
    const { tree } = this;
    const { files } = tree;
    const cred = tree.cred(call);
    const perm = statMode(mode) & 0o7777;
    const acc = openMode === undefined ? OWRITE : openMode & 3;
    const as = (acc === 3 ? OREAD : acc) | ((openMode ?? 0) & OAPPEND) | (mode & DMAPPEND ? OAPPEND : 0);
    // Until it has its owner nobody else may open it.
    const fd = await files.create(dir, name, as, cred ? perm & 0o700 : perm);
    const held = new Held(files, fd);
    try {
      const st = await held.use((h) => settle(tree, dir, h, cred, perm));
      const node = new HostFile(tree, this, name, st, tree.ids.of(st));
      if (mode & MARKS) {
        node.setMarks(mode);
        node.see(st);
      }
      if (openMode === undefined) {
        await held.close();
        return { node };
      }
      return { node, opened: node.opened(held, acc === OWRITE || acc === ORDWR, call) };
    } catch (e) {
      quietly(held.close());
      await attempt(() => files.unlink(dir, name), () => undefined);
      throw e;
    }
  }

  private async mkdir(dir: Handle, name: string, mode: number, call: Call): Promise<{ node: Node }> {
    const { tree } = this;
    const cred = tree.cred(call);
    const perm = statMode(mode) & 0o7777;
    await tree.files.mkdir(dir, name, cred ? perm & 0o700 : perm);
    const st = await this.made(dir, name, cred, S_IFDIR, perm);
    const node = new HostDir(tree, this, name, st, tree.ids.of(st));
    if (mode & MARKS) {
      node.setMarks(mode);
      node.see(st);
    }
    return { node };
  }

  /** Gives what was just made its owner and mode; takes it away again when that fails. */
  private async made(dir: Handle, name: string, cred: Cred | undefined, kind: number, perm: number | undefined): Promise<HostStat> {
    const { files } = this.tree;
    const held = new Held(files, await files.hold(dir, name));
    try {
      const st = await held.use((h) => files.stat(h));
      // A local program was faster with something of its own.
      if ((st.mode & S_IFMT) !== kind || st.uid !== files.uid) throw new NineError(Eio);
      try {
        return await held.use((h) => settle(this.tree, dir, h, cred, perm));
      } catch (e) {
        await attempt(() => (kind === S_IFDIR ? files.rmdir(dir, name) : files.unlink(dir, name)), () => undefined);
        throw e;
      }
    } finally {
      quietly(held.close());
    }
  }

  /** The stat of `name`, which must be `node`'s file. */
  private async named(dir: Handle, name: string, node: Node): Promise<HostStat> {
    const st = await this.tree.files.lstat(dir, name);
    if (!st || !(node instanceof HostNode) || !this.tree.ids.is(node.id, st)) throw new NineError(Enonexist);
    return st;
  }

  /**
   * rename(2) that replaces nothing. Files: a link and an unlink, so nothing is ever overwritten.
   * Directories, and where links are not to be had: only what was not there at the look before.
   */
  private async renameNew(from: Handle, name: string, to: Handle, newname: string, st: HostStat, target: HostStat | undefined): Promise<void> {
    const { files } = this.tree;
    if (target) throw new NineError(Eexist);
    if ((st.mode & S_IFMT) !== S_IFDIR) {
      try {
        await files.link(from, name, to, newname);
      } catch (e) {
        const nolinks: number[] = [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS];
        if (!(e instanceof NineError) || !nolinks.includes(e.errno)) throw e;
        return files.rename(from, name, to, newname);
      }
      try {
        return await files.unlink(from, name);
      } catch (e) {
        await attempt(() => files.unlink(to, newname), () => undefined);
        throw e;
      }
    }
    return files.rename(from, name, to, newname);
  }

  /** An entry with this stat has lost its name. */
  private lost(st: HostStat): void {
    if ((st.mode & S_IFMT) === S_IFDIR || st.nlink <= 1) this.tree.removed(this.tree.ids.of(st), st);
  }
}

/** The node of a file found in a directory. */
function nodeOf(tree: Tree, up: HostDir, name: string, st: HostStat): HostDir | HostFile | HostLink {
  const id = tree.ids.of(st);
  const kind = st.mode & S_IFMT;
  if (kind === S_IFDIR) return new HostDir(tree, up, name, st, id);
  return kind === S_IFLNK ? new HostLink(tree, up, name, st, id) : new HostFile(tree, up, name, st, id);
}

/** Owner and mode of what was just made: a caller's own, in the directory's group (open(5)); the process's the system has seen to. */
async function settle(tree: Tree, dir: Handle, h: Handle, cred: Cred | undefined, perm: number | undefined): Promise<HostStat> {
  const { files } = tree;
  if (cred) await files.chown(h, cred.uid, (await files.stat(dir)).gid);
  const st = await files.stat(h);
  if (perm === undefined) return st;
  // The process's umask is not the caller's; a directory may pass its set-group-ID bit on.
  let wanted = perm;
  if ((st.mode & S_IFMT) === S_IFDIR) wanted |= st.mode & 0o2000;
  else if (cred && !cred.groups.includes(st.gid)) wanted &= ~0o2000;
  if ((st.mode & 0o7777) === wanted) return st;
  await files.chmod(h, wanted);
  return files.stat(h);
}

/** Entries as nodes, one at a time, in the form they come. */
function nodes(entries: Entries, node: (name: string, st: HostStat) => Node): IterableIterator<readonly [string, Node]> | AsyncIterableIterator<readonly [string, Node]> {
  const step = (r: IteratorResult<readonly [string, HostStat]>): IteratorResult<readonly [string, Node]> =>
    r.done ? { done: true, value: undefined } : { done: false, value: [r.value[0], node(r.value[0], r.value[1])] };
  if (Symbol.asyncIterator in entries) {
    const later: AsyncIterableIterator<readonly [string, Node]> = {
      next: async () => step(await entries.next()),
      return: async () => {
        await entries.return?.();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => later,
    };
    return later;
  }
  const now: IterableIterator<readonly [string, Node]> = {
    next: () => step(entries.next()),
    return: () => {
      entries.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.iterator]: () => now,
  };
  return now;
}
