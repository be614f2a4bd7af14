/**
 * Handlers: what each T message does to the tree, one function a message, in the order of the
 * manual. Each returns its R or throws; the fids it names are its own while it runs (srv.ts).
 * After every wait a fid may be dead (hang-up): whatever was opened meanwhile is closed again.
 */
import {
  Ebadfid, Ebadmode, Ebadname, Ebadusefd, Ebadwstat, Ecount, Eexclusive, Eexist, Ehungup, Einval, Eisdir, Eloop, Enoauth, Enodata,
  Enonexist, Enotdir, Enotowner, Enotsup, Eperm, Erange, errno, Exdev, NineError, Enametoolong,
} from "../errors.ts";
import {
  AT_REMOVEDIR, type Dir, IOHDRSZ, LOCK_TYPE_UNLCK, LOCK_TYPE_WRLCK, MAXWELEM, NOFID, NOLENGTH, NOU32, Rattach, Rclunk, Rcreate, Rfsync,
  Rgetlock, Rlcreate, Rlink, Rlock, Rlopen, Rmkdir, Rmknod, type Rmsg, Ropen, Rread, Rreaddir, Rreadlink, Rremove, Rrename, Rrenameat,
  Rsetattr, Rstat, Rstatfs, Rsymlink, Runlinkat, Rwalk, Rwrite, Rwstat, Rxattrcreate, Rxattrwalk, SETATTR_ATIME, SETATTR_ATIME_SET,
  SETATTR_GID, SETATTR_MODE, SETATTR_MTIME, SETATTR_MTIME_SET, SETATTR_SIZE, SETATTR_UID, Tattach, type TattachMsg, Tauth, Tclunk, Tcreate,
  type TcreateMsg, Tfsync, Tgetattr, Tgetlock, type TgetlockMsg, Tlcreate, type TlcreateMsg, Tlink, type TlinkMsg, Tlock, type TlockMsg, Tlopen,
  type TlopenMsg, Tmkdir, type TmkdirMsg, Tmknod, type TmknodMsg, Topen, Tread, Treaddir, type TreaddirMsg, Treadlink, type TreadMsg,
  Tremove, Trename, Trenameat, Tsetattr, type TsetattrMsg, Tstat, Tstatfs, Tsymlink, type TsymlinkMsg, Tunlinkat, type TunlinkatMsg, Twalk,
  type TwalkMsg, Twrite, type TwriteMsg, Twstat, type TwstatMsg, Txattrcreate, type TxattrcreateMsg, Txattrwalk, type TxattrwalkMsg, XATTR_REPLACE,
} from "../fcall.ts";
import {
  AEXEC, AREAD, AWRITE, dirMode, DMAPPEND, DMDEVICE, DMDIR, DMEXCL, DMNAMEDPIPE, DMSOCKET, DMSTICKY, DMSYMLINK, L_O_ACCMODE, L_O_DIRECTORY, L_O_EXCL, OAPPEND, openMode,
  ORCLOSE, OREAD, OTRUNC, OWRITE, OEXEC,
} from "../perm.ts";
import { QTAPPEND, QTEXCL, QTSYMLINK, type Qid } from "../qid.ts";
import { type Awaitable, type Call, type DirNode, isDir, isLink, type Node, type OpenFile, type SetAttr } from "../server.ts";
import type { Request, Session } from "../srv.ts";
import { encodeUtf8, utf8Length } from "../utf8.ts";
import { attrOf, makedev, mayAccess, owns, permits, after, toDir, toGetattr, wantOf } from "./attr.ts";
import type { Fid, Place } from "./fid.ts";
import { DirReader } from "./readdir.ts";

/** Linux XATTR_SIZE_MAX. */
const XATTRMAX = 65536;
/** Symbolic links followed in one walk for a plain 9P2000 client. */
const MAXLINKS = 40;
/** V9FS_MAGIC, for servers without a statfs of their own. */
const V9FS_MAGIC = 0x01021997;
/** perm bit of .u's Tcreate: extension is the fid to link to. */
const DMLINK = 0x01000000;

