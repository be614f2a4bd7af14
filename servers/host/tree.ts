/**
 * Tree: what all nodes of one exported directory share, and how a node reaches its file. A node
 * knows the directory it was found in, its name there and its identity; a directory is reached by
 * its held descriptor, or anew from its parent, and what is reached is compared with the identity
 * before it is used. So a name that leads elsewhere by now is an error, never another file.
 * Everything a node keeps may be changed by another call across an await, and by local programs at
 * any time: what must be true is checked on the descriptor at hand.
 */
import {
  AEXEC, after, AREAD, attempt, AWRITE, type Awaitable, type Call, DMAPPEND, DMEXCL, DMTMP, Enonexist, Eperm, Ereadonly, errno, got, NineError, NOU32, quietly,
  type Steps, steps,
} from "../../proto/index.ts";
import type { Handle, HostFiles, HostStat } from "./files.ts";
import { Held, HeldDirs, OpenFiles } from "./held.ts";
import { type Ident, Idents } from "./ident.ts";
import { Looks } from "./looks.ts";
import { Recent } from "./recent.ts";

export interface HostOptions {
  /** Without it every change is refused with "read only file system". */
  readonly writable?: boolean;
  /** Export writable although `files` is not exact. */
  readonly unsafe?: boolean;
  /** Wall time in ms since the epoch. */
  readonly now: () => number;
  /** As root: all callers have the process's rights, and nothing is checked for users by name. */
  readonly squash?: boolean;
  /** Settles after so many ms, without keeping the program from ending: with it, files that are asked about again and again are held for a while. */
  readonly sleep?: (ms: number) => Promise<void>;
  /** Directories held open besides those in use. Default 256. */
  readonly held?: number;
}

/** Whose rights are checked in software. */
export interface Cred {
  readonly uid: number;
  readonly groups: readonly number[];
}

/** DM bits a host file cannot store. */
export const MARKS: number = (DMAPPEND | DMEXCL | DMTMP) >>> 0;
const NOBODY = 65534;
const MAXPLACES = 8192;
const MAXMARKS = 1024;

/** A node's place: in which directory, under which name. The root has no `up`. */
export interface Place {
  up: DirPlace | undefined;
  name: string;
}

export interface DirPlace extends Place {
  readonly id: Ident;
}

/** The marks of one file; shared by its nodes, gone with the last of them. */
export interface Marks {
  bits: number;
}

export class Tree {
  readonly files: HostFiles;
  readonly writable: boolean;
  readonly now: () => number;
  readonly ids: Idents;
  readonly opens: OpenFiles = new OpenFiles();
  readonly looks: Looks;
  private readonly asRoot: boolean;
  private readonly root: Held;
  private readonly dirs: HeldDirs;
  /** Where files went that were renamed or linked here, for nodes that know another place. */
  private readonly placed = new Recent<string | number, Readonly<Place>>(MAXPLACES);
  /** How often marks were set. */
  markings = 0;
  private readonly marks = new Map<string | number, WeakRef<Marks>>();
  /** The last lookup by name: for which message, and what it found. */
  private lookedFor: Call | undefined;
  private found: Place | undefined;
  private foundAs: HostStat | undefined;

  constructor(files: HostFiles, options: HostOptions) {
    this.files = files;
    this.writable = options.writable ?? false;
    this.now = options.now;
    this.ids = new Idents(options.now);
    this.asRoot = files.uid === 0 && !options.squash;
    this.root = new Held(files, files.root);
    this.dirs = new HeldDirs(Math.max(options.held ?? 256, 2));
    this.looks = new Looks(files.exact ? options.sleep : undefined);
  }

  mutable(): void {
    if (!this.writable) throw new NineError(Ereadonly);
  }

  /** The caller's rights where the system cannot check them; undefined: it does, they are the process's. */
  cred(call: Call): Cred | undefined {
    if (!this.asRoot) return undefined;
    const known = this.files.users.idOf(call.uname);
    const uid = known === NOU32 ? NOBODY : known;
    return uid === 0 ? undefined : { uid, groups: this.files.users.groups(uid) };
  }

  /** op on the directory, which stays open until it settles. */
  at<T>(dir: DirPlace, op: (fd: Handle) => Awaitable<T>): Awaitable<T> {
    if (!dir.up) return this.root.use(op);
    const held = this.dirs.get(dir.id.key);
    if (held) return held.use(op);
    if (!this.files.exact) return this.enter(dir, op);
    // Deep trees are entered from the top down, without recursion.
    return dir.up.up && !this.dirs.get(dir.up.id.key) ? steps(() => this.climb(dir, op)) : this.enter(dir, op);
  }

