/** Stat: what is known of a file, as Linux's programs have it: struct stat of x86-64. */
import { type Dir, statMode } from "../../proto/index.ts";

/** Bytes of struct stat. */
export const STAT = 144;
const BLOCK = 4096;

/** Whose numbers a server without numbers tells. */
export interface Owner {
  readonly user: string;
  readonly uid: number;
}

/** struct stat */
export function statOf(d: Dir, owner: Owner): Uint8Array {
  const v = new DataView(new ArrayBuffer(STAT));
  const word = (at: number, n: number): void => {
    v.setUint32(at, n % 2 ** 32, true);
    v.setUint32(at + 4, Math.floor(n / 2 ** 32), true);
  };
  const id = (n: number, name: string): number => (n !== 0xffffffff ? n : name === owner.user ? owner.uid : NOBODY);
  word(0, d.dev);
  v.setUint32(8, d.qid.pathlo, true);
  v.setUint32(12, d.qid.pathhi, true);
  word(16, 1);
  v.setUint32(24, statMode(d.mode), true);
  v.setUint32(28, id(d.n_uid, d.uid), true);
  v.setUint32(32, id(d.n_gid, d.gid), true);
  word(48, d.length);
  word(56, BLOCK);
  word(64, Math.ceil(d.length / 512));
  for (const [at, sec] of [[72, d.atime], [88, d.mtime], [104, d.mtime]] as const) {
    word(at, Math.floor(sec));
    word(at + 8, Math.floor((sec % 1) * 1e9));
  }
  return new Uint8Array(v.buffer);
}

/** A user that is not known by number. */
const NOBODY = 65534;
