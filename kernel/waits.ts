/**
 * Waits: the children of a process, and what it is to be told of them (wait(2)). Invariants: each child
 * that ends leaves one Waitmsg, for whoever waits first; each stop of a child is told once, to a wait that
 * asks for stops, and not after the child goes on; a wait that nothing can come of fails with Enochild.
 * Used by its Proc alone.
 */
import { Enochild, errno, NineError } from "../proto/index.ts";
import { type Blocked, Sleepers } from "./blocked.ts";
import type { Proc } from "./proc.ts";
import type { Waitmsg } from "./sys.ts";

/** What is said of a process that has ended. */
export const Eprocdied = "process exited";
/** Ended children whose Waitmsg a parent that never waits keeps. */
const MAXWAITQ = 65_536;

/** What is waited for. */
export interface Wanted {
  /** That child; default whichever is first. */
  readonly pid?: number | undefined;
  /** Also the stop of a child. */
  readonly stops?: boolean | undefined;
  /** Children that it may yet have are waited for. */
  readonly patient?: boolean;
}

export class Waits {
  private readonly children = new Set<Proc>();
  private readonly ended: Waitmsg[] = [];
  /** Children whose stop has not been told. */
  private readonly stopped = new Set<Proc>();
  private readonly sleepers = new Sleepers();
  private over = false;

  add(child: Proc): void {
    this.children.add(child);
  }

  /** RFNOWAIT: it is nobody's child any more. */
  remove(child: Proc): void {
    this.children.delete(child);
    this.stopped.delete(child);
    this.sleepers.wakeup();
  }

  /** A child has ended. */
  reap(child: Proc, status: string): void {
    this.children.delete(child);
    this.stopped.delete(child);
    // A parent that never waits keeps so many (proc.c).
    if (this.ended.length >= MAXWAITQ) this.ended.shift();
    this.ended.push(message(child, status));
    this.sleepers.wakeup();
  }

  /** A child has been stopped, or goes on. */
  held(child: Proc, stopped: boolean): void {
    if (!stopped) this.stopped.delete(child);
    else {
      this.stopped.add(child);
      this.sleepers.wakeup();
    }
  }

  /** What there is to be told now. */
  take({ pid, stops }: Wanted): Waitmsg | undefined {
    const i = this.ended.findIndex((w) => pid === undefined || w.pid === pid);
    if (i >= 0) return this.ended.splice(i, 1)[0];
    if (!stops) return undefined;
    for (const child of this.stopped) {
      if (pid !== undefined && child.pid !== pid) continue;
      this.stopped.delete(child);
      return { ...message(child, "stopped"), stopped: true };
    }
    return undefined;
  }

  /** Another than the process itself may be who waits. */
  async wait(wanted: Wanted, blocked: Blocked): Promise<Waitmsg> {
    for (;;) {
      if (this.over) throw new NineError(Eprocdied, errno.ESRCH);
      const w = this.take(wanted);
      if (w) return w;
      if (!wanted.patient && !this.hope(wanted.pid)) throw new NineError(Enochild);
      await this.sleepers.sleep(blocked);
    }
  }

  /** The process itself has ended: its children, which are nobody's now. */
  end(): readonly Proc[] {
    const orphans = [...this.children];
    this.over = true;
    this.children.clear();
    this.stopped.clear();
    this.ended.length = 0;
    this.sleepers.wakeup();
    return orphans;
  }

  private hope(pid: number | undefined): boolean {
    if (pid === undefined) return this.children.size > 0;
    for (const child of this.children) if (child.pid === pid) return true;
    return false;
  }
}

function message(child: Proc, status: string): Waitmsg {
  return { pid: child.pid, status, realMs: child.kernel.host.now() - child.startMs };
}
