/**
 * run: one program in a booted system, with the standard streams, the environment and the signals of
 * this process, whose exit status is the program's. The terminal, if there is one, stays as it is, line
 * by line, until the program asks for something else.
 */
import { readFileSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { exitCodeOf, type Sys } from "../../kernel/index.ts";
import { dir, DMDIR, errno, type FileNode, NineError, ORDWR, OREAD, OWRITE } from "../../proto/index.ts";
import { tree } from "../../servers/index.ts";
import { booted, mountAll } from "./boot.ts";
import { hostError } from "./guard.ts";
import { type Options, UsageError } from "./options.ts";
import { plainStreams, type Streams } from "./streams.ts";
import type { System } from "./system.ts";
import { traceLog } from "./tracelog.ts";

export interface RunOptions {
  readonly options: Options;
  /** The program, as typed, and its arguments. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called at once, with what is to be told of the host's signals, as notes. */
  readonly onStart: (post: (note: string) => void) => void;
}

/** Boots, runs the program to its end, and settles with its status as an exit code. */
export async function runVerb(o: RunOptions): Promise<number> {
  const { options, args, cwd } = o;
  const [name] = args;
  if (name === undefined) throw new UsageError("run: wants a program; see nineplex run -h");
  const starting = new AbortController();
  let kernel: System | undefined;
  /** Until the program runs, a note is for what is being mounted, and then for the program. */
  let early: string | undefined;
  let post = (note: string): void => {
    early = note;
    starting.abort();
  };
  o.onStart((note) => post(note));
  const unread = (e: NodeJS.ErrnoException): void => {
    if (e.code === "EPIPE") post("sys: write on closed pipe");
  };
  process.stdout.on("error", unread);
  const streams = plainStreams();
  const outside = new Map<string, Uint8Array>();
  try {
    kernel = await booted({ ...options, rw: options.rw ?? false, root: options.root && { ...options.root, first: true } }, cwd, {
      streams, wrap: traceLog(options.trace, cwd), servers: { run: given(outside) },
    });
    const { sys } = kernel;
    sys.notify(() => true);
    await mountAll(sys, options, cwd, starting.signal);
    const path = await found(sys, name, cwd, o.env, outside);
    const fds = await standard(sys, streams);
    sys.rfork({ env: "clean" });
    for (const [key, value] of Object.entries(o.env)) if (value !== undefined && key !== "" && !key.includes("/")) sys.setenv(key, [value]);
    const pid = await sys.spawn({ path, argv: args, fds, noteGroup: "new" }).catch((e: unknown) => {
      throw e instanceof NineError ? new NineError(`${name}: ${e.message}`, e.errno) : e;
    });
    post = (note) => kernel?.postNote(pid, note);
    if (early !== undefined) post(early);
    return exitCodeOf((await sys.wait(pid)).status);
  } finally {
    process.stdout.off("error", unread);
    kernel?.shutdown();
    streams.close();
  }
}

/** fds 0, 1 and 2: a terminal as a terminal, anything else as a stream. */
async function standard(sys: Sys, { stdin, stdout, stderr }: Streams): Promise<Map<number, number>> {
  return new Map([
    [0, stdin.isTTY ? await sys.open("/dev/cons", ORDWR) : await sys.open("/dev/stdin", OREAD)],
    [1, stdout.isTTY && stdin.isTTY ? await sys.open("/dev/cons", ORDWR) : await sys.open("/dev/stdout", OWRITE)],
    [2, stderr.isTTY && stdin.isTTY ? await sys.open("/dev/cons", ORDWR) : await sys.open("/dev/stderr", OWRITE)],
  ]);
}

/** Files of the host that are run though the name space has them not. */
function given(files: ReadonlyMap<string, Uint8Array>): ReturnType<typeof tree> {
  const root = dir({});
  return tree("run", {
    ...root,
    walk(name) {
      const data = files.get(name);
      return data && file(data);
    },
  });
}

function file(data: Uint8Array): FileNode {
  return { mode: 0o555, length: () => data.length, open: () => ({ read: (at, n) => data.subarray(at, at + n) }) };
}

/** Where the program is: in the name space, else on the host. Rejects with a NineError that names it. */
async function found(sys: Sys, name: string, cwd: string, env: RunOptions["env"], outside: Map<string, Uint8Array>): Promise<string> {
  for (const path of name.includes("/") ? [name] : [`./${name}`, `/bin/${name}`]) {
    try {
      if (!((await sys.stat(path)).mode & DMDIR)) return path;
    } catch (e) {
      if (!(e instanceof NineError) || (e.errno !== errno.ENOENT && e.errno !== errno.ENOTDIR)) throw e;
    }
  }
  const places = name.includes("/") ? [resolve(cwd, name)] : (env.PATH ?? "").split(delimiter).filter((p) => p !== "").map((p) => join(p, name));
  for (const path of places) {
    try {
      if (!statSync(path).isFile()) continue;
      const base = path.slice(path.lastIndexOf("/") + 1);
      outside.set(base, readFileSync(path));
      return `#run/${base}`;
    } catch (e) {
      const why = hostError(e);
      if (!(why instanceof NineError)) throw e;
      if (why.errno !== errno.ENOENT && why.errno !== errno.ENOTDIR) throw new NineError(`${name}: ${why.message}`, why.errno);
    }
  }
  throw new NineError(`${name}: file does not exist`);
}
