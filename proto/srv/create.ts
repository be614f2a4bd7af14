/**
 * Create: the messages that make a file: Tcreate, Tlcreate, Tmkdir, Tsymlink, Tmknod, Tlink, and
 * .u's special files. Invariant: creation is one step of the server, which alone knows whether the
 * name is taken. Handlers only.
 */
import { after, attempt, type Awaitable, quietly } from "../awaitable.ts";
import { Ebadmode, Einval, Eisdir, Enotsup, Eperm, isInterrupted, NineError } from "../errors.ts";
import {
  NOU32, Rcreate, Rlcreate, Rlink, Rmkdir, Rmknod, type Rmsg, Rsymlink, type TcreateMsg, type TlcreateMsg, type TlinkMsg,
  type TmkdirMsg, type TmknodMsg, type TsymlinkMsg,
} from "../fcall.ts";
import {
  AEXEC, AWRITE, dirMode, DMAPPEND, DMDEVICE, DMDIR, DMEXCL, DMNAMEDPIPE, DMSETGID, DMSETUID, DMSOCKET, DMSTICKY, DMSYMLINK, DMTMP,
  L_O_EXCL, OAPPEND, openMode, ORCLOSE, OREAD, OTRUNC, S_IFDIR, wireMode,
} from "../perm.ts";
import { QTAPPEND } from "../qid.ts";
import { type Call, type DirNode, isDir, type Node, type OpenFile } from "../server.ts";
import type { Session } from "../srv.ts";
import { attrOf, makedev, mayAccess } from "./attr.ts";
import type { Fid, Place } from "./fid.ts";
import { removePlace } from "./names.ts";
import { claim, notOpen, opened, openedDir, openFile } from "./open.ts";
import { Closing, type Request } from "./request.ts";
import { dirNode, legalName, placeOf } from "./walk.ts";

/** perm bit of .u's Tcreate: extension is the fid to link to. */
const DMLINK = 0x01000000;
const SPECIAL = DMSYMLINK | DMLINK | DMDEVICE | DMNAMEDPIPE | DMSOCKET;
/** Bits of perm that a client can choose; of others nothing comes. */
const CHOICE = (DMDIR | DMAPPEND | DMEXCL | DMTMP | 0o777) >>> 0;
const CHOICEU = (CHOICE | DMSETUID | DMSETGID | DMSTICKY) >>> 0;

export function create(s: Session, q: Request, t: TcreateMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  notOpen(f);
  const dir = placeOf(f);
  const d = dirNode(dir);
  legalName(t.name);
  const special = s.dialect !== "9P2000" && t.perm & SPECIAL;
  const isdir = (t.perm & DMDIR) !== 0;
  const mode = wireMode(t.mode, s.dialect);
  if (isdir && ((mode & 3) !== OREAD || mode & (OTRUNC | ORCLOSE))) throw new NineError(Ebadmode);
  return after(mayAccess(d, AWRITE | AEXEC, q, s.users), () => {
    if (special) {
      return after(createSpecial(s, q, d, t), (node) => {
        f.place = { parent: dir, name: t.name, node };
        return { type: Rcreate, qid: s.qidOf(node), iounit: 0 };
      });
    }
    return after(attrOf(d, q, s.bootSec), (a) => {
      const most = isdir ? ~0o777 | (a.mode & 0o777) : ~0o666 | (a.mode & 0o666);
      const perm = (t.perm & most & (s.dialect === "9P2000" ? CHOICE : CHOICEU)) >>> 0;
      return after(makeFile(d, t.name, perm, isdir ? undefined : mode & ~(ORCLOSE | OTRUNC), q), (made) =>
        after(entered(s, q, f, { parent: dir, name: t.name, node: made.node }, mode, made.opened), (iounit) =>
          ({ type: Rcreate, qid: s.qidOf(made.node), iounit })));
    });
  });
}

function makeFile(d: DirNode, name: string, perm: number, mode: number | undefined, q: Call): Awaitable<{ node: Node; opened?: OpenFile }> {
  if (!d.create) throw new NineError(Eperm);
  return d.create(name, perm, mode, q);
}

/** The fid becomes the file just made, open. Returns its iounit. */
function entered(s: Session, q: Request, f: Fid, place: Place, mode: number, file: OpenFile | undefined): Awaitable<number> {
  const { node } = place;
  if (isDir(node)) {
    f.place = place;
    openedDir(s, f, node, mode);
    return 0;
  }
  const as = s.qidOf(node).type & QTAPPEND ? mode | OAPPEND : mode;
  const taken = attempt(() => (file ? opened(s, f, file, as, claimed(s, node, file)) : openFile(s, q, f, node, as & ~OTRUNC, true)), (e) => {
    // Of a fid that died meanwhile nobody closes the file, which is when it was to be removed.
    const orphan = f.dead && mode & ORCLOSE ? attempt(() => removePlace(s, new Closing(f.user), place), () => undefined) : undefined;
    return after(orphan, () => {
      throw e;
    });
  });
  return after(taken, (x) => {
    // Only now: a fid that could not be opened stays where it was.
    f.place = place;
    return x.iounit ?? 0;
  });
}

/** Takes the one open of a file just made; when somebody else was faster, it is closed. */
function claimed(s: Session, node: Node, file: OpenFile): string | undefined {
  try {
    return claim(s, node);
  } catch (e) {
    quietly(attempt(() => file.close?.(), () => undefined));
    throw e;
  }
}

