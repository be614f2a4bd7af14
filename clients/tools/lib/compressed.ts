/** compressed: what compressors' files begin with. */
import { NineError } from "../../../proto/index.ts";

/** Bytes that tell. */
export const MAGIC = 6;
const OTHERS: readonly (readonly [string, string])[] = [["425a68", "bzip2"], ["fd377a58", "xz"], ["28b52ffd", "zstd"], ["504b0304", "zip"], ["1f9d", "compress"]];

/** Whether these are the first bytes of what gzip makes; what others make is an error. */
export function isGzip(head: Uint8Array): boolean {
  const magic = [...head.subarray(0, MAGIC)].map((b) => b.toString(16).padStart(2, "0")).join("");
  const other = OTHERS.find(([m]) => magic.startsWith(m));
  if (other) throw new NineError(`compressed by ${other[1]}: only gzip is unpacked here`);
  return magic.startsWith("1f8b");
}
