/**
 * serve: the verb that exports a directory. Prints one complete address a line on stdout, serves
 * until it is told to stop, and then ends in order.
 */
import { dir, limit, NineError, open, type Portal, serve, type Session9P } from "../../proto/index.ts";
import { devFiles, host } from "../../servers/index.ts";
import { formatAddr, isLoopback } from "./addr.ts";
import { listen } from "./connect.ts";
import { nodeHost } from "./host.ts";
import { hostFiles } from "./hostfiles.ts";
import type { Listener } from "./listener.ts";
import { type Options, UsageError } from "./options.ts";
import { stdio } from "./stdio.ts";
import { subtree } from "./subtree.ts";
import { traceLog } from "./tracelog.ts";


/** Settles with the exit status when `stop` aborts, or when the peer on stdio hangs up. */
export async function serveDir(options: Options, args: readonly string[], cwd: string, stop: AbortSignal): Promise<number> {
  const [root, more] = args;
  if (root === undefined) throw new UsageError("serve: exporting the booted name space is not available in this version; name a directory");
  if (more !== undefined) throw new UsageError(`serve: one directory, not also ${more}`);
  if (options.mounts.length > 0) throw new UsageError("serve: --mount is for the name space; not available with a directory");
  const writable = options.rw === true;
  const now = nodeHost();
  const files = hostFiles(pathOf(cwd, root));
  // What is read-only is the directory, by its own server: diodload writes to ctl's null.
  const server = subtree(host(files, { writable, unsafe: options.unsafeHost, now: now.now }), ctlTree(now));
  const log = options.verbose ? (line: string): void => void process.stderr.write(`nineplex: ${line}\n`) : undefined;
  const tracing = traceLog(options.trace);
  const bounds = Object.fromEntries(options.limits);
  const session = (s: Session9P): Portal => {
    const portal = open(server, { ...s, users: files.users, bug: (e) => void process.stderr.write(`nineplex: bug: ${stackOf(e)}\n`) });
    return tracing.wrap(limit(portal, bounds), root);
  };
  const listeners: Listener[] = [];
  try {
    const wanted = options.listen.length > 0 ? options.listen : [{ addr: { kind: "ws", secure: false, host: "127.0.0.1", port: 5640, path: "/", query: "", token: undefined } as const, text: "ws://127.0.0.1:5640" }];
    const done: Promise<void>[] = [new Promise((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }))];
    for (const { addr, text } of wanted) {
      if (addr === "stdio") {
        done.push(new Promise((resolve) => serve(stdio(), session, { msize: options.msize, closed: () => resolve() })));
        continue;
      }
      if ((addr.kind === "ws" || addr.kind === "tcp") && !isLoopback(addr.host)) {
        process.stderr.write(`nineplex: ${formatAddr(addr, false)}: reachable from other machines${addr.kind === "tcp" ? ", and tcp asks for no token" : ""}\n`);
      }
      try {
        listeners.push(await listen(addr, session, { msize: options.msize, ...(options.token !== undefined && { token: options.token }), ...(log && { log }) }));
      } catch (e) {
        throw e instanceof NineError ? new NineError(`${text}: ${e.message}`, e.errno) : e;
      }
    }
    for (const l of listeners) process.stdout.write(`${l.address}\n`);
    log?.(`serving ${root}, ${writable ? "read-write" : "read-only"}`);
    await Promise.race(done);
    return 0;
  } finally {
    await Promise.all(listeners.map((l) => l.close()));
    files.close();
    tracing.close();
  }
}

function pathOf(cwd: string, path: string): string {
  return path.startsWith("/") ? path : `${cwd}/${path}`;
}

/** What diod calls its control tree, as far as its tools ask for it. */
function ctlTree(deps: { now(): number; random(): number }): ReturnType<typeof dir> {
  const { zero, null: nil } = devFiles(deps);
  return dir({ ...(zero && { zero }), ...(nil && { null: nil }) });
}

function stackOf(e: unknown): string {
  return e instanceof Error ? (e.stack ?? e.message) : String(e);
}
