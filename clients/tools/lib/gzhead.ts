/** gzhead: the header of a gzip member (RFC 1952): what stands in it, and one with a name. Pure. */
import { NineError, errno } from "../../../proto/index.ts";
import { decode, encode } from "./bytes.ts";

/** Bytes before the optional fields. */
export const FIXED = 10;
const FEXTRA = 4, FNAME = 8;
/** The longest header that is looked at. */
const LIMIT = 1 << 18;

export interface GzHead {
  /** "" when it has none. */
  readonly name: string;
  /** Seconds since the epoch; 0: unknown. */
  readonly mtime: number;
}

/** The fixed bytes that a compressor wrote, with a name and a time put in. */
export function withName(fixed: Uint8Array, head: GzHead): Uint8Array {
  const name = head.name === "" ? new Uint8Array(0) : encode(`${head.name}\0`);
  const all = new Uint8Array(FIXED + name.length);
  all.set(fixed);
  all[3] = name.length > 0 ? FNAME : 0;
  new DataView(all.buffer).setUint32(4, head.mtime, true);
  all.set(name, FIXED);
  return all;
}

/** The header that a file begins with; undefined when it goes on behind these bytes. Throws on what is no gzip file. */
export function parseHead(b: Uint8Array): GzHead | undefined {
  if ((b[0] ?? 0x1f) !== 0x1f || (b[1] ?? 0x8b) !== 0x8b || (b[2] ?? 8) !== 8) throw new NineError("not a gzip file", errno.EIO);
  if (b.length < FIXED) return undefined;
  const flags = b[3] ?? 0;
  const mtime = new DataView(b.buffer, b.byteOffset).getUint32(4, true);
  const at = FIXED + (flags & FEXTRA ? 2 + (b[FIXED] ?? 0) + (b[FIXED + 1] ?? 0) * 256 : 0);
  const end = flags & FNAME ? b.indexOf(0, at) : at;
  if (end >= 0 && end <= b.length) return { name: decode(b.subarray(at, end)), mtime };
  return b.length > LIMIT ? { name: "", mtime } : undefined;
}
