/**
 * boot: a system as the options of the command line have it: --host, --ns, --mount and the rest. Used
 * by the verbs that boot.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { MAFTER, MBEFORE, MCREATE, MREPL, nsFile, type Sys } from "../../kernel/index.ts";
import { NineError, readonly } from "../../proto/index.ts";
import { connect } from "./connect.ts";
import { hostError } from "./guard.ts";
import type { Options } from "./options.ts";
import { system, type System, type SystemOptions } from "./system.ts";

/** The system before anything is mounted that the options name; `more` is what the verb knows besides. */
export function booted(options: Options, cwd: string, more: SystemOptions): Promise<System> {
  const { uname, seed, msize, ram, strace, root } = options;
  return system({
    ...more, cwd, msize, bare: options.ns !== undefined, writable: options.rw !== false,
    ...(options.host && { host: cwd }), ...(uname !== undefined && { uname }), ...(seed !== undefined && { seed }), ...(ram !== undefined && { ram }),
    ...(strace && { strace: (line: string) => void process.stderr.write(`${line}\n`) }), ...(root && { root: { ...root, dir: resolve(cwd, root.dir) } }),
  });
}

/** --ns, then --mount, in order; then to the directory where one starts, unless the file of --ns went to one. */
export async function mountAll(sys: Sys, options: Options, cwd: string, signal: AbortSignal): Promise<void> {
  const placed = options.ns !== undefined && await nsFile(sys, readNs(options.ns, cwd), `--ns ${options.ns}`);
  for (const m of options.mounts) {
    try {
      const portal = await connect(m.addr, { msize: options.msize, cwd, signal });
      const order = m.order === "before" ? MBEFORE : m.order === "after" ? MAFTER : MREPL;
      await sys.mount(m.readonly ? readonly(portal) : portal, m.path, order | MCREATE, "", m.text);
    } catch (e) {
      throw e instanceof NineError ? new NineError(`--mount ${m.text}:${m.path}: ${e.message}`, e.errno) : e;
    }
  }
  if (!placed) await sys.chdir(options.host ? "/host" : "/").catch(() => sys.chdir("/"));
}

function readNs(file: string, cwd: string): string {
  try {
    return readFileSync(resolve(cwd, file), "utf8");
  } catch (e) {
    const why = hostError(e);
    throw why instanceof NineError ? new NineError(`--ns ${file}: ${why.message}`, why.errno) : e;
  }
}
