/**
 * host: a directory of the host's file system as a Server, confined to it. Invariants: no call
 * leaves the directory, whatever local programs rename, remove or put symbolic links in the place of
 * (files.exact; elsewhere a writable export wants `unsafe`); symbolic links are nodes and never
 * followed; a Node is one inode, and a name that leads to another by now is an error, not that other
 * file. A directory that is moved out of the tree while a client is in it stays that client's.
 *
 * Permission: what the process may do, the system says. A process of uid 0 may do everything, so for
 * callers other than root the rules of the system are applied here, from mode, owner, group and the
 * group table, and what they make is given to them. Between such a check and the deed a local program
 * may change the permissions; access control lists are not looked at.
 *
 * Not to be had from a file system by way of paths: extended attributes, device nodes, a rename of
 * directories that is certain not to replace an empty one, times finer than a microsecond.
 */
import { after, Enonexist, NineError, type Server } from "../proto/index.ts";
import { HostDir } from "./host/dir.ts";
import type { HostFiles } from "./host/files.ts";
import { type HostOptions, Tree } from "./host/tree.ts";

export type { Entries, Fd, Handle, HostEntry, HostFiles, HostStat, HostUsers } from "./host/files.ts";
export type { HostOptions } from "./host/tree.ts";

/** The tree below files.root. Throws when it cannot be exported safely as asked. */
export function host(files: HostFiles, options: HostOptions): Server {
  if (options.writable && !files.exact && !options.unsafe) {
    throw new NineError("permission denied: a writable export is not safe on this system, local programs could lead it astray");
  }
  const tree = new Tree(files, options);
  return {
    name: "host",
    attach(_call, aname) {
      if (aname !== "" && aname !== "/") throw new NineError(Enonexist);
      return after(files.stat(files.root), (st) => new HostDir(tree, undefined, "/", st, tree.ids.of(st)));
    },
  };
}
