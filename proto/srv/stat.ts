/**
 * Stat: attributes, got and set: Tstat, Twstat, Tgetattr, Tsetattr, Tstatfs. Invariant: a change is
 * made in full or not at all. Handlers and directory reading only.
 */
import { after, type Awaitable } from "../awaitable.ts";
import { Ebadwstat, Einval, Eisdir, Enotowner, Eperm, NineError } from "../errors.ts";
import {
  type Dir, NOLENGTH, NOU32, type Rmsg, Rsetattr, Rstat, Rstatfs, Rwstat, SETATTR_ATIME, SETATTR_ATIME_SET, SETATTR_GID, SETATTR_MODE,
  SETATTR_MTIME, SETATTR_MTIME_SET, SETATTR_SIZE, SETATTR_UID, type TsetattrMsg, type TwstatMsg,
} from "../fcall.ts";
import {
  AWRITE, dirMode, DMAPPEND, DMDIR, DMEXCL, DMSETGID, DMSETUID, DMSTICKY, DMTMP, ORDWR, OWRITE, writtenMode,
} from "../perm.ts";
import type { Qid } from "../qid.ts";
import { type Attr, type Call, isDir, isLink, type Node, type SetAttr } from "../server.ts";
import type { Session } from "../srv.ts";
import { attrOf, owns, permits, toDir, toGetattr } from "./attr.ts";
import type { Fid, Place } from "./fid.ts";
import { rename } from "./names.ts";
import type { Request } from "./request.ts";
import { placeOf, walkQid } from "./walk.ts";

/** Bits of a mode that can be changed, in plain 9P2000 and in the others; the rest says what a file is. */
const CHANGE = DMAPPEND | DMEXCL | DMTMP | 0o777;
const CHANGEU = CHANGE | DMSETUID | DMSETGID | DMSTICKY;
/** V9FS_MAGIC, for servers without a statfs of their own. */
const V9FS_MAGIC = 0x01021997;

export function dirOf(s: Session, q: Call, p: Place): Awaitable<Dir> {
  const a = attrOf(p.node, q, s.bootSec);
  return a instanceof Promise ? a.then((x) => dirWith(s, q, p, x)) : dirWith(s, q, p, a);
}

function dirWith(s: Session, q: Call, p: Place, a: Attr): Awaitable<Dir> {
  const { node } = p;
  if (!isLink(node) || s.dialect === "9P2000") return toDir(a, walkQid(s, node), p.name, "", s.dialect, s.users);
  return after(node.readlink(q), (target) => toDir(a, walkQid(s, node), p.name, target, s.dialect, s.users));
}

export function stat(s: Session, q: Request, f: Fid): Awaitable<Rmsg> {
  const dir = dirOf(s, q, placeOf(f));
  return dir instanceof Promise ? dir.then((d) => ({ type: Rstat, stat: d })) : { type: Rstat, stat: dir };
}

export function getattr(s: Session, q: Request, f: Fid): Awaitable<Rmsg> {
  const { node } = placeOf(f);
  return after(attrOf(node, q, s.bootSec), (a) => toGetattr(a, s.qidOf(node), s.users));
}

/** stat(5): all or nothing; nothing at all means: to stable storage. */
export function wstat(s: Session, q: Request, t: TwstatMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  const place = placeOf(f);
  const { node } = place;
  const d = t.stat;
  const done: Rmsg = { type: Rwstat };
  return after(attrOf(node, q, s.bootSec), (a) => {
    if (immutable(d, a, s.qidOf(node))) throw new NineError(Ebadwstat);
    const set = changes(s, d, a);
    const touches = Object.keys(set).length > 0;
    const renames = d.name !== "" && d.name !== place.name;
    if (!touches && !renames) return after(node.sync?.(false, q), () => done);
    if (touches && !node.setattr) throw new NineError(Eperm);
    return after(touches ? maySet(s, q, f, node, set) : undefined, () => {
      if (!renames) return after(node.setattr?.(set, q), () => done);
      const { parent, name } = place;
      if (!parent) throw new NineError(Eperm);
      if (!touches) return after(rename(s, q, place, parent, d.name, s.dialect !== "9P2000"), () => done);
      // The old name comes back when the rest is refused; what it replaced could not.
      const undo = (e: unknown): Awaitable<Rmsg> => after(rename(s, q, place, parent, name, false), () => raise(e));
      return after(rename(s, q, place, parent, d.name, false), () => {
        try {
          const r = node.setattr?.(set, q);
          return r instanceof Promise ? r.then(() => done, undo) : done;
        } catch (e) {
          return undo(e);
        }
      });
    });
  });
}

function raise(e: unknown): never {
  throw e;
}

