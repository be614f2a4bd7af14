/** Constant: the replies of the servers that look at nothing but size and type of a message. */
import { GETATTR_BASIC, packMessage, Rgetattr, Rread, Tread, typeOf } from "../../proto/index.ts";

const attr = packMessage({
  type: Rgetattr, valid: GETATTR_BASIC, qid: { type: 0, vers: 1, pathlo: 1, pathhi: 0 }, mode: 0o100644, uid: 0, gid: 0, nlink: 1, rdev: 0,
  size: 4096, blksize: 4096, blocks: 8, atime_sec: 0, atime_nsec: 0, mtime_sec: 0, mtime_nsec: 0, ctime_sec: 0, ctime_nsec: 0,
  btime_sec: 0, btime_nsec: 0, gen: 0, data_version: 0,
}, 0, "9P2000.L");
const data = packMessage({ type: Rread, data: new Uint8Array(4096) }, 0, "9P2000.L");

/** To a Tread 4 KiB, to all else an Rgetattr; tag 0. */
export function replyTo(chunk: Uint8Array, at: number): Uint8Array {
  return typeOf(chunk, at) === Tread ? data : attr;
}

/** Bytes of the longest. */
export const LONGEST: number = data.length;
