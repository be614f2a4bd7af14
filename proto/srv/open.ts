/**
 * Open: from a fid to an open file or directory, and its end. Invariants: a DMEXCL file has one open
 * in all sessions; whatever was opened for a fid that died meanwhile (hang-up) is closed again; a fid
 * is closed in full even when part of that fails. Handlers and srv.ts only.
 */
import { after, type Awaitable } from "../awaitable.ts";
import { Ebadfid, Eexclusive, Ehungup, Einval, Eisdir, Eloop, Enonexist, Enotdir, Eperm, NineError } from "../errors.ts";
import { type Dir, Rlopen, type Rmsg, Ropen, type TlopenMsg } from "../fcall.ts";
import { AREAD, AWRITE, L_O_ACCMODE, L_O_DIRECTORY, OAPPEND, openMode, ORCLOSE, OREAD, OTRUNC } from "../perm.ts";
import { QTAPPEND, QTEXCL } from "../qid.ts";
import { type Call, type DirNode, isDir, isLink, type Node, type OpenFile } from "../server.ts";
import type { Session } from "../srv.ts";
import { mayAccess, wantOf } from "./attr.ts";
import type { Fid, Place } from "./fid.ts";
import { removePlace } from "./names.ts";
import { DirReader } from "./readdir.ts";
import { Closing, type Request } from "./request.ts";
import { dirOf } from "./stat.ts";
import { followed, linkBudget, type LinkBudget, MAXELEMENTS, placeOf } from "./walk.ts";
import { setXattr } from "./xattr.ts";

export function notOpen(f: Fid): void {
  if (f.mode >= 0 || f.xattr) throw new NineError(Ebadfid);
}

/** linux: the reply is Rlopen. */
export function open(s: Session, q: Request, f: Fid, mode: number, linux: boolean): Awaitable<Rmsg> {
  notOpen(f);
  const place = placeOf(f);
  const { node, parent } = place;
  const reply = (iounit: number): Rmsg =>
    linux ? { type: Rlopen, qid: s.qidOf(node), iounit } : { type: Ropen, qid: s.qidOf(node), iounit };
  if (isLink(node)) throw new NineError(s.dialect === "9P2000" ? Enonexist : Eloop);
  if (mode & ORCLOSE && !parent) throw new NineError(Eperm);
  const rclose = mode & ORCLOSE && parent ? mayAccess(parent.node, AWRITE, q, s.users) : undefined;
  return after(rclose, () => {
    if (isDir(node)) {
      // open(5): nobody may write, truncate or remove on close a directory.
      if ((mode & 3) !== OREAD || mode & (OTRUNC | ORCLOSE)) throw new NineError(Eisdir);
      return after(mayAccess(node, AREAD, q, s.users), () => {
        openedDir(s, f, node, mode);
        return reply(0);
      });
    }
    return after(openFile(s, q, f, node, mode), (file) => reply(file.iounit ?? 0));
  });
}

export function lopen(s: Session, q: Request, t: TlopenMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  const { node } = placeOf(f);
  if (t.flags & L_O_DIRECTORY && !isDir(node)) throw new NineError(Enotdir);
  if ((t.flags & L_O_ACCMODE) === L_O_ACCMODE) throw new NineError(Einval);
  return open(s, q, f, openMode(t.flags), true);
}

export function openedDir(s: Session, f: Fid, node: DirNode, mode: number): void {
  f.mode = mode;
  f.dir = new DirReader(node, f.place?.parent?.node ?? node, {
    dialect: s.dialect,
    listings: s.shared.listings,
    keyOf: (n) => s.keyOf(n),
    qidOf: (n) => s.qidOf(n),
    dirOf: entries(s, f),
  });
}