/** Does q.t. */
export function handle(s: Session, q: Request): Awaitable<Rmsg> {
  const t = q.t;
  switch (t.type) {
    case Tauth: throw new NineError(Enoauth, errno.ENOENT);
    case Tattach: return attach(s, q, t);
    case Twalk: return walk(s, q, t);
    case Topen: return open(s, q, s.fidOf(q, t.fid), t.mode & ~OAPPEND, false);
    case Tcreate: return create(s, q, t);
    case Tread: return read(s, q, t);
    case Twrite: return write(s, q, t);
    case Tclunk: return after(s.drop(s.fidOf(q, t.fid)), () => ({ type: Rclunk }));
    case Tremove: return removeFid(s, q, s.fidOf(q, t.fid));
    case Tstat: return after(dirOf(s, q, placeOf(s.fidOf(q, t.fid))), (stat) => ({ type: Rstat, stat }));
    case Twstat: return wstat(s, q, t);
    case Tlopen: return lopen(s, q, t);
    case Tlcreate: return lcreate(s, q, t);
    case Tsymlink: return symlink(s, q, t);
    case Tmknod: return mknod(s, q, t);
    case Tmkdir: return mkdir(s, q, t);
    case Tlink: return link(s, q, t);
    case Treadlink: return readlink(q, s.fidOf(q, t.fid));
    case Trename: return after(rename(s, q, placeOf(s.fidOf(q, t.fid)), placeOf(s.fidOf(q, t.dfid)), t.name, true), () => ({ type: Rrename }));
    case Trenameat: {
      const from = placeOf(s.fidOf(q, t.olddirfid));
      const to = placeOf(s.fidOf(q, t.newdirfid));
      return after(child(s, q, from, t.oldname), (p) => after(rename(s, q, p, to, t.newname, true), () => ({ type: Rrenameat })));
    }
    case Tunlinkat: return unlinkat(s, q, t);
    case Tgetattr: {
      const { node } = placeOf(s.fidOf(q, t.fid));
      return after(attrOf(node, q, s.bootSec), (a) => toGetattr(a, s.qidOf(node), s.users));
    }
    case Tsetattr: return setattr(s, q, t);
    case Tstatfs: return statfs(q, placeOf(s.fidOf(q, t.fid)).node);
    case Treaddir: return readdir(s, q, t);
    case Tfsync: return after(placeOf(s.fidOf(q, t.fid)).node.sync?.(t.datasync !== 0, q), () => ({ type: Rfsync }));
    case Tlock: return lock(s, q, t);
    case Tgetlock: return getlock(s, q, t);
    case Txattrwalk: return xattrwalk(s, q, t);
    case Txattrcreate: return xattrcreate(s, q, t);
  }
}

/** Closes what a fid had open, drops its locks, sets the attribute it wrote, removes the file if it was opened so. */
export function closeFid(s: Session, f: Fid): Awaitable<void> {
  f.dead = true;
  const { place, file, exclusive, xattr } = f;
  if (exclusive !== undefined) s.shared.exclusive.delete(exclusive);
  if (f.locks && place) s.shared.locks.release(s.keyOf(place.node), f);
  f.dir?.close();
  const q: Call = { uname: f.user.uname, uid: f.user.uid, signal: new AbortController().signal };
  const rclose = f.mode >= 0 && f.mode & ORCLOSE ? place : undefined;
  f.file = f.dir = f.xattr = f.exclusive = undefined;
  f.mode = -1;
  return after(file?.close?.(), () => after(xattr && place && setXattr(xattr, place.node, q), () => (rclose ? removePlace(s, q, rclose) : undefined)));
}

function placeOf(f: Fid): Place {
  if (!f.place) throw new NineError(Ebadfid);
  return f.place;
}

function dirNode(p: Place): DirNode {
  if (!isDir(p.node)) throw new NineError(Enotdir);
  return p.node;
}

/** A name that may be created: one element, not "." or "..". */
function legalName(name: string): void {
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) throw new NineError(Ebadname);
  if (name.length > 65535) throw new NineError(Enametoolong);
}

// attach, walk

function attach(s: Session, q: Request, t: TattachMsg): Awaitable<Rmsg> {
  if (t.afid !== NOFID) throw new NineError(Enoauth, errno.ENOENT);
  const f = made(q, t.fid);
  // A number, where the dialect has them, is what the client vouches for; else the name.
  const uname = t.n_uname !== NOU32 ? s.users.nameOf(t.n_uname) : t.uname || "none";
  q.user = { uname, uid: t.n_uname !== NOU32 ? t.n_uname : s.users.idOf(uname) };
  return after(s.server.attach(q, t.aname), (node) => {
    f.adopt(q.user, { parent: undefined, name: "/", node });
    return { type: Rattach, qid: s.qidOf(node) };
  });
}

/** The fid that this message makes. */
function made(q: Request, num: number): Fid {
  const f = q.fid2?.num === num ? q.fid2 : q.fid;
  if (!f || f.dead) throw new NineError(Ehungup);
  return f;
}

function walk(s: Session, q: Request, t: TwalkMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  if (t.wname.length > MAXWELEM) throw new NineError(`${Einval}: more than ${MAXWELEM} names in a walk`);
  if (f.xattr) throw new NineError(Ebadfid);
  if (f.mode >= 0 && (s.dialect === "9P2000" || t.fid === t.newfid)) throw new NineError(Ebadfid);
  const to = t.newfid === t.fid ? f : made(q, t.newfid);
  const wqid: Qid[] = [];
  let place = placeOf(f);
  const reply = (): Rmsg => {
    if (wqid.length === t.wname.length) to.place = place;
    return { type: Rwalk, wqid };
  };
  const failed = (e: unknown): Rmsg => {
    if (wqid.length === 0 || !(e instanceof NineError)) throw e;
    return reply();
  };
  const go = (): Awaitable<Rmsg> => {
    try {
      while (wqid.length < t.wname.length) {
        const next = step(s, q, place, t.wname[wqid.length] ?? "");
        if (next instanceof Promise) {
          return next.then((p) => {
            place = p;
            wqid.push(walkQid(s, p.node));
            return go();
          }).catch(failed);
        }
        place = next;
        wqid.push(walkQid(s, place.node));
      }
      return reply();
    } catch (e) {
      return failed(e);
    }
  };
  return go();
}

