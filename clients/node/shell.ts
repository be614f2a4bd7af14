/**
 * shell: the booted system as a person meets it: the name space of "Where you are" in the README,
 * rc on the standard streams, Ctrl-C as a note. One kernel, ended when rc ends.
 */
import { userInfo } from "node:os";
import { boot, type Booted, MBEFORE, MAFTER, MCREATE, MREPL, type Program, type Sys } from "../../kernel/index.ts";
import { dir, type DirNode, NineError, OREAD, ORDWR, OWRITE, type Portal, readonly, type Server } from "../../proto/index.ts";
import { bin, consFiles, devFiles, host, mntgen, pipe, ram, tree } from "../../servers/index.ts";
import { type LineEditor, rc } from "../rc/index.ts";
import { tools } from "../tools/index.ts";
import { connect } from "./connect.ts";
import { nodeHost } from "./host.ts";
import { hostFiles } from "./hostfiles.ts";
import { lineEditor } from "./lineedit.ts";
import type { Options } from "./options.ts";
import { plainStreams, type Streams, terminalStreams } from "./streams.ts";
import { traceLog } from "./tracelog.ts";

/** Directories of the root: places to mount on. */
const ROOT = ["bin", "dev", "env", "fd", "host", "mnt", "n", "net", "proc", "srv", "tmp", "vol"];

export interface ShellOptions {
  readonly options: Options;
  /** rc's arguments: [], ["-c", CMD, ...], or [FILE, ...]. */
  readonly args: readonly string[];
  /** The caller's directory. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with what stops the system, to be told of the host's signals. */
  readonly onStart: (interrupt: () => void, hangup: () => void) => void;
}

/** Boots, runs rc to its end, and settles with its status as an exit code. */
export async function shell(o: ShellOptions): Promise<number> {
  const { options } = o;
  let interrupt = (): void => undefined;
  const interactive = o.args.length === 0 && process.stdin.isTTY && process.stdout.isTTY;
  const streams = interactive ? terminalStreams(() => interrupt()) : plainStreams();
  const tracing = traceLog(options.trace);
  let kernel: Booted | undefined;
  try {
    kernel = await bootShell(o, streams, (portal, spec) => tracing.wrap(portal, spec));
    const { sys } = kernel;
    await mountAll(sys, options, o.cwd);
    await sys.chdir(options.host ? "/host" : "/");
    // rc reads commands a line at a time, so that what follows them is its children's; a command given has all of the input.
    await sys.open(interactive || o.args.length === 0 ? "/dev/cons" : "/dev/stdin", OREAD);
    await sys.open("/dev/stdout", OWRITE);
    await sys.open("/dev/stderr", OWRITE);
    const pid = await sys.spawn({ path: "/bin/rc", argv: ["rc", ...o.args], noteGroup: "new" });
    const post = (note: string): void => kernel?.postNote(pid, note);
    interrupt = () => post("interrupt");
    o.onStart(interrupt, () => post("hangup"));
    const { status } = await sys.wait(pid);
    return exitCode(status);
  } finally {
    kernel?.shutdown();
    streams.close();
    tracing.close();
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
  const { username, uid } = userInfo();
  const uname = options.uname ?? username;
  const programs = new Map<string, Program>([
    ...tools({ dial: (addr) => connect(addr, { msize: options.msize, cwd: o.cwd }) }),
    ["rc", rc({ lineEditor: (sys) => (streams.console.isTTY && process.stdout.isTTY ? editor(sys) : undefined) })],
  ]);
  const dev: DirNode = dir({ ...devFiles({ now: node.now, random: node.random, ...streams }), ...consFiles(streams.console) });
  const files = options.host ? hostFiles(o.cwd) : undefined;
  const servers: Record<string, Server> = {
    root: tree("root", dir(Object.fromEntries(ROOT.map((name) => [name, dir({})])))), pipe: pipe(), bin: bin(programs.keys()),
    dev: tree("dev", dev), tmp: ram({ now: node.now, owner: uname, mode: 0o777 }), mntgen: mntgen(),
    ...(files && { host: host(files, { writable: options.rw !== false, unsafe: true, now: node.now }) }),
  };
  return boot({
    host: node, servers, programs, uname, uid, wrap, ...(files && { open: { users: files.users } }),
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

/** --mount, in order. */
async function mountAll(sys: Sys, options: Options, cwd: string): Promise<void> {
  for (const m of options.mounts) {
    try {
      const portal = await connect(m.addr, { msize: options.msize, cwd });
      const order = m.order === "before" ? MBEFORE : m.order === "after" ? MAFTER : MREPL;
      await sys.mount(m.readonly ? readonly(portal) : portal, m.path, order | MCREATE, "", m.text);
    } catch (e) {
      throw e instanceof NineError ? new NineError(`--mount ${m.text}:${m.path}: ${e.message}`, e.errno) : e;
    }
  }
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
