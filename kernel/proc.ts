/**
 * Proc: a process: its groups (name space, files, environment, notes, rendezvous) and its children
 * (proc.c). It does not know who runs it: a host program's function (syscalls.ts, run) or a guest's
 * machine. Invariants: a note reaches a process only at a call; what a process waits for is either in
 * `intr` (9P messages) or in `blocked`, so that a note ends every wait, and a call that was ended
 * before its first message can be made again; an ended process has given back all it held, and its
 * parent is told unless it asked not to be (waits.ts). A stopped process does nothing from its next call
 * on; what it waits for already it still gets, but nothing of a terminal, which goes to the note group in
 * the foreground. Stopped, with no parent any more, it gets "hangup".
 */
import { Eintr, Einuse, Interrupt, NineError, NOFID, NOU32, type Portal, Rattach, type Rmsg, Tattach, type Tmsg } from "../proto/index.ts";
import { asleep, type Blocked, Sleepers } from "./blocked.ts";
import { Chan } from "./chan.ts";
import type { Egrp } from "./egrp.ts";
import { Fgrp } from "./fgrp.ts";
import type { Kernel } from "./kernel.ts";
import type { Mnt } from "./mnt.ts";
import type { NoteGroup } from "./notegroup.ts";
import { type Pgrp, sameChan } from "./pgrp.ts";
import type { Rgrp } from "./rgrp.ts";
import type { Segment } from "./segment.ts";
import { Waits } from "./waits.ts";

/** Calls of a process that a note has ended which fail at once, and which fail at all. */
const HEARD = 100;
const PATIENCE = 1000;

/** Watches a process's 9P calls: makes each by `send`, at once; `name` is what the portal is of. */
export type Tap = (t: Tmsg, portal: Portal, name: string, send: () => Rmsg | Promise<Rmsg>) => Rmsg | Promise<Rmsg>;

/** What a process starts with; a reference of each is the process's. */
export interface Groups {
  readonly fgrp: Fgrp;
  readonly pgrp: Pgrp;
  readonly egrp: Egrp;
  readonly rgrp: Rgrp;
  readonly notes: NoteGroup;
  /** The root and the current directory. */
  readonly slash: Chan;
  readonly dot: Chan;
}

/** What ps calls a program by its arguments. */
function nameOf(args: readonly string[]): string {
  return args[0]?.split("/").findLast((part) => part !== "") ?? "";
}

export class Proc implements Blocked {
  readonly kernel: Kernel;
  readonly pid: number;
  readonly user: string;
  readonly startMs: number;
  readonly intr: Interrupt = new Interrupt();
  /** What it was started as; argv[0] is the program's name as typed. */
  args: readonly string[];
  /** The last element of that name: what ps calls it. */
  name: string;
  /** The first line of the file it runs from, or its parent does; "" when there is none (proc(3) text). */
  text = "";
  fgrp: Fgrp;
  pgrp: Pgrp;
  egrp: Egrp;
  rgrp: Rgrp;
  notes: NoteGroup;
  slash: Chan;
  dot: Chan;
  /** Of a guest, in the order of their addresses; a reference each. */
  segments: readonly Segment[] = [];
  /** Its program runs on the machine. */
  guest: { registers(): string } | undefined;
  handler: ((note: string) => boolean) | undefined;
  /** The handler is told of job control as well (Sys.notify). */
  jobs = false;
  /** The note that ended it: every call from now on throws. */
  killed: string | undefined;
  ended = false;
  private lateCalls = 0;
  /** Called once, when it ends. */
  readonly atExit: Set<() => void> = new Set();
  /** Undefined once it is nobody's child (RFNOWAIT, or the parent has ended). */
  private parentProc: Proc | undefined;
  readonly waits: Waits = new Waits();
  private readonly blocked = new Set<() => void>();
  private readonly roots = new Map<Mnt, Chan>();
  private alarmed: AbortController | undefined;
  private alarmAt = 0;
  /** From its next call on it does nothing. */
  private stopping = false;
  /** Those who wait for it to go on, which is itself, and for it to stop or to end. */
  private readonly resting = new Sleepers();
  private readonly watchers = new Sleepers();
  private readonly taps = new Set<Tap>();

