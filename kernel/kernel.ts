/**
 * Kernel: what all processes share: servers by '#' name, programs, the process table, what is posted
 * in /srv, the slice of time host processes run in. boot() makes one; several live side by side in
 * one host program. Devices (proc, env, dup, srv, cons) see processes through procview.ts.
 */
import { after, type Awaitable, Ebadarg, Enoproc, type Host, NineError, open, type OpenOptions, type Portal, type Server, unless } from "../proto/index.ts";
import { Chan } from "./chan.ts";
import { FdWire } from "./fdwire.ts";
import { Guests } from "./guest/guests.ts";
import { procfs } from "./linux/procfs.ts";
import { Mnt } from "./mnt.ts";
import { NoteGroup } from "./notegroup.ts";
import { type Post, Posts } from "./posts.ts";
import type { Proc } from "./proc.ts";
import { ProcView } from "./procview.ts";
import { Slices } from "./slices.ts";
import type { Program } from "./sys.ts";

/** Processes alive. */
const MAXPROCS = 16_384;
/** Plan 9's letters of the servers that have one (intro(3)). */
const LETTERS: ReadonlyMap<string, string> = new Map(Object.entries({ "|": "pipe", "/": "root", c: "cons", d: "dup", e: "env", p: "proc", s: "srv" }));

const FREE: ReadonlySet<string> = new Set(["pipe", "cons", "dup", "env", "proc", "linux"]);

/**
 * A server that shows the kernel's own things. Each process attaches to it for itself, with its pid as
 * aname: that is how it knows whose environment or files are meant. It answers an attach at once, and
 * its root has one qid for all.
 */
export type Device = (kernel: Kernel) => Server;

/** Connects to an address as the command line writes it; `signal` gives up. */
export type Dial = (addr: string, signal: AbortSignal) => Promise<Portal>;

/** What is alive, for leak checks. */
export interface Stats {
  readonly procs: number;
  /** Groups of the living: name spaces, fd tables, environments, rendezvous and note groups. */
  readonly pgrps: number;
  readonly fgrps: number;
  readonly egrps: number;
  readonly rgrps: number;
  readonly noteGroups: number;
  readonly mnts: number;
  /** Chans, and calls that hold a Mnt. */
  readonly chans: number;
  /** Fid numbers in use. */
  readonly fids: number;
  /** Frames of the machine's RAM in use, page tables among them. */
  readonly frames: number;
}

export interface KernelOptions {
  readonly host: Host;
  readonly servers: Readonly<Record<string, Server | Device>>;
  readonly programs: ReadonlyMap<string, Program>;
  readonly wrap: (portal: Portal, spec: string) => Portal;
  readonly open: OpenOptions;
  readonly uid: number | undefined;
  /** Bytes of the machine's RAM. */
  readonly ramBytes: number | undefined;
  /** Told of each call of a guest. */
  readonly strace: ((line: string) => void) | undefined;
  readonly dial: Dial | undefined;
  readonly shown: (addr: string) => string;
}

export class Kernel {
  readonly host: Host;
  readonly procs: Map<number, Proc> = new Map();
  readonly programs: ReadonlyMap<string, Program>;
  readonly dial: Dial | undefined;
  readonly shown: (addr: string) => string;
  /** Mnts alive, for leak checks and --stats. */
  readonly mnts: Set<Mnt> = new Set();
  readonly posts: Posts = new Posts();
  readonly slices: Slices;
  readonly strace: ((line: string) => void) | undefined;
  private machine: Guests | undefined;
  private readonly options: KernelOptions;
  private readonly servers: ReadonlyMap<string, Server | Device>;
  private readonly groups = new Map<number, NoteGroup>();
  private readonly devices = new Map<string, Mnt>();
  /** The Mnts of open files that 9P is spoken on: a file is mounted once, whoever mounts it (mntchan). */
  private readonly wires = new WeakMap<Chan, Promise<Mnt>>();
  private lastPid = 0;
  private lastDev = 0;
  private lastExport = 0;

  constructor(options: KernelOptions) {
    this.options = options;
    this.servers = new Map<string, Server | Device>([["linux", procfs], ...Object.entries(options.servers)]);
    this.host = options.host;
    this.programs = options.programs;
    this.dial = options.dial;
    this.shown = options.shown;
    this.slices = new Slices(this.host);
    this.strace = options.strace;
  }

  /** The machine and who runs on it; it is made at first need. */
  get guests(): Guests {
    return (this.machine ??= new Guests(this, this.options.ramBytes));
  }

  /** How many instructions guests have executed. */
  get instructions(): number {
    return this.machine?.machine.instructions ?? 0;
  }

  /** The user's number, as guests are told it. */
  get uid(): number {
    return this.options.uid ?? 0;
  }

  newPid(): number {
    if (this.procs.size >= MAXPROCS) throw new NineError(Enoproc);
    return ++this.lastPid;
  }

  /** The number of an export. */
  newExport(): number {
    return ++this.lastExport;
  }