/** Plain 9P2000 knows no symbolic links: one that leads nowhere looks like a file. */
function walkQid(s: Session, node: Node): Qid {
  const qid = s.qidOf(node);
  return s.dialect === "9P2000" && qid.type & QTSYMLINK ? { ...qid, type: qid.type & ~QTSYMLINK } : qid;
}

/** One element further. */
function step(s: Session, q: Call, p: Place, name: string): Awaitable<Place> {
  const d = dirNode(p);
  if (name === ".") return p;
  return after(mayAccess(d, AEXEC, q, s.users), () => {
    if (name === "..") return p.parent ?? p;
    return after(lookup(q, d, name), (node): Awaitable<Place> => {
      const found = { parent: p, name, node };
      return isLink(node) && s.dialect === "9P2000" ? followed(s, q, found) : found;
    });
  });
}

function lookup(q: Call, d: DirNode, name: string): Awaitable<Node> {
  if (name === "" || name.includes("/") || name.includes("\0")) throw new NineError(Enonexist);
  return after(d.walk(name, q), (node) => {
    if (!node) throw new NineError(Enonexist);
    return node;
  });
}

/** A symbolic link as plain 9P2000 sees it: its target, at the link's place; the link itself if there is none in the tree. */
function followed(s: Session, q: Call, link: Place): Awaitable<Place> {
  const target = resolve(s, q, link, MAXLINKS);
  const at = (p: Place): Place => ({ parent: link.parent, name: link.name, node: p.node });
  return after(target, (p) => (p ? at(p) : link));
}

async function resolve(s: Session, q: Call, link: Place, budget: number): Promise<Place | undefined> {
  if (!isLink(link.node)) return link;
  try {
    const target = await link.node.readlink(q);
    let p = link.parent ?? link;
    if (target.startsWith("/")) while (p.parent) p = p.parent;
    for (const name of target.split("/")) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        p = p.parent ?? p;
        continue;
      }
      const d = dirNode(p);
      await mayAccess(d, AEXEC, q, s.users);
      const found: Place = { parent: p, name, node: await lookup(q, d, name) };
      if (isLink(found.node) && budget <= 1) return undefined;
      const end = isLink(found.node) ? await resolve(s, q, found, --budget) : found;
      if (!end) return undefined;
      p = end;
    }
    return p;
  } catch (e) {
    if (e instanceof NineError) return undefined;
    throw e;
  }
}

/** The child of a directory as a place, for the messages that name one. */
function child(s: Session, q: Call, p: Place, name: string): Awaitable<Place> {
  legalName(name);
  const d = dirNode(p);
  return after(mayAccess(d, AEXEC, q, s.users), () => after(lookup(q, d, name), (node) => ({ parent: p, name, node })));
}

// open, create

function notOpen(f: Fid): void {
  if (f.mode >= 0 || f.xattr) throw new NineError(Ebadfid);
}

/** linux: mode came from Linux flags, where a directory may be opened with any creation flags masked. */
function open(s: Session, q: Request, f: Fid, mode: number, linux: boolean): Awaitable<Rmsg> {
  notOpen(f);
  const place = placeOf(f);
  const { node } = place;
  const reply = (iounit: number): Rmsg =>
    linux ? { type: Rlopen, qid: s.qidOf(node), iounit } : { type: Ropen, qid: s.qidOf(node), iounit };
  if (isLink(node)) throw new NineError(s.dialect === "9P2000" ? Enonexist : Eloop);
  const parent = place.parent;
  if (mode & ORCLOSE && !parent) throw new NineError(Eperm);
  const rclose = mode & ORCLOSE && parent ? mayAccess(parent.node, AWRITE, q, s.users) : undefined;
  return after(rclose, () => {
    if (isDir(node)) {
      if ((mode & 3) !== OREAD || mode & OTRUNC) throw new NineError(Eisdir);
      return after(mayAccess(node, AREAD, q, s.users), () => {
        openedDir(s, f, node, mode);
        return reply(0);
      });
    }
    return after(openFile(s, q, f, node, mode), (file) => reply(file.iounit ?? 0));
  });
}

function openedDir(s: Session, f: Fid, node: DirNode, mode: number): void {
  f.mode = mode;
  f.dir = new DirReader(node, f.place?.parent?.node ?? node, {
    dialect: s.dialect,
    qidOf: (n) => s.qidOf(n),
    dirOf: (name, n, call) => entryOf(s, call, placeOf(f), name, n),
  });
}

/** The stat of a directory entry; undefined when it went away. */
function entryOf(s: Session, q: Call, dir: Place, name: string, node: Node): Awaitable<Dir | undefined> {
  const found: Place = { parent: dir, name, node };
  const gone = (e: unknown): undefined => {
    if (!(e instanceof NineError)) throw e;
    return undefined;
  };
  try {
    const d = isLink(node) && s.dialect === "9P2000" ? after(followed(s, q, found), (p) => dirOf(s, q, p)) : dirOf(s, q, found);
    return d instanceof Promise ? d.catch(gone) : d;
  } catch (e) {
    return gone(e);
  }
}