/** What a Twstat changes but for the name: a value that is there already is not touched. */
function changes(s: Session, d: Dir, a: Attr): SetAttr {
  const set: SetAttr = {};
  const plain = s.dialect === "9P2000";
  if (d.mode !== NOU32) {
    if (((d.mode ^ a.mode) & DMDIR) !== 0) throw new NineError("wstat can't convert between files and directories");
    const can = plain ? CHANGE : CHANGEU;
    const mode = ((d.mode & can) | (a.mode & ~can)) >>> 0;
    if (mode !== a.mode >>> 0) set.mode = mode;
  }
  if (d.length !== NOLENGTH) {
    if (a.mode & DMDIR) {
      if (d.length !== 0) throw new NineError(Eisdir);
    } else if (d.length !== a.length) set.length = d.length;
  }
  if (d.mtime !== NOU32) set.mtime = { sec: d.mtime, nsec: 0 };
  if (d.atime !== NOU32) set.atime = { sec: d.atime, nsec: 0 };
  const gid = d.gid !== "" ? d.gid : d.n_gid !== NOU32 ? s.users.nameOf(d.n_gid) : "";
  if (gid !== "" && gid !== a.gid) set.gid = gid;
  const uid = d.uid !== "" ? d.uid : d.n_uid !== NOU32 ? s.users.nameOf(d.n_uid) : "";
  if (uid !== "" && uid !== a.uid) {
    if (plain) throw new NineError(Ewstatuid);
    set.uid = uid;
  }
  return set;
}

/**
 * Whether a Twstat asks to change what nobody can: stat(5). What is as it was, is no change. Who modified
 * a file last is not for a client to say, but Linux puts its mount's user there when it renames.
 */
function immutable(d: Dir, a: Attr, qid: Qid): boolean {
  const sameQid = d.qid.pathlo === qid.pathlo && d.qid.pathhi === qid.pathhi;
  const noQid = d.qid.pathlo === NOU32 && d.qid.pathhi === NOU32;
  return (d.muid !== "" && d.muid !== a.muid && d.name === "") || (d.type !== 0xffff && d.type !== 0) || (d.dev !== NOU32 && d.dev !== 0) || !(sameQid || noQid);
}

const Ewstatuid = "wstat prohibited: the owner of a file cannot be changed";

/** Who may change which attribute: stat(5), and chown(2) for what only .u and .L can ask. A Node with `access` decides for itself. */
function maySet(s: Session, q: Call, f: Fid, node: Node, set: SetAttr): Awaitable<void> {
  if (node.access || !node.stat || q.uid === 0) return undefined;
  return after(attrOf(node, q, s.bootSec), (a) => {
    const owner = owns(a, q);
    const writable = permits(a, AWRITE, q, s.users);
    const timed = set.atime !== undefined || set.mtime !== undefined;
    const nowOnly = (set.atime ?? "now") === "now" && (set.mtime ?? "now") === "now";
    const openForWrite = f.file !== undefined && f.mode >= 0 && ((f.mode & 3) === OWRITE || (f.mode & 3) === ORDWR);
    if (set.uid !== undefined && set.uid !== a.uid) throw new NineError("Operation not permitted");
    // Linux takes the set-ID bits away itself before it writes: whoever may write may do that.
    if (set.mode !== undefined && !owner && !(writable && set.mode !== a.mode && set.mode === writtenMode(a.mode))) throw new NineError(Enotowner);
    if (set.gid !== undefined && (!owner || !s.users.member(q.uname, set.gid))) throw new NineError(owner ? "not a member of proposed group" : Enotowner);
    if (timed && !owner && !(nowOnly && writable)) throw new NineError(nowOnly ? Eperm : Enotowner);
    if (set.length !== undefined && !writable && !openForWrite) throw new NineError(Eperm);
  });
}

export function setattr(s: Session, q: Request, t: TsetattrMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  const { node } = placeOf(f);
  const v = t.valid;
  const done: Rmsg = { type: Rsetattr };
  return after(attrOf(node, q, s.bootSec), (a) => {
    const set: SetAttr = {};
    if (v & SETATTR_MODE) set.mode = (dirMode(t.mode & 0o7777) | (a.mode & ~(DMSETUID | DMSETGID | DMSTICKY | 0o777))) >>> 0;
    if (v & SETATTR_UID && t.uid !== NOU32) set.uid = s.users.nameOf(t.uid);
    if (v & SETATTR_GID && t.gid !== NOU32) set.gid = s.users.nameOf(t.gid);
    if (v & SETATTR_SIZE) set.length = t.size;
    if (v & SETATTR_ATIME) set.atime = v & SETATTR_ATIME_SET ? { sec: t.atime_sec, nsec: t.atime_nsec } : "now";
    if (v & SETATTR_MTIME) set.mtime = v & SETATTR_MTIME_SET ? { sec: t.mtime_sec, nsec: t.mtime_nsec } : "now";
    if (Object.keys(set).length === 0) return done;
    if (!node.setattr) throw new NineError(Eperm);
    if (set.length !== undefined && isDir(node)) throw new NineError(Eisdir);
    if (set.length !== undefined && isLink(node)) throw new NineError(Einval);
    return after(maySet(s, q, f, node, set), () => after(node.setattr?.(set, q), () => done));
  });
}

export function statfs(q: Request, node: Node): Awaitable<Rmsg> {
  const own = node.statfs?.(q) ?? { type: V9FS_MAGIC, bsize: 4096, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0, namelen: 255 };
  return after(own, (x) => ({
    type: Rstatfs, fstype: x.type, bsize: x.bsize, blocks: x.blocks, bfree: x.bfree, bavail: x.bavail, files: x.files, ffree: x.ffree,
    fsid: 0, namelen: x.namelen,
  }));
}
