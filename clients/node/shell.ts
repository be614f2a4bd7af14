/**
 * shell: the booted system as a person meets it: rc on the standard streams, Ctrl-C as a note. One
 * kernel, ended when rc ends.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Program, Sys } from "../../kernel/index.ts";
import { DMDIR, Eisdir, errno, NineError, OREAD, ORDWR, OWRITE } from "../../proto/index.ts";
import { Editor, entryLine, History } from "../edit/index.ts";
import { rc, type Text } from "../rc/index.ts";
import { decode } from "../tools/lib/bytes.ts";
import { readAll } from "../tools/lib/readall.ts";
import { about } from "../tools/lib/tool.ts";
import type { TtyNote } from "../tty.ts";
import { booted, mountAll } from "./boot.ts";
import { perhaps, VERBS } from "./commandline.ts";
import { hostError } from "./guard.ts";
import { HistoryFile, historyPath } from "./historyfile.ts";
import { nodeHost } from "./host.ts";
import type { Options } from "./options.ts";
import { plainStreams, type Streams, terminalStreams } from "./streams.ts";
import type { System } from "./system.ts";
import { traceLog } from "./tracelog.ts";

export interface ShellOptions {
  readonly options: Options;
  /** A script: found in the name space, else a file of the host. Not with options.command. */
  readonly script?: string;
  /** Arguments of the command or the script. */
  readonly args: readonly string[];
  /** The caller's directory. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called at once, with what is to be told of the host's signals. */
  readonly onStart: (interrupt: () => void, hangup: () => void) => void;
}

/** Boots, runs rc to its end, and settles with its status as an exit code. */
export async function shell(o: ShellOptions): Promise<number> {
  const { options } = o;
  const traced = traceLog(options.trace, o.cwd);
  const asked = options.command !== undefined || o.script !== undefined;
  const starting = new AbortController();
  let kernel: System | undefined;
  /** Until rc runs, a note is for what is being mounted, and then for rc. */
  let early: string | undefined;
  let post = (note: string): void => {
    early = note;
    starting.abort();
    kernel?.postNote(kernel.sys.pid, note);
  };
  /** Of the terminal: for the note group in its foreground. A shell that gives it to nobody is not to be stopped. */
  const key = (note: TtyNote): void => {
    const group = kernel?.cons.foreground;
    if (group !== undefined) kernel?.postNoteGroup(group, note);
    else if (note !== "stop") post(note);
  };
  o.onStart(() => key("interrupt"), () => post("hangup"));
  const interactive = !asked && process.stdin.isTTY && process.stdout.isTTY;
  // Nobody is left to write to: what would go on writing ends, as by Plan 9's note.
  const unread = (e: NodeJS.ErrnoException): void => {
    if (e.code === "EPIPE") post("sys: write on closed pipe");
  };
  process.stdout.on("error", unread);
  const streams = interactive ? terminalStreams(key) : plainStreams();
  const file = interactive ? historyPath(o.env, o.cwd) : undefined;
  const history = new History(file === undefined ? undefined : new HistoryFile(file));
  try {
    const { TERM } = o.env;
    kernel = await booted(options, o.cwd, {
      streams, wrap: traced, ...(interactive && { history: () => history.entries.map(entryLine).join("") }), programs: [["rc", prompting(streams, history, interactive ? readProfile(o.env, o.cwd) : undefined)]], ...(TERM !== undefined && { env: [["TERM", [TERM]]] }),
    });
    const { sys } = kernel;
    sys.notify(() => true);
    await mountAll(sys, options, o.cwd, starting.signal);
    const script = o.script === undefined ? undefined : { name: o.script, text: await readScript(sys, o.script, o.cwd) };
    // rc reads commands a line at a time, so that what follows them is its children's; a command given has all of the input.
    const needed = (path: string, mode: number): Promise<number> => about(`${options.ns === undefined ? "" : `--ns ${options.ns}: a shell needs /dev: `}${path}`, () => sys.open(path, mode));
    await needed(asked ? "/dev/stdin" : "/dev/cons", OREAD);
    await needed("/dev/stdout", OWRITE);
    await needed("/dev/stderr", OWRITE);
    const argv = ["rc", ...(options.command === undefined ? [] : ["-c", options.command]), ...o.args];
    const pid = await about("/bin/rc", () => sys.spawn({ ...(script ? { main: rc({ script }) } : { path: "/bin/rc" }), argv, noteGroup: "new" }));
    post = (note) => kernel?.postNote(pid, note);
    if (early !== undefined) post(early);
    const { status } = await sys.wait(pid);
    return exitCode(status);
  } finally {
    process.stdout.off("error", unread);
    kernel?.shutdown();
    streams.close();
  }
}

