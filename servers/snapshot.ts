/**
 * snapshot: an open file whose text is taken anew by each read from its beginning, and goes on as it
 * was then: a reader sees one state, and who reads again sees the next.
 */
import { encode, type OpenFile } from "../proto/index.ts";

/** get is called at the first read and at each read of byte 0. */
export function snapshot(get: () => string): OpenFile {
  let text: Uint8Array | undefined;
  return {
    read(at, n) {
      if (at === 0 || text === undefined) text = encode(get());
      return text.subarray(at, at + n);
    },
  };
}
