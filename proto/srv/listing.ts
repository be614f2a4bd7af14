/**
 * Listing: the entries of a directory, packed as Treaddir gives them; Listings, those of a server
 * that were read to the end not long ago. Invariants: a listing is what the server's `list` gave
 * when the directory had the version it is kept under, and is given only while it has that version;
 * what is kept is bounded, as are the listings in the making, and a directory that is too large is not kept. Qids in it have version
 * 0, "do not cache": what changes in a file does not change its directory. Used by readdir.ts.
 */
import { packDirent, sizeofDirent } from "../dir.ts";
import type { Qid } from "../qid.ts";
import { START } from "./trail.ts";

/** Bytes of the largest listing kept, and of all. */
const LARGEST = 1 << 20;
const ALL = 32 << 20;
/** Listings in the making, of all readers; who begins one more ends the oldest. */
const MAKING = 16;

export class Listing {
  readonly version: string | number;
  private bytes = new Uint8Array(4096);
  private size = 0;
  /** Cookie of each entry, and where it ends. */
  private readonly cookies: number[] = [];
  private readonly ends: number[] = [];
  /** Where the last reader left. */
  private hint = 0;
  private givenUp = false;

  constructor(version: string | number) {
    this.version = version;
  }

  /** Bytes of memory. */
  get cost(): number {
    return this.bytes.length + 16 * this.cookies.length;
  }

  /** It will not be kept. */
  giveUp(): void {
    this.givenUp = true;
    this.bytes = new Uint8Array(0);
    this.cookies.length = this.ends.length = 0;
  }

  /** False: it will not be kept, or is too large to be. */
  add(qid: Qid, cookie: number, type: number, name: string): boolean {
    if (this.givenUp) return false;
    const end = this.size + sizeofDirent(name);
    if (end > LARGEST) return false;
    if (end > this.bytes.length) {
      const more = new Uint8Array(Math.min(LARGEST, Math.max(end, 2 * this.bytes.length)));
      more.set(this.bytes);
      this.bytes = more;
    }
    this.size = packDirent({ type: qid.type, vers: 0, pathlo: qid.pathlo, pathhi: qid.pathhi }, cookie, type, name, this.bytes, this.size);
    this.cookies.push(cookie);
    this.ends.push(this.size);
    return true;
  }

  /** Whether it is the cookie of an entry, or START or less, the beginning. */
  has(cookie: number): boolean {
    return this.behind(cookie) >= 0;
  }

  /** Whether nothing is behind that cookie. */
  isEnd(cookie: number): boolean {
    return this.behind(cookie) === this.cookies.length;
  }

  /** Whole entries behind that cookie, which there is: at most n bytes and `most` of them; empty when n is too small, or at the end. */
  read(cookie: number, n: number, most: number): Uint8Array {
    const i = this.behind(cookie);
    const start = this.ends[i - 1] ?? 0;
    // The last entry that ends within n bytes.
    let lo = i;
    let hi = Math.min(this.ends.length, i + most);
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if ((this.ends[mid] ?? 0) - start <= n) lo = mid + 1;
      else hi = mid;
    }
    this.hint = lo;
    return this.bytes.subarray(start, this.ends[lo - 1] ?? 0);
  }

  /** The cookies up to and with that one, the last `most` of them. */
  upTo(cookie: number, most: number): number[] {
    const i = this.behind(cookie);
    return i < 0 ? [] : this.cookies.slice(Math.max(0, i - most), i);
  }

  /** Index of the entry behind that cookie, -1 when there is no such cookie. */
  private behind(cookie: number): number {
    if (cookie <= START) return 0;
    if (this.hint > 0 && this.cookies[this.hint - 1] === cookie) return this.hint;
    return this.cookies.indexOf(cookie) + 1 || -1;
  }
}

export class Listings {
  private readonly kept = new Map<string, Listing>();
  private readonly making = new Set<Listing>();
  private cost = 0;

  /** What is known of the directory `key` as of that version. */
  get(key: string, version: string | number): Listing | undefined {
    const l = this.kept.get(key);
    if (!l) return undefined;
    if (l.version === version) return l;
    this.drop(key, l);
    return undefined;
  }

  /** A listing to be filled, and kept or left. */
  begin(version: string | number): Listing {
    const l = new Listing(version);
    this.making.add(l);
    if (this.making.size > MAKING) {
      for (const oldest of this.making) {
        oldest.giveUp();
        this.making.delete(oldest);
        break;
      }
    }
    return l;
  }

  /** Its reader has left, or goes another way. */
  leave(l: Listing): void {
    this.making.delete(l);
  }

  keep(key: string, l: Listing): void {
    this.making.delete(l);
    const old = this.kept.get(key);
    if (old) this.drop(key, old);
    this.kept.set(key, l);
    this.cost += l.cost;
    for (const [k, oldest] of this.kept) {
      if (this.cost <= ALL) return;
      this.drop(k, oldest);
    }
  }

  private drop(key: string, l: Listing): void {
    this.kept.delete(key);
    this.cost -= l.cost;
  }
}
