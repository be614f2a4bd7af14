/** Append: a file open for writing at its end, made when there is none. */
import { DMAPPEND, NineError, OWRITE, errno } from "../../../proto/index.ts";
import type { Sys } from "../../../kernel/sys.ts";

export async function openEnd(sys: Sys, path: string): Promise<number> {
  try {
    const fd = await sys.open(path, OWRITE);
    if (!((await sys.fstat(fd)).mode & DMAPPEND)) await sys.seek(fd, 0, 2);
    return fd;
  } catch (e) {
    if (e instanceof NineError && e.errno === errno.ENOENT) return sys.create(path, OWRITE, 0o666);
    throw e;
  }
}