/** The stat of one entry after the other of an open directory; undefined when it went away. */
function entries(s: Session, f: Fid): (name: string, node: Node, call: Call) => Awaitable<Dir | undefined> {
  if (s.dialect !== "9P2000") return (name, node, call) => entryOf(s, call, { parent: placeOf(f), name, node }, undefined);
  let budget = linkBudget();
  let by: Call | undefined;
  return (name, node, call) => {
    if (call !== by) budget = linkBudget();
    by = call;
    const whole = budget.elements === MAXELEMENTS;
    return after(entryOf(s, call, { parent: placeOf(f), name, node }, budget), (d) => {
      // This read ends before the entry, and the next one has its links followed.
      if (budget.elements < 0 && !whole) throw new NineError(Eloop);
      return d;
    });
  };
}

/** budget: links are followed. */
function entryOf(s: Session, q: Call, found: Place, budget: LinkBudget | undefined): Awaitable<Dir | undefined> {
  try {
    const d = budget && isLink(found.node) ? after(followed(s, q, found, budget), (p) => dirOf(s, q, p)) : dirOf(s, q, found);
    return d instanceof Promise ? d.catch(gone) : d;
  } catch (e) {
    return gone(e);
  }
}

function gone(e: unknown): undefined {
  if (!(e instanceof NineError)) throw e;
  return undefined;
}

/** granted: permission was checked, or is not asked for, as of a file just made. */
export function openFile(s: Session, q: Request, f: Fid, node: Exclude<Node, DirNode>, asked: number, granted = false): Awaitable<OpenFile> {
  if (isLink(node)) throw new NineError(Eloop);
  const { type } = s.qidOf(node);
  const mode = type & QTAPPEND ? (asked & ~OTRUNC) | OAPPEND : asked;
  return after(granted ? undefined : mayAccess(node, wantOf(mode), q, s.users), () => {
    const key = claim(s, node);
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
export function claim(s: Session, node: Node): string | undefined {
  if (!(s.qidOf(node).type & QTEXCL)) return undefined;
  const key = s.keyOf(node);
  if (s.shared.exclusive.has(key)) throw new NineError(Eexclusive);
  s.shared.exclusive.add(key);
  return key;
}

function unclaim(s: Session, key: string | undefined): void {
  if (key !== undefined) s.shared.exclusive.delete(key);
}

/** The fid has the file open, unless it died while that was under way. */
export function opened(s: Session, f: Fid, file: OpenFile, mode: number, key: string | undefined): Awaitable<OpenFile> {
  if (f.dead) {
    return after(inTurn(() => file.close?.(), () => unclaim(s, key)), () => {
      throw new NineError(Ehungup);
    });
  }
  f.file = file;
  f.mode = mode;
  f.exclusive = key;
  return file;
}

/** Closes what a fid had open, drops its locks, sets the attribute it wrote, removes the file if it was opened so. */
export function closeFid(s: Session, f: Fid): Awaitable<void> {
  f.dead = true;
  const { place, file, exclusive, xattr, mode } = f;
  if (f.locks && place) s.shared.locks.release(s.keyOf(place.node), f);
  f.dir?.close();
  f.file = f.dir = f.xattr = f.exclusive = undefined;
  f.mode = -1;
  if (!place || !(file || xattr)) return undefined;
  return inTurn(
    () => file?.close?.(),
    () => unclaim(s, exclusive),
    () => xattr && setXattr(s, xattr, place.node, new Closing(f.user)),
    () => (mode >= 0 && mode & ORCLOSE ? removePlace(s, new Closing(f.user), place) : undefined),
  );
}

/** One step after the other, each whatever became of those before; the first error is the outcome. */
function inTurn(...steps: (() => Awaitable<void>)[]): Awaitable<void> {
  let first: { readonly e: unknown } | undefined;
  const failed = (e: unknown): void => {
    first ??= { e };
  };
  const from = (i: number): Awaitable<void> => {
    for (let k = i; k < steps.length; k++) {
      try {
        const r = steps[k]?.();
        if (r instanceof Promise) return r.catch(failed).then(() => from(k + 1));
      } catch (e) {
        failed(e);
      }
    }
    if (first) throw first.e;
    return undefined;
  };
  return from(0);
}