function openFile(s: Session, q: Request, f: Fid, node: Exclude<Node, DirNode>, asked: number, granted = false): Awaitable<OpenFile> {
  if (isLink(node)) throw new NineError(Eloop);
  const { type } = s.qidOf(node);
  const mode = type & QTAPPEND ? (asked & ~OTRUNC) | OAPPEND : asked;
  return after(granted ? undefined : mayAccess(node, wantOf(mode), q, s.users), () => {
    const key = claim(s, node, type);
    try {
      const file = node.open(mode & ~ORCLOSE, q);
      if (!(file instanceof Promise)) return opened(s, f, file, mode, key);
      return file.then((x) => opened(s, f, x, mode, key), (e: unknown) => {
        unclaim(s, key);
        throw e;
      });
    } catch (e) {
      unclaim(s, key);
      throw e;
    }
  });
}

/** Takes a DMEXCL file's one open. */
function claim(s: Session, node: Node, type: number): string | undefined {
  if (!(type & QTEXCL)) return undefined;
  const key = s.keyOf(node);
  if (s.shared.exclusive.has(key)) throw new NineError(Eexclusive);
  s.shared.exclusive.add(key);
  return key;
}

function unclaim(s: Session, key: string | undefined): void {
  if (key !== undefined) s.shared.exclusive.delete(key);
}

function opened(s: Session, f: Fid, file: OpenFile, mode: number, key: string | undefined): Awaitable<OpenFile> {
  if (f.dead) {
    unclaim(s, key);
    return after(file.close?.(), () => {
      throw new NineError(Ehungup);
    });
  }
  f.file = file;
  f.mode = mode;
  f.exclusive = key;
  return file;
}

function lopen(s: Session, q: Request, t: TlopenMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  const { node } = placeOf(f);
  if (t.flags & L_O_DIRECTORY && !isDir(node)) throw new NineError(Enotdir);
  if ((t.flags & L_O_ACCMODE) === L_O_ACCMODE) throw new NineError(Einval);
  return open(s, q, f, openMode(t.flags), true);
}

function create(s: Session, q: Request, t: TcreateMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  notOpen(f);
  const dir = placeOf(f);
  const d = dirNode(dir);
  legalName(t.name);
  const special = s.dialect !== "9P2000" && t.perm & (DMSYMLINK | DMLINK | DMDEVICE | DMNAMEDPIPE | DMSOCKET);
  const isdir = (t.perm & DMDIR) !== 0;
  if (isdir && ((t.mode & 3) !== OREAD || t.mode & OTRUNC)) throw new NineError(Ebadmode);
  return after(mayAccess(d, AWRITE | AEXEC, q, s.users), () => {
    if (special) {
      return after(createSpecial(s, q, d, t), (node) => {
        f.place = { parent: dir, name: t.name, node };
        return { type: Rcreate, qid: s.qidOf(node), iounit: 0 };
      });
    }
    const make = d.create;
    if (!make) throw new NineError(Eperm);
    return after(attrOf(d, q, s.bootSec), (a) => {
      const rwx = isdir ? t.perm & (~0o777 | (a.mode & 0o777)) : t.perm & (~0o666 | (a.mode & 0o666));
      const mode = rwx >>> 0;
      return after(make.call(d, t.name, mode, isdir ? undefined : t.mode & ~(ORCLOSE | OTRUNC), q), (made) =>
        after(entered(s, q, f, { parent: dir, name: t.name, node: made.node }, t.mode, made.opened), (iounit) =>
          ({ type: Rcreate, qid: s.qidOf(made.node), iounit })));
    });
  });
}

/** The fid becomes the file just made, open. Returns its iounit. */
function entered(s: Session, q: Request, f: Fid, place: Place, mode: number, file: OpenFile | undefined): Awaitable<number> {
  f.place = place;
  const { node } = place;
  if (isDir(node)) {
    openedDir(s, f, node, mode);
    return 0;
  }
  const { type } = s.qidOf(node);
  const as = type & QTAPPEND ? mode | OAPPEND : mode;
  if (file) return after(opened(s, f, file, as, claim(s, node, type)), (x) => x.iounit ?? 0);
  return after(openFile(s, q, f, node, as & ~OTRUNC, true), (x) => x.iounit ?? 0);
}

/** 9P2000.u: links and devices are made by Tcreate with an extension (9p-rfc). */
function createSpecial(s: Session, q: Request, d: DirNode, t: TcreateMsg): Awaitable<Node> {
  if (t.perm & DMSYMLINK) {
    if (!d.symlink) throw new NineError(Enotsup);
    return d.symlink(t.name, t.extension, q);
  }
  if (t.perm & DMLINK) {
    const { node } = placeOf(s.fidOf(q, Number(t.extension)));
    if (!d.link) throw new NineError(Enotsup);
    return after(d.link(t.name, node, q), () => node);
  }
  if (!d.mknod) throw new NineError(Enotsup);
  const m = /^([bc]) (\d+) (\d+)$/.exec(t.extension);
  if (t.perm & DMDEVICE && !m) throw new NineError(`${Einval}: device ${t.extension}`);
  return d.mknod(t.name, t.perm, m ? makedev(Number(m[2]), Number(m[3])) : 0, m?.[1] === "b", q);
}

