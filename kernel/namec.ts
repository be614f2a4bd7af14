/**
 * namec: from a path to a place in the name space (chan.c's namec and walk). Paths are lexically
 * clean before anything is walked, so ".." never crosses a mount the wrong way. Invariant, "one round
 * trip, safely": where no file of the Mnt reached is mounted upon, the rest of the path is left to
 * the operation itself, which sends walk and all together; elsewhere Twalk goes first, and its qids
 * show the mount points before anything with an effect is sent.
 */
import {
  after, type Awaitable, Ebadarg, elements, Eloop, Enonexist, Enoattach, Enotdir, got, isInterrupted, lastly, LinkFound, MAXWELEM,
  NineError, type Qid, QTDIR, QTSYMLINK, type Steps, steps,
} from "../proto/index.ts";
import { Chan } from "./chan.ts";
import { isMountLoop } from "./export/laps.ts";
import { type Mhead, Pgrp } from "./pgrp.ts";
import type { Proc } from "./proc.ts";

/** Symbolic links followed for one path, as Linux. */
const MAXLINKS = 40;
/** Where nothing is mounted. */
const NONE: Pgrp = new Pgrp();

/** A place: names still to be walked from a Chan, on one Mnt and across no mount. */
export interface Where {
  readonly c: Chan;
  readonly names: readonly string[];
  /** The place's clean path. */
  readonly path: string;
  /** With no names left: the union, or the file bound over, that was found here. */
  readonly umh: Mhead | undefined;
  /** Drops what finding it took. */
  done(): void;
}

export interface NamecOptions {
  /** The last element is taken as it is, though something be mounted on it (mount, remove). */
  readonly nomount?: boolean;
  /** The last element is walked to, not left to the operation; and is whole only if it exists. */
  readonly walk?: boolean;
  /** A symbolic link in last place is what is meant. */
  readonly nofollow?: boolean;
}

/** Clean as it stands: no element that is empty or begins with a dot. */
const CLEAN = /^(?:\/[^/.][^/]*)+$/;

/** The absolute clean path of a name as a process sees it; '#' names keep their server. */
export function cleanPath(p: Proc, name: string): string {
  if (CLEAN.test(name)) return name;
  if (name === "") throw new NineError(`${Ebadarg}: empty file name`);
  if (name.startsWith("#")) {
    const slash = name.indexOf("/");
    const spec = slash < 0 ? name : name.slice(0, slash);
    return [spec, ...elements(slash < 0 ? "" : name.slice(slash))].join("/");
  }
  if (name.startsWith("/")) return `/${elements(name).join("/")}`;
  return cleanPath(p, `${p.dot.path}/${name}`);
}

/** Where to start for a clean path: the current directory, for a relative name that stays below it, the root, or a '#' server. */
function start(p: Proc, path: string, relative: boolean): Awaitable<Cursor> {
  // What the process held is not its own any more once it has ended.
  p.check();
  const dot = p.dot.path;
  if (relative && (path === dot || (path.startsWith(dot) && (path[dot.length] === "/" || dot === "/")))) {
    return new Cursor(p.mine(p.dot).incref(), path.slice(dot.length).split("/").filter((n) => n !== ""), path);
  }
  if (path.startsWith("#")) {
    const [spec = "", ...names] = path.split("/");
    if (p.pgrp.nomnt && !p.kernel.free(spec.slice(1))) throw new NineError(Enoattach);
    return after(p.kernel.attachDevice(spec.slice(1), p), (c) => new Cursor(c, names, path));
  }
  return new Cursor(p.slash.incref(), path === "/" ? [] : path.slice(1).split("/"), path);
}

/** A name that means a directory, whatever it leads to. */
export function mustBeDir(name: string): boolean {
  return name.endsWith("/") || name.endsWith("/.");
}

/** Runs op at the place a name leads to; symbolic links it meets are resolved in the process's name space, and op runs anew. */
export function at<T>(p: Proc, name: string, options: NamecOptions, op: (w: Where) => Awaitable<T>): Awaitable<T> {
  return steps(() => reaching(p, name, options, op));
}

function* reaching<T>(p: Proc, name: string, options: NamecOptions, op: (w: Where) => Awaitable<T>): Steps<T> {
  let path = cleanPath(p, name);
  let relative = !name.startsWith("/") && !name.startsWith("#");
  const dir = mustBeDir(name);
  const how: NamecOptions = dir ? { nomount: options.nomount ?? false, walk: true } : options;
  for (let links = 0; links <= MAXLINKS; links++) {
    const w = yield* find(p, path, relative, how);
    if ("target" in w) {
      path = w.target;
      relative &&= w.relative;
      continue;
    }
    try {
      if (dir && !w.c.isDir) throw new NineError(Enotdir);
      return yield* got(op(w));
    } catch (e) {
      if (!(e instanceof LinkFound)) throw e;
      const link = yield* through(p, w.c, w.names, e.qids.length, w.path);
      path = link.target;
      relative &&= link.relative;
    } finally {
      w.done();
    }
  }
  throw new NineError(Eloop);
}

/** Another path to try, because a link was met; relative: the link was, so that what began at the current directory still does. */
interface Redirect {
  readonly target: string;
  readonly relative: boolean;
}

