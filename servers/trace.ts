/**
 * trace: every 9P message of a kernel's portals, live, as a file: lines as --trace prints them, to each
 * reader from his open on. Invariants: while nobody reads, a call passes straight through; the calls of
 * a process that has the file open, and whoever's reads of it, are in nobody's lines, since they would
 * beget others; who reads slowly loses lines and is told how many. `wrap` goes around every portal; '#trace' or /dev has the
 * file.
 */
import { type Dialect, Eperm, type FileNode, NineError, OREAD, type Portal, type Rmsg, type Server, Tclunk, Tlopen, type Tmsg, Topen, trace } from "../proto/index.ts";
import { alive, callerPid, callerTree, type Procs } from "./caller.ts";
import { Lines } from "./lines.ts";

/** Makes a process's calls in its stead, for who watches them; `send` makes one. */
export type Tapped = (t: Tmsg, portal: Portal, name: string, send: () => Rmsg | Promise<Rmsg>) => Rmsg | Promise<Rmsg>;

/** What trace needs of a process that opens it. */
export interface TraceProc {
  readonly user: string;
  tap(tap: Tapped, over: () => void): () => void;
}

export class LiveTrace {
  /** Calls are being watched; one that is not to be is being made. */
  private readonly readers = new Set<Lines>();
  private muted = 0;
  /** How often the file was opened. */
  opens = 0;

  /** Whether the call that begins now is to be told of. */
  get on(): boolean {
    return this.readers.size > 0 && this.muted === 0;
  }

  put(line: string): void {
    for (const lines of this.readers) lines.put(line);
  }

  /** A portal whose messages are told of, by this name. */
  wrap(portal: Portal, name: string): Portal {
    return new Watched(portal, name, this);
  }

  /** The file, as the process of that pid opens it. */
  file(kernel: Procs<TraceProc>, pid: number): FileNode {
    return {
      stat: () => ({ mode: 0o400, uid: alive(kernel.proc(pid)).user }),
      open: (mode) => {
        if ((mode & 3) !== OREAD) throw new NineError(Eperm);
        const lines = new Lines();
        const untap = alive(kernel.proc(pid)).tap((_t, _portal, _name, send) => {
          this.muted++;
          try {
            return send();
          } finally {
            this.muted--;
          }
        }, () => lines.end());
        this.readers.add(lines);
        this.opens++;
        return {
          stream: true,
          read: (_at, n, call) => lines.read(n, call),
          close: () => {
            this.readers.delete(lines);
            untap();
          },
        };
      },
    };
  }

  /** A tree with the file alone. */
  device(kernel: Procs<TraceProc>): Server {
    return {
      name: "trace",
      attach: (_call, aname) => {
        const pid = callerPid(kernel, aname);
        return callerTree({}, { trace: this.file(kernel, pid) });
      },
    };
  }
}

/** A portal that is traced while somebody reads. */
class Watched implements Portal {
  readonly dialect: Dialect;
  readonly msize: number;
  readonly ordered: boolean;
  readonly lasting: boolean;
  private readonly portal: Portal;
  private readonly name: string;
  private readonly live: LiveTrace;
  private traced: Portal | undefined;
  /** Fids that are opens of the file. */
  private readonly own = new Set<number>();

  constructor(portal: Portal, name: string, live: LiveTrace) {
    this.portal = portal;
    this.dialect = portal.dialect;
    this.msize = portal.msize;
    this.ordered = portal.ordered;
    this.lasting = portal.lasting ?? false;
    this.name = name;
    this.live = live;
  }

  get lingering(): number {
    return this.portal.lingering ?? 0;
  }

  get lingeringBytes(): number {
    return this.portal.lingeringBytes ?? 0;
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    if (t.type === Tlopen || t.type === Topen) return this.opening(t, t.fid);
    if (this.own.size > 0 && "fid" in t && this.own.has(t.fid)) {
      if (t.type === Tclunk) this.own.delete(t.fid);
      return this.portal.call(t);
    }
    return this.told(t);
  }

  private opening(t: Tmsg, fid: number): Rmsg | Promise<Rmsg> {
    const before = this.live.opens;
    const r = this.told(t);
    if (this.live.opens !== before) this.own.add(fid);
    return r;
  }

  private told(t: Tmsg): Rmsg | Promise<Rmsg> {
    if (!this.live.on) return this.portal.call(t);
    this.traced ??= trace(this.portal, (line) => this.live.put(line), { name: this.name });
    return this.traced.call(t);
  }

  flush(t: Tmsg): void {
    (this.traced ?? this.portal).flush(t);
  }

  hangup(): void {
    (this.traced ?? this.portal).hangup();
  }
}
