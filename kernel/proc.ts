/**
 * Proc: a process: its name space, files, environment, notes and children (proc.c). Invariants: a
 * note reaches a process only at a call; what a process waits for is either in `intr` (9P messages)
 * or in `blocked`, so that a note ends every wait; an ended process has given back all it held, and
 * its parent gets one Waitmsg.
 */
import { Eintr, Enochild, Interrupt, NineError } from "../proto/index.ts";
import type { Chan } from "./chan.ts";
import type { Fgrp } from "./fgrp.ts";
import type { Kernel } from "./kernel.ts";
import type { Pgrp } from "./pgrp.ts";
import type { Waitmsg } from "./sys.ts";

/** Somebody who can be woken out of a wait that is no 9P message. */
export interface Blocked {
  block(interrupted: () => void): void;
  unblock(interrupted: () => void): void;
}

/** Environment variables, shared or copied like name spaces. */
export type Egrp = Map<string, readonly string[]>;

/** Who gets the notes that a terminal sends. */
export class NoteGroup {
  readonly procs: Set<Proc> = new Set();
}

export class Proc implements Blocked {
  readonly kernel: Kernel;
  readonly pid: number;
  readonly parent: Proc | undefined;
  readonly user: string;
  readonly intr: Interrupt = new Interrupt();
  readonly fgrp: Fgrp;
  pgrp: Pgrp;
  egrp: Egrp;
  notes: NoteGroup;
  /** The root and the current directory; a reference each. */
  slash: Chan;
  dot: Chan;
  handler: ((note: string) => boolean) | undefined;
  /** The note that ended it: every call from now on throws. */
  killed: string | undefined;
  ended = false;
  private readonly children = new Set<Proc>();
  private readonly waitq: Waitmsg[] = [];
  private readonly waiters = new Set<() => void>();
  private readonly blocked = new Set<() => void>();

  constructor(kernel: Kernel, parent: Proc | undefined, user: string, fgrp: Fgrp, pgrp: Pgrp, egrp: Egrp, notes: NoteGroup, slash: Chan, dot: Chan) {
    this.kernel = kernel;
    this.pid = kernel.newPid();
    this.parent = parent;
    this.user = user;
    this.fgrp = fgrp;
    this.pgrp = pgrp;
    this.egrp = egrp;
    this.notes = notes;
    this.slash = slash;
    this.dot = dot;
    notes.procs.add(this);
    parent?.children.add(this);
    kernel.procs.set(this.pid, this);
  }

  /** Every call begins here: a process that a note has ended does nothing more. */
  check(): void {
    if (this.killed !== undefined || this.ended) throw new NineError(Eintr);
  }

  block(interrupted: () => void): void {
    this.blocked.add(interrupted);
  }

  unblock(interrupted: () => void): void {
    this.blocked.delete(interrupted);
  }

  /** Waits until `arm`'s wake is called; Eintr when a note comes first, after `disarm`. */
  sleep(arm: (wake: () => void) => () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const interrupted = (): void => {
        this.unblock(interrupted);
        disarm();
        reject(new NineError(Eintr));
      };
      const disarm = arm(() => {
        this.unblock(interrupted);
        resolve();
      });
      this.block(interrupted);
    });
  }

  /** Delivers a note (notify(2)). */
  note(note: string): void {
    if (this.ended) return;
    // One note ends it; what it still waits for is told of every further one.
    if (this.killed === undefined && (note === "kill" || !this.handles(note))) this.killed = note;
    this.wake();
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

  /** Ends every wait with Eintr, or with the reply that comes first. */
  private wake(): void {
    this.intr.raise();
    for (const interrupted of [...this.blocked]) {
      this.blocked.delete(interrupted);
      interrupted();
    }
  }

  /** wait(2): that child, or whichever ends first. */
  async wait(pid: number | undefined): Promise<Waitmsg> {
    for (;;) {
      const i = this.waitq.findIndex((w) => pid === undefined || w.pid === pid);
      const w = this.waitq[i];
      if (w) {
        this.waitq.splice(i, 1);
        return w;
      }
      const hope = pid === undefined ? this.children.size > 0 : [...this.children].some((c) => c.pid === pid);
      if (!hope) throw new NineError(Enochild);
      await this.sleep((wake) => {
        this.waiters.add(wake);
        return () => this.waiters.delete(wake);
      });
    }
  }

  /** pexit: gives back everything and tells the parent. */
  exit(status: string): void {
    if (this.ended) return;
    this.ended = true;
    // What the program left waiting lets go of its Chans.
    this.wake();
    this.fgrp.closeAll();
    this.dot.close();
    this.slash.close();
    this.pgrp.decref();
    this.notes.procs.delete(this);
    this.kernel.procs.delete(this.pid);
    this.parent?.reap(this, status);
  }

  private reap(child: Proc, status: string): void {
    this.children.delete(child);
    if (this.ended) return;
    this.waitq.push({ pid: child.pid, status });
    for (const wake of [...this.waiters]) {
      this.waiters.delete(wake);
      wake();
    }
  }
}
