/**
 * namec: from a path to a place in the name space (chan.c's namec and walk). Paths are lexically
 * clean before anything is walked, so ".." never crosses a mount the wrong way. Invariant, "one round
 * trip, safely": where no file of the Mnt reached is mounted upon, the rest of the path is left to
 * the operation itself, which sends walk and all together; elsewhere Twalk goes first, and its qids
 * show the mount points before anything with an effect is sent.
 */
import {
  after, type Awaitable, Ebadarg, elements, Eloop, Enonexist, Enoattach, Enotdir, got, isInterrupted, lastly, LinkFound, MAXWELEM,
  NineError, QTDIR, QTSYMLINK, type Steps, steps, type WalkedPart,
} from "../proto/index.ts";
import { Chan } from "./chan.ts";
import { isMountLoop } from "./export/laps.ts";
import { type Mhead, type Mount, Pgrp } from "./pgrp.ts";
import type { Proc } from "./proc.ts";

/** Symbolic links followed for one path, as Linux. */
const MAXLINKS = 40;
/** Where nothing is mounted. */
const NONE: Pgrp = new Pgrp();
const NONAMES: readonly string[] = [];

const HASH = 0x23;
const DOT = 0x2e;
const SLASH = 0x2f;

/** A place: names still to be walked from a Chan, on one Mnt and across no mount. */
export interface Where {
  /** Whose name it was. */
  readonly p: Proc;
  readonly c: Chan;
  readonly names: readonly string[];
  /** The place's clean path. */
  readonly path: string;
  /** With no names left: the union, or the file bound over, that was found here. */
  readonly umh: Mhead | undefined;
}

export interface NamecOptions {
  /** The last element is taken as it is, though something be mounted on it (mount, remove). */
  readonly nomount?: boolean;
  /** The last element is walked to, not left to the operation; and is whole only if it exists. */
  readonly walk?: boolean;
  /** A symbolic link in last place is what is meant. */
  readonly nofollow?: boolean;
}

/** Whether a path is absolute and clean as it stands: no element that is empty or begins with a dot. */
function isClean(path: string): boolean {
  let before = 0;
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (i === 0 ? c !== SLASH : before === SLASH && (c === SLASH || c === DOT)) return false;
    before = c;
  }
  return path.length > 1 && before !== SLASH;
}

/** The names of paths that were clean as they stood and are not long: programs ask for the same ones again and again. */
const known = new Map<string, readonly string[]>();
const KNOWN = 256;
const SHORT = 128;

/** The elements of a clean path from the root. */
function knownNames(path: string): readonly string[] {
  let names = known.get(path);
  if (names) return names;
  names = namesOf(path, 0);
  if (path.length > SHORT) return names;
  if (known.size >= KNOWN) known.clear();
  known.set(path, names);
  return names;
}

/** The elements of a clean path from its character `from` on. */
function namesOf(path: string, from: number): string[] {
  const at = path.charCodeAt(from) === SLASH ? from + 1 : from;
  return at >= path.length ? [] : path.slice(at).split("/");
}

/** The absolute clean path of a name as a process sees it; '#' names keep their server. */
export function cleanPath(p: Proc, name: string): string {
  if (known.has(name) || isClean(name)) return name;
  if (name === "") throw new NineError(`${Ebadarg}: empty file name`);
  if (name.startsWith("#")) {
    const slash = name.indexOf("/");
    const spec = slash < 0 ? name : name.slice(0, slash);
    return [spec, ...elements(slash < 0 ? "" : name.slice(slash))].join("/");
  }
  if (name.startsWith("/")) return `/${elements(name).join("/")}`;
  return cleanPath(p, `${p.dot.path}/${name}`);
}

/** A name that means a directory, whatever it leads to. */
export function mustBeDir(name: string): boolean {
  return name.endsWith("/") || name.endsWith("/.");
}

/** Runs op at the place a name leads to; symbolic links it meets are resolved in the process's name space, and op runs anew. */
export function at<T>(p: Proc, name: string, options: NamecOptions, op: (w: Where) => Awaitable<T>): Awaitable<T> {
  const w = new Cursor(p, name, options);
  let r: Awaitable<T>;
  try {
    r = w.reach(op);
  } catch (e) {
    w.done();
    throw e;
  }
  if (r instanceof Promise) return w.lastly(r);
  w.done();
  return r;
}

/**
 * How far the walk has come, and at last the place. Invariant: one reference is held, on the Chan it
 * has come to. While what it asks is answered at once it goes on at once.
 */
