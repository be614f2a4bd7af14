/**
 * 9p: the one-shot client (9p(1)): one connection, one operation, against any 9P server.
 */
import { attach, Eintr, NineError } from "../../proto/index.ts";
import { named, ninepVerbs } from "../tools/lib/ninepverbs.ts";
import { harmless } from "../tools/lib/terminal.ts";
import { perhaps } from "./commandline.ts";
import { connect } from "./connect.ts";
import { me } from "./me.ts";
import { checked, type Options, UsageError } from "./options.ts";
import { parseAddr } from "./addr.ts";
import { put } from "./streams.ts";
import { traceLog } from "./tracelog.ts";

/** nineplex 9p VERB ADDR [PATH...]: the exit status. */
export async function ninep(options: Options, args: readonly string[], cwd: string, stop: AbortSignal): Promise<number> {
  const [verb = "", addr, ...paths] = args;
  const v = Object.hasOwn(ninepVerbs, verb) ? ninepVerbs[verb] : undefined;
  if (!v) throw new UsageError(`${verb === "" ? "9p: wants a verb" : `9p ${verb}: unknown verb${perhaps(verb, Object.keys(ninepVerbs))}`}: ls, read, write, stat, mkdir, rm or mv`);
  if (addr === undefined) throw new UsageError(`9p ${verb}: wants an address, like tcp://127.0.0.1:564`);
  if (paths.length < v.paths[0] || paths.length > v.paths[1]) throw new UsageError(`9p ${verb}: wants ${v.paths[0] === 1 ? "a path" : `${v.paths[0]} paths`}; see nineplex 9p -h`);
  const where = checked(() => parseAddr(addr), "9p");
  const traced = traceLog(options.trace, cwd);
  try {
    const portal = traced(await named(addr, connect(where, { msize: options.msize, signal: stop, cwd })), addr);
    try {
      // A flush would not help against a server that is stuck.
      stop.addEventListener("abort", () => portal.hangup(), { once: true });
      const { name, uid } = me();
      // A plain .L server goes by the number, one of ours by the name.
      const n_uname = options.uname === undefined && !portal.ordered && uid >= 0 ? { n_uname: uid } : {};
      const fs = await named(addr, attach(portal, { uname: options.uname ?? name, ...n_uname }));
      await v.run(fs, paths, {
        put: (data) => put(process.stdout, data), input: () => process.stdin, long: options.long ?? false, nowSec: Date.now() / 1000,
        zone: { at: (sec) => ({ name: "", offset: -60 * new Date(sec * 1000).getTimezoneOffset() }) },
        shown: (text) => (process.stdout.isTTY ? harmless(text) : text),
      });
    } finally {
      portal.hangup();
    }
    return 0;
  } catch (e) {
    throw stop.aborted ? new NineError(Eintr) : e;
  }
}
