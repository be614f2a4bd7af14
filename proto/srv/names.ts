/**
 * Names: the messages that take a name away or move it: Tremove, Tunlinkat, Trename, Trenameat, and
 * a Twstat's rename. Invariant: a file is taken out of a directory only under the name it still has
 * there, never another that came in its place. Handlers only.
 */
import { after, type Awaitable } from "../awaitable.ts";
import { Ebadfid, Einval, Eisdir, Enonexist, Enotdir, Enotowner, Eperm, Exdev, NineError } from "../errors.ts";
import { AT_REMOVEDIR, type Rmsg, Rremove, Rrename, Rrenameat, Runlinkat, type TrenameatMsg, type TrenameMsg, type TunlinkatMsg } from "../fcall.ts";
import { AEXEC, AWRITE, DMSTICKY, ORCLOSE } from "../perm.ts";
import { type Call, type DirNode, isDir, isLink, type Node } from "../server.ts";
import type { Session } from "../srv.ts";
import { attrOf, mayAccess, owns } from "./attr.ts";
import type { Fid, Place } from "./fid.ts";
import type { Request } from "./request.ts";
import { child, dirNode, legalName, lookup, placeOf } from "./walk.ts";

export function removeFid(s: Session, q: Request, f: Fid): Awaitable<Rmsg> {
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
    if (f.xattr) throw new NineError(Ebadfid);
    const r = removePlace(s, q, placeOf(f));
    return r instanceof Promise ? r.then(free, failed) : free();
  } catch (e) {
    return failed(e);
  }
}

export function removePlace(s: Session, q: Call, p: Place): Awaitable<void> {
  if (!p.parent) throw new NineError("cannot remove root");
  const d = dirNode(p.parent);
  return after(mayUnname(s, q, d, p.node), () => {
    if (!d.remove) throw new NineError(Eperm);
    return after(lookup(q, d, p.name), (now) => {
      // Plain 9P2000 clients hold a link's target; what goes is the link.
      if (!(isLink(now) && s.dialect === "9P2000") && s.keyOf(now) !== s.keyOf(p.node)) throw new NineError(Enonexist);
      return d.remove?.(p.name, now, q);
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

export function unlinkat(s: Session, q: Request, t: TunlinkatMsg): Awaitable<Rmsg> {
  const dir = placeOf(s.fidOf(q, t.dirfid));
  const d = dirNode(dir);
  return after(child(s, q, dir, t.name), (p) => {
    if (t.flags & AT_REMOVEDIR && !isDir(p.node)) throw new NineError(Enotdir);
    if (!(t.flags & AT_REMOVEDIR) && isDir(p.node)) throw new NineError(Eisdir);
    return after(mayUnname(s, q, d, p.node), () => {
      if (!d.remove) throw new NineError(Eperm);
      return after(d.remove(t.name, p.node, q), () => ({ type: Runlinkat }));
    });
  });
}

export function rename(s: Session, q: Call, from: Place, to: Place, name: string, replace: boolean): Awaitable<void> {
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
          s.shared.moved(oldparent.node, oldname, from.node, to, name);
          from.parent = to;
          from.name = name;
        });
      })));
}

export function renamed(s: Session, q: Request, t: TrenameMsg): Awaitable<Rmsg> {
  return after(rename(s, q, placeOf(s.fidOf(q, t.fid)), placeOf(s.fidOf(q, t.dfid)), t.name, true), () => ({ type: Rrename }));
}

export function renameat(s: Session, q: Request, t: TrenameatMsg): Awaitable<Rmsg> {
  const from = placeOf(s.fidOf(q, t.olddirfid));
  const to = placeOf(s.fidOf(q, t.newdirfid));
  return after(child(s, q, from, t.oldname), (p) => after(rename(s, q, p, to, t.newname, true), () => ({ type: Rrenameat })));
}

/** A file in the way must be one the caller could remove: sticky directories. */
function mayReplace(s: Session, q: Call, d: DirNode, name: string): Awaitable<void> {
  if (d.access || !d.stat) return undefined;
  return after(d.walk(name, q), (node) => (node ? mayUnname(s, q, d, node) : undefined));
}