class Cursor implements Where {
  c: Chan;
  umh: Mhead | undefined;
  names: readonly string[] = NONAMES;
  path: string;
  readonly p: Proc;
  /** The name began at the current directory, and so did every link on the way. */
  private relative = false;
  /** The name says that it is a directory. */
  private dir = false;
  private readonly options: NamecOptions;
  /** What may be crossed. */
  private mounts: Pgrp;
  private links = 0;

  constructor(p: Proc, name: string, options: NamecOptions) {
    // What the process held is not its own any more once it has ended.
    p.check();
    this.p = p;
    this.path = cleanPath(p, name);
    if (this.path !== name) {
      this.relative = !name.startsWith("/") && !name.startsWith("#");
      this.dir = mustBeDir(name);
    }
    this.options = options;
    this.mounts = p.pgrp;
    this.c = p.slash.incref();
  }

  done(): void {
    this.c.close();
  }

  lastly<T>(r: Promise<T>): Promise<T> {
    return r.finally(() => this.done());
  }

  /** Walks until one operation can do the rest, and does that. */
  reach<T>(op: (w: Where) => Awaitable<T>): Awaitable<T> {
    const started = this.start();
    const found = started instanceof Promise ? this.findLater(started) : this.find();
    return found instanceof Promise ? this.runLater(found, op) : this.run(op);
  }

  private async runLater<T>(found: Promise<void>, op: (w: Where) => Awaitable<T>): Promise<T> {
    await found;
    return this.run(op);
  }

  private run<T>(op: (w: Where) => Awaitable<T>): Awaitable<T> {
    if (this.dir && !this.c.isDir) throw new NineError(Enotdir);
    try {
      const r = op(this);
      return r instanceof Promise ? this.orAgain(r, op) : r;
    } catch (e) {
      return this.again(e, op);
    }
  }

  private orAgain<T>(r: Promise<T>, op: (w: Where) => Awaitable<T>): Promise<T> {
    return r.catch((e: unknown) => this.again(e, op));
  }

  /** The operation met a link: anew, where that leads to. */
  private again<T>(e: unknown, op: (w: Where) => Awaitable<T>): Awaitable<T> {
    if (!(e instanceof LinkFound)) throw e;
    return after(steps(() => this.follow(this.c, e.qids.length)), () => this.reach(op));
  }

  /** To where the path begins: the current directory, for a relative name that stays below it, the root, or a '#' server. */
  private start(): Awaitable<void> {
    const { p, path } = this;
    const server = path.charCodeAt(0) === HASH;
    // A name that begins with '#' crosses no mount: it shows a server as it is.
    this.mounts = !server || this.relative ? p.pgrp : NONE;
    if (this.relative) {
      const dot = p.dot.path;
      if (path === dot || (path.startsWith(dot) && (path[dot.length] === "/" || dot === "/"))) {
        return this.begin(p.mine(p.dot).incref(), namesOf(path, dot.length));
      }
    }
    if (!server) return this.begin(p.slash.incref(), knownNames(path));
    const [spec = "", ...names] = path.split("/");
    if (p.pgrp.nomnt && !p.kernel.free(spec.slice(1))) throw new NineError(Enoattach);
    return this.attached(p.kernel.attachDevice(spec.slice(1), p), names);
  }

  private attached(c: Awaitable<Chan>, names: readonly string[]): Awaitable<void> {
    return after(c, (root) => this.begin(root, names));
  }

  private begin(c: Chan, names: readonly string[]): void {
    this.go(c, undefined, names);
    const head = names.length === 0 && this.options.nomount ? undefined : this.mounts.find(c.mnt, c.qid);
    if (head) this.cross(head, names);
  }

  /** Goes on from c, whose reference is taken over. */
  private go(c: Chan, umh: Mhead | undefined, names: readonly string[]): void {
    this.c.close();
    this.c = c;
    this.umh = umh;
    this.names = names;
  }

  /** domount: the first element of what is mounted here, in place of what was walked to. */
  private cross(head: Mhead, names: readonly string[]): void {
    const first = head.mounts[0];
    if (!first) throw new NineError(Enonexist);
    this.go(this.p.mine(first.to).incref(), head, names);
  }

  private find(): Awaitable<void> {
    while (this.names.length > 0 && this.mustWalk) {
      const r = this.union ? this.searched() : this.step();
      if (r instanceof Promise) return this.findLater(r);
    }
    if (this.names.length > 0) this.umh = undefined;
  }

