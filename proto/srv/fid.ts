/**
 * Fid: a session's handle on a file of the tree, and the order of what is done with it.
 * Invariants: of one fid at most one exclusive operation runs, and none beside it; reads run beside
 * reads, writes beside nothing, except on a stream, where the two do not see each other; operations
 * start in the order they were asked for. `place` changes only inside an exclusive operation or by a
 * rename.
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
  private queue: { op: Op; lane: Lane }[] | undefined;
  private pumping = false;

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
    if (this.queue === undefined && this.free(lane)) {
      this.count(lane, 1);
      return;
    }
    op.waits++;
    (this.queue ??= []).push({ op, lane });
  }

  /** Ends an operation that was granted its lane, and starts those that can. */
  leave(lane: Lane): void {
    this.count(lane, -1);
    this.pump();
  }

  /** An operation that is given up: out of the queue, or out of its lane if it was granted. */
  withdraw(op: Op, lane: Lane): void {
    const i = this.queue?.findIndex((q) => q.op === op) ?? -1;
    if (i >= 0) this.queue?.splice(i, 1);
    else this.count(lane, -1);
    this.pump();
  }

  /** Not recursive: an operation that starts and ends here at once lets the outer loop go on. */
  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    while (this.queue !== undefined) {
      const next = this.queue[0];
      if (!next) {
        this.queue = undefined;
        break;
      }
      if (!this.free(next.lane)) break;
      this.queue.shift();
      this.count(next.lane, 1);
      if (--next.op.waits === 0) next.op.start();
    }
    this.pumping = false;
  }

  private free(lane: Lane): boolean {
    if (this.alone > 0) return false;
    if (lane === EXCLUSIVE) return this.reads === 0 && this.writes === 0;
    const stream = this.file?.stream === true;
    return lane === READ ? stream || this.writes === 0 : this.writes === 0 && (stream || this.reads === 0);
  }

  private count(lane: Lane, by: number): void {
    if (lane === READ) this.reads += by;
    else if (lane === WRITE) this.writes += by;
    else this.alone += by;
  }
}