  /** For this message the node was found, or made, with this stat. */
  looked(call: Call, node: Place, st: HostStat): void {
    this.lookedFor = call;
    this.found = node;
    this.foundAs = st;
  }

  /** The stat by which the node was looked up last, if that was for the same message; once. */
  just(call: Call, node: Place): HostStat | undefined {
    if (this.lookedFor !== call || this.found !== node) return undefined;
    this.lookedFor = undefined;
    return this.foundAs;
  }

  /** op opens something: when there are no descriptors left, once more without what is held for later. */
  opening<T>(op: () => Awaitable<T>): Awaitable<T> {
    return attempt(op, (e) => {
      if (!outOfDescriptors(e)) throw e;
      return after(this.looks.clear(), (files) => after(this.dirs.clear(), (dirs) => {
        if (!files && !dirs) throw e;
        return op();
      }));
    });
  }

  /** The file has another place now. */
  moved(id: Ident, up: DirPlace, name: string): void {
    this.placed.set(id.key, { up, name });
  }

  /** Points `node` at the place its file was moved to; false when there is no other. */
  follow(id: Ident, node: Place): boolean {
    const p = this.placed.get(id.key);
    if (!p || (p.up === node.up && p.name === node.name)) return false;
    node.up = p.up;
    node.name = p.name;
    return true;
  }

  /** The directory or file was removed through this server. */
  removed(id: Ident, st: HostStat): void {
    this.dirs.drop(id.key);
    this.looks.drop(id.key);
    this.placed.delete(id.key);
    this.ids.removed(st);
  }

  /** The marks somebody set on the file, if any node still has them. */
  marksOf(id: Ident): Marks | undefined {
    if (this.marks.size === 0) return undefined;
    const m = this.marks.get(id.key)?.deref();
    if (!m) this.marks.delete(id.key);
    return m;
  }

  mark(id: Ident): Marks {
    const m: Marks = this.marksOf(id) ?? { bits: 0 };
    if (this.marks.size >= MAXMARKS) for (const [key, ref] of this.marks) if (!ref.deref()) this.marks.delete(key);
    this.marks.set(id.key, new WeakRef(m));
    return m;
  }

  private *climb<T>(dir: DirPlace, op: (fd: Handle) => Awaitable<T>): Steps<T> {
    const path: DirPlace[] = [];
    for (let d = dir.up; d?.up && !this.dirs.get(d.id.key); d = d.up) path.push(d);
    for (let d = path.pop(); d; d = path.pop()) yield* got(this.enter(d, () => undefined));
    return yield* got(this.enter(dir, op));
  }

  /** Holds a directory by way of its parent, or of the place it was moved to. */
  private enter<T>(dir: DirPlace, op: (fd: Handle) => Awaitable<T>): Awaitable<T> {
    const held = attempt(() => this.hold(dir), (e) => {
      if (!(e instanceof NineError) || !this.follow(dir.id, dir)) throw e;
      return this.hold(dir);
    });
    return after(held, (h) => {
      if (this.files.exact) return this.dirs.add(dir.id.key, h).use(op);
      const r = h.use(op);
      quietly(h.close());
      return r;
    });
  }

  private hold(dir: DirPlace): Awaitable<Held> {
    const { up } = dir;
    if (!up) return this.root;
    return this.at(up, (fd) => after(this.opening(() => this.files.hold(fd, dir.name)), (h) => this.check(h, dir.id)));
  }

  /** The handle as Held, with its stat, if it is on that file; else it is dropped. */
  check(h: Handle, id: Ident): Awaitable<Held> {
    const held = new Held(this.files, h);
    return attempt(() => after(held.use((fd) => this.files.stat(fd)), (st) => {
      if (!this.ids.is(id, st)) throw new NineError(Enonexist);
      held.st = st;
      return held;
    }), (e) => {
      quietly(held.close());
      throw e;
    });
  }
}

export function outOfDescriptors(e: unknown): boolean {
  return e instanceof NineError && (e.errno === errno.EMFILE || e.errno === errno.ENFILE);
}

/** The three-class rule for a user the system does not check. */
export function permits(st: HostStat, want: number, cred: Cred): boolean {
  const bits = st.uid === cred.uid ? st.mode >>> 6 : cred.groups.includes(st.gid) ? st.mode >>> 3 : st.mode;
  return (bits & want & (AREAD | AWRITE | AEXEC)) === want;
}

/** Throws unless the user may take this entry out of the directory: the rule of sticky directories. */
export function mayUnname(dir: HostStat, entry: HostStat, cred: Cred): void {
  if (!permits(dir, AWRITE | AEXEC, cred)) throw new NineError(Eperm);
  if (dir.mode & 0o1000 && dir.uid !== cred.uid && entry.uid !== cred.uid) throw new NineError("Operation not permitted");
}
