/**
 * Handlers: what an export does with each message: most go on as they are, to where their fid is.
 * The fids a message names are there, and nothing that it must wait for is under way (export.ts).
 */
import {
  after, attempt, type Awaitable, changes, type Dir, Efidinuse, Einval, elements, Enoauth, Enocreate, Enonexist, Enotdir, Ereadonly, errno, errorOf, Eunknownfid,
  got, IOHDRSZ, isError, MAXWELEM, NineError, NOFID, NOU32, open as openServer, QTDIR, Rattach, Rgetlock, Rlopen, type Rmsg, Rwalk, Rwrite, type Server, type Steps, steps,
  Tattach, type TattachMsg, Tclunk, type Tmsg, Tcreate, Tgetlock, Tlcreate, Tlink, Tlock, Tlopen, Tmkdir, Tmknod, Topen, Tread, Treaddir, Tremove, Trename, Trenameat,
  Tsymlink, Tunlinkat, Twalk, type TwalkMsg, Twrite, type TwriteMsg, Twstat, Txattrwalk,
} from "../../proto/index.ts";
import type { Export } from "../export.ts";
import { create, makeIn, removeFrom, renameBetween } from "./dirs.ts";
import { extended, type Op, opens, ROOT, unopened, Xfid } from "./fid.ts";
import { lapsOf, MAXLAPS, mountLoop } from "./laps.ts";
import { onward } from "./messages.ts";
import { Peer, Up } from "./peer.ts";
import { qidOf, serverQid } from "./qids.ts";
import { Union } from "./union.ts";
import { arrive, Walk } from "./walk.ts";

/** Does op.t, whose fids are its own to use now. Throws a NineError that is the reply. */
export function handle(x: Export, op: Op): Awaitable<Rmsg> {
  const { t, fid: f, fid2: g } = op;
  if (t.type === Tattach) return attach(x, op, t);
  if (!f?.up || f.dead || (g && (!g.up || g.dead))) throw new NineError(Eunknownfid);
  const { up } = f;
  if (x.options.readonly && !f.aside && changes(t)) return refused(x, op, f, up);
  switch (t.type) {
    case Twalk: return walk(x, op, f, up, t);
    case Tclunk: return clunk(x, op, f, up);
    case Tremove: return remove(x, op, f, up);
    case Topen: case Tlopen: return open(x, op, f, up, t.type === Topen ? t.mode : t.flags & 3);
    case Tread: case Treaddir: {
      const { union } = f;
      return union ? x.alone(f, () => steps(() => (t.type === Tread ? union.read(op, t) : union.readdir(op, t)))) : forward(x, op, f, up);
    }
    case Twrite: return t.data.length > up.peer.portal.msize - IOHDRSZ ? x.alone(f, () => steps(() => pieces(x, op, up, t))) : forward(x, op, f, up);
    case Tcreate: case Tlcreate: return creates(x, f) ? create(x, op, f, t) : forward(x, op, f, up);
    case Tmkdir: case Tsymlink: case Tmknod: return creates(x, f) ? held(x, f, g, () => makeIn(x, op, f, t)) : forward(x, op, f, up);
    case Tlink: return creates(x, f) || g?.up?.peer !== up.peer ? held(x, f, g, () => makeIn(x, op, f, t, g)) : forward(x, op, f, up, g?.up);
    case Tunlinkat: return x.union(f) || x.on(up.peer) ? held(x, f, g, () => removeFrom(x, op, f, t)) : forward(x, op, f, up);
    case Trename: case Trenameat:
      if (!g) throw new NineError(Eunknownfid);
      return elsewhere(x, f, g, up) || x.on(up.peer) || (t.type === Trename && f.head !== undefined) ? held(x, f, g, () => renameBetween(x, op, f, g, t)) : forward(x, op, f, up, g.up);
    case Twstat: return x.ask(op, up, { type: Twstat, fid: up.fid, stat: untold(x, f, up, t.stat) });
    case Tlock: return x.ask(op, up, { ...t, fid: up.fid, client_id: `${x.id}!${t.client_id}` });
    case Tgetlock: return after(x.ask(op, up, { ...t, fid: up.fid, client_id: `${x.id}!${t.client_id}` }), (r) =>
      (r.type === Rgetlock ? { ...r, client_id: r.client_id.replace(/^\d+!/, "") } : r));
    case Txattrwalk: return xattrwalk(x, op, f, up, t.name);
    default: return forward(x, op, f, up);
  }
}