function lcreate(s: Session, q: Request, t: TlcreateMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  notOpen(f);
  const dir = placeOf(f);
  const d = dirNode(dir);
  legalName(t.name);
  const mode = openMode(t.flags);
  const reply = (node: Node, iounit: number): Rmsg => ({ type: Rlcreate, qid: s.qidOf(node), iounit });
  const existing = (e: unknown): Awaitable<Rmsg> => {
    if (!(e instanceof NineError) || e.errno !== errno.EEXIST || t.flags & L_O_EXCL) throw e;
    return after(lookup(q, d, t.name), (node) => {
      if (isDir(node)) throw new NineError(Eisdir);
      return after(openFile(s, q, f, node, mode), (file) => {
        f.place = { parent: dir, name: t.name, node };
        return reply(node, file.iounit ?? 0);
      });
    });
  };
  const fresh = (): Awaitable<Rmsg> => after(mayAccess(d, AWRITE | AEXEC, q, s.users), () => {
    if (!d.create) throw new NineError(Eperm);
    return after(d.create(t.name, dirMode(t.mode & 0o7777), mode & ~OTRUNC, q), (made) =>
      after(regroup(s, q, made.node, t.gid), () =>
        after(entered(s, q, f, { parent: dir, name: t.name, node: made.node }, mode, made.opened), (iounit) => reply(made.node, iounit))));
  });
  // Without O_EXCL an existing file is opened, which needs no write permission on the directory.
  if (t.flags & L_O_EXCL) return fresh();
  return after(d.walk(t.name, q), (node) => {
    if (node) return existing(new NineError(Eexist));
    const r = fresh();
    return r instanceof Promise ? r.catch(existing) : r;
  });
}

/** .L names the group of a new file; one the caller is not in is ignored, as open(2) of the server would. */
function regroup(s: Session, q: Call, node: Node, gid: number): Awaitable<void> {
  if (gid === NOU32 || !node.setattr) return undefined;
  const group = s.users.nameOf(gid);
  if (q.uid !== 0 && !s.users.member(q.uname, group)) return undefined;
  return after(attrOf(node, q, s.bootSec), (a) => (a.gid === group ? undefined : node.setattr?.({ gid: group }, q)));
}

/** What the messages that make a name need: the directory, writable. */
function making(s: Session, q: Request, dfid: number, name: string): Awaitable<DirNode> {
  const d = dirNode(placeOf(s.fidOf(q, dfid)));
  legalName(name);
  return after(mayAccess(d, AWRITE | AEXEC, q, s.users), () => d);
}

function mkdir(s: Session, q: Request, t: TmkdirMsg): Awaitable<Rmsg> {
  return after(making(s, q, t.dfid, t.name), (d) => {
    if (!d.create) throw new NineError(Eperm);
    return after(d.create(t.name, dirMode(0o040000 | (t.mode & 0o7777)), undefined, q), ({ node }) =>
      after(regroup(s, q, node, t.gid), () => ({ type: Rmkdir, qid: s.qidOf(node) })));
  });
}

function symlink(s: Session, q: Request, t: TsymlinkMsg): Awaitable<Rmsg> {
  return after(making(s, q, t.fid, t.name), (d) => {
    if (!d.symlink) throw new NineError(Enotsup);
    return after(d.symlink(t.name, t.symtgt, q), (node) => ({ type: Rsymlink, qid: s.qidOf(node) }));
  });
}

function mknod(s: Session, q: Request, t: TmknodMsg): Awaitable<Rmsg> {
  return after(making(s, q, t.dfid, t.name), (d) => {
    const mode = dirMode(t.mode);
    if (!(mode & (DMDEVICE | DMNAMEDPIPE | DMSOCKET))) {
      if (!d.create) throw new NineError(Eperm);
      return after(d.create(t.name, mode, undefined, q), ({ node }) => ({ type: Rmknod, qid: s.qidOf(node) }));
    }
    if (!d.mknod) throw new NineError(Enotsup);
    return after(d.mknod(t.name, mode, makedev(t.major, t.minor), (t.mode & 0o170000) === 0o060000, q), (node) =>
      ({ type: Rmknod, qid: s.qidOf(node) }));
  });
}

function link(s: Session, q: Request, t: TlinkMsg): Awaitable<Rmsg> {
  const { node } = placeOf(s.fidOf(q, t.fid));
  return after(making(s, q, t.dfid, t.name), (d) => {
    if (isDir(node)) throw new NineError("Operation not permitted");
    if (!d.link) throw new NineError(Enotsup);
    return after(d.link(t.name, node, q), () => ({ type: Rlink }));
  });
}

function readlink(q: Request, f: Fid): Awaitable<Rmsg> {
  const { node } = placeOf(f);
  if (!isLink(node)) throw new NineError(Einval);
  return after(node.readlink(q), (target) => ({ type: Rreadlink, target }));
}

