/**
 * system: the whole of nineplex in this program: the name space of "Where you are" in the README, with
 * rc and the tools in /bin, the devices, /tmp in memory, and a directory of this machine in /host if
 * one is given. Verbs that boot begin here, and so do programs that use nineplex as a library.
 */
import { boot, type Booted, type Device, MAFTER, MBEFORE, MCREATE, MREPL, type Program } from "../../kernel/index.ts";
import { dir, type Portal, type Server, textFile } from "../../proto/index.ts";
import { bin, callerPid, callerTree, Cons, devFiles, dup, env, host, LiveTrace, mntgen, pages, pipe, proc, ram, srv, tree } from "../../servers/index.ts";
import { rc } from "../rc/index.ts";
import { tar, tarfs, tools } from "../tools/index.ts";
import { connect, reportBug } from "./connect.ts";
import { idly, nodeHost } from "./host.ts";
import { hostFiles } from "./hostfiles.ts";
import { manFiles } from "./manfiles.ts";
import { me } from "./me.ts";
import { Seeded } from "./seeded.ts";
import { noStreams, type Streams } from "./streams.ts";
import { gunzip, tarFormat } from "./tarformat.ts";

/** Directories of the root: places to mount on. Besides, /lib/namespace says what is mounted at boot, and /lib/man has the manual. */
const ROOT = ["bin", "dev", "env", "fd", "host", "mnt", "n", "net", "proc", "srv", "tmp", "vol"];

export interface SystemOptions {
  /** The directory of this machine that is /host; default none, and nothing of the machine is visible. */
  readonly host?: string;
  /** /host may be written; default true. */
  readonly writable?: boolean;
  /** It may be written also where that cannot be confined to it (serve's --unsafe-host); default true, since it is this user alone who writes. */
  readonly unsafeHost?: boolean;
  /** Directory that file names in addresses are relative to; default the process's. */
  readonly cwd?: string;
  /** Who processes run as; default the user of this process. */
  readonly uname?: string;
  /** Bytes of the largest 9P message on wires; default 1 MiB. */
  readonly msize?: number;
  /** A directory of this machine that is /, with the usual directories on top; `first`: what it has in bin hides the tools. */
  readonly root?: { readonly dir: string; readonly writable: boolean; readonly first?: boolean };
  /** Bytes of RAM of the machine that guests run on. */
  readonly ram?: number;
  /** Told of each call of a guest. */
  readonly strace?: (line: string) => void;
  /** Chance and the clock come from this number: the same one, the same run. */
  readonly seed?: number;
  /** Programs of /bin besides the tools, or instead of them. */
  readonly programs?: Iterable<readonly [string, Program]>;
  /** Further servers by '#' name. */
  readonly servers?: Readonly<Record<string, Server | Device>>;
  /** Variables of the first process besides the usual ones. */
  readonly env?: Iterable<readonly [string, readonly string[]]>;
  /** The root alone: whoever boots mounts the rest. */
  readonly bare?: boolean;
  /** /dev/trace, which shows what everybody reads and writes; default true. */
  readonly trace?: boolean;
  /** What /dev/cons, stdin, stdout and stderr are; default nothing comes in, and what goes out is lost. */
  readonly streams?: Streams;
  /** What /dev/history is to have; default there is none. */
  readonly history?: () => string;
  /** An address as `ns` and traces tell it; default with its token. */
  readonly shown?: (addr: string) => string;
  /** Put around every portal the kernel holds, such as trace. */
  readonly wrap?: (portal: Portal, spec: string) => Portal;
}

export interface System extends Booted {
  readonly cons: Cons;
}