/** Steps that use the fids after having waited: nobody else does until they are done. */
function held(x: Export, f: Xfid, g: Xfid | undefined, what: () => Steps<Rmsg>): Awaitable<Rmsg> {
  // A create that is under way makes f another file.
  const all = (): Awaitable<Rmsg> => after(f.opening, () => steps(what));
  return x.alone(f, g && g !== f ? () => x.alone(g, all) : all);
}

/** What a Twstat says of the qid and the name of a mounted root is what the client was told: to the server it is untouched. */
function untold(x: Export, f: Xfid, up: Up, stat: Dir): Dir {
  const same = stat.qid.pathlo === NOU32 && stat.qid.pathhi === NOU32;
  const named = f.head !== undefined && stat.name === x.nameOf(f);
  return { ...stat, qid: same ? stat.qid : serverQid(up.peer.mask, stat.qid), name: named ? "" : stat.name };
}

/** Whether one of two fids is a union's, or they are not on the same Mnt. */
function elsewhere(x: Export, f: Xfid, g: Xfid, up: Up): boolean {
  return x.union(f) !== undefined || x.union(g) !== undefined || g.up?.peer !== up.peer;
}

/** Whether what is made in the directory goes to an element of a union. Throws where a mount forbids it. */
function creates(x: Export, f: Xfid): boolean {
  const head = f.head === undefined ? undefined : x.pgrp.head(f.head);
  if (head?.mounts.length === 1 && !head.mounts[0]?.create) throw new NineError(Enocreate);
  return head !== undefined && head.mounts.length > 1;
}

/** The message as it is, to where the fid is. */
function forward(x: Export, op: Op, f: Xfid, up: Up, up2?: Up): Awaitable<Rmsg> {
  const r = x.ask(op, up, onward(op.t, up.fid, up.peer.portal.msize - IOHDRSZ, up2?.fid));
  if (!(r instanceof Promise)) return x.reply(op, f, up, r);
  const back = r.then((reply) => x.reply(op, f, up, reply));
  if (opens(op.t)) f.opening = back.catch(() => undefined);
  return back;
}

function attach(x: Export, op: Op, t: TattachMsg): Awaitable<Rmsg> {
  const n = op.made;
  if (!n) throw new NineError(Eunknownfid);
  if (t.afid !== NOFID) throw new NineError(Enoauth, errno.ENOENT);
  const tree = x.options.trees && Object.hasOwn(x.options.trees, t.aname) ? x.options.trees[t.aname] : undefined;
  if (tree) return attachTo(x, op, n, tree, t);
  if (t.aname !== "" && !t.aname.startsWith("/")) throw new NineError(Enonexist);
  n.tree = [...x.names, ...elements(t.aname)];
  const walk = new Walk(x, op, n, { f: undefined, tree: n.tree, path: ROOT }, n.tree, 0);
  return after(walk.go(), (r) => {
    if (r.type !== Rwalk || r.wqid.length < n.tree.length || !n.up || !n.qid) throw new NineError(Enonexist);
    if (n.qid.type & QTDIR) return { type: Rattach, qid: qidOf(n.up.peer.mask, n.qid) };
    n.up.clunk();
    throw new NineError(Enotdir);
  });
}

/** To a server that stands beside the name space. */
function attachTo(x: Export, op: Op, n: Xfid, server: Server, t: TattachMsg): Awaitable<Rmsg> {
  const peer = Peer.of(x.p.kernel.newMnt(openServer(server), `#${t.aname}`), x.p.kernel.host);
  const up = new Up(peer, 0, undefined);
  n.up = up;
  x.uses(peer.portal);
  n.aside = true;
  return after(asked(x, op, up, { type: Tattach, fid: up.fid, afid: NOFID, uname: x.p.user, aname: "", n_uname: NOU32 }), (r) => {
    x.free(n);
    if (r.type !== Rattach) {
      up.free();
      throw errorOf(r) ?? new NineError(Enonexist);
    }
    n.qid = r.qid;
    return { type: Rattach, qid: qidOf(peer.mask, r.qid) };
  });
}

function walk(x: Export, op: Op, f: Xfid, up: Up, t: TwalkMsg): Awaitable<Rmsg> {
  const { made: n } = op;
  if (t.wname.length > MAXWELEM) throw new NineError(`${Einval}: more than ${MAXWELEM} names in a walk`);
  const laps = lapsOf(t.newfid);
  if (!n) return x.alone(f, () => unopened(f, () => move(x, op, f, t, laps)));
  n.path = extended(f.path, t.wname);
  if (!x.on(up.peer) && (t.wname.length === 0 || !x.union(f)) && !t.wname.some((w) => w === "." || w === "..")) {
    return arrive(x, op, n, up, t.wname, laps, [], { qid: f.qid, head: t.wname.length === 0 ? f.head : undefined, depth: f.depth + t.wname.length, base: f.base });
  }
  return new Walk(x, op, n, { f, tree: f.tree, path: f.path }, t.wname, laps).go();
}

