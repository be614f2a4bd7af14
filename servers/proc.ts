/**
 * proc: processes as directories of files, proc(3): who they are, what they have open, their name
 * space, and files to be written to stop, start, note or kill them. `self` is a symbolic link to the
 * caller's directory. Those that show nothing secret everybody may read, what changes a process is its
 * owner's (devproc.c). Invariant: an open file whose process has ended says "process exited", and its
 * pid is nobody else's ever. What a host process does not have, memory and registers, has no files, and
 * its segment is empty; regs and maps are text here. Used as '#p'.
 */
import {
  type Awaitable, type Call, type DirNode, DMDIR, DT_DIR, DT_LNK, Efbig, encode, Enonexist, type Entry, Eperm, errno, type FileNode,
  type LinkNode, type Node, NineError, type OpenFile, OREAD, OWRITE, type Portal, QTDIR, QTFILE, type Qid, QTSYMLINK,
  type Rmsg, type Server, trace,
} from "../proto/index.ts";
import { alive, callerPid, type Procs, rootQid } from "./caller.ts";
import { type FdInfo, fdLine } from "./dup.ts";
import { Lines } from "./lines.ts";
import { snapshot } from "./snapshot.ts";
import type { Tapped } from "./trace.ts";

/** A range of a process's memory. */
export interface Range {
  readonly type: string;
  readonly base: number;
  readonly top: number;
  readonly refs: number;
  /** 1 read, 2 write, 4 execute. */
  readonly prot: number;
  readonly shared: boolean;
  /** What it is of, and from where on; "" for memory alone. */
  readonly file: string;
  readonly offset: number;
}

/** What proc needs of a process. */
export interface ProcInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly user: string;
  readonly name: string;
  readonly args: readonly string[];
  setArgs(args: readonly string[]): void;
  readonly text: string;
  /** Ranges of its memory; a host program has none. */
  readonly segments: readonly Range[];
  /** A program that runs on the machine. */
  readonly isGuest: boolean;
  /** Its registers, as lines. */
  registers(): string;
  readonly state: string;
  readonly ageMs: number;
  readonly dot: string;
  fds(): readonly FdInfo[];
  closeFd(fd: number): void;
  closeFiles(): void;
  note(note: string): void;
  readonly noteGroup: (note: string, but: number) => void;
  readonly noteid: number;
  setNoteid(id: number): void;
  wait(signal: AbortSignal, patient: boolean): Promise<string>;
  stop(): void;
  start(): void;
  stopGroup(): void;
  startGroup(): void;
  interrupt(): void;
  waitstop(signal: AbortSignal): Promise<void>;
  ns(): readonly string[];
  nsRun(text: string, signal: AbortSignal): Promise<void>;
  tap(tap: Tapped, over: () => void): () => void;
}

/** What proc needs of a kernel. */
export interface ProcKernel extends Procs<ProcInfo> {
  pids(): readonly number[];
}

/** ERRMAX: what a note or a control message is shorter than. */
const ERRMAX = 128;
const Ebadctl = "bad process or channel control request";

/** One file of a process's directory. */
interface Kind {
  readonly mode: number;
  /** What open(2)'s modes it is for; any when absent. */
  readonly only?: number;
  /** Only those that run on the machine have it. */
  readonly guest?: true;
  /** What was read of it before the process ended can be read on. */
  readonly outlives?: boolean;
  open(p: () => ProcInfo, caller: number): OpenFile;
}

const shown = (mode: number, get: (p: ProcInfo) => string): Kind => ({ mode, only: OREAD, open: (p) => snapshot(() => get(p())) });

/** Text read, and what is done with what is written. */
function control(mode: number, get: (p: ProcInfo) => string, put: (p: ProcInfo, text: string, call: Call) => Awaitable<void>): Kind {
  return { mode, open: (p) => ({ ...snapshot(() => get(p())), write: (_at, data, call) => written(data, (text) => put(p(), text, call)) }) };
}

