/**
 * Walk: how a new fid of an export comes to be: an attach or a walk, across mounts and through unions
 * by chan.c's rules. Invariants: nothing is sent on for the new fid before it is known on which Mnt it
 * is; from then on everything is, without waiting for the last Rwalk, since a Peer keeps order; a walk
 * that fails leaves nothing behind. ".." goes back on one Mnt as its server does it, and across mounts
 * by the name alone: by walking anew.
 */
import {
  after, attempt, type Awaitable, Ebotch, Enonexist, Enotdir, errno, errorOf, got, isInterrupted, MAXWELEM, NineError, type Qid, QTDIR, type Rmsg, Rwalk, sameFile,
  type Steps, steps, Twalk,
} from "../../proto/index.ts";
import type { Export } from "../export.ts";
import type { Mhead } from "../pgrp.ts";
import { fullNames, namesOf, type Op, type Path, type Xfid } from "./fid.ts";
import { isMountLoop, MAXLAPS, mountLoop } from "./laps.ts";
import { type Stand, Up } from "./peer.ts";
import { qidOf } from "./qids.ts";

/** Walks of the same names from the same place under way, without which laps are somebody's choice of numbers. */
const ALIKE = 2;

/** Where a walk begins: at a fid, or, without one, at the root of the export's process. */
interface Begin {
  readonly f: Xfid | undefined;
  readonly tree: readonly string[];
  readonly path: Path;
}

export class Walk {
  private readonly x: Export;
  private readonly op: Op;
  private readonly n: Xfid;
  private readonly begin: Begin;
  private readonly names: readonly string[];
  private laps: number;
  /** Names walked so far, and their qids as the client sees them. */
  private done = 0;
  private readonly wqid: Qid[] = [];
  private at: Stand | undefined;
  private head: Mhead | undefined;
  /** At the Mnt that the walk has come to: the file's qid, and names since a mount was crossed. */
  private qid: Qid | undefined;
  private depth = 0;
  /** The qid of where that was. */
  private base: Qid | undefined;

  /** n: the fid to be made. */
  constructor(x: Export, op: Op, n: Xfid, begin: Begin, names: readonly string[], laps: number) {
    this.x = x;
    this.op = op;
    this.n = n;
    this.begin = begin;
    this.names = names;
    this.laps = laps;
  }

  /** The Rwalk, or what the walk failed with thrown. */
  go(): Awaitable<Rmsg> {
    const { x } = this;
    x.walks.add(this);
    return attempt(() => after(steps(() => this.travel()), (last) => after(last, (r) => {
      x.walks.delete(this);
      return r;
    })), (e) => {
      x.walks.delete(this);
      x.drop(this.n);
      return this.short(e);
    });
  }

  private *travel(): Steps<Awaitable<Rmsg>> {
    const { x, names } = this;
    if (this.laps >= MAXLAPS && x.alike((w) => this.like(w)) > ALIKE) throw mountLoop();
    try {
      const { f } = this.begin;
      if (f?.up) {
        const { up } = f;
        this.stand({ peer: up.peer, fid: up.fid, chan: up.chan, leave: () => undefined }, f.qid, f.head === undefined ? undefined : x.pgrp.head(f.head), f.depth, f.base);
      } else yield* this.home();
      for (;;) {
        const { at } = this;
        if (!at) throw new NineError(Enonexist);
        const run = this.run();
        if (run.length === 0 && this.done < names.length) {
          this.done++;
          yield* this.back();
          continue;
        }
        // Where ".." may lead to the root of what is mounted.
        const out = this.depth > 0 && deeper(this.depth, run) === 0;
        const whole = this.done + run.length === names.length;
        if (whole && !out && (run.length === 0 || (!this.union() && !x.on(at.peer)))) {
          return arrive(x, this.op, this.n, at, run, this.laps, this.wqid, { qid: this.qid, head: run.length === 0 ? this.head?.key : undefined, depth: deeper(this.depth, run), base: this.base });
        }
        const n = yield* this.leg(run, this.wqid);
        this.done += n;
        if (n < run.length && !this.head) return this.cut();
        if (out && n === run.length && !this.head && this.qid && this.base && sameFile(this.qid, this.base)) {
          this.wqid.pop();
          yield* this.back();
        }
      }
    } finally {
      this.at?.leave();
    }
  }

