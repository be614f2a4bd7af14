/**
 * Dirs: the messages that make, remove or move a name, where the directory is a union or something of
 * it may be mounted upon. Invariant: a name is made in the element that permits it (bind(2) MCREATE)
 * and in no other, when no element has it; it is removed from, and moved out of, the first element
 * that has it; a mount point stays. Everywhere else these messages just go on. The fids they name are
 * held meanwhile: a number that was clunked may be another file's.
 */
import {
  type Awaitable, Ebadname, Eexist, Enocreate, Enonexist, Eperm, errorOf, Exdev, got, isInterrupted, isName, NineError, type Rmsg, Rwalk, type Steps, steps, type TlinkMsg,
  type TmkdirMsg, type TmknodMsg, type TrenameatMsg, type TrenameMsg, type TsymlinkMsg, type TunlinkatMsg, Twalk, type TcreateMsg, type TlcreateMsg, Tlcreate, L_O_EXCL,
} from "../../proto/index.ts";
import type { Export } from "../export.ts";
import { fullNames, type Op, unopened, type Xfid } from "./fid.ts";
import { isMountLoop } from "./laps.ts";
import { onward } from "./messages.ts";
import { type Stand, Up } from "./peer.ts";

/** Tcreate and Tlcreate in a directory that a mount leads to: the fid moves to the element's new file. */
export function create(x: Export, op: Op, f: Xfid, t: TcreateMsg | TlcreateMsg): Awaitable<Rmsg> {
  return x.alone(f, () => unopened(f, () => steps(() => creation(x, op, f, t))));
}

function* creation(x: Export, op: Op, f: Xfid, t: TcreateMsg | TlcreateMsg): Steps<Rmsg> {
  const dir = yield* creating(x, op, f, t.name, t.type === Tlcreate && !(t.flags & L_O_EXCL));
  const up = cloneOf(x, op, dir);
  let kept = false;
  try {
    const r = yield* got(x.ask(op, up, onward(t, up.fid, 0)));
    if (errorOf(r) || f.dead) return r;
    kept = true;
    f.up?.clunk();
    f.up = up;
    f.depth = 1;
    return x.reply(op, f, up, r);
  } finally {
    if (!kept) up.clunk();
  }
}

/** Tmkdir, Tsymlink, Tmknod, and Tlink to `file`. */
export function* makeIn(x: Export, op: Op, f: Xfid, t: TmkdirMsg | TsymlinkMsg | TmknodMsg | TlinkMsg, file?: Xfid): Steps<Rmsg> {
  const dir = yield* creating(x, op, f, t.name, false);
  if (file && file.up?.peer !== dir.peer) {
    dir.leave();
    throw new NineError(Exdev);
  }
  return yield* sent(x, op, f, dir, (fid) => onward(t, fid, 0, file?.up?.fid));
}

export function* removeFrom(x: Export, op: Op, f: Xfid, t: TunlinkatMsg): Steps<Rmsg> {
  return yield* sent(x, op, f, yield* having(x, op, f, t.name), (fid) => onward(t, fid, 0));
}

/** Trenameat: g is the new directory. Trename: f is the file, and its directory known by its path. */
export function* renameBetween(x: Export, op: Op, f: Xfid, g: Xfid, t: TrenameatMsg | TrenameMsg): Steps<Rmsg> {
  const byName = "oldname" in t;
  if (!byName && f.head !== undefined) throw mountPoint();
  const names = fullNames(f);
  const within = (byName ? names : names.slice(0, -1)).join("/") === fullNames(g).join("/");
  const from = byName ? yield* having(x, op, f, t.oldname) : standing(f);
  try {
    // Within one directory the file stays in its element of the union.
    const to = within ? (byName ? clone(x, op, from) : yield* having(x, op, g, names.at(-1) ?? "")) : yield* creating(x, op, g, newName(t), true);
    let own: Up | undefined;
    try {
      if (!f.up || from.peer !== to.peer) throw new NineError(Exdev);
      if (byName) own = clone(x, op, from);
      const up = own ?? f.up;
      return yield* got(x.ask(op, up, onward(t, up.fid, 0, to.fid)));
    } finally {
      own?.clunk();
      to.leave();
    }
  } finally {
    from.leave();
  }
}