  constructor(kernel: Kernel, pid: number, parent: Proc | undefined, user: string, args: readonly string[], groups: Groups) {
    this.kernel = kernel;
    this.pid = pid;
    this.parentProc = parent;
    this.user = user;
    this.startMs = kernel.host.now();
    this.args = args;
    this.name = nameOf(args);
    this.text = parent?.text ?? "";
    ({ fgrp: this.fgrp, pgrp: this.pgrp, egrp: this.egrp, rgrp: this.rgrp, notes: this.notes, slash: this.slash, dot: this.dot } = groups);
    this.notes.join(this);
    parent?.waits.add(this);
    kernel.procs.set(this.pid, this);
  }

  get ppid(): number {
    return this.parentProc?.pid ?? 0;
  }

  /** Joins another note group. */
  regroup(notes: NoteGroup): void {
    const { notes: old } = this;
    if (notes === old) return;
    this.notes = notes;
    notes.join(this);
    old.leave(this);
  }

  /** It runs another program from now on (exec(2)). */
  rename(args: readonly string[], text: string): void {
    this.args = args;
    this.name = nameOf(args);
    this.text = text;
  }

  /** RFNOWAIT: nobody is told of its end. */
  disown(): void {
    this.parentProc?.waits.remove(this);
    this.parentProc = undefined;
  }

  /** As status of /proc says it (proc(3)). */
  get state(): string {
    if (this.stopping) return "Stopped";
    return this.blocked.size > 0 || this.intr.size > 0 ? "Wakeme" : "Ready";
  }

  /** Every call begins here, and goes on here before it changes the process: one that a note has ended does nothing more. */
  check(): void {
    if (this.killed !== undefined || this.ended) throw new NineError(Eintr);
  }

  /**
   * Another call of a process that a note has ended. A program that does not hear of it, and makes
   * call after call, lets others run; in the end it is not answered any more.
   */
  afterlife(): Promise<void> {
    const e = new NineError(Eintr);
    const n = ++this.lateCalls;
    if (n <= HEARD) throw e;
    if (n <= PATIENCE) {
      return this.kernel.host.yield().then(() => {
        throw e;
      });
    }
    this.exit(this.killed ?? "");
    return new Promise(() => undefined);
  }

  /** What a note has interrupted does not begin to wait. */
  block(interrupted: () => void): void {
    if (this.intr.raised) interrupted();
    else this.blocked.add(interrupted);
  }

  unblock(interrupted: () => void): void {
    this.blocked.delete(interrupted);
  }

  /** Waits until `arm`'s wake is called; Eintr when a note comes first, after `disarm`. */
  sleep(arm: (wake: () => void) => () => void): Promise<void> {
    return asleep(this, arm);
  }

  /** Delivers a note (notify(2)). "stop", which a terminal's ^Z sends, stops a process that does no job control itself; "start" starts any. */
  note(note: string): void {
    if (this.ended) return;
    if (note === "start") this.start();
    if (note === "start" || note === "stop") {
      this.job(note);
      if (note === "stop" && !this.jobs && this.killed === undefined) this.stop();
      return;
    }
    // One note ends it; what it still waits for is told of every further one.
    if (this.killed === undefined && (note === "kill" || !this.handles(note))) this.killed = note;
    if (this.killed !== undefined) this.start();
    this.wake(true);
    // Whatever its program still does, nobody waits for it.
    if (note === "kill") this.exit(note);
  }

  /** A note of job control, which is nothing to a process that does not take it. */
  private job(note: string): void {
    if (this.jobs && this.killed === undefined && this.handles(note)) this.wake(true);
  }