  /** The names that the Mnt come to may walk: not a ".." that leads out of it, or out of the tree, nor what is behind one that may lead to its root; 16 at most. */
  private run(): string[] {
    let { depth } = this;
    const to = this.names.slice(this.done, this.done + MAXWELEM);
    let level = to.includes("..") ? namesOf(this.path()).length : Infinity;
    for (const [i, name] of to.entries()) {
      if (name === "..") {
        depth--;
        level--;
        if (depth < 0 || level < 0) return to.slice(0, i);
        if (depth === 0) return to.slice(0, i + 1);
      } else if (name !== ".") {
        depth++;
        level++;
      }
    }
    return to;
  }

  private path(): Path {
    return { from: this.begin.path, names: this.names.slice(0, this.done) };
  }

  /** ".." where its name alone says what it is. */
  private *back(): Steps<void> {
    if (this.qid && !(this.qid.type & QTDIR)) throw new NineError(Enotdir);
    if (this.begin.f?.aside) {
      // The root of such a tree is its server's.
      if (this.at && this.qid) this.wqid.push(qidOf(this.at.peer.mask, this.qid));
      return;
    }
    const names = fullNames({ tree: this.begin.tree, path: this.path() });
    yield* this.home();
    for (let i = 0; i < names.length;) {
      const n = yield* this.leg(names.slice(i, i + MAXWELEM), []);
      if (n < Math.min(MAXWELEM, names.length - i) && !this.head) throw new NineError(Enonexist);
      i += n;
    }
    if (!this.at || !this.qid) throw new NineError(Ebotch);
    this.wqid.push(qidOf(this.at.peer.mask, this.qid));
  }

  /** To the root of the process, or of the '#' server that is exported. */
  private *home(): Steps<void> {
    const c = yield* got(this.x.root());
    try {
      this.stand(this.x.at(c), { ...c.qid, vers: 0 }, undefined, 0, c.qid);
    } finally {
      c.close();
    }
  }

  /** Has come here; what is mounted on it is crossed. */
  private stand(at: Stand, qid: Qid | undefined, head: Mhead | undefined, depth: number, base: Qid | undefined): void {
    this.at?.leave();
    this.at = at;
    this.qid = qid;
    this.head = head;
    this.depth = depth;
    this.base = base;
    const on = qid && this.x.find(at.peer, qid);
    if (!on) return;
    this.cross(on);
    // To another tree without a name being used up, which may be this one again.
    this.laps++;
  }

  private cross(head: Mhead): void {
    const first = head.mounts[0];
    if (!first) throw new NineError(Enonexist);
    const to = this.x.p.mine(first.to);
    const at = this.x.at(to);
    this.at?.leave();
    this.at = at;
    // Of a version that it had once: not to be cached.
    this.qid = this.base = { ...to.qid, vers: 0 };
    this.head = head;
    this.depth = 0;
  }

  private union(): boolean {
    return this.head !== undefined && this.head.mounts.length > 1;
  }