/** The files of a process's directory, in the order they are listed and numbered. */
const KINDS: Readonly<Record<string, Kind>> = {
  args: control(0o660, (p) => p.args.map(quoted).join(" "), (p, text) => p.setArgs(tokenize(text))),
  ctl: control(0o640, (p) => number(p.pid), ctl),
  fd: shown(0o444, (p) => `${p.dot}\n${p.fds().map(fdLine).join("")}`),
  maps: { ...shown(0o444, (p) => p.segments.map(mapLine).join("")), guest: true },
  note: control(0o640, () => "", (p, text) => p.note(text)),
  noteid: control(0o664, (p) => number(p.noteid), (p, text) => p.setNoteid(numeral(text))),
  notepg: {
    mode: 0o640, only: OWRITE,
    open(p, caller) {
      const post = p().noteGroup;
      return { write: (_at, data) => written(data, (text) => post(text, caller)) };
    },
  },
  // A script may be longer than a note.
  ns: {
    mode: 0o644,
    open: (p) => ({
      ...snapshot(() => p().ns().map((line) => `${line}\n`).join("")),
      async write(_at, data, { signal }) {
        const { length } = data;
        await p().nsRun(new TextDecoder().decode(data), signal);
        return length;
      },
    }),
  },
  ppid: shown(0o444, (p) => number(p.ppid)),
  regs: { ...shown(0o440, (p) => p.registers()), guest: true },
  segment: shown(0o444, (p) => p.segments.map((s) => `${s.type.padEnd(6)} ${s.prot & 2 ? " " : "R"}  ${hex(s.base)} ${hex(s.top)} ${String(s.refs).padStart(4)}\n`).join("")),
  status: shown(0o444, status),
  text: { mode: 0o440, only: OREAD, open: text },
  trace: { mode: 0o440, only: OREAD, outlives: true, open: messages },
  wait: {
    mode: 0o440, only: OREAD,
    open: (p, caller) => ({ stream: true, read: async (_at, n, call) => encode(await p().wait(call.signal, p().pid !== caller)).subarray(0, n) }),
  },
};
const NAMES = Object.keys(KINDS);
/** Numbers of qids for each process: its directory's, those of its files. */
const EACH = 32;

/** The processes of a kernel; `self` is who attaches, by his pid. */
export function proc(kernel: ProcKernel): Server {
  return { name: "proc", attach: (_call, aname) => rootOf(kernel, callerPid(kernel, aname)) };
}

function rootOf(kernel: ProcKernel, caller: number): DirNode {
  const self: LinkNode = { qid: () => ({ type: QTSYMLINK, vers: 0, pathlo: 1, pathhi: 0 }), readlink: () => String(caller) };
  return {
    mode: 0o555,
    qid: () => rootQid(),
    walk(name) {
      if (name === "self") return self;
      const pid = /^[1-9]\d{0,14}$/.test(name) ? Number(name) : 0;
      return kernel.proc(pid) && directory(kernel, pid, caller);
    },
    *list(): Iterable<Entry> {
      yield ["self", self, DT_LNK];
      for (const pid of kernel.pids()) yield [String(pid), directory(kernel, pid, caller), DT_DIR];
    },
  };
}

function directory(kernel: ProcKernel, pid: number, caller: number): DirNode {
  const p = (): ProcInfo => alive(kernel.proc(pid));
  const has = (name: string): boolean => Object.hasOwn(KINDS, name) && (!KINDS[name]?.guest || p().isGuest);
  const files = (): Entry[] => NAMES.filter(has).map((name) => [name, file(pid, name, p, caller)]);
  return {
    qid: () => numbered(pid, 0, QTDIR),
    stat: () => ({ mode: (DMDIR | 0o555) >>> 0, uid: p().user }),
    walk: (name): Node | undefined => (has(name) ? file(pid, name, p, caller) : undefined),
    list: files,
    version: () => pid,
  };
}

function numbered(pid: number, n: number, type: number): Qid {
  const path = pid * EACH + n;
  return { type, vers: 0, pathlo: path >>> 0, pathhi: Math.floor(path / 2 ** 32) };
}

function file(pid: number, name: string, p: () => ProcInfo, caller: number): FileNode {
  const kind = KINDS[name];
  if (!kind) throw new NineError(Enonexist);
  const { mode, only } = kind;
  return {
    qid: () => numbered(pid, 1 + NAMES.indexOf(name), QTFILE),
    stat: () => ({ mode, uid: p().user }),
    open(how) {
      if (only !== undefined && (how & 3) !== only) throw new NineError(Eperm);
      const opened = kind.open(p, caller);
      if (!opened.read || kind.outlives) return opened;
      return {
        ...opened,
        read(at, n, call) {
          // Of a process that has ended nothing is read, whatever was read before.
          p();
          return opened.read?.(at, n, call) ?? encode("");
        },
      };
    },
  };
}

/** An address, in the 16 digits of x86-64. */
function hex(address: number): string {
  return address.toString(16).padStart(16, "0");
}