/** 9P2000.u: links and devices are made by Tcreate with an extension (9p-rfc). */
function createSpecial(s: Session, q: Request, d: DirNode, t: TcreateMsg): Awaitable<Node> {
  if (t.perm & DMSYMLINK) {
    if (!d.symlink) throw new NineError(Enotsup);
    return d.symlink(t.name, legalTarget(t.extension), q);
  }
  if (t.perm & DMLINK) {
    const { node } = placeOf(s.fidOf(q, Number(t.extension)));
    if (isDir(node)) throw new NineError("Operation not permitted");
    if (!d.link) throw new NineError(Enotsup);
    return after(d.link(t.name, node, q), () => node);
  }
  if (!d.mknod) throw new NineError(Enotsup);
  const m = /^([bc]) (\d+) (\d+)$/.exec(t.extension);
  if (t.perm & DMDEVICE && !m) throw new NineError(`${Einval}: device ${t.extension}`);
  return d.mknod(t.name, t.perm, m ? makedev(Number(m[2]), Number(m[3])) : 0, m?.[1] === "b", q);
}

export function lcreate(s: Session, q: Request, t: TlcreateMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  notOpen(f);
  const dir = placeOf(f);
  const d = dirNode(dir);
  legalName(t.name);
  const mode = openMode(t.flags);
  const reply = (node: Node, iounit: number): Rmsg => ({ type: Rlcreate, qid: s.qidOf(node), iounit });
  const fresh = (): Awaitable<Rmsg> => after(mayAccess(d, AWRITE | AEXEC, q, s.users), () => {
    return after(makeFile(d, t.name, dirMode(t.mode & 0o7777), mode & ~OTRUNC, q), (made) =>
      after(entered(s, q, f, { parent: dir, name: t.name, node: made.node }, mode, made.opened), (iounit) =>
        after(regroup(s, q, made.node, t.gid), () => reply(made.node, iounit))));
  });
  // Without O_EXCL an existing file is opened, which needs no write permission on the directory. It is
  // looked for only when nothing could be made.
  const existing = (e: unknown): Awaitable<Rmsg> => {
    if (!(e instanceof NineError) || t.flags & L_O_EXCL || isInterrupted(e)) throw e;
    return after(d.walk(t.name, q), (node) => {
      if (!node) throw e;
      if (isDir(node)) throw new NineError(Eisdir);
      return after(openFile(s, q, f, node, mode), (file) => {
        f.place = { parent: dir, name: t.name, node };
        return reply(node, file.iounit ?? 0);
      });
    });
  };
  return after(mayAccess(d, AEXEC, q, s.users), () => attempt(fresh, existing));
}

/** .L names the group of a new file; one that cannot be given is ignored: the file is there by now. */
function regroup(s: Session, q: Call, node: Node, gid: number): Awaitable<void> {
  if (gid === NOU32 || !node.setattr) return undefined;
  const group = s.users.nameOf(gid);
  if (q.uid !== 0 && !s.users.member(q.uname, group)) return undefined;
  const ignored = (e: unknown): undefined => {
    if (!(e instanceof NineError)) throw e;
    return undefined;
  };
  try {
    const r = after(attrOf(node, q, s.bootSec), (a) => (s.users.idOf(a.gid) === gid ? undefined : node.setattr?.({ gid: group }, q)));
    return r instanceof Promise ? r.catch(ignored) : r;
  } catch (e) {
    return ignored(e);
  }
}

/** What the messages that make a name need: the directory, writable. */
function making(s: Session, q: Request, dfid: number, name: string): Awaitable<DirNode> {
  const d = dirNode(placeOf(s.fidOf(q, dfid)));
  legalName(name);
  return after(mayAccess(d, AWRITE | AEXEC, q, s.users), () => d);
}

export function mkdir(s: Session, q: Request, t: TmkdirMsg): Awaitable<Rmsg> {
  return after(making(s, q, t.dfid, t.name), (d) => {
    return after(makeFile(d, t.name, dirMode(S_IFDIR | (t.mode & 0o7777)), undefined, q), ({ node }) =>
      after(regroup(s, q, node, t.gid), () => ({ type: Rmkdir, qid: s.qidOf(node) })));
  });
}

/** A target may be anything but what no system can store. */
function legalTarget(target: string): string {
  if (target.includes("\0")) throw new NineError(Einval);
  return target;
}

export function symlink(s: Session, q: Request, t: TsymlinkMsg): Awaitable<Rmsg> {
  return after(making(s, q, t.fid, t.name), (d) => {
    if (!d.symlink) throw new NineError(Enotsup);
    return after(d.symlink(t.name, legalTarget(t.symtgt), q), (node) => after(regroup(s, q, node, t.gid), () => ({ type: Rsymlink, qid: s.qidOf(node) })));
  });
}

export function mknod(s: Session, q: Request, t: TmknodMsg): Awaitable<Rmsg> {
  return after(making(s, q, t.dfid, t.name), (d) => {
    const mode = dirMode(t.mode);
    // mknod(2) makes no directories and no links.
    if (mode & (DMDIR | DMSYMLINK)) throw new NineError("Operation not permitted");
    const made = (node: Node): Awaitable<Rmsg> => after(regroup(s, q, node, t.gid), () => ({ type: Rmknod, qid: s.qidOf(node) }));
    if (!(mode & (DMDEVICE | DMNAMEDPIPE | DMSOCKET))) return after(makeFile(d, t.name, mode, undefined, q), ({ node }) => made(node));
    if (!d.mknod) throw new NineError(Enotsup);
    return after(d.mknod(t.name, mode, makedev(t.major, t.minor), (t.mode & 0o170000) === 0o060000, q), made);
  });
}

export function link(s: Session, q: Request, t: TlinkMsg): Awaitable<Rmsg> {
  const { node } = placeOf(s.fidOf(q, t.fid));
  return after(making(s, q, t.dfid, t.name), (d) => {
    if (isDir(node)) throw new NineError("Operation not permitted");
    if (!d.link) throw new NineError(Enotsup);
    return after(d.link(t.name, node, q), () => ({ type: Rlink }));
  });
}