// read, write

/** The data bytes one reply may carry. */
function clamp(s: Session, count: number): number {
  return Math.min(count, s.msize - IOHDRSZ);
}

function read(s: Session, q: Request, t: TreadMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  const n = clamp(s, t.count);
  if (f.xattr) {
    if (f.xattr.flags !== undefined) throw new NineError(Ebadusefd);
    return { type: Rread, data: f.xattr.value.subarray(t.offset, t.offset + n) };
  }
  const acc = f.mode & 3;
  if (f.mode < 0 || acc === OWRITE) throw new NineError(Ebadusefd);
  if (f.dir) return after(f.dir.read(t.offset, n, q), (data) => ({ type: Rread, data }));
  const file = f.file;
  if (!file?.read) throw new NineError(Eperm);
  const data = file.read(t.offset, n, q, t.into);
  if (data instanceof Promise) return data.then((x) => ({ type: Rread, data: x.length > n ? x.subarray(0, n) : x }));
  return { type: Rread, data: data.length > n ? data.subarray(0, n) : data };
}

function readdir(s: Session, q: Request, t: TreaddirMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  if (!f.dir) throw new NineError(f.mode >= 0 ? Enotdir : Ebadusefd);
  return after(f.dir.readdir(t.offset, clamp(s, t.count), q), (data) => ({ type: Rreaddir, data }));
}

function write(s: Session, q: Request, t: TwriteMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  const { xattr } = f;
  if (xattr) {
    if (xattr.flags === undefined) throw new NineError(Ebadusefd);
    if (t.offset !== xattr.written || t.offset + t.data.length > xattr.value.length) throw new NineError(Erange);
    xattr.value.set(t.data, t.offset);
    xattr.written += t.data.length;
    return { type: Rwrite, count: t.data.length };
  }
  const acc = f.mode & 3;
  if (f.mode < 0 || acc === OREAD || acc === OEXEC) throw new NineError(Ebadusefd);
  const file = f.file;
  if (!file?.write) throw new NineError(Eperm);
  if (t.data.length > s.msize - IOHDRSZ) throw new NineError(Ecount);
  const count = file.write(t.offset, t.data, q);
  return count instanceof Promise ? count.then((n) => ({ type: Rwrite, count: n })) : { type: Rwrite, count };
}

// remove, rename

function removeFid(s: Session, q: Request, f: Fid): Awaitable<Rmsg> {
  // The fid is free even when the removal fails; what it had open is closed after the name is gone.
  f.dead = true;
  const free = (): Awaitable<Rmsg> => {
    f.mode &= ~ORCLOSE;
    return after(s.drop(f), () => ({ type: Rremove }));
  };
  const failed = (e: unknown): Awaitable<Rmsg> => after(free(), () => {
    throw e;
  });
  try {
    const r = removePlace(s, q, placeOf(f));
    return r instanceof Promise ? r.then(free, failed) : free();
  } catch (e) {
    return failed(e);
  }
}

function removePlace(s: Session, q: Call, p: Place): Awaitable<void> {
  if (!p.parent) throw new NineError("cannot remove root");
  const d = dirNode(p.parent);
  return after(mayUnname(s, q, d, p.node), () => {
    if (!d.remove) throw new NineError(Eperm);
    return after(lookup(q, d, p.name), (now) => {
      // Plain 9P2000 clients hold a link's target; what goes is the link.
      const node = isLink(now) && s.dialect === "9P2000" ? now : p.node;
      if (s.keyOf(now) !== s.keyOf(node)) throw new NineError(Enonexist);
      return d.remove?.(p.name, node, q);
    });
  });
}

/** The caller may take this name out of the directory: write permission, and in a sticky one to own the file or it. */
function mayUnname(s: Session, q: Call, d: DirNode, node: Node): Awaitable<void> {
  return after(mayAccess(d, AWRITE | AEXEC, q, s.users), () => {
    if (d.access || !d.stat || q.uid === 0) return undefined;
    return after(attrOf(d, q, s.bootSec), (a) => {
      if (!(a.mode & DMSTICKY) || owns(a, q)) return undefined;
      return after(attrOf(node, q, s.bootSec), (b) => {
        if (!owns(b, q)) throw new NineError(Enotowner);
      });
    });
  });
}

function unlinkat(s: Session, q: Request, t: TunlinkatMsg): Awaitable<Rmsg> {
  return after(child(s, q, placeOf(s.fidOf(q, t.dirfid)), t.name), (p) => {
    if (t.flags & AT_REMOVEDIR && !isDir(p.node)) throw new NineError(Enotdir);
    if (!(t.flags & AT_REMOVEDIR) && isDir(p.node)) throw new NineError(Eisdir);
    return after(removePlace(s, q, p), () => ({ type: Runlinkat }));
  });
}

