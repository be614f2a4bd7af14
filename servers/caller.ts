/**
 * caller: whose process a tree is of that shows the kernel's own things: those attach with their pid
 * as aname. Invariant: the process is looked up at each use; of one that has ended nothing is shown.
 * Used by env, dup, srv, proc, cons, trace.
 */
import { dir, type DirNode, Enonexist, errno, type FileNode, NineError, type Node, QTDIR, QTFILE, type Qid } from "../proto/index.ts";

/** The processes of a kernel; P is what a server needs to know of one. */
export interface Procs<P> {
  proc(pid: number): P | undefined;
}

/** The root of such a tree has this path for every caller: it is one place to mount on. */
export function rootQid(vers = 0): Qid {
  return { type: QTDIR, vers, pathlo: 0, pathhi: 0 };
}

/** The pid that an attach names; Enonexist when it is no living process. */
export function callerPid(procs: Procs<unknown>, aname: string): number {
  const pid = /^[1-9]\d{0,14}$/.test(aname) ? Number(aname) : 0;
  if (!procs.proc(pid)) throw new NineError(Enonexist);
  return pid;
}

/** What a file says whose process has ended. */
export function alive<P>(p: P | undefined): P {
  if (p === undefined) throw new NineError("process exited", errno.ESRCH);
  return p;
}

/**
 * Such a tree: a directory of files that are the same for all, which srv numbers, and of those that are
 * made for this caller, which are the same file for all callers by their place in `own`.
 */
export function callerTree(shared: Readonly<Record<string, Node>>, own: Readonly<Record<string, FileNode>>): DirNode {
  const files = Object.entries(own).map(([name, node], i): [string, Node] => [name, { ...node, qid: () => ({ type: QTFILE, vers: 0, pathlo: i, pathhi: 1 }) }]);
  return { ...dir(new Map([...Object.entries(shared), ...files]), 0o555), qid: () => rootQid() };
}