function newName(t: TrenameatMsg | TrenameMsg): string {
  return "newname" in t ? t.newname : t.name;
}

/** A fid of its own for a place: walk and what follows go out together. */
function clone(x: Export, op: Op, from: Stand): Up {
  const up = new Up(from.peer, 0, from.chan);
  try {
    // When it fails, what names it next does as well.
    void x.ask(op, up, { type: Twalk, fid: from.fid, newfid: up.fid, wname: [] });
  } catch (e) {
    up.free();
    throw e;
  }
  return up;
}

/** The same, of a place that is not needed any more. */
function cloneOf(x: Export, op: Op, from: Stand): Up {
  try {
    return clone(x, op, from);
  } finally {
    from.leave();
  }
}

function* sent(x: Export, op: Op, f: Xfid, dir: Stand, t: (fid: number) => Parameters<Export["ask"]>[2]): Steps<Rmsg> {
  const up = cloneOf(x, op, dir);
  try {
    return x.reply(op, f, up, yield* got(x.ask(op, up, t(up.fid))));
  } finally {
    up.clunk();
  }
}

/** Where the fid is. */
function standing(f: Xfid): Stand {
  if (!f.up) throw new NineError(Enonexist);
  const { peer, fid, chan } = f.up;
  return { peer, fid, chan, leave: () => undefined };
}

/** The directory that a new name goes to; `open`: one that is there already is meant as well. */
function* creating(x: Export, op: Op, f: Xfid, name: string, open: boolean): Steps<Stand> {
  const head = x.union(f);
  if (!head) return standing(f);
  if (!isName(name)) throw new NineError(Ebadname);
  const has = yield* element(x, op, f, name);
  if (has) {
    if (open) return has;
    has.leave();
    throw new NineError(Eexist);
  }
  const m = head.mounts.find((each) => each.create);
  if (!m) throw new NineError(Enocreate);
  const to = x.p.mine(m.to);
  return x.at(to);
}

/** The directory that the name is in. */
function* having(x: Export, op: Op, f: Xfid, name: string): Steps<Stand> {
  const has = yield* element(x, op, f, name);
  if (!has) throw new NineError(Enonexist);
  return has;
}

/** Of a union the first element that has the name, else the directory; undefined when there is no such name. Throws when it is a mount point. */
function* element(x: Export, op: Op, f: Xfid, name: string): Steps<Stand | undefined> {
  const elems = x.union(f)?.mounts.map((m) => x.p.mine(m.to).incref());
  if (!elems && f.up && !x.on(f.up.peer)) return standing(f);
  try {
    for (const e of elems ?? [undefined]) {
      const from = e ? x.at(e) : standing(f);
      let found = false;
      const up = new Up(from.peer, 0, from.chan);
      let made = false;
      try {
        const r = yield* got(x.ask(op, up, { type: Twalk, fid: from.fid, newfid: up.fid, wname: [name] }));
        const why = errorOf(r);
        if (why && (isInterrupted(why) || isMountLoop(why))) throw why;
        made = r.type === Rwalk && r.wqid.length === 1;
        const qid = r.type === Rwalk ? r.wqid[0] : undefined;
        if (qid && x.find(from.peer, qid)) throw mountPoint();
        found = made;
        if (found) return from;
      } finally {
        if (made) up.clunk();
        else up.free();
        if (!found) from.leave();
      }
    }
    return undefined;
  } finally {
    for (const e of elems ?? []) e.close();
  }
}

function mountPoint(): NineError {
  return new NineError(`${Eperm}: is a mount point`);
}