function rename(s: Session, q: Call, from: Place, to: Place, name: string, replace: boolean): Awaitable<void> {
  legalName(name);
  if (!from.parent) throw new NineError(Eperm);
  const d = dirNode(from.parent);
  const newdir = dirNode(to);
  const oldparent = from.parent;
  const oldname = from.name;
  for (let p: Place | undefined = to; p; p = p.parent) {
    if (s.keyOf(p.node) === s.keyOf(from.node)) throw new NineError(Einval);
  }
  return after(mayUnname(s, q, d, from.node), () =>
    after(mayAccess(newdir, AWRITE | AEXEC, q, s.users), () =>
      after(mayReplace(s, q, newdir, name), () => {
        if (!d.rename) throw new NineError(d.remove ? Exdev : Eperm);
        return after(d.rename(oldname, from.node, newdir, name, replace, q), () => {
          s.moved(oldparent.node, oldname, from.node, to, name);
          from.parent = to;
          from.name = name;
        });
      })));
}

/** A file in the way must be one the caller could remove: sticky directories. */
function mayReplace(s: Session, q: Call, d: DirNode, name: string): Awaitable<void> {
  if (d.access || !d.stat) return undefined;
  return after(d.walk(name, q), (node) => (node ? mayUnname(s, q, d, node) : undefined));
}

// stat

function dirOf(s: Session, q: Call, p: Place): Awaitable<Dir> {
  const { node } = p;
  return after(attrOf(node, q, s.bootSec), (a) => {
    const dir = (target: string): Dir => toDir(a, walkQid(s, node), p.name, target, s.dialect, s.users);
    return isLink(node) && s.dialect !== "9P2000" ? after(node.readlink(q), dir) : dir("");
  });
}