/** A walk whose newfid is the fid itself: it is another one that moves in. */
function move(x: Export, op: Op, f: Xfid, t: TwalkMsg, laps: number): Awaitable<Rmsg> {
  const n = new Xfid(f.num, f.tree);
  n.held = 1;
  return after(new Walk(x, op, n, { f, tree: f.tree, path: f.path }, t.wname, laps).go(), (r) => {
    if (n.dead || !n.up) return r;
    if (f.dead) {
      n.up.clunk();
      return r;
    }
    f.up?.clunk();
    f.up = n.up;
    f.qid = n.qid;
    f.depth = n.depth;
    f.base = n.base;
    f.head = n.head;
    f.path = extended(f.path, t.wname);
    return r;
  });
}

function clunk(x: Export, op: Op, f: Xfid, up: Up): Awaitable<Rmsg> {
  x.forget(f);
  const r = x.ask(op, up, { type: Tclunk, fid: up.fid });
  up.free();
  return r;
}

function remove(x: Export, op: Op, f: Xfid, up: Up): Awaitable<Rmsg> {
  x.forget(f);
  if (f.head !== undefined) {
    up.clunk();
    throw new NineError("permission denied: is a mount point");
  }
  const r = x.ask(op, up, { type: Tremove, fid: up.fid });
  const gone = (reply: Rmsg): Rmsg => {
    // Interrupted before it began, it has left the fid where it was.
    if (errorOf(reply)?.errno === errno.EINTR) up.clunk();
    else up.free();
    return reply;
  };
  return after(r, gone);
}

/** Sends the message that makes the fid. */
function asked(x: Export, op: Op, made: Up, t: Tmsg): Awaitable<Rmsg> {
  try {
    return x.ask(op, made, t);
  } catch (e) {
    made.free();
    throw e;
  }
}

/** Tremove frees the fid whatever comes of it (remove(5)). */
function refused(x: Export, op: Op, f: Xfid, up: Up): Awaitable<Rmsg> {
  if (op.t.type === Tremove) {
    x.forget(f);
    up.clunk();
  }
  throw new NineError(Ereadonly);
}

function open(x: Export, op: Op, f: Xfid, up: Up, mode: number): Awaitable<Rmsg> {
  const head = x.union(f);
  if (!head) return forward(x, op, f, up);
  const laps = lapsOf(f.num) + 1;
  if (laps > MAXLAPS) throw mountLoop();
  const union = new Union(x, head.mounts.map((m) => x.p.mine(m.to)), laps);
  return x.alone(f, () => attempt(() => after(unopened(f, () => steps(() => union.open(op, mode))), (r) => {
    if (isError(r) || f.dead) union.close();
    else {
      f.union = union;
      f.open = true;
    }
    return isError(r) || op.t.type === Topen || !("qid" in r) ? r : { type: Rlopen, qid: r.qid, iounit: 0 };
  }), (e) => {
    union.close();
    throw e;
  }));
}

/** A write that is longer than a message of the Mnt's. */
function* pieces(x: Export, op: Op, up: Up, t: TwriteMsg): Steps<Rmsg> {
  const most = up.peer.portal.msize - IOHDRSZ;
  for (let at = 0; ;) {
    const data = t.data.subarray(at, at + most);
    const r = yield* got(x.ask(op, up, { type: Twrite, fid: up.fid, offset: t.offset + at, data }));
    if (r.type !== Rwrite) return at === 0 ? r : { type: Rwrite, count: at };
    at += r.count;
    if (r.count < data.length || at === t.data.length) return { type: Rwrite, count: at };
  }
}

function xattrwalk(x: Export, op: Op, f: Xfid, up: Up, name: string): Awaitable<Rmsg> {
  const n = op.made;
  if (!n) throw new NineError(Efidinuse);
  const to = new Up(up.peer, 0, up.chan);
  n.up = to;
  n.path = f.path;
  const r = asked(x, op, to, { type: Txattrwalk, fid: up.fid, newfid: to.fid, name });
  x.free(n);
  return after(r, (reply) => {
    if (isError(reply)) {
      to.free();
      x.drop(n);
    }
    return reply;
  });
}