/** The path with the link that names[0..n) end in replaced by its target; `path` is that of all names. */
function* through(p: Proc, c: Chan, names: readonly string[], n: number, path: string): Steps<Redirect> {
  const { client } = c.mnt;
  const { fid } = yield* got(client.walk(c.fid, names.slice(0, n), p.intr));
  const target = yield* got(lastly(() => client.readlink(fid, p.intr), () => client.clunk(fid)));
  const all = path.startsWith("#") ? path.split("/") : elements(path);
  const dir = all.slice(0, all.length - names.length + n - 1);
  const rest = names.slice(n).join("/");
  const to = target.startsWith("/") ? `${target}/${rest}` : `${dir.join("/")}/${target}/${rest}`;
  const relative = !target.startsWith("/");
  if (!path.startsWith("#")) return { target: `/${elements(to).join("/")}`, relative };
  return { target: cleanPath(p, relative ? to.replace(/\/+$/, "") : to), relative };
}

/** How far the walk has come, and at last the place: one reference held, the union its Chan is the first element of, names to go. */
class Cursor implements Where {
  c: Chan;
  umh: Mhead | undefined;
  names: readonly string[];
  readonly path: string;

  constructor(c: Chan, names: readonly string[], path: string) {
    this.c = c;
    this.names = names;
    this.path = path;
  }

  done(): void {
    this.c.close();
  }

  /** Goes on from c, whose reference is taken over. */
  go(c: Chan, umh: Mhead | undefined, names: readonly string[]): void {
    this.c.close();
    this.c = c;
    this.umh = umh;
    this.names = names;
  }

  /** domount: the first element of what is mounted here, in place of what was walked to. */
  cross(p: Proc, head: Mhead, names: readonly string[]): void {
    const first = head.mounts[0];
    if (!first) throw new NineError(Enonexist);
    this.go(p.mine(first.to).incref(), head, names);
  }

  /** The elements of the union to be searched, or the Chan alone; a reference each. */
  elements(p: Proc): Chan[] {
    return inUnion(this) ? this.umh.mounts.map((m) => p.mine(m.to).incref()) : [this.c.incref()];
  }
}

function inUnion(at: Cursor): at is Cursor & { umh: Mhead } {
  return at.umh !== undefined && at.umh.mounts.length > 1;
}

/** Walks until one operation can do the rest. */
function* find(p: Proc, path: string, relative: boolean, options: NamecOptions): Steps<Where | Redirect> {
  const at = yield* got(start(p, path, relative));
  // A name that begins with '#' crosses no mount: it shows a server as it is.
  const mounts = !path.startsWith("#") || relative ? p.pgrp : NONE;
  try {
    const head = at.names.length === 0 && options.nomount ? undefined : mounts.find(at.c.mnt, at.c.qid);
    if (head) at.cross(p, head, at.names);
    while (at.names.length > 0 && (inUnion(at) || options.walk || mounts.on(at.c.mnt))) {
      const link = yield* step(p, mounts, at, options);
      if (link) {
        at.done();
        return link;
      }
    }
  } catch (e) {
    at.done();
    throw e;
  }
  if (at.names.length > 0) at.umh = undefined;
  return at;
}

/** One Twalk of all names, cut at the first mount point; of a union, in the first element that has the first name. */
function* step(p: Proc, mounts: Pgrp, at: Cursor, options: NamecOptions): Steps<Redirect | undefined> {
  const { names, path } = at;
  const elems = at.elements(p);
  let failure: unknown;
  try {
    for (const e of elems) {
      const { client } = e.mnt;
      let walked: { fid: number | undefined; qids: readonly Qid[] };
      try {
        walked = yield* got(client.walkPart(e.fid, names.length > MAXWELEM ? names.slice(0, MAXWELEM) : names, p.intr));
      } catch (x) {
        if (!(x instanceof NineError) || isInterrupted(x) || isMountLoop(x)) throw x;
        failure ??= x;
        continue;
      }
      const { fid, qids } = walked;
      for (let i = 0; i < qids.length; i++) {
        const qid = qids[i]!;
        const end = i === names.length - 1;
        const head = end && options.nomount ? undefined : mounts.find(e.mnt, qid);
        const link = !head && (qid.type & QTSYMLINK) !== 0 && !(end && options.nofollow);
        if (!head && !link) continue;
        if (fid !== undefined) client.clunk(fid);
        if (link) return yield* through(p, e, names, i + 1, path);
        if (head) at.cross(p, head, names.slice(i + 1));
        return undefined;
      }
      const qid = qids.at(-1);
      if (fid === undefined || !qid) throw new NineError(qid && !(qid.type & QTDIR) ? Enotdir : Enonexist);
      const rest = names.slice(qids.length);
      at.go(new Chan(e.mnt, fid, qid, upto(path, rest.length)), undefined, rest);
      return undefined;
    }
    throw failure;
  } finally {
    for (const e of elems) e.close();
  }
}

/** A clean path without its last n names. */
function upto(path: string, n: number): string {
  if (n === 0) return path;
  const all = path.split("/");
  return all.slice(0, all.length - n).join("/") || "/";
}