/** rc: a decimal status is itself, any other that is not empty is 1. */
export function exitCode(status: string): number {
  if (status === "" || status === "0") return 0;
  return /^[1-9]\d{0,2}$/.test(status) && Number(status) <= 255 ? Number(status) : 1;
}

/** $NINEPLEX_PROFILE, by default nineplex/profile where XDG keeps configuration; none when that is empty, or cannot be read. */
function readProfile(env: ShellOptions["env"], cwd: string): Text | undefined {
  const { NINEPLEX_PROFILE: named, XDG_CONFIG_HOME: config } = env;
  if (named === "") return undefined;
  const name = named === undefined ? join(config?.startsWith("/") ? config : join(homedir(), ".config"), "nineplex/profile") : resolve(cwd, named);
  try {
    return { name, text: decode(readFileSync(name)) };
  } catch {
    return undefined;
  }
}

/** The text of a script, which is looked for in the name space and then on the host. Rejects with a NineError that names it. */
async function readScript(sys: Sys, file: string, cwd: string): Promise<string> {
  const wrong = (why: NineError): NineError => new NineError(`${file}: ${why.message}`, why.errno);
  let data: Uint8Array;
  try {
    data = (await readNamed(sys, file)) ?? readFileSync(resolve(cwd, file));
  } catch (e) {
    const why = hostError(e);
    if (!(why instanceof NineError)) throw e;
    if (why.errno !== errno.ENOENT || file.includes("/") || file.includes(".")) throw wrong(why);
    throw new NineError(`${file}: file does not exist, nor is it a verb${perhaps(file, VERBS)}; a command goes after -c; see nineplex -h`, why.errno);
  }
  const text = decode(data);
  if (text.includes("\0")) throw wrong(new NineError("no script: it has a NUL in it"));
  if (text.startsWith("#!host ")) throw wrong(new NineError("a program, not a script: run it with -c"));
  return text;
}

/** A file's contents; undefined when the name space has no such file. */
async function readNamed(sys: Sys, file: string): Promise<Uint8Array | undefined> {
  try {
    if ((await sys.stat(file)).mode & DMDIR) throw new NineError(Eisdir);
    return await readAll(sys, file);
  } catch (e) {
    if (e instanceof NineError && (e.errno === errno.ENOENT || e.errno === errno.ENOTDIR)) return undefined;
    throw e;
  }
}

/** rc, with line editing where a person types; on a terminal that can do nothing else, with a prompt alone. */
function prompting(streams: Streams, history: History, profile: Text | undefined): Program {
  return rc({
    ...(profile && { profile }),
    lineEditor: (sys) => {
      if (!streams.console.isTTY || !process.stdout.isTTY || !onConsole(sys)) return undefined;
      return dumb(sys.getenv("TERM")?.[0]) ? "plain" : editor(sys, history);
    },
  });
}

function dumb(term: string | undefined): boolean {
  return term === "dumb" || term === "";
}

/** Does the process read the console? */
function onConsole(sys: Sys): boolean {
  try {
    return ["/dev/cons", "/dev/tty"].includes(sys.fd2path(0));
  } catch {
    return false;
  }
}

/** Line editing for rc on the name space's console. */
function editor(sys: Sys, history: History): Editor {
  const cons = sys.open("/dev/cons", ORDWR);
  const ctl = sys.open("/dev/consctl", OWRITE);
  const bytes = new TextEncoder();
  const { sleep, yield: pause } = nodeHost();
  return new Editor({
    // A note ends the read: the signal has nothing to add.
    read: async () => sys.read(await cons),
    write: async (data) => void (await sys.write(await cons, data)),
    setRaw: async (on) => void (await sys.write(await ctl, bytes.encode(on ? "rawon" : "rawoff"))),
    size: () => ({ rows: process.stdout.rows ?? 0, cols: process.stdout.columns ?? 0 }),
    onResize(f) {
      process.stdout.on("resize", f);
      return () => process.stdout.off("resize", f);
    },
    pause, sleep, history,
  });
}