  /** One Twalk, cut at the first mount point; in a union, of the first element that has the first name. How many names it went. */
  private *leg(names: readonly string[], wqid: Qid[]): Steps<number> {
    const { x, op } = this;
    const elems = this.union() ? this.head?.mounts.map((m) => x.p.mine(m.to).incref()) : undefined;
    let failure: NineError | undefined;
    try {
      for (const e of elems ?? [undefined]) {
        const from = e ? this.x.at(e) : this.at;
        if (!from) throw new NineError(Enonexist);
        const { peer } = from;
        const up = new Up(peer, elems ? this.laps + 1 : this.laps, from.chan);
        let made = false;
        try {
          const sent = x.ask(op, up, { type: Twalk, fid: from.fid, newfid: up.fid, wname: names });
          const r = yield* got(sent);
          const why = errorOf(r);
          if (why) {
            if (!elems || isInterrupted(why) || isMountLoop(why)) throw why;
            failure ??= why;
            continue;
          }
          if (r.type !== Rwalk) throw new NineError(Ebotch);
          made = r.wqid.length === names.length;
          for (const [i, qid] of r.wqid.entries()) {
            const on = x.find(peer, qid);
            if (!on) {
              wqid.push(qidOf(peer.mask, qid));
              continue;
            }
            this.cross(on);
            if (this.at && this.qid) wqid.push(qidOf(this.at.peer.mask, this.qid));
            return i + 1;
          }
          this.head = undefined;
          if (!made) return r.wqid.length;
          this.at?.leave();
          this.at = up;
          this.qid = r.wqid.at(-1);
          this.depth = deeper(elems ? 0 : this.depth, names);
          if (elems) this.base = e?.qid;
          return names.length;
        } finally {
          if (this.at !== up) {
            if (made) up.clunk();
            else up.free();
          }
          if (e) from.leave();
        }
      }
      throw failure ?? new NineError(Enonexist);
    } finally {
      for (const e of elems ?? []) e.close();
    }
  }

  /** The walk ends here: there is no such name. */
  private cut(): Rmsg {
    this.x.drop(this.n);
    return { type: Rwalk, wqid: this.wqid };
  }

  /** walk(5): only of the first name is a failure an error; but what is no answer to a name is one always. */
  private short(e: unknown): Rmsg {
    const none = e instanceof NineError && (e.errno === errno.ENOENT || e.errno === errno.ENOTDIR || e.errno === errno.EACCES);
    if (!none || this.wqid.length === 0 || this.wqid.length >= this.names.length) throw e;
    return { type: Rwalk, wqid: this.wqid };
  }

  private like(w: Walk): boolean {
    return w.names.join("/") === this.names.join("/") && fullNames(w.begin).join("/") === fullNames(this.begin).join("/");
  }
}

/** Names below the last mount, after these. */
function deeper(depth: number, names: readonly string[]): number {
  let d = depth;
  for (const name of names) d += name === ".." ? -1 : name === "." ? 0 : 1;
  return d;
}

/** What the new fid is when all goes well; its qid while it has walked no further. */
interface There {
  readonly qid: Qid | undefined;
  readonly head: string | undefined;
  readonly depth: number;
  readonly base: Qid | undefined;
}

/**
 * The last Twalk, which makes the new fid: what the client sends for it from now on goes on at once.
 * before: qids of the names walked so far. Throws what failed; then there is no fid.
 */
export function arrive(x: Export, op: Op, n: Xfid, from: Stand, names: readonly string[], laps: number, before: readonly Qid[], there: There): Awaitable<Rmsg> {
  const { peer } = from;
  const up = new Up(peer, laps, from.chan);
  n.up = up;
  x.uses(peer.portal);
  n.depth = there.depth;
  n.base = there.base;
  n.head = there.head;
  n.qid = names.length === 0 ? there.qid : undefined;
  const r = attempt(() => x.ask(op, up, { type: Twalk, fid: from.fid, newfid: up.fid, wname: names }), (e) => {
    up.free();
    x.drop(n);
    throw e;
  });
  const came = (reply: Rmsg): Rmsg => {
    const why = errorOf(reply);
    if (!why && reply.type === Rwalk && reply.wqid.length === names.length) {
      n.qid = reply.wqid.at(-1) ?? there.qid;
      return before.length === 0 && names.length === 0 ? reply : { type: Rwalk, wqid: [...before, ...reply.wqid.map((q) => qidOf(peer.mask, q))] };
    }
    up.free();
    x.drop(n);
    if (why) throw why;
    if (reply.type !== Rwalk) throw new NineError(Ebotch);
    return { type: Rwalk, wqid: [...before, ...reply.wqid.map((q) => qidOf(peer.mask, q))] };
  };
  if (!(r instanceof Promise)) {
    const reply = came(r);
    x.free(n);
    return reply;
  }
  x.free(n);
  return r.then(came);
}
