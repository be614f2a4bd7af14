/**
 * serve: the verb that exports a directory or the booted name space. Prints one complete address a line
 * on stdout, serves until it is told to stop, and then ends in order.
 */
import { Budget, NineError, type Portal, serve, type Session9P, textFile, WIRELIMITS } from "../../proto/index.ts";
import { type Addr, formatAddr, isLoopback, WSPORT } from "./addr.ts";
import { listen } from "./connect.ts";
import { exportedDir, exportedSystem } from "./exported.ts";
import type { Listener } from "./listener.ts";
import { type Options, UsageError } from "./options.ts";
import { stdio } from "./stdio.ts";
import { traceLog } from "./tracelog.ts";
import { Watch } from "./watch.ts";

/** How often --stats writes. */
const STATSMS = 10_000;

type Wanted = Options["listen"][number];
const USUAL: Addr = { kind: "ws", secure: false, host: "127.0.0.1", port: WSPORT, path: "/", query: "", token: undefined };

/** Settles with the exit status when `stop` aborts, or when the peer on stdio hangs up. */
export async function serveVerb(options: Options, args: readonly string[], cwd: string, stop: AbortSignal): Promise<number> {
  const [root, more] = args;
  const given = options.ns !== undefined ? "--ns" : options.mounts.length > 0 ? "--mount" : options.uname !== undefined ? "--uname" : options.host ? "--host" : undefined;
  if (root !== undefined && given) throw new UsageError(`serve: ${given} is for the name space; a directory has none`);
  if (more !== undefined) throw new UsageError(`serve: one directory, not also ${more}`);
  const wanted: readonly Wanted[] = options.listen.length > 0 ? options.listen : [{ addr: USUAL, text: formatAddr(USUAL) }];
  if (options.token !== undefined && options.token !== "none" && !wanted.some(({ addr }) => addr !== "stdio" && addr.kind === "ws")) {
    throw new UsageError("--token: only a ws:// listener asks for it");
  }
  const { watch, limits } = bounds(options.limits);
  const stats = textFile(() => watch.text({ ...WIRELIMITS, ...limits }));
  const log = options.verbose ? (line: string): void => void process.stderr.write(`nineplex: ${line}\n`) : undefined;
  const traced = traceLog(options.trace, cwd);
  const exported = root === undefined ? await exportedSystem(options, cwd, stats, stop) : exportedDir(root, options, cwd, stats);
  const session = (s: Session9P): Portal => traced(exported.session(s), exported.name);
  const at = { msize: options.msize, limits };
  const stopped = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener("abort", () => resolve(), { once: true });
  });
  const listeners: Listener[] = [];
  const end = options.stats ? report(watch) : undefined;
  try {
    const done = [stopped];
    let killed = false;
    if (exported.ended) done.push(exported.ended.then(() => void (killed = true)));
    for (const { addr, text } of wanted) {
      if (addr === "stdio") {
        done.push(new Promise((resolve) => watch.add(serve(stdio(), session, { msize: options.msize, limits: { budget: watch.budget, ...limits }, closed: () => resolve() }))));
        continue;
      }
      if ((addr.kind === "ws" || addr.kind === "tcp") && !isLoopback(addr.host)) {
        process.stderr.write(`nineplex: ${formatAddr(addr, false)}: reachable from other machines${addr.kind === "tcp" ? ", and tcp asks for no token" : ""}\n`);
      }
      try {
        listeners.push(await listen(addr, session, { ...at, watch, ...(options.token !== undefined && { token: options.token }), ...(log && { log }) }));
      } catch (e) {
        throw e instanceof NineError ? new NineError(`${text}: ${e.message}`, e.errno) : e;
      }
    }
    // Where 9P is spoken on stdout nothing else may stand there.
    const to = wanted.some(({ addr }) => addr === "stdio") ? process.stderr : process.stdout;
    for (const l of listeners) to.write(`${l.address}\n`);
    log?.(`serving ${root ?? "the name space"}, ${options.rw === true ? "read-write" : "read-only"}`);
    await Promise.race(done);
    if (killed) throw new NineError("serve: the process whose name space is served was killed");
    return 0;
  } finally {
    await Promise.all(listeners.map((l) => l.close()));
    end?.();
    exported.close();
  }
}

/** What --limit says, sorted by who keeps to it. */
function bounds(given: ReadonlyMap<string, number>): { watch: Watch; limits: Record<string, number> } {
  const { budget, connections, hello, idle, stall, ...limits } = Object.fromEntries(given);
  return { watch: new Watch({ ...defined({ connections, hello, idle, stall }), ...(budget !== undefined && { budget: new Budget(budget) }) }), limits };
}

function defined(o: Record<string, number | undefined>): Record<string, number> {
  return Object.fromEntries(Object.entries(o).filter((e): e is [string, number] => e[1] !== undefined));
}

/** Writes a line every so often while something happens; what is returned writes the last one. */
function report(watch: Watch): () => void {
  let last = "";
  const write = (): void => {
    const line = watch.line();
    if (line !== last) process.stderr.write(`nineplex: stats: ${line}\n`);
    last = line;
  };
  const timer = setInterval(write, STATSMS);
  return () => {
    clearInterval(timer);
    write();
  };
}