  /** For a process about to be made, by its pid; default for one that leaves its old group. */
  newNoteGroup(id: number = ++this.lastPid): NoteGroup {
    const group = new NoteGroup(id);
    this.groups.set(id, group);
    group.atEnd.add(() => this.groups.delete(id));
    return group;
  }

  /** A group that somebody is in. */
  noteGroup(id: number): NoteGroup | undefined {
    return this.groups.get(id);
  }

  /** Ascending pids of the living, for /proc. */
  pids(): number[] {
    return [...this.procs.keys()];
  }

  /** A process as Devices see it. */
  proc(pid: number): ProcView | undefined {
    const p = this.procs.get(pid);
    return p && new ProcView(p);
  }

  /** A Mnt for a portal that was mounted; it hangs up when the last Chan on it goes. */
  newMnt(portal: Portal, spec: string, perProc = false): Mnt {
    const m = new Mnt(this.options.wrap(portal, spec), ++this.lastDev, spec, perProc, (x) => this.mnts.delete(x));
    this.mnts.add(m);
    return m;
  }

  /** What a portal is of, as ns has it. */
  specOf(portal: Portal): string {
    for (const m of this.mnts) if (m.client.portal === portal) return m.spec;
    return "";
  }

  /** The Mnt of the server on the other side of an open file, which is borrowed; a reference is the caller's. Who comes while it is being dialled waits for that. */
  async mntOn(c: Chan, dial: (wire: FdWire) => Promise<Portal>, signal: AbortSignal): Promise<Mnt> {
    for (let known = this.wires.get(c); known; known = this.wires.get(c)) {
      const m = await unless(signal, known.catch(() => undefined));
      if (m && this.mnts.has(m)) return m.incref();
      if (this.wires.get(c) === known) break;
    }
    const wire = new FdWire(c);
    const made = dial(wire).then((portal) => this.newMnt(portal, c.path), (e: unknown) => {
      wire.close();
      throw e;
    });
    this.wires.set(c, made);
    return (await made).incref();
  }

  /** The Mnt that was made of what is posted as this file of /srv, or of this open file. */
  async mountedFrom(c: Chan, signal: AbortSignal): Promise<Mnt | undefined> {
    const made = this.wires.get(this.posted(c)?.chan ?? c);
    return made && unless(signal, made.catch(() => undefined));
  }

  /** n_uname for attaching: a plain .L server goes by numbers; one of ours knows the name. */
  nuname(portal: Portal): number | undefined {
    return portal.dialect !== "9P2000" && !portal.ordered ? this.options.uid : undefined;
  }

  /** The root of the server '#name', attached as the process's user. */
  attachDevice(name: string, p: { readonly user: string; own?(m: Mnt): Chan }): Awaitable<Chan> {
    const m = this.device(name);
    if (m.perProc) {
      if (!p.own) throw new NineError(Ebadarg);
      return p.own(m).incref();
    }
    return after(m.client.attach(p.user, ""), ({ fid, qid }) => new Chan(m, fid, qid, `#${name}`));
  }

  /** A '#' name that RFNOMNT leaves to a process: those that show nothing but its own. */
  free(given: string): boolean {
    return FREE.has(LETTERS.get(given) ?? given);
  }

  /** What is posted as the file that a walk came to, if it is one of /srv. */
  posted(c: Chan): Post | undefined {
    if (c.mnt !== this.devices.get("srv") || c.isDir) return undefined;
    for (const post of this.posts.list()) if (post.path === c.qid.pathlo) return post;
    return undefined;
  }

  /** The Mnt of the server '#name'; it is made at first use and stays. */
  device(given: string): Mnt {
    const name = LETTERS.get(given) ?? given;
    let m = this.devices.get(name);
    if (!m) {
      const server = this.servers.get(name);
      if (!server) throw new NineError("unknown device in # filename");
      m = this.newMnt(open(typeof server === "function" ? server(this) : server, this.options.open), `#${name}`, typeof server === "function");
      m.incref();
      this.devices.set(name, m);
    }
    return m;
  }

  stats(): Stats {
    const procs = [...this.procs.values()];
    const mnts = [...this.mnts];
    const many = (of: (p: Proc) => object): number => new Set(procs.map(of)).size;
    return {
      procs: procs.length,
      pgrps: many((p) => p.pgrp), fgrps: many((p) => p.fgrp), egrps: many((p) => p.egrp), rgrps: many((p) => p.rgrp), noteGroups: many((p) => p.notes),
      mnts: mnts.length,
      // The kernel itself holds the Mnts of '#' names.
      chans: mnts.reduce((n, m) => n + m.holders, 0) - this.devices.size,
      fids: mnts.reduce((n, m) => n + m.client.fids, 0),
      frames: this.machine?.ram.usage.used ?? 0,
    };
  }

  /** Ends every process with a note and hangs up every portal. */
  shutdown(): void {
    for (const p of [...this.procs.values()]) p.note("kill");
    this.posts.clear();
    for (const m of this.devices.values()) m.decref();
    this.devices.clear();
    for (const m of [...this.mnts]) m.client.portal.hangup();
    this.mnts.clear();
  }
}