/** stat(5): all or nothing; nothing at all means: to stable storage. */
function wstat(s: Session, q: Request, t: TwstatMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  const place = placeOf(f);
  const { node } = place;
  const d = t.stat;
  const done: Rmsg = { type: Rwstat };
  return after(attrOf(node, q, s.bootSec), (a) => {
    const set: SetAttr = {};
    if (d.mode !== NOU32) {
      if (((d.mode ^ a.mode) & DMDIR) !== 0) throw new NineError("wstat can't convert between files and directories");
      set.mode = s.dialect === "9P2000" ? ((d.mode & (DMDIR | DMAPPEND | DMEXCL | 0x04000000 | 0o777)) | (a.mode & 0x03ffe00)) >>> 0 : d.mode;
    }
    if (d.length !== NOLENGTH && d.length !== a.length) set.length = d.length;
    if (d.mtime !== NOU32) set.mtime = { sec: d.mtime, nsec: 0 };
    if (d.atime !== NOU32) set.atime = { sec: d.atime, nsec: 0 };
    const gid = d.gid !== "" ? d.gid : d.n_gid !== NOU32 ? s.users.nameOf(d.n_gid) : "";
    if (gid !== "" && gid !== a.gid) set.gid = gid;
    const uid = d.uid !== "" ? d.uid : d.n_uid !== NOU32 ? s.users.nameOf(d.n_uid) : "";
    if (uid !== "" && uid !== a.uid) {
      if (s.dialect === "9P2000") throw new NineError(Ewstatuid);
      set.uid = uid;
    }
    if ((d.muid !== "" && d.muid !== a.muid) || (d.type !== 0xffff && d.type !== 0) || (d.dev !== NOU32 && d.dev !== 0)) throw new NineError(Ebadwstat);
    const touches = Object.keys(set).length > 0;
    const renames = d.name !== "" && d.name !== place.name;
    if (!touches && !renames) return after(node.sync?.(false, q), () => done);
    if (touches) {
      if (!node.setattr) throw new NineError(Eperm);
      if (isDir(node) && set.length !== undefined && set.length !== 0) throw new NineError(Eisdir);
      if (isDir(node)) delete set.length;
    }
    return after(touches ? maySet(s, q, f, node, set) : undefined, () => {
      if (!renames) return after(node.setattr?.(set, q), () => done);
      const { parent, name } = place;
      if (!parent) throw new NineError(Eperm);
      return after(rename(s, q, place, parent, d.name, s.dialect !== "9P2000"), () => {
        if (!touches) return done;
        // All or nothing: the old name comes back when the rest is refused.
        const undo = (e: unknown): Awaitable<Rmsg> => after(rename(s, q, place, parent, name, false), () => {
          throw e;
        });
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

const Ewstatuid = "wstat prohibited: the owner of a file cannot be changed";

/** Who may change which attribute: stat(5), and chown(2) for what only .u and .L can ask. A Node with `access` decides for itself. */
function maySet(s: Session, q: Call, f: Fid, node: Node, set: SetAttr): Awaitable<void> {
  if (node.access || !node.stat || q.uid === 0) return undefined;
  return after(attrOf(node, q, s.bootSec), (a) => {
    const owner = owns(a, q);
    const writable = permits(a, AWRITE, q, s.users);
    const timed = set.atime !== undefined || set.mtime !== undefined;
    const nowOnly = (set.atime ?? "now") === "now" && (set.mtime ?? "now") === "now";
    const openForWrite = f.file !== undefined && f.mode >= 0 && ((f.mode & 3) === OWRITE || (f.mode & 3) === 2);
    if (set.uid !== undefined && set.uid !== a.uid) throw new NineError("Operation not permitted");
    if (set.mode !== undefined && !owner) throw new NineError(Enotowner);
    if (set.gid !== undefined && (!owner || !s.users.member(q.uname, set.gid))) throw new NineError(owner ? "not a member of proposed group" : Enotowner);
    if (timed && !owner && !(nowOnly && writable)) throw new NineError(nowOnly ? Eperm : Enotowner);
    if (set.length !== undefined && !writable && !openForWrite) throw new NineError(Eperm);
  });
}

function setattr(s: Session, q: Request, t: TsetattrMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  const { node } = placeOf(f);
  const v = t.valid;
  const done: Rmsg = { type: Rsetattr };
  return after(attrOf(node, q, s.bootSec), (a) => {
    const set: SetAttr = {};
    if (v & SETATTR_MODE) set.mode = (dirMode(t.mode & 0o7777) | (a.mode & 0xfff00000 & ~0x00080000) | (a.mode & (DMNAMEDPIPE | DMSOCKET | DMDEVICE))) >>> 0;
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

function statfs(q: Request, node: Node): Awaitable<Rmsg> {
  const own = node.statfs?.(q) ?? { type: V9FS_MAGIC, bsize: 4096, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0, namelen: 255 };
  return after(own, (x) => ({
    type: Rstatfs, fstype: x.type, bsize: x.bsize, blocks: x.blocks, bfree: x.bfree, bavail: x.bavail, files: x.files, ffree: x.ffree,
    fsid: 0, namelen: x.namelen,
  }));
}

// locks, extended attributes

function lock(s: Session, q: Request, t: TlockMsg): Rmsg {
  const f = s.fidOf(q, t.fid);
  const acc = f.mode & 3;
  if (f.mode < 0) throw new NineError(Ebadusefd);
  if (t.ltype > LOCK_TYPE_UNLCK) throw new NineError(Einval);
  if ((t.ltype === LOCK_TYPE_WRLCK && acc === OREAD) || (t.ltype === 0 && acc === OWRITE)) throw new NineError(Ebadusefd);
  const { node } = placeOf(f);
  const owner = { session: s, client_id: t.client_id, proc_id: t.proc_id };
  f.locks = true;
  return { type: Rlock, status: s.shared.locks.lock(s.keyOf(node), owner, f, t.ltype, t.start, t.length) };
}

function getlock(s: Session, q: Request, t: TgetlockMsg): Rmsg {
  const f = s.fidOf(q, t.fid);
  if (f.mode < 0) throw new NineError(Ebadusefd);
  const owner = { session: s, client_id: t.client_id, proc_id: t.proc_id };
  const r = s.shared.locks.test(s.keyOf(placeOf(f).node), owner, t.ltype, t.start, t.length);
  if (!r) return { ...t, type: Rgetlock, ltype: LOCK_TYPE_UNLCK };
  return { type: Rgetlock, ltype: r.ltype, start: r.start, length: r.length, proc_id: r.owner.proc_id, client_id: r.owner.client_id };
}

function xattrwalk(s: Session, q: Request, t: TxattrwalkMsg): Awaitable<Rmsg> {
  const from = s.fidOf(q, t.fid);
  const place = placeOf(from);
  const { xattrs } = place.node;
  const to = made(q, t.newfid);
  if (!xattrs) throw new NineError(Enotsup);
  const value = t.name === "" ? after(xattrs.list(q), namesList) : after(mayAccess(place.node, AREAD, q, s.users), () => xattrs.get(t.name, q));
  return after(value, (v) => {
    if (!v) throw new NineError(Enodata);
    to.place = place;
    to.xattr = { name: t.name, value: v, flags: undefined, written: 0 };
    return { type: Rxattrwalk, size: v.length };
  });
}

/** listxattr(2): each name with a NUL behind it. */
function namesList(names: string[]): Uint8Array {
  const all = names.map((n) => `${n}\0`).join("");
  const out = new Uint8Array(utf8Length(all));
  encodeUtf8(all, out, 0);
  return out;
}

function xattrcreate(s: Session, q: Request, t: TxattrcreateMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  notOpen(f);
  const { node } = placeOf(f);
  if (!node.xattrs) throw new NineError(Enotsup);
  if (t.attr_size > XATTRMAX) throw new NineError(Erange);
  return after(mayAccess(node, AWRITE, q, s.users), () => {
    f.xattr = { name: t.name, value: new Uint8Array(t.attr_size), flags: t.flags, written: 0 };
    return { type: Rxattrcreate };
  });
}

/** At the clunk: set what was written; size 0 with XATTR_REPLACE removes, as Linux asks for removexattr(2). */
function setXattr(x: NonNullable<Fid["xattr"]>, node: Node, q: Call): Awaitable<void> {
  if (x.flags === undefined) return undefined;
  if (x.written !== x.value.length) throw new NineError(Einval);
  if (x.value.length === 0 && x.flags === XATTR_REPLACE) return node.xattrs?.remove(x.name, q);
  return node.xattrs?.set(x.name, x.value, x.flags, q);
}
