/**
 * Fid: a session's handle on a file of the tree, and the order of what is done with it.
 * Invariants: of one fid at most one exclusive operation runs, and none beside it; reads run beside
 * reads, writes beside nothing, except on a stream, where the two do not see each other; operations
 * start in the order they were asked for. `place`, `file` and `dir` change only inside an exclusive
 * operation, `place` also by a rename.
 */
import type { Node, OpenFile } from "../server.ts";
import type { DirReader } from "./readdir.ts";

/** A file as reached: the directory and name it was found by. The root's parent is undefined. */
export interface Place {
  parent: Place | undefined;
  name: string;
  readonly node: Node;
}

/** Who attached. */
export interface User {
  readonly uname: string;
  readonly uid: number;
}

/** An extended attribute being read, or being written and set at clunk (Txattrwalk, Txattrcreate). */
export interface XattrIo {
  readonly name: string;
  readonly value: Uint8Array;
  /** undefined: reading. */
  readonly flags: number | undefined;
  written: number;
}

/** How an operation meets others on the same fid. */
export const READ = 0;
export const WRITE = 1;
export const EXCLUSIVE = 2;
export type Lane = typeof READ | typeof WRITE | typeof EXCLUSIVE;

/** An operation that waits for, or holds, fids. */
export interface Op {
  /** Fids not yet granted. */
  waits: number;
  start(): void;
}

export class Fid {
  readonly num: number;
  user: User;
  /** undefined while the walk or attach that makes the fid is under way. */
  place: Place | undefined;
  /** Gone from the table: whatever still waits for it finds Eunknownfid. */
  dead = false;
  /** Topen.mode, or -1 when not open. */
  mode = -1;
  /** A file's, when open. */
  file: OpenFile | undefined;
  /** A directory's, when open. */
  dir: DirReader | undefined;
  xattr: XattrIo | undefined;
  /** Holds the file's one exclusive open (DMEXCL); its key. */
  exclusive: string | undefined;
  /** Has taken byte-range locks. */
  locks = false;

  private reads = 0;
  private writes = 0;
  private alone = 0;
  private queue: { readonly op: Op; readonly lane: Lane }[] | undefined;

  constructor(num: number, user: User) {
    this.num = num;
    this.user = user;
  }

  /** The attach succeeded: the fid is its user's, at the root. */
  adopt(user: User, place: Place): void {
    this.user = user;
    this.place = place;
  }

  /** Grants op its lane now, or counts one in op.waits and starts it when the lane and all else it waits for are free. */
  enter(op: Op, lane: Lane): void {
    if (this.free(lane) && !this.queue?.some((q) => this.holds(q.lane, lane))) {
      this.count(lane, 1);
      return;
    }
    op.waits++;
    (this.queue ??= []).push({ op, lane });
  }

  /** Ends an operation that was granted its lane, and starts those that can. */
  leave(lane: Lane): void {
    this.count(lane, -1);
    if (this.queue) this.pump();
  }

  /** An operation that is given up: out of the queue, or out of its lane if it was granted. */
  withdraw(op: Op, lane: Lane): void {
    const i = this.queue?.findIndex((q) => q.op === op) ?? -1;
    if (i >= 0) this.queue?.splice(i, 1);
    else this.count(lane, -1);
    this.pump();
  }

  private pump(): void {
    const { queue } = this;
    if (!queue) return;
    const ready: Op[] = [];
    const kept: { op: Op; lane: Lane }[] = [];
    // Lanes that something earlier waits for; only on a stream do reads and writes not hold up each other.
    let reads = false;
    let writes = false;
    let i = 0;
    for (; i < queue.length && !(reads && writes); i++) {
      const next = queue[i];
      if (!next) break;
      const lane = this.alike(next.lane);
      const behind = lane === EXCLUSIVE ? reads || writes : lane === READ ? reads : writes;
      if (!behind && this.free(lane)) {
        this.count(next.lane, 1);
        if (--next.op.waits === 0) ready.push(next.op);
        continue;
      }
      kept.push(next);
      const alone = lane === EXCLUSIVE || !this.file?.stream;
      reads ||= alone || lane === READ;
      writes ||= alone || lane === WRITE;
    }
    if (kept.length < i) this.queue = kept.length === 0 && i === queue.length ? undefined : [...kept, ...queue.slice(i)];
    for (const op of ready) start(op);
  }

  /** Whether an operation that waits holds up a later one: on a stream, reads and writes do not each other. */
  private holds(earlier: Lane, later: Lane): boolean {
    return earlier === EXCLUSIVE || later === EXCLUSIVE || earlier === later || !this.file?.stream;
  }

  private free(lane: Lane): boolean {
    if (this.alone > 0) return false;
    if (this.alike(lane) === EXCLUSIVE) return this.reads === 0 && this.writes === 0;
    const stream = this.file?.stream === true;
    return lane === READ ? stream || this.writes === 0 : this.writes === 0 && (stream || this.reads === 0);
  }

  private count(lane: Lane, by: number): void {
    const l = this.alike(lane);
    if (l === READ) this.reads += by;
    else if (l === WRITE) this.writes += by;
    else this.alone += by;
  }

  /** Reading a directory moves its reader on: one at a time. Known only now, as the fid may have been queued for before it was opened. */
  private alike(lane: Lane): Lane {
    return lane === READ && this.dir ? EXCLUSIVE : lane;
  }
}

const starting: Op[] = [];
let busy = false;

/** Starts op, after those that are being started: a chain of fids, however long, takes no stack. */
function start(op: Op): void {
  starting.push(op);
  if (busy) return;
  busy = true;
  try {
    for (let next = starting.shift(); next; next = starting.shift()) next.start();
  } finally {
    busy = false;
  }
}