  private async findLater(step: Promise<void>): Promise<void> {
    await step;
    await this.find();
  }

  /** The rest cannot be left to the operation. */
  private get mustWalk(): boolean {
    return this.union !== undefined || this.options.walk === true || this.dir || this.mounts.on(this.c.mnt);
  }

  /** The elements to be searched, where there are several. */
  private get union(): readonly Mount[] | undefined {
    return this.umh && this.umh.mounts.length > 1 ? this.umh.mounts : undefined;
  }

  private step(): Awaitable<void> {
    const r = this.walk(this.c);
    return r instanceof Promise ? this.walkedLater(r) : this.walked(this.c, r);
  }

  /** Apart, so that a walk that is answered at once makes no closure's context; so the next ones. */
  private async walkedLater(w: Promise<WalkedPart>): Promise<void> {
    await this.walked(this.c, await w);
  }

  private searched(): Awaitable<void> {
    return steps(() => this.search());
  }

  /** Of a union: in the first element that has the first name. */
  private *search(): Steps<void> {
    const elems = (this.union ?? []).map((m) => this.p.mine(m.to).incref());
    let failure: unknown;
    try {
      for (const e of elems) {
        let w: WalkedPart;
        try {
          w = yield* got(this.walk(e));
        } catch (x) {
          if (!(x instanceof NineError) || isInterrupted(x) || isMountLoop(x)) throw x;
          failure ??= x;
          continue;
        }
        return yield* got(this.walked(e, w));
      }
      throw failure;
    } finally {
      for (const e of elems) e.close();
    }
  }

  /** One Twalk of all names, as many as it takes. */
  private walk(e: Chan): Awaitable<WalkedPart> {
    const { names } = this;
    return e.mnt.client.walkPart(e.fid, names.length > MAXWELEM ? names.slice(0, MAXWELEM) : names, this.p.intr);
  }

  /** What a walk from e came to, cut at the first mount point or link. */
  private walked(e: Chan, { fid, qids }: WalkedPart): Awaitable<void> {
    const { names, options } = this;
    const { client } = e.mnt;
    for (let i = 0; i < qids.length; i++) {
      const qid = qids[i]!;
      const end = i === names.length - 1;
      const head = end && options.nomount ? undefined : this.mounts.find(e.mnt, qid);
      const link = !head && (qid.type & QTSYMLINK) !== 0 && !(end && options.nofollow && !this.dir);
      if (!head && !link) continue;
      if (fid !== undefined) client.clunk(fid);
      if (head) return this.cross(head, names.slice(i + 1));
      return this.followed(e, i + 1);
    }
    const qid = qids.at(-1);
    if (fid === undefined || !qid) throw new NineError(qid && !(qid.type & QTDIR) ? Enotdir : Enonexist);
    const rest = names.slice(qids.length);
    this.go(new Chan(e.mnt, fid, qid, upto(this.path, rest.length)), undefined, rest);
  }

  /** Goes on where the link leads that the first n names end in, seen from c. */
  private followed(c: Chan, n: number): Awaitable<void> {
    return after(steps(() => this.follow(c, n)), () => this.start());
  }

  /** The path with the link that the first n names end in, seen from c, replaced by its target. */
  private *follow(c: Chan, n: number): Steps<void> {
    const { p, names, path } = this;
    const { client } = c.mnt;
    const { fid } = yield* got(client.walk(c.fid, names.slice(0, n), p.intr));
    const target = yield* got(lastly(() => client.readlink(fid, p.intr), () => client.clunk(fid)));
    if (++this.links > MAXLINKS) throw new NineError(Eloop);
    p.check();
    const all = path.startsWith("#") ? path.split("/") : elements(path);
    const dir = all.slice(0, all.length - names.length + n - 1);
    const rest = names.slice(n).join("/");
    const absolute = target.startsWith("/");
    const to = absolute ? `${target}/${rest}` : `${dir.join("/")}/${target}/${rest}`;
    if (!path.startsWith("#")) this.path = `/${elements(to).join("/")}`;
    else this.path = cleanPath(p, absolute ? to : to.replace(/\/+$/, ""));
    // From now on it is only as relative as the link.
    this.relative &&= !absolute;
  }
}

/** A clean path without its last n names. */
function upto(path: string, n: number): string {
  if (n === 0) return path;
  const all = path.split("/");
  return all.slice(0, all.length - n).join("/") || "/";
}
