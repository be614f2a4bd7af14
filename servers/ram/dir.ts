/**
 * RamDir: a directory of a ram server, a table of names. Invariants: `parent` is undefined for the
 * root and for a removed directory, and following it from anywhere else ends at the root; entries
 * stand in the order their names came into the table, so that whoever reads the directory sees
 * each name that stays exactly once, whatever is removed or added meanwhile.
 */
import { DMDIR, DMSETGID, DMSYMLINK, Eexist, Einval, Eisdir, Enametoolong, Enonexist, Enotdir, Enotempty, Exdev } from "../../proto/index.ts";
import { NineError, errno, utf8Length } from "../../proto/index.ts";
import type { Call, DirNode, Entry, Node, OpenFile, Xattrs } from "../../proto/index.ts";
import { RamDevice, RamFile, RamLink } from "./file.ts";
import { RamNode, SETTABLE } from "./node.ts";
import { ENTRYCOST, NAMEMAX } from "./store.ts";
import { RamXattrs } from "./xattrs.ts";

type Child = RamDir | RamFile | RamLink | RamDevice;

interface Seat {
  /** Grows from entry to entry in the table's order. */
  readonly seq: number;
  node: Child;
}

export class RamDir extends RamNode implements DirNode {
  private parent: RamDir | undefined;
  private readonly table = new Map<string, Seat>();
  private seq = 0;
  private subdirs = 0;
  private attrs: RamXattrs | undefined;

  get xattrs(): Xattrs {
    return this.attrs ??= new RamXattrs(this);
  }

  walk(name: string): Node | undefined {
    return this.table.get(name)?.node;
  }

  /** Names that come after the reading began are left out, or renaming what one reads might never end. */
  *list(): Generator<Entry> {
    const end = this.seq;
    this.accessed();
    for (const [name, entry] of this.table) {
      if (entry.seq > end) return;
      yield [name, entry.node, entry.node.type];
    }
  }

  create(name: string, mode: number, openMode: number | undefined, call: Call): { node: Node; opened?: OpenFile } {
    this.vacant(name);
    if (mode & DMDIR) {
      // The bit that passes the group on is passed on, as Linux has it.
      const perm = DMDIR | (mode & SETTABLE) | (this.mode & DMSETGID);
      return { node: this.adopt(name, new RamDir(this.store, perm, call.uname, this.gid), call) };
    }
    const node = new RamFile(this.store, mode & SETTABLE, call.uname, this.gid);
    this.adopt(name, node, call);
    return openMode === undefined ? { node } : { node, opened: node.open(openMode, call) };
  }

  symlink(name: string, target: string, call: Call): Node {
    this.vacant(name);
    return this.adopt(name, new RamLink(this.store, DMSYMLINK | 0o777, call.uname, this.gid, target), call);
  }

  mknod(name: string, mode: number, rdev: number, block: boolean, call: Call): Node {
    this.vacant(name);
    return this.adopt(name, new RamDevice(this.store, mode, call.uname, this.gid, rdev, block), call);
  }

  link(name: string, node: Node, call: Call): void {
    if (node instanceof RamDir) throw new NineError(Eisdir, errno.EPERM);
    const ours = node instanceof RamFile || node instanceof RamLink || node instanceof RamDevice;
    if (!ours || node.store !== this.store) throw new NineError(Exdev);
    if (node.nlink === 0) throw new NineError(Enonexist);
    this.vacant(name);
    this.store.take(entryCost(name));
    this.enter(name, node);
    node.touched(call);
    this.modified(call);
  }

  remove(name: string, node: Node, call: Call): void {
    const child = this.child(name, node);
    if (child instanceof RamDir && child.table.size > 0) throw new NineError(Enotempty);
    this.leave(name, child);
    this.store.give(entryCost(name));
    this.disown(child, call);
    this.modified(call);
  }

  rename(name: string, node: Node, newdir: DirNode, newname: string, replace: boolean, call: Call): void {
    if (!(newdir instanceof RamDir) || newdir.store !== this.store) throw new NineError(Exdev);
    const child = this.child(name, node);
    if (newdir === this && newname === name) return;
    newdir.checkName(newname);
    if (child instanceof RamDir && RamDir.within(newdir, child)) throw new NineError(Einval);
    const there = newdir.table.get(newname);
    if (there === undefined) {
      this.store.take(entryCost(newname) - entryCost(name));
      newdir.enter(newname, child);
    } else {
      if (!replace) throw new NineError(Eexist);
      const old = there.node;
      if (old === child) return;
      if (old instanceof RamDir) {
        if (!(child instanceof RamDir)) throw new NineError(Eisdir);
        if (old.table.size > 0) throw new NineError(Enotempty);
        newdir.subdirs--;
      } else if (child instanceof RamDir) throw new NineError(Enotdir);
      there.node = child;
      newdir.count(child);
      newdir.disown(old, call);
      this.store.give(entryCost(name));
    }
    this.leave(name, child);
    child.nlink--;
    if (child instanceof RamDir) child.parent = newdir;
    child.touched(call);
    this.modified(call);
    if (newdir !== this) newdir.modified(call);
  }

  protected override links(): number {
    return this.nlink === 0 ? 0 : 2 + this.subdirs;
  }

  protected override free(): void {
    this.attrs?.free();
  }

  /** Throws unless a file may be made here under this name. */
  private vacant(name: string): void {
    this.checkName(name);
    if (this.table.has(name)) throw new NineError(Eexist);
  }

  private checkName(name: string): void {
    if (this.nlink === 0) throw new NineError(Enonexist);
    if (name.length * 3 > NAMEMAX && utf8Length(name) > NAMEMAX) throw new NineError(Enametoolong);
  }

  /** What this directory has under that name, which must be `node`: somebody else may have been faster. */
  private child(name: string, node: Node): Child {
    const entry = this.table.get(name);
    if (entry === undefined || entry.node !== node) throw new NineError(Enonexist);
    return entry.node;
  }

  /** Whether `from` is `dir` or in the tree under it. */
  private static within(from: RamDir | undefined, dir: RamDir): boolean {
    for (let d = from; d !== undefined; d = d.parent) if (d === dir) return true;
    return false;
  }

  /** Enter a node just made; it goes again if there is no room for its name. */
  private adopt<T extends Child>(name: string, node: T, call: Call): T {
    try {
      this.store.take(entryCost(name));
    } catch (e) {
      node.reap();
      throw e;
    }
    this.enter(name, node);
    if (node instanceof RamDir) node.parent = this;
    this.modified(call);
    return node;
  }

  private enter(name: string, node: Child): void {
    this.table.set(name, { seq: ++this.seq, node });
    this.count(node);
  }

  private count(node: Child): void {
    node.nlink++;
    if (node instanceof RamDir) this.subdirs++;
  }

  private leave(name: string, node: Child): void {
    this.table.delete(name);
    if (node instanceof RamDir) this.subdirs--;
  }

  private disown(node: Child, call: Call): void {
    if (node instanceof RamDir) node.parent = undefined;
    node.unlinked(call);
  }
}

function entryCost(name: string): number {
  return ENTRYCOST + 2 * name.length;
}
