/**
 * Exported: what the verb serve serves: a directory of the host, or the name space that a kernel boots
 * with. Either has the tree `ctl` beside it, which is never read-only: diodload writes to its null.
 */
import { resolve } from "node:path";
import { dir, type DirNode, type FileNode, NineError, open, type Portal, type Session9P } from "../../proto/index.ts";
import { devFiles, host, tree } from "../../servers/index.ts";
import { formatAddr, parseAddr } from "./addr.ts";
import { booted, mountAll } from "./boot.ts";
import { reportBug } from "./connect.ts";
import { idly, nodeHost } from "./host.ts";
import { hostFiles } from "./hostfiles.ts";
import type { Options } from "./options.ts";
import { subtree } from "./subtree.ts";

export interface Exported {
  /** As the log and the trace call it. */
  readonly name: string;
  session(s: Session9P): Portal;
  /** Settles when there is nothing more to serve, which a directory never says. */
  readonly ended?: Promise<void>;
  /** All sessions are over. */
  close(): void;
}

/** The directory `root`. Throws a NineError that names it when it is none. */
export function exportedDir(root: string, options: Options, cwd: string, stats: FileNode): Exported {
  const files = hostDir(cwd, root);
  const now = nodeHost();
  const server = subtree(host(files, { writable: options.rw === true, unsafe: options.unsafeHost, now: now.now, sleep: idly }), ctlTree(stats));
  return {
    name: root,
    session: (s) => open(server, { ...s, users: files.users, bug: (e) => reportBug(e, root) }),
    close: () => files.close(),
  };
}

/**
 * The booted name space, with --ns and --mount. Its clients can write to /proc, but mount nothing there: an address may
 * be a command of this machine. Nor do they learn the tokens of what is mounted.
 * Rejects with a NineError when something cannot be mounted; `stop` gives up.
 */
export async function exportedSystem(options: Options, cwd: string, stats: FileNode, stop: AbortSignal): Promise<Exported> {
  const kernel = await booted(options, cwd, { trace: false, unsafeHost: options.unsafeHost, shown: (addr) => formatAddr(parseAddr(addr), false) });
  try {
    await mountAll(kernel.sys, { ...options, mounts: options.mounts.map((m) => ({ ...m, text: formatAddr(m.addr, false) })) }, cwd, stop);
    kernel.sys.rfork({ nomnt: true });
  } catch (e) {
    kernel.shutdown();
    throw e;
  }
  const trees = { ctl: tree("ctl", ctlTree(stats)) };
  return {
    name: "/",
    session: (s) => kernel.sys.export("/", { ...s, readonly: options.rw !== true, trees }),
    ended: kernel.ended,
    close: () => kernel.shutdown(),
  };
}

function hostDir(cwd: string, root: string): ReturnType<typeof hostFiles> {
  try {
    return hostFiles(resolve(cwd, root));
  } catch (e) {
    throw e instanceof NineError ? new NineError(`${root}: ${e.message}`, e.errno) : e;
  }
}

/** What diod calls its control tree, as far as its tools ask for it, and how the server is doing. */
function ctlTree(stats: FileNode): DirNode {
  const { zero, null: nil } = devFiles(nodeHost());
  return dir({ ...(zero && { zero }), ...(nil && { null: nil }), stats });
}
