/**
 * Handlers: the dispatch from a T message to what it does to the tree. Each handler returns its R or
 * throws; the fids it names are its own while it runs (srv.ts). After every wait a fid may be dead
 * (hang-up): whatever was opened meanwhile is closed again.
 */
import { after, type Awaitable } from "../awaitable.ts";
import { Enoauth, errno, NineError } from "../errors.ts";
import {
  Rclunk, Rfsync, type Rmsg, Tattach, Tauth, Tclunk, Tcreate, Tfsync, Tgetattr, Tgetlock, Tlcreate, Tlink, Tlock, Tlopen, Tmkdir, Tmknod,
  Topen, Tread, Treaddir, Treadlink, Tremove, Trename, Trenameat, Tsetattr, Tstat, Tstatfs, Tsymlink, Tunlinkat, Twalk, Twrite, Twstat,
  Txattrcreate, Txattrwalk,
} from "../fcall.ts";
import { wireMode } from "../perm.ts";
import type { Session } from "../srv.ts";
import { create, lcreate, link, mkdir, mknod, symlink } from "./create.ts";
import { read, readdir, readlink, write } from "./io.ts";
import { getlock, lock } from "./lock.ts";
import { removeFid, renameat, renamed, unlinkat } from "./names.ts";
import { lopen, open } from "./open.ts";
import type { Request } from "./request.ts";
import { getattr, setattr, stat, statfs, wstat } from "./stat.ts";
import { attach, placeOf, walk } from "./walk.ts";
import { xattrcreate, xattrwalk } from "./xattr.ts";

/** Does q.t. */
export function handle(s: Session, q: Request): Awaitable<Rmsg> {
  const t = q.t;
  switch (t.type) {
    // No authentication is wanted; diod's tools go on only after ENOENT.
    case Tauth: throw new NineError(Enoauth, errno.ENOENT);
    case Tattach: return attach(s, q, t);
    case Twalk: return walk(s, q, t);
    case Topen: return open(s, q, s.fidOf(q, t.fid), wireMode(t.mode, s.dialect), false);
    case Tcreate: return create(s, q, t);
    case Tread: return read(s, q, t);
    case Twrite: return write(s, q, t);
    case Tclunk: {
      const dropped = s.drop(s.fidOf(q, t.fid));
      return dropped instanceof Promise ? dropped.then(() => ({ type: Rclunk })) : { type: Rclunk };
    }
    case Tremove: return removeFid(s, q, s.fidOf(q, t.fid));
    case Tstat: return stat(s, q, s.fidOf(q, t.fid));
    case Twstat: return wstat(s, q, t);
    case Tlopen: return lopen(s, q, t);
    case Tlcreate: return lcreate(s, q, t);
    case Tsymlink: return symlink(s, q, t);
    case Tmknod: return mknod(s, q, t);
    case Tmkdir: return mkdir(s, q, t);
    case Tlink: return link(s, q, t);
    case Treadlink: return readlink(q, s.fidOf(q, t.fid));
    case Trename: return renamed(s, q, t);
    case Trenameat: return renameat(s, q, t);
    case Tunlinkat: return unlinkat(s, q, t);
    case Tgetattr: return getattr(s, q, s.fidOf(q, t.fid));
    case Tsetattr: return setattr(s, q, t);
    case Tstatfs: return statfs(q, placeOf(s.fidOf(q, t.fid)).node);
    case Treaddir: return readdir(s, q, t);
    case Tfsync: return after(placeOf(s.fidOf(q, t.fid)).node.sync?.(t.datasync !== 0, q), () => ({ type: Rfsync }));
    case Tlock: return lock(s, q, t);
    case Tgetlock: return getlock(s, q, t);
    case Txattrwalk: return xattrwalk(s, q, t);
    case Txattrcreate: return xattrcreate(s, q, t);
    default: return t satisfies never;
  }
}
