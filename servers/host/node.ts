/**
 * HostNode: what files, links and directories of a host tree share: identity, attributes, access.
 * Invariants: a node is one inode for ever; up and name say where it was last seen and may be wrong,
 * then the place it was moved to, or a descriptor somebody has open on it, is tried; `last` is the
 * qid as of the newest stat.
 */
import {
  AEXEC, after, AREAD, attempt, AWRITE, type Attr, type Awaitable, type Call, dirMode, Enonexist, Eperm, NineError, type Qid, quietly, S_IFBLK, S_IFDIR, S_IFMT, S_IFREG,
  type SetAttr, type Statfs,
} from "../../proto/index.ts";
import type { Handle, HostStat } from "./files.ts";
import type { Ident } from "./ident.ts";
import { setattr } from "./setattr.ts";
import { type DirPlace, type Marks, MARKS, permits, type Place, type Tree } from "./tree.ts";

export class HostNode implements Place {
  readonly tree: Tree;
  readonly id: Ident;
  up: DirPlace | undefined;
  name: string;
  protected marks: Marks | undefined;
  private last: Qid;
  /** The stat of the listing it came from, for the first who asks. */
  private listed: HostStat | undefined;

  constructor(tree: Tree, up: DirPlace | undefined, name: string, st: HostStat, id: Ident) {
    this.tree = tree;
    this.up = up;
    this.name = name;
    this.id = id;
    this.marks = tree.marksOf(id);
    this.last = tree.ids.qid(id, st, this.marks?.bits ?? 0);
  }

  /** A node of a listing answers its first stat from there. */
  fromList(st: HostStat): this {
    this.listed = st;
    return this;
  }

  qid(): Qid {
    return this.last;
  }

  stat(_call: Call): Awaitable<Attr> {
    const st = this.listed;
    if (st) {
      this.listed = undefined;
      return this.attr(st);
    }
    return after(this.look(), (now) => this.attr(now));
  }

  /** As the system says for the process's user; as root, for other users, by mode, at the moment of the question. */
  access(want: number, call: Call): Awaitable<void> {
    if (want & AWRITE) this.tree.mutable();
    const cred = this.tree.cred(call);
    if (cred) {
      return after(this.look(), (st) => {
        if (!permits(st, want, cred)) throw new NineError(Eperm);
      });
    }
    // All else the system refuses when it is tried: searching, writing, opening.
    const ask = want & ("walk" in this ? AREAD : AEXEC);
    return ask ? this.held((h) => this.tree.files.access(h, ask)) : undefined;
  }

  async setattr(set: SetAttr, call: Call): Promise<void> {
    this.tree.mutable();
    await this.held(async (h) => {
      const st = await this.tree.files.stat(h);
      await setattr(this.tree, this.id, h, st, set, call);
      this.tree.ids.changed(this.id);
      if (set.mode !== undefined) this.setMarks(set.mode);
      this.see(await this.tree.files.stat(h));
    });
  }

  statfs(_call: Call): Awaitable<Statfs> {
    return this.held((h) => this.tree.files.statfs(h));
  }

  async sync(datasync: boolean, _call: Call): Promise<void> {
    const { files } = this.tree;
    const open = this.tree.opens.find(this.id.key);
    if (open) return open.held.use((fd) => files.sync(fd, datasync));
    await this.held(async (h) => {
      const st = await files.stat(h);
      if ((st.mode & S_IFMT) !== S_IFREG && (st.mode & S_IFMT) !== S_IFDIR) return;
      const fd = await files.reopen(h, 0);
      try {
        await files.sync(fd, datasync);
      } finally {
        await files.drop(fd);
      }
    });
  }

  /** The file's stat now, wherever it is. */
  look(): Awaitable<HostStat> {
    const { tree } = this;
    const here = (): Awaitable<HostStat> => after(tree.at(this.parent(), (fd) => tree.files.lstat(fd, this.name)), (st) => {
      if (!st || !tree.ids.is(this.id, st)) throw new NineError(Enonexist);
      return this.see(st);
    });
    return attempt(here, (e) => {
      if (!(e instanceof NineError)) throw e;
      if (tree.follow(this.id, this)) return this.look();
      const open = tree.opens.find(this.id.key);
      if (!open) throw e;
      return after(open.held.use((fd) => tree.files.stat(fd)), (st) => this.see(st));
    });
  }

  /** op on a handle that is on exactly this file. */
  held<T>(op: (h: Handle) => Awaitable<T>): Awaitable<T> {
    const { tree } = this;
    const open = tree.opens.find(this.id.key);
    if (open) return open.held.use(op);
    const take = attempt(
      () => tree.at(this.parent(), (fd) => after(tree.files.hold(fd, this.name), (h) => tree.check(h, this.id))),
      (e) => {
        if (!(e instanceof NineError)) throw e;
        return undefined;
      },
    );
    return after(take, (h) => {
      if (h) {
        const r = attempt(() => h.use(op), (e) => {
          quietly(h.close());
          throw e;
        });
        return after(r, (v) => after(h.close(), () => v));
      }
      if (tree.follow(this.id, this)) return this.held(op);
      throw new NineError(Enonexist);
    });
  }

  /** The directory it was last seen in. */
  protected parent(): DirPlace {
    if (!this.up) throw new NineError(Enonexist);
    return this.up;
  }

  /** Takes note of the newest stat. */
  see(st: HostStat): HostStat {
    this.last = this.tree.ids.qid(this.id, st, this.marks?.bits ?? 0);
    return st;
  }

  /** The DM bits a host file cannot store last while a node of it does. */
  setMarks(mode: number): void {
    if ((mode & MARKS) === (this.marks?.bits ?? 0)) return;
    this.marks ??= this.tree.mark(this.id);
    this.marks.bits = (mode & MARKS) >>> 0;
  }

  private attr(st: HostStat): Attr {
    const { users } = this.tree.files;
    const [atime, atimeNsec] = split(st.atimeNs);
    const [mtime, mtimeNsec] = split(st.mtimeNs);
    const [ctime, ctimeNsec] = split(st.ctimeNs);
    return {
      mode: (dirMode(st.mode) | (this.marks?.bits ?? 0)) >>> 0, uid: users.userName(st.uid), gid: users.groupName(st.gid), muid: "",
      length: st.size, atime, atimeNsec, mtime, mtimeNsec, ctime, ctimeNsec, nlink: st.nlink, rdev: st.rdev,
      block: (st.mode & S_IFMT) === S_IFBLK, blksize: st.blksize, blocks: st.blocks,
    };
  }
}

/** Seconds, and the nanoseconds of that second: never negative. */
function split(ns: bigint): [number, number] {
  const sec = Number(ns / 1_000_000_000n);
  const nsec = Number(ns % 1_000_000_000n);
  return nsec < 0 ? [sec - 1, nsec + 1_000_000_000] : [sec, nsec];
}
