/**
 * system: the name space of "Where you are" in the README, as a kernel boots it: rc and the tools in
 * /bin, the devices, /tmp in memory, the host's files in /host, or what --ns says instead, and what
 * --mount adds. The verbs that boot begin here.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { boot, type Booted, type Device, MBEFORE, MAFTER, MCREATE, MREPL, nsFile, type Program, type Sys } from "../../kernel/index.ts";
import { dir, NineError, type Portal, readonly, type Server, textFile } from "../../proto/index.ts";
import { bin, callerPid, callerTree, Cons, devFiles, dup, env, host, LiveTrace, mntgen, pipe, proc, ram, srv, tree } from "../../servers/index.ts";
import { tarfs, tools } from "../tools/index.ts";
import { connect, reportBug } from "./connect.ts";
import { hostError } from "./guard.ts";
import { idly, nodeHost } from "./host.ts";
import { hostFiles } from "./hostfiles.ts";
import { me } from "./me.ts";
import type { Options } from "./options.ts";
import { Seeded } from "./seeded.ts";
import type { Streams } from "./streams.ts";
import { gunzip, tarFormat } from "./tarformat.ts";

/** Directories of the root: places to mount on. Besides, /lib/namespace says what is mounted at boot. */
const ROOT = ["bin", "dev", "env", "fd", "host", "mnt", "n", "net", "proc", "srv", "tmp", "vol"];

export interface SystemOptions {
  readonly options: Options;
  /** The caller's directory, /host. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What /bin/rc runs. */
  readonly rc: Program;
  /** Others may write to /host, where that can be confined or they are trusted all the same; absent: it is this user alone who writes. */
  readonly unsafeHost?: boolean;
}

/** Boots a kernel with that name space, its devices on these streams; `wrap` is put around every portal it holds. */
export async function bootSystem(o: SystemOptions, streams: Streams, wrap: (portal: Portal, spec: string) => Portal): Promise<Booted & { readonly cons: Cons }> {
  const { options } = o;
  const outside = nodeHost();
  const node = options.seed === undefined ? outside : new Seeded(options.seed);
  const { name, uid } = me();
  const uname = options.uname ?? name;
  const programs = new Map<string, Program>([...tools, ["tarfs", tarfs({ format: tarFormat, gunzip })], ["rc", o.rc]]);
  const live = new LiveTrace();
  const cons = new Cons(streams.console);
  const shared = { ...devFiles({ now: node.now, random: node.random, ...streams }), fd: { readlink: () => "/fd" } };
  const dev: Device = (kernel) => ({
    name: "dev",
    attach(_call, aname) {
      const pid = callerPid(kernel, aname);
      // What the first process opens its children have for their own, in whatever group they are.
      const files = cons.files(() => (pid === 1 ? undefined : kernel.proc(pid)?.noteid));
      return callerTree(shared, { ...files, tty: files.cons, trace: live.file(kernel, pid) });
    },
  });
  const files = options.host ? hostFiles(o.cwd) : undefined;
  const mounts = [
    { from: "#bin", to: "/bin", flag: MREPL }, { from: "#dev", to: "/dev", flag: MREPL }, { from: "#tmp", to: "/tmp", flag: MREPL | MCREATE },
    { from: "#mntgen", to: "/n", flag: MREPL }, { from: "#e", to: "/env", flag: MREPL | MCREATE }, { from: "#d", to: "/fd", flag: MREPL },
    { from: "#s", to: "/srv", flag: MREPL | MCREATE }, { from: "#p", to: "/proc", flag: MREPL }, ...(files ? [{ from: "#host", to: "/host", flag: MREPL | MCREATE }] : []),
  ];
  const namespace = mounts.map((x) => `bind ${x.flag & MCREATE ? "-c " : ""}${x.from} ${x.to}\n`).join("");
  const root = { ...Object.fromEntries(ROOT.map((x) => [x, dir({})])), lib: dir({ namespace: textFile(() => namespace) }) };
  const servers: Record<string, Server | Device> = {
    root: tree("root", dir(root)), pipe: pipe(), bin: bin(programs.keys()),
    dev, tmp: ram({ now: node.now, owner: uname, mode: 0o777 }), mntgen: mntgen(), env, dup, srv, proc,
    ...(files && { host: host(files, { writable: options.rw !== false, unsafe: o.unsafeHost ?? true, now: outside.now, sleep: idly }) }),
  };
  const booted = await boot({
    host: node, servers, programs, uname, uid, wrap: (portal, spec) => live.wrap(wrap(portal, spec), spec), dial: (addr, signal) => connect(addr, { msize: options.msize, cwd: o.cwd, signal }), open: { bug: (e) => reportBug(e, "server"), ...(files && { users: files.users }) },
    // --ns says all of it instead.
    mounts: options.ns === undefined ? mounts : [],
    env: new Map<string, readonly string[]>([
      ["user", [uname]], ["sysname", ["nineplex"]], ["home", [files ? "/host" : "/"]], ["path", [".", "/bin"]],
      ["timezone", [`local ${-60 * new Date(node.now()).getTimezoneOffset()}`]],
      ...(o.env.TERM === undefined ? [] : [["TERM", [o.env.TERM]] as [string, string[]]]),
    ]),
  });
  return Object.assign(booted, { cons });
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
