/** readAll: a small file's bytes at once, for those that can do nothing with a part. */
import type { Sys } from "../../../kernel/sys.ts";
import { join } from "./bytes.ts";

export async function readAll(sys: Sys, path: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const fd = await sys.openRead(path);
  try {
    for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) parts.push(data);
  } finally {
    await sys.close(fd);
  }
  return join(parts);
}
