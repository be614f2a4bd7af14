/**
 * ram: a file system in memory, as ramfs(4) but complete: sparse files, links, symbolic links,
 * devices, extended attributes, times to the nanosecond, exact rename(2). Invariant: what its clients
 * make never takes more than `limit` bytes, names and tables included. Everything in it answers at
 * once: no call returns a promise. Reading does not change a file's version, every change does;
 * a write sets mtime and ctime but, as in POSIX, not atime. Anyone may call it.
 */
import { DMDIR } from "../proto/index.ts";
import type { Server } from "../proto/index.ts";
import { RamDir } from "./ram/dir.ts";
import { checkUser } from "./ram/node.ts";
import { Store } from "./ram/store.ts";
import { tree } from "./tree.ts";

/** What a ram server needs, and may be told. */
export interface RamDeps {
  /** Milliseconds since the epoch; fractions become nanoseconds. */
  now(): number;
  /** Owner and group of the root directory; without one it is "none" and everybody may write there. */
  readonly owner?: string;
  /** The root directory's permissions: 0775 with an owner, else 0777; DMSTICKY may be among them. */
  readonly mode?: number;
  /** Bytes of memory for everything in it; 1 GiB by default. Beyond it: Efull. */
  readonly limit?: number;
}

/** An empty file system in memory. Its tree is there for the server's life, whoever attaches. */
export function ram(deps: RamDeps): Server {
  const store = new Store(deps.limit ?? 2 ** 30, () => deps.now());
  const owner = deps.owner ?? "none";
  const mode = deps.mode ?? (deps.owner === undefined ? 0o777 : 0o775);
  const root = new RamDir(store, DMDIR | mode, owner, owner);
  root.nlink = 1;
  const server = tree("ram", root);
  return {
    name: server.name,
    attach(call, aname) {
      checkUser(call.uname);
      return server.attach(call, aname);
    },
  };
}
