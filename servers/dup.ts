/**
 * dup: the open files of a process as files, dup(3): opening N is one more open of its fd N, with the
 * offset shared: reads and writes go on where the fd is, whatever offset they are given. Nctl tells
 * of it in the line that /proc/n/fd has. Invariant: the caller's fds of the moment are shown; a file
 * that was opened stays so when the fd is closed. Used as '#d'.
 */
import { type Call, Ebadfd, Eperm, type FileNode, type Node, NineError, type OpenFile, QTFILE, type Server } from "../proto/index.ts";
import { alive, callerPid, type Procs, rootQid } from "./caller.ts";
import { snapshot } from "./snapshot.ts";

/** An open file of a process. */
export interface FdInfo {
  readonly fd: number;
  /** open(2)'s mode. */
  readonly mode: number;
  readonly dev: number;
  readonly qid: { readonly type: number; readonly vers: number; readonly pathhi: number; readonly pathlo: number };
  readonly iounit: number;
  readonly offset: number;
  readonly path: string;
}

/** One more open of it. */
export interface FdOpen {
  /** `by` is the process that reads, if that is known. */
  read(n: number, signal: AbortSignal, by?: number): Promise<Uint8Array>;
  write(data: Uint8Array, signal: AbortSignal): Promise<number>;
  close(): void;
}

/** What dup needs of a process. */
export interface DupProc {
  readonly user: string;
  fds(): readonly FdInfo[];
  fd(fd: number): FdInfo | undefined;
  openFd(fd: number, mode: number): FdOpen;
}

/** rwx of the owner by open(2)'s mode: OREAD OWRITE ORDWR OEXEC. */
const PERM = [0o400, 0o200, 0o600, 0] as const;

/** The open files of whoever attaches, by his pid. */
export function dup(kernel: Procs<DupProc>): Server {
  return {
    name: "dup",
    attach(_call, aname) {
      const pid = callerPid(kernel, aname);
      const proc = (): DupProc => alive(kernel.proc(pid));
      return {
        mode: 0o555,
        qid: () => rootQid(),
        walk(name) {
          const m = /^(0|[1-9]\d{0,8})(ctl)?$/.exec(name);
          const f = m ? proc().fd(Number(m[1])) : undefined;
          return f && (m?.[2] ? ctl(f, proc) : file(f, proc));
        },
        *list(): Iterable<[string, Node]> {
          for (const f of proc().fds()) yield* [[`${f.fd}`, file(f, proc)], [`${f.fd}ctl`, ctl(f, proc)]] satisfies [string, Node][];
        },
      };
    },
  };
}

function file({ fd, mode }: FdInfo, proc: () => DupProc): FileNode {
  return {
    qid: () => ({ type: QTFILE, vers: 0, pathlo: 2 * fd + 1, pathhi: 0 }),
    stat: () => ({ mode: PERM[mode & 3] ?? 0, uid: proc().user }),
    access: (_want, call) => ownerOnly(proc(), call),
    open: (how) => streamOf(proc().openFd(fd, how)),
  };
}

/** The owner may try: openFd says whether the fd is open for that mode. */
function ownerOnly(p: DupProc, call: Call): void {
  if (call.uid !== 0 && call.uname !== p.user) throw new NineError(Eperm);
}

/** An open file of the kernel's as a server's. */
export function streamOf(f: FdOpen): OpenFile {
  return {
    stream: true,
    read: (_at, n, call) => f.read(n, call.signal, call.by),
    write: (_at, data, call) => f.write(data, call.signal),
    close: () => f.close(),
  };
}

function ctl({ fd }: FdInfo, proc: () => DupProc): FileNode {
  return {
    qid: () => ({ type: QTFILE, vers: 0, pathlo: 2 * fd + 2, pathhi: 0 }),
    stat: () => ({ mode: 0o400, uid: proc().user }),
    open: () => snapshot(() => {
      const f = proc().fd(fd);
      if (!f) throw new NineError(Ebadfd);
      return fdLine(f);
    }),
  };
}

/** A line of /proc/n/fd: fd, r w rw, type and device, qid in hexadecimal, iounit, offset, name (proc(3)). */
export function fdLine(f: FdInfo): string {
  const rw = ["r ", "w ", "rw", "r "][f.mode & 3];
  const path = f.qid.pathhi.toString(16).padStart(8, "0") + f.qid.pathlo.toString(16).padStart(8, "0");
  const qid = `(${path} ${f.qid.vers} ${f.qid.type.toString(16).padStart(2, "0")})`;
  return `${String(f.fd).padStart(3)} ${rw} M ${String(f.dev).padStart(4)} ${qid} ${String(f.iounit).padStart(5)} ${String(f.offset).padStart(8)} ${f.path}\n`;
}
