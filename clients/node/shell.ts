/**
 * shell: the booted system as a person meets it: the name space of "Where you are" in the README,
 * rc on the standard streams, Ctrl-C as a note. One kernel, ended when rc ends.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { boot, type Booted, MBEFORE, MAFTER, MCREATE, MREPL, type Program, type Sys } from "../../kernel/index.ts";
import { dir, type DirNode, DMDIR, Eisdir, errno, NineError, OREAD, ORDWR, OWRITE, type Portal, readonly, type Server } from "../../proto/index.ts";
import { bin, consFiles, devFiles, host, mntgen, pipe, ram, tree } from "../../servers/index.ts";
import { type LineEditor, rc } from "../rc/index.ts";
import { tools } from "../tools/index.ts";
import { decode, join } from "../tools/lib/bytes.ts";
import { connect, reportBug } from "./connect.ts";
import { idly, nodeHost } from "./host.ts";
import { hostError } from "./guard.ts";
import { hostFiles } from "./hostfiles.ts";
import { lineEditor } from "./lineedit.ts";
import { me } from "./me.ts";
import type { Options } from "./options.ts";
import { plainStreams, type Streams, terminalStreams } from "./streams.ts";
import { traceLog } from "./tracelog.ts";

/** Directories of the root: places to mount on. */
const ROOT = ["bin", "dev", "env", "fd", "host", "mnt", "n", "net", "proc", "srv", "tmp", "vol"];

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
  let kernel: Booted | undefined;
  /** Until rc runs, a note is for what is being mounted. */
  let post = (note: string): void => {
    starting.abort();
    kernel?.postNote(kernel.sys.pid, note);
  };
  const interrupt = (): void => post("interrupt");
  o.onStart(interrupt, () => post("hangup"));
  const interactive = !asked && process.stdin.isTTY && process.stdout.isTTY;
  // Nobody is left to write to: what would go on writing ends, as by Plan 9's note.
  const unread = (e: NodeJS.ErrnoException): void => {
    if (e.code === "EPIPE") post("sys: write on closed pipe");
  };
  process.stdout.on("error", unread);
  const streams = interactive ? terminalStreams(interrupt) : plainStreams();
  try {
    kernel = await bootShell(o, streams, traced);
    const { sys } = kernel;
    sys.notify(() => true);
    await mountAll(sys, o, starting.signal);
    await sys.chdir(options.host ? "/host" : "/");
    const script = o.script === undefined ? undefined : { name: o.script, text: await readScript(sys, o.script, o.cwd) };
    // rc reads commands a line at a time, so that what follows them is its children's; a command given has all of the input.
    await sys.open(asked ? "/dev/stdin" : "/dev/cons", OREAD);
    await sys.open("/dev/stdout", OWRITE);
    await sys.open("/dev/stderr", OWRITE);
    const argv = ["rc", ...(options.command === undefined ? [] : ["-c", options.command]), ...o.args];
    const pid = await sys.spawn({ ...(script ? { main: rc({ script }) } : { path: "/bin/rc" }), argv, noteGroup: "new" });
    post = (note) => kernel?.postNote(pid, note);
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

async function bootShell(o: ShellOptions, streams: Streams, wrap: (portal: Portal, spec: string) => Portal): Promise<Booted> {
  const { options } = o;
  const node = nodeHost();
  const { name, uid } = me();
  const uname = options.uname ?? name;
  const programs = new Map<string, Program>([
    ...tools({ dial: (addr, sys) => dialFor(sys, addr, o) }),
    ["rc", rc({ lineEditor: (sys) => (streams.console.isTTY && process.stdout.isTTY ? editor(sys) : undefined) })],
  ]);
  const dev: DirNode = dir({ ...devFiles({ now: node.now, random: node.random, ...streams }), ...consFiles(streams.console) });
  const files = options.host ? hostFiles(o.cwd) : undefined;
  const servers: Record<string, Server> = {
    root: tree("root", dir(Object.fromEntries(ROOT.map((name) => [name, dir({})])))), pipe: pipe(), bin: bin(programs.keys()),
    dev: tree("dev", dev), tmp: ram({ now: node.now, owner: uname, mode: 0o777 }), mntgen: mntgen(),
    ...(files && { host: host(files, { writable: options.rw !== false, unsafe: true, now: node.now, sleep: idly }) }),
  };
  return boot({
    host: node, servers, programs, uname, uid, wrap, open: { bug: (e) => reportBug(e, "server"), ...(files && { users: files.users }) },
    mounts: [
      { from: "#bin", to: "/bin", flag: MREPL }, { from: "#dev", to: "/dev", flag: MREPL }, { from: "#tmp", to: "/tmp", flag: MREPL | MCREATE },
      { from: "#mntgen", to: "/n", flag: MREPL }, ...(files ? [{ from: "#host", to: "/host", flag: MREPL | MCREATE }] : []),
    ],
    env: new Map<string, readonly string[]>([
      ["user", [uname]], ["sysname", ["nineplex"]], ["home", [files ? "/host" : "/"]], ["path", [".", "/bin"]],
      ["timezone", [`local ${-60 * new Date().getTimezoneOffset()}`]],
      ...(o.env.TERM === undefined ? [] : [["TERM", [o.env.TERM]] as [string, string[]]]),
    ]),
  });
}

/** Connects for a process: a note ends that too. */
async function dialFor(sys: Sys, addr: string, o: ShellOptions): Promise<Portal> {
  const stop = new AbortController();
  sys.notify(() => {
    stop.abort();
    return false;
  });
  try {
    return await connect(addr, { msize: o.options.msize, cwd: o.cwd, signal: stop.signal });
  } finally {
    sys.notify(undefined);
  }
}

/** --mount, in order. */
async function mountAll(sys: Sys, { options, cwd }: ShellOptions, signal: AbortSignal): Promise<void> {
  for (const m of options.mounts) {
    try {
      const portal = await connect(m.addr, { msize: options.msize, cwd, signal });
      const order = m.order === "before" ? MBEFORE : m.order === "after" ? MAFTER : MREPL;
      await sys.mount(m.readonly ? readonly(portal) : portal, m.path, order | MCREATE, "", m.text);
    } catch (e) {
      throw e instanceof NineError ? new NineError(`--mount ${m.text}:${m.path}: ${e.message}`, e.errno) : e;
    }
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
    throw new NineError(`${file}: file does not exist, nor is it a verb; a command goes after -c; see nineplex -h`, why.errno);
  }
  const text = decode(data);
  if (text.includes("\0")) throw wrong(new NineError("no script: it has a NUL in it"));
  if (text.startsWith("#!host ")) throw wrong(new NineError("a program, not a script: run it with -c"));
  return text;
}

/** A file's contents; undefined when the name space has no such file. */
async function readNamed(sys: Sys, file: string): Promise<Uint8Array | undefined> {
  let fd: number;
  try {
    if ((await sys.stat(file)).mode & DMDIR) throw new NineError(Eisdir);
    fd = await sys.openRead(file);
  } catch (e) {
    if (e instanceof NineError && (e.errno === errno.ENOENT || e.errno === errno.ENOTDIR)) return undefined;
    throw e;
  }
  const parts: Uint8Array[] = [];
  for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) parts.push(data);
  await sys.close(fd);
  return join(parts);
}

/** Line editing for rc on the name space's console. */
function editor(sys: Sys): LineEditor {
  const cons = sys.open("/dev/cons", ORDWR);
  const ctl = sys.open("/dev/consctl", OWRITE);
  const bytes = new TextEncoder();
  let rows = { rows: process.stdout.rows, cols: process.stdout.columns };
  process.stdout.on("resize", () => {
    rows = { rows: process.stdout.rows, cols: process.stdout.columns };
  });
  return lineEditor({
    // A note ends the read: the signal has nothing to add.
    read: async () => sys.read(await cons),
    write: async (data) => void (await sys.write(await cons, data)),
    setRaw: async (on) => void (await sys.write(await ctl, bytes.encode(on ? "rawon" : "rawoff"))),
    size: () => rows,
  });
}