  /** A handler that throws has not dealt with the note; that is the process's fault, not the poster's. */
  private handles(note: string): boolean {
    try {
      return this.handler?.(note) ?? false;
    } catch (e) {
      this.kernel.host.log(`note handler of process ${this.pid}: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
      return false;
    }
  }

  /** Ends every wait with Eintr, or with the reply that comes first, also those that the calls under way would begin now. */
  private wake(again: boolean): void {
    this.intr.raise(again);
    for (const interrupted of [...this.blocked]) {
      this.blocked.delete(interrupted);
      interrupted();
    }
  }

  /** alarm(2): the note "alarm" after so many milliseconds, 0 for none; what was left of the alarm before. */
  alarm(ms: number): number {
    const { host } = this.kernel;
    const left = this.alarmed ? Math.max(1, this.alarmAt - host.now()) : 0;
    this.alarmed?.abort();
    this.alarmed = undefined;
    if (ms <= 0) return left;
    const stop = new AbortController();
    this.alarmed = stop;
    this.alarmAt = host.now() + ms;
    host.sleep(ms, stop.signal).then(() => {
      if (this.alarmed !== stop) return;
      this.alarmed = undefined;
      this.note("alarm");
    }, () => undefined);
    return left;
  }

  /** proc(3) interrupt: what it waits for ends with Eintr. */
  interrupt(): void {
    if (!this.ended) this.wake(true);
  }

  /** From now on its calls go through this one too, until the returned is called. */
  tap(tap: Tap): () => void {
    // One that is given twice is two.
    const own: Tap = (...args) => tap(...args);
    this.taps.add(own);
    this.intr.through = (t, portal) => this.tapped([...this.taps], t, portal);
    return () => {
      if (this.taps.delete(own) && this.taps.size === 0) this.intr.through = undefined;
    };
  }

  private tapped(taps: readonly Tap[], t: Tmsg, portal: Portal): Rmsg | Promise<Rmsg> {
    const [tap, ...rest] = taps;
    if (!tap) return portal.call(t);
    return tap(t, portal, this.kernel.specOf(portal), () => this.tapped(rest, t, portal));
  }

  /** proc(3) stop: from its next call on it does nothing, and its parent is told: by its wait, and by the note "stopped PID" if it takes such notes. */
  stop(): void {
    if (this.stopping || this.ended) return;
    this.stopping = true;
    this.watchers.wakeup();
    const parent = this.parentProc;
    parent?.waits.held(this, true);
    parent?.job(`stopped ${this.pid}`);
  }

  get isStopped(): boolean {
    return this.stopping;
  }

  /** proc(3) waitstop: somebody else waits until it is stopped or has ended. */
  async waitstop(blocked: Blocked): Promise<void> {
    if (!this.stopping && !this.ended) await this.watchers.sleep(blocked);
  }

  /** proc(3) start */
  start(): void {
    this.stopping = false;
    this.parentProc?.waits.held(this, false);
    this.resting.wakeup();
  }

  /** Undefined unless the process is stopped: then until it is started. */
  held(): Promise<void> | undefined {
    return this.stopping ? this.resting.sleep(this).then(() => this.held()) : undefined;
  }

  /** The file itself, but of a Device's root the one that is this process's own. Borrowed, as c is. */
  mine(c: Chan): Chan {
    if (!c.mnt.perProc) return c;
    const root = this.own(c.mnt);
    return sameChan(c, root) ? root : c;
  }

  /** The root of a Device as this process sees it: aname is the pid. Borrowed. */
  own(m: Mnt): Chan {
    let c = this.roots.get(m);
    if (!c) {
      this.check();
      const fid = m.client.alloc();
      const r = m.client.portal.call({ type: Tattach, fid, afid: NOFID, uname: this.user, aname: String(this.pid), n_uname: NOU32 });
      if (r instanceof Promise || r.type !== Rattach) {
        m.client.release(fid);
        throw new NineError(`${Einuse}: ${m.spec} does not answer`);
      }
      c = new Chan(m, fid, r.qid, m.spec);
      this.roots.set(m, c);
    }
    return c;
  }

  /** pexit: gives back everything and tells the parent. */
  exit(status: string): void {
    if (this.ended) return;
    this.ended = true;
    this.alarm(0);
    // What the program left waiting lets go of its Chans.
    this.wake(false);
    for (const f of this.atExit) f();
    this.atExit.clear();
    this.fgrp.decref();
    // An open that completes from now on is closed at once.
    this.fgrp = Fgrp.none;
    this.dot.close();
    this.slash.close();
    for (const c of this.roots.values()) c.close();
    this.roots.clear();
    this.pgrp.decref();
    this.egrp.decref();
    for (const s of this.segments) s.decref();
    this.segments = [];
    this.kernel.procs.delete(this.pid);
    this.notes.leave(this);
    for (const c of this.waits.end()) {
      c.parentProc = undefined;
      // Nobody is left to start it.
      if (c.stopping) c.note("hangup");
    }
    this.parentProc?.waits.reap(this, status);
    this.watchers.wakeup();
  }
}
