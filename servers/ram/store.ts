/**
 * Store: what the files of one ram server have in common: its memory budget, its clock and the
 * numbers of its files. Invariant: `used` is at most `limit`, and covers everything a client can
 * make grow: contents, names, nodes, extended attributes. Only the files of servers/ram use it.
 */
import { Efull, NineError } from "../../proto/index.ts";

/** Bytes charged for a file or directory, whatever is in it: its object, its tables, its owners' names. */
export const NODECOST = 1024;
/** Bytes charged for a directory entry, and two for each UTF-16 unit of its name. */
export const ENTRYCOST = 96;
/** Longest user or group name, in UTF-16 units. */
export const USERMAX = 64;
/** Longest file name, in bytes. */
export const NAMEMAX = 255;

/** Budget, clock and numbering of one ram server. */
export class Store {
  readonly limit: number;
  used = 0;
  /** The time `tick` read last: seconds since the epoch, and the nanoseconds of that second. */
  sec = 0;
  nsec = 0;
  private readonly clock: () => number;
  private last = 0;

  constructor(limit: number, clock: () => number) {
    this.limit = limit;
    this.clock = clock;
  }

  /** Charge n bytes, or throw Efull and charge nothing. */
  take(n: number): void {
    if (this.used + n > this.limit) throw new NineError(Efull);
    this.used += n;
  }

  give(n: number): void {
    this.used -= n;
  }

  tick(): void {
    const ms = this.clock();
    this.sec = Math.floor(ms / 1000);
    this.nsec = Math.min(999_999_999, Math.floor((ms - this.sec * 1000) * 1e6));
  }

  /** A number no file of this server ever had. */
  number(): number {
    return ++this.last;
  }
}
