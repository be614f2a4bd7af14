/**
 * Ident: which file a stat is about, as a qid path; and Idents, which tells. Invariants: a path is
 * never given to two files in a server's life, also when an inode number comes back after a removal;
 * it is computed from (device, inode, time of birth), so there is no entry per file. Inodes born
 * well before the server started have had no other life since: their path is the device's index and
 * the inode number, exactly. All others get 63 bits of a hash with the birth in it. Only files
 * removed through this server whose inode comes back with the same birth (a coarse clock, a file
 * system without one) need an entry, and those are bounded.
 */
import { type Qid, QTDIR, QTSYMLINK, S_IFDIR, S_IFLNK, S_IFMT } from "../../proto/index.ts";
import type { HostStat } from "./files.ts";
import { Recent } from "./recent.ts";

/** A born file system clock may be this far behind ours. */
const SKEW_NS = 3_600_000_000_000n;
const MAXGONE = 4096;
const MAXCHANGED = 2048;
const MAXAGAIN = 1 << 17;

export interface Ident {
  readonly dev: number;
  readonly ino: bigint;
  readonly birthNs: bigint;
  /** Which life of the inode, among those with the same birth. */
  readonly life: number;
  readonly pathlo: number;
  readonly pathhi: number;
  /** The path as a Map key. */
  readonly key: string | number;
}

interface Life {
  readonly birthNs: bigint;
  readonly life: number;
}

export class Idents {
  private readonly oldNs: bigint;
  private readonly devs = new Map<number, number>();
  /** Inodes whose last name was removed here: the life a file with the same birth would have. */
  private readonly gone = new Recent<string | number, Life>(MAXGONE);
  /** Inodes that did come back so. */
  private readonly again = new Recent<string | number, Life>(MAXAGAIN);
  /** Changes made through this server: clocks of file systems tick too slowly to tell two of them apart. */
  private readonly changes = new Recent<string | number, number>(MAXCHANGED);
  private change = 0;

  /** now: wall time in ms. */
  constructor(now: () => number) {
    this.oldNs = BigInt(Math.floor(now())) * 1_000_000n - SKEW_NS;
  }

  of(st: HostStat): Ident {
    const dev = this.index(st.dev);
    const life = this.life(dev, st);
    const lo = Number(st.ino & 0xffffffffn);
    const hi = Number(st.ino >> 32n);
    let pathlo = lo;
    let pathhi = dev * 0x10000 + hi;
    if (life > 0 || st.birthNs > this.oldNs || hi > 0xffff || dev > 0x7fff) {
      const words = [dev, lo, hi, Number(st.birthNs & 0xffffffffn), Number((st.birthNs >> 32n) & 0xffffffffn), life];
      pathlo = hash(words, 0x9747b28c);
      pathhi = (hash(words, 0x3c6ef372) | 0x80000000) >>> 0;
    }
    const key = pathhi < 0x200000 ? pathhi * 2 ** 32 + pathlo : `${pathhi}.${pathlo}`;
    return { dev: st.dev, ino: st.ino, birthNs: st.birthNs, life, pathlo, pathhi, key };
  }

  /** Whether st is about the file `id`. */
  is(id: Ident, st: HostStat): boolean {
    return st.ino === id.ino && st.dev === id.dev && st.birthNs === id.birthNs && this.life(this.index(st.dev), st) === id.life;
  }

  /** The last name of the file was removed: whatever has its inode next is another file. */
  removed(st: HostStat): void {
    const dev = this.index(st.dev);
    const inode = inodeKey(dev, st.ino);
    const life = this.life(dev, st) + 1;
    this.again.delete(inode);
    this.gone.set(inode, { birthNs: st.birthNs, life });
  }

  /** The file was changed through this server. */
  changed(id: Ident): void {
    this.changes.set(id.key, ++this.change);
  }

  /**
   * The qid; `marks` are DM bits. vers is a digest of what changes when the file does, whoever does it,
   * and of the last change made here, for the newest of those.
   */
  qid(id: Ident, st: HostStat, marks: number): Qid {
    const kind = st.mode & S_IFMT;
    const type = (kind === S_IFDIR ? QTDIR : kind === S_IFLNK ? QTSYMLINK : 0) | (marks >>> 24);
    const c = st.ctimeNs;
    const words = [
      Number(BigInt.asUintN(32, c)), Number(BigInt.asUintN(32, c >> 32n)), Number(BigInt.asUintN(32, st.mtimeNs)),
      st.size >>> 0, Math.floor(st.size / 2 ** 32), this.changes.get(id.key) ?? 0,
    ];
    return { type, vers: hash(words, 0x1b873593) || 1, pathlo: id.pathlo, pathhi: id.pathhi };
  }

  private index(dev: number): number {
    let i = this.devs.get(dev);
    if (i === undefined) this.devs.set(dev, (i = this.devs.size));
    return i;
  }

  private life(dev: number, st: HostStat): number {
    if (this.gone.empty && this.again.empty) return 0;
    const inode = inodeKey(dev, st.ino);
    const back = this.gone.get(inode);
    if (back && back.birthNs === st.birthNs) {
      this.gone.delete(inode);
      this.again.set(inode, back);
      return back.life;
    }
    const now = this.again.get(inode);
    return now && now.birthNs === st.birthNs ? now.life : 0;
  }
}

/** A device's index and an inode number as a Map key. */
function inodeKey(dev: number, ino: bigint): string | number {
  return ino < 0x100000000000n && dev < 512 ? dev * 2 ** 44 + Number(ino) : `${dev}:${ino}`;
}

/** 32 bits of the words: the rounds and finish of MurmurHash3 (public domain), each seed another function. */
function hash(words: readonly number[], seed: number): number {
  let h = seed;
  for (const w of words) {
    let k = Math.imul(w, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