/** What was written as one message, without the newline that echo adds. */
function written(data: Uint8Array, put: (text: string) => Awaitable<void>): Awaitable<number> {
  const { length } = data;
  if (length >= ERRMAX) throw new NineError(Efbig);
  const done = put(new TextDecoder().decode(data).replace(/\n$/, ""));
  return done instanceof Promise ? done.then(() => length) : length;
}

function ctl(p: ProcInfo, message: string, { signal }: Call): Awaitable<void> {
  const [verb = "", ...operands] = message.split(/\s+/).filter((word) => word !== "");
  const [operand] = operands;
  if (operands.length !== (verb === "close" ? 1 : 0)) throw new NineError(Ebadctl, errno.EINVAL);
  switch (verb) {
    case "kill": return p.note("kill");
    case "stop": return p.stop();
    case "start": return p.start();
    case "stoppg": return p.stopGroup();
    case "startpg": return p.startGroup();
    case "waitstop": return p.waitstop(signal);
    case "startstop":
      p.start();
      return p.waitstop(signal);
    case "interrupt": return p.interrupt();
    case "close": return p.closeFd(numeral(operand ?? ""));
    case "closefiles": return p.closeFiles();
    default: throw new NineError(Ebadctl, errno.EINVAL);
  }
}

/** A decimal number as it is written to ctl and noteid. */
function numeral(word: string): number {
  if (!/^\s*\d{1,15}\s*$/.test(word)) throw new NineError(Ebadctl, errno.EINVAL);
  return Number(word);
}

/** A number as devproc reads it: eleven digits and a blank. */
function number(n: number): string {
  return `${String(n).padStart(11)} `;
}

/** Name, user, state; user, system and real time, and those of children, in milliseconds; memory; priorities. */
function status(p: ProcInfo): string {
  const column = (s: string, n: number): string => `${s.slice(0, n).padEnd(n)} `;
  const times = [0, 0, Math.floor(p.ageMs), 0, 0, 0];
  const kilobytes = p.segments.reduce((n, s) => n + s.top - s.base, 0) / 1024;
  return column(p.name, 27) + column(p.user, 27) + column(p.state, 11) + [...times, kilobytes, 10, 10].map((n) => String(n).padStart(11)).join(" ") + "\n";
}

/** A range as proc(5) of Linux has it in maps. */
function mapLine(s: Range): string {
  const rights = `${s.prot & 1 ? "r" : "-"}${s.prot & 2 ? "w" : "-"}${s.prot & 4 ? "x" : "-"}${s.shared ? "s" : "p"}`;
  const where = `${s.base.toString(16).padStart(8, "0")}-${s.top.toString(16).padStart(8, "0")} ${rights} ${s.offset.toString(16).padStart(8, "0")} 00:00 0`;
  const name = s.file || (s.type === "Stack" ? "[stack]" : "");
  return name === "" ? `${where}\n` : `${where.padEnd(72)} ${name}\n`;
}

/** The file it runs from. */
function text(p: () => ProcInfo): OpenFile {
  const line = p().text;
  if (line === "") throw new NineError(Enonexist);
  return snapshot(() => `${line}\n`);
}

/** Its 9P messages from now on, as --trace prints them; clunks are the kernel's. */
function messages(p: () => ProcInfo, caller: number): OpenFile {
  // Each read would beget what is read next.
  if (p().pid === caller) throw new NineError(`${Eperm}: a process cannot watch itself`);
  const lines = new Lines();
  /** Each of its portals as traced; `sending` makes the call that goes through it. */
  const traced = new WeakMap<Portal, Portal>();
  let sending: () => Rmsg | Promise<Rmsg>;
  const untap = p().tap((t, portal, name, send) => {
    let to = traced.get(portal);
    if (!to) {
      const { dialect, msize, ordered } = portal;
      to = trace({ dialect, msize, ordered, call: () => sending(), flush: () => undefined, hangup: () => undefined }, (line) => lines.put(line), { name });
      traced.set(portal, to);
    }
    sending = send;
    return to.call(t);
  }, () => lines.end());
  return { stream: true, read: (_at, n, call) => lines.read(n, call), close: untap };
}

/** A word for tokenize. */
function quoted(word: string): string {
  return word !== "" && !/[\s']/.test(word) ? word : `'${word.replaceAll("'", "''")}'`;
}

/** getfields(2)'s tokenize: words between blanks, in quotes or not. */
function tokenize(line: string): string[] {
  return (line.match(/(?:'(?:[^']|'')*'?|[^\s'])+/g) ?? []).map((word) =>
    word.replace(/'((?:[^']|'')*)'?/g, (_, inner: string) => inner.replaceAll("''", "'")));
}
