/**
 * Walk: attach, walk, and the ways from a place to another that other messages need. A place is the
 * directory and name a file was found by; `..` goes back by it, so a walk never leaves the tree
 * attached to. Handlers only.
 */
import { after, type Awaitable } from "../awaitable.ts";
import { isName } from "../dir.ts";
import { Ebadfid, Ebadname, Ehungup, Einval, Enametoolong, Enoauth, Enonexist, Enotdir, errno, isInterrupted, NineError } from "../errors.ts";
import { MAXWELEM, NOFID, NOU32, Rattach, type Rmsg, Rwalk, type TattachMsg, type TwalkMsg } from "../fcall.ts";
import { AEXEC } from "../perm.ts";
import { QTSYMLINK, type Qid } from "../qid.ts";
import { type Call, type DirNode, isDir, isLink, type Node } from "../server.ts";
import type { Session } from "../srv.ts";
import { mayAccess } from "./attr.ts";
import type { Fid, Place } from "./fid.ts";
import type { Request } from "./request.ts";

/** Symbolic links followed for one name of a plain 9P2000 client. */
const MAXLINKS = 40;
/** Elements looked up on the ways of all links followed for one message. */
export const MAXELEMENTS = 1024;
/** Characters of a user's name. */
const MAXUNAME = 256;

export function placeOf(f: Fid): Place {
  if (!f.place) throw new NineError(Ebadfid);
  return f.place;
}

export function dirNode(p: Place): DirNode {
  if (!isDir(p.node)) throw new NineError(Enotdir);
  return p.node;
}

/** Throws unless the name may be created: one element, not "." or "..". */
export function legalName(name: string): void {
  if (!isName(name)) throw new NineError(Ebadname);
  if (name.length > 65535) throw new NineError(Enametoolong);
}

/** The fid that this message makes. */
export function made(q: Request, num: number): Fid {
  const f = q.fid2?.num === num ? q.fid2 : q.fid;
  if (!f || f.dead) throw new NineError(Ehungup);
  return f;
}

export function attach(s: Session, q: Request, t: TattachMsg): Awaitable<Rmsg> {
  if (t.afid !== NOFID) throw new NineError(Enoauth, errno.ENOENT);
  // Each fid keeps its user's name.
  if (t.uname.length > MAXUNAME) throw new NineError(`${Einval}: a user name above ${MAXUNAME} characters`);
  const f = made(q, t.fid);
  // A number, where the dialect has them, is what the client vouches for; else the name.
  const uname = t.n_uname !== NOU32 ? s.users.nameOf(t.n_uname) : t.uname || "none";
  q.user = { uname, uid: t.n_uname !== NOU32 ? t.n_uname : s.users.idOf(uname) };
  return after(s.server.attach(q, t.aname), (node) => {
    f.adopt(q.user, { parent: undefined, name: "/", node });
    return { type: Rattach, qid: s.qidOf(node) };
  });
}

export function walk(s: Session, q: Request, t: TwalkMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  if (t.wname.length > MAXWELEM) throw new NineError(`${Einval}: more than ${MAXWELEM} names in a walk`);
  if (f.xattr) throw new NineError(Ebadfid);
  if (f.mode >= 0 && (s.dialect === "9P2000" || t.fid === t.newfid)) throw new NineError(Ebadfid);
  const to = t.newfid === t.fid ? f : made(q, t.newfid);
  return walkOn(s, q, t.wname, placeOf(f), to, [], s.dialect === "9P2000" ? linkBudget() : undefined);
}

/** From a place by the names behind those that wqid has; `to` is there when they lead somewhere. */
function walkOn(s: Session, q: Request, names: readonly string[], from: Place, to: Fid, wqid: Qid[], budget: LinkBudget | undefined): Awaitable<Rmsg> {
  let place = from;
  try {
    while (wqid.length < names.length) {
      q.walked = wqid.length;
      const next = step(s, q, place, names[wqid.length]!, budget);
      if (next instanceof Promise) {
        return next.then((p) => {
          if (!p) return ended(wqid, undefined);
          wqid.push(walkQid(s, p.node));
          return walkOn(s, q, names, p, to, wqid, budget);
        }).catch((e: unknown) => ended(wqid, e));
      }
      if (!next) return ended(wqid, undefined);
      place = next;
      wqid.push(walkQid(s, next.node));
    }
  } catch (e) {
    return ended(wqid, e);
  }
  to.adopt(q.user, place);
  return { type: Rwalk, wqid };
}

