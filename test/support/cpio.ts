/**
 * Cpio: an archive in the "newc" format, as the kernel unpacks it at boot (initramfs; cpio(5)).
 * Everything belongs to root; a file's directories are made before it.
 */
import { dirname } from "node:path";

export interface Packed {
  /** Without the leading "/". */
  readonly path: string;
  readonly mode: number;
  readonly data?: Uint8Array;
}

/** A file or directory as its header and padded contents. */
function entry(n: number, { path, mode, data = new Uint8Array() }: Packed): Uint8Array[] {
  // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  const fields = [n, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, Buffer.byteLength(path) + 1, 0];
  const head = Buffer.from(`070701${fields.map((f) => f.toString(16).padStart(8, "0")).join("")}${path}\0`);
  return [head, padding(head.length), data, padding(data.length)];
}

const padding = (size: number): Uint8Array => new Uint8Array(-size & 3);

/** The archive of these files and of the directories they are in. */
export function cpio(files: readonly Packed[]): Uint8Array {
  const all = new Map<string, Packed>();
  const dirs = (path: string): void => {
    const up = dirname(path);
    if (up === "." || all.has(up)) return;
    dirs(up);
    all.set(up, { path: up, mode: 0o40755 });
  };
  for (const f of files) {
    dirs(f.path);
    all.set(f.path, f);
  }
  const parts = [...all.values(), { path: "TRAILER!!!", mode: 0 }].flatMap((f, i) => entry(i + 1, f));
  return Buffer.concat(parts);
}