/** Boots. The first process, `sys`, is in /host, or in / without one. */
export async function system(o: SystemOptions = {}): Promise<System> {
  const outside = nodeHost();
  const node = o.seed === undefined ? outside : new Seeded(o.seed);
  const { name, uid } = me();
  const uname = o.uname ?? name;
  const cwd = o.cwd ?? process.cwd();
  const streams = o.streams ?? noStreams();
  const wrap = o.wrap ?? ((portal: Portal) => portal);
  const programs = new Map<string, Program>([...tools, ["tar", tar({ format: tarFormat })], ["tarfs", tarfs({ format: tarFormat, gunzip })], ["rc", rc({})], ...(o.programs ?? [])]);
  const live = new LiveTrace();
  const cons = new Cons(streams.console);
  const shared = { ...devFiles({ now: node.now, random: node.random, ...streams }), fd: { readlink: () => "/fd" }, ...(o.history && { history: textFile(o.history) }) };
  const dev: Device = (kernel) => ({
    name: "dev",
    attach(_call, aname) {
      const pid = callerPid(kernel, aname);
      const files = cons.files({
        group: (by = pid) => kernel.proc(by)?.noteid,
        whenOver(group, over) {
          const known = kernel.noteGroup(group);
          known?.atEnd.add(over);
          return known !== undefined;
        },
      });
      return callerTree(shared, { ...files, tty: files.cons, ...(o.trace !== false && { trace: live.file(kernel, pid) }) });
    },
  });
  const files = o.host === undefined ? undefined : hostFiles(o.host);
  const under = o.root && hostFiles(o.root.dir);
  const mounts = [
    ...(o.root ? [{ from: "#under", to: "/", flag: MBEFORE | MCREATE }] : []),
    { from: "#bin", to: "/bin", flag: !o.root ? MREPL : o.root.first ? MAFTER : MBEFORE }, { from: "#dev", to: "/dev", flag: MREPL }, { from: "#tmp", to: "/tmp", flag: MREPL | MCREATE },
    { from: "#mntgen", to: "/n", flag: MREPL }, { from: "#e", to: "/env", flag: MREPL | MCREATE }, { from: "#d", to: "/fd", flag: MREPL },
    { from: "#s", to: "/srv", flag: MREPL | MCREATE }, { from: "#p", to: "/proc", flag: MREPL }, ...(files ? [{ from: "#host", to: "/host", flag: MREPL | MCREATE }] : []),
  ];
  const namespace = mounts.map((x) => `bind ${x.flag & MCREATE ? "-c " : ""}${x.from} ${x.to}\n`).join("");
  const root = { ...Object.fromEntries(ROOT.map((x) => [x, dir({})])), lib: dir({ man: pages(manFiles), namespace: textFile(() => namespace) }) };
  const servers: Record<string, Server | Device> = {
    root: tree("root", dir(root)), pipe: pipe(), bin: bin(programs.keys()),
    dev, tmp: ram({ now: node.now, owner: uname, mode: 0o777 }), mntgen: mntgen(), env, dup, srv, proc, ...o.servers,
    ...(under && { under: host(under, { writable: o.root?.writable ?? false, unsafe: true, now: outside.now, sleep: idly }) }),
    ...(files && { host: host(files, { writable: o.writable !== false, unsafe: o.unsafeHost ?? true, now: outside.now, sleep: idly }) }),
  };
  const booted = await boot({
    host: node, servers, programs, uname, uid, ...(o.ram !== undefined && { ramBytes: o.ram }), ...(o.strace && { strace: o.strace }),
    wrap: (portal, spec) => live.wrap(wrap(portal, spec), spec),
    dial: (addr, signal) => connect(addr, { cwd, signal, ...(o.msize !== undefined && { msize: o.msize }) }),
    ...(o.shown && { shown: o.shown }),
    open: { bug: (e) => reportBug(e, "server"), bootSec: Math.floor(node.now() / 1000), ...(files && { users: files.users }) },
    mounts: o.bare ? [] : mounts,
    env: new Map<string, readonly string[]>([
      ["user", [uname]], ["sysname", ["nineplex"]], ["home", [files ? "/host" : "/"]], ["path", [".", "/bin"]],
      ["timezone", [`local ${-60 * new Date(node.now()).getTimezoneOffset()}`]], ...(o.env ?? []),
    ]),
  });
  if (files && !o.bare) await booted.sys.chdir("/host");
  const shutdown = (): void => {
    booted.shutdown();
    files?.close();
    under?.close();
  };
  return { ...booted, cons, shutdown, [Symbol.dispose]: shutdown };
}