/** A first name that leads nowhere is an error, a later one ends the walk; of one that was given up nobody knows where it leads. */
function ended(wqid: Qid[], e: unknown): Rmsg {
  if (e !== undefined && (wqid.length === 0 || !(e instanceof NineError) || isInterrupted(e))) throw e;
  if (wqid.length === 0) throw new NineError(Enonexist);
  return { type: Rwalk, wqid };
}

/** Plain 9P2000 knows no symbolic links: one that leads nowhere looks like a file. */
export function walkQid(s: Session, node: Node): Qid {
  const qid = s.qidOf(node);
  return s.dialect === "9P2000" && qid.type & QTSYMLINK ? { ...qid, type: qid.type & ~QTSYMLINK } : qid;
}

/** One element further; undefined when there is none of that name. */
function step(s: Session, q: Call, p: Place, name: string, budget: LinkBudget | undefined): Awaitable<Place | undefined> {
  const d = dirNode(p);
  if (name === ".") return p;
  const may = mayAccess(d, AEXEC, q, s.users);
  return may instanceof Promise ? may.then(() => below(s, q, p, d, name, budget)) : below(s, q, p, d, name, budget);
}

function below(s: Session, q: Call, p: Place, d: DirNode, name: string, budget: LinkBudget | undefined): Awaitable<Place | undefined> {
  if (name === "..") return p.parent ?? p;
  const node = named(q, d, name);
  return node instanceof Promise ? node.then((x) => placed(s, q, p, name, x, budget)) : placed(s, q, p, name, node, budget);
}

function placed(s: Session, q: Call, parent: Place, name: string, node: Node | undefined, budget: LinkBudget | undefined): Awaitable<Place | undefined> {
  if (!node) return undefined;
  const found = { parent, name, node };
  return budget && isLink(node) ? followed(s, q, found, budget) : found;
}

/** The child of that name, or Enonexist; whether the caller may search the directory was checked before. */
export function lookup(q: Call, d: DirNode, name: string): Awaitable<Node> {
  return after(named(q, d, name), (node) => {
    if (!node) throw new NineError(Enonexist);
    return node;
  });
}

function named(q: Call, d: DirNode, name: string): Awaitable<Node | undefined> {
  return name === "" || name.includes("/") || name.includes("\0") ? undefined : d.walk(name, q);
}

/** The child of a directory as a place, for the messages that name one. */
export function child(s: Session, q: Call, p: Place, name: string): Awaitable<Place> {
  legalName(name);
  const d = dirNode(p);
  return after(mayAccess(d, AEXEC, q, s.users), () => after(lookup(q, d, name), (node) => ({ parent: p, name, node })));
}

/** What may still be followed for one message: links to links to links can be very many, and the ways of each very long. */
export interface LinkBudget {
  links: number;
  /** Below 0 when something was not followed for want of it. */
  elements: number;
}

export function linkBudget(): LinkBudget {
  return { links: MAXLINKS, elements: MAXELEMENTS };
}

/** A symbolic link as plain 9P2000 sees it: its target, at the link's place; the link itself if there is none in the tree. */
export function followed(s: Session, q: Call, link: Place, budget: LinkBudget): Awaitable<Place> {
  budget.links = MAXLINKS;
  return after(resolve(s, q, link, budget), (p) => (p ? { parent: link.parent, name: link.name, node: p.node } : link));
}

async function resolve(s: Session, q: Call, link: Place, budget: LinkBudget): Promise<Place | undefined> {
  if (!isLink(link.node)) return link;
  if (budget.links-- <= 0) return undefined;
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
      if (--budget.elements < 0) return undefined;
      const d = dirNode(p);
      await mayAccess(d, AEXEC, q, s.users);
      const next = await resolve(s, q, { parent: p, name, node: await lookup(q, d, name) }, budget);
      if (!next) return undefined;
      p = next;
    }
    return p;
  } catch (e) {
    if (e instanceof NineError) return undefined;
    throw e;
  }
}
