/**
 * HostNode: what files, links and directories of a host tree share: identity, attributes, access.
 * Invariants: a node is one inode for ever; up and name say where it was last seen and may be wrong,
 * then the place it was moved to, or a descriptor somebody has open on it, is tried; `last` is the
 * qid as of the newest stat.
 */
import {
  AEXEC, after, AREAD, attempt, AWRITE, type Attr, type Awaitable, type Call, dirMode, Enonexist, Eperm, got, NineError, OREAD, type Qid, quietly, S_IFBLK,
  S_IFDIR, S_IFMT, S_IFREG, type SetAttr, type Statfs, steps,
} from "../../proto/index.ts";
import type { Handle, HostStat } from "./files.ts";
import type { Ident } from "./ident.ts";
import { setattr } from "./setattr.ts";
import { type DirPlace, type Marks, MARKS, outOfDescriptors, permits, type Place, type Tree } from "./tree.ts";

export class HostNode implements Place {
  readonly tree: Tree;
  readonly id: Ident;
  up: DirPlace | undefined;
  name: string;
  protected marks: Marks | undefined;
  private last: Qid;
  /** The number of the last look by name (looks.ts). */
  private looked = -Infinity;

  constructor(tree: Tree, up: DirPlace | undefined, name: string, st: HostStat, id: Ident) {
    this.tree = tree;
    this.up = up;
    this.name = name;
    this.id = id;
    this.marks = tree.marksOf(id);
    this.last = tree.ids.qid(id, st, this.marks?.bits ?? 0);
  }

  qid(): Qid {
    return this.last;
  }

  stat(call: Call): Awaitable<Attr> {
    const st = this.tree.just(call, this);
    return st ? this.attr(st) : after(this.look(), (now) => this.attr(now));
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

  setattr(set: SetAttr, call: Call): Awaitable<void> {
    this.tree.mutable();
    return this.held((h, st) => after(st ?? this.tree.files.stat(h), (was) =>
      after(setattr(this.tree, this.id, h, was, set, call), () => {
        this.tree.ids.changed(this.id);
        if (set.mode !== undefined) this.setMarks(set.mode);
        this.see(was);
      })));
  }

  statfs(_call: Call): Awaitable<Statfs> {
    return this.held((h) => this.tree.files.statfs(h));
  }

  sync(datasync: boolean, _call: Call): Awaitable<void> {
    const { tree } = this;
    const { files } = tree;
    const open = tree.opens.find(this.id.key);
    if (open) return open.held.use((fd) => files.sync(fd, datasync));
    return this.held((h, st) => steps(function* () {
      const kind = (st ?? (yield* got(files.stat(h)))).mode & S_IFMT;
      if (kind !== S_IFREG && kind !== S_IFDIR) return;
      const fd = yield* got(tree.opening(() => files.reopen(h, OREAD)));
      try {
        yield* got(files.sync(fd, datasync));
      } finally {
        yield* got(files.drop(fd));
      }
    }));
  }

  /** The file's stat now, wherever it is. */
  look(): Awaitable<HostStat> {
    const { tree } = this;
    const { key } = this.id;
    const open = tree.opens.find(key);
    if (open) return after(open.held.use((fd) => tree.files.stat(fd)), (st) => this.see(st));
    const held = tree.looks.get(key);
    if (!held) return this.find();
    return after(held.use((fd) => tree.files.stat(fd)), (st) => {
      if (st.nlink > 0) return this.see(st);
      tree.looks.drop(key);
      throw new NineError(Enonexist);
    });
  }

  /** As look, by its name; it is held for the next looks if the last one was not long ago. */
  protected find(): Awaitable<HostStat> {
    const { tree } = this;
    const { now, soon } = tree.looks.look(this.looked);
    this.looked = now;
    const here = (): Awaitable<HostStat> => tree.at(this.parent(), (fd) => after(tree.files.lstat(fd, this.name), (st) => {
      if (!st || !tree.ids.is(this.id, st)) throw new NineError(Enonexist);
      if (!soon) return this.see(st);
      return after(this.keep(fd), () => this.see(st));
    }));
    return attempt(here, (e) => {
      if (!(e instanceof NineError) || !tree.follow(this.id, this)) throw e;
      return this.find();
    });
  }

  /** Holds the file below dir for further looks, if it can be. */
  private keep(dir: Handle): Awaitable<void> {
    const { tree, id } = this;
    return attempt(() => after(tree.files.hold(dir, this.name), (h) => after(tree.check(h, id), (held) => tree.looks.add(id.key, held))), (e) => {
      if (!(e instanceof NineError)) throw e;
    });
  }

  /** op on a handle that is on exactly this file; with its stat, if that was needed to know. */
  held<T>(op: (h: Handle, st?: HostStat) => Awaitable<T>): Awaitable<T> {
    const { tree } = this;
    const open = tree.opens.find(this.id.key);
    if (open) return open.held.use(op);
    const take = attempt(
      () => tree.at(this.parent(), (fd) => after(tree.opening(() => tree.files.hold(fd, this.name)), (h) => tree.check(h, this.id))),
      (e) => {
        if (!(e instanceof NineError) || outOfDescriptors(e)) throw e;
        return undefined;
      },
    );
    return after(take, (h) => {
      if (h) {
        const r = attempt(() => h.use((fd) => op(fd, h.st)), (e) => {
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

  /** As setMarks, of a file just made. */
  mark(mode: number, st: HostStat): void {
    if ((mode & MARKS) === 0) return;
    this.setMarks(mode);
    this.see(st);
  }

  /** The DM bits a host file cannot store last while a node of it does. */
  protected setMarks(mode: number): void {
    if ((mode & MARKS) === (this.marks?.bits ?? 0)) return;
    this.marks ??= this.tree.mark(this.id);
    this.marks.bits = (mode & MARKS) >>> 0;
    this.tree.markings++;
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
