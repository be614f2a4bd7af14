/**
 * NoteGroup: the processes that get a note together, as a terminal sends it (notepg of proc(3)), and that
 * are stopped and started together: what job control is made of. Invariants: a process is in one group;
 * a group is known by its number while somebody is in it, and whoever asked is told when the last has
 * left. A group made with a process has its pid for a number, so that Unix's process groups are these.
 */
import { Enoproc, NineError } from "../proto/index.ts";
import type { Proc } from "./proc.ts";

/** Processes of a group: what begets itself without end is met by an error before it has the host's memory, and one note ends it. */
const MAXGROUP = 10_240;

export class NoteGroup {
  /** noteid: distinct for each group of a kernel, and no other process's pid. */
  readonly id: number;
  readonly procs: Set<Proc> = new Set();
  /** Called once, when the last process leaves. */
  readonly atEnd: Set<() => void> = new Set();

  constructor(id: number) {
    this.id = id;
  }

  /** Whether one more process may be born into it. */
  room(): void {
    if (this.procs.size >= MAXGROUP) throw new NineError(Enoproc);
  }

  join(p: Proc): void {
    this.procs.add(p);
  }

  leave(p: Proc): void {
    this.procs.delete(p);
    if (this.procs.size > 0) return;
    for (const f of this.atEnd) f();
    this.atEnd.clear();
  }

  /** To all but who posts it, if he says so. */
  note(note: string, but?: number): void {
    for (const p of [...this.procs]) if (p.pid !== but) p.note(note);
  }

  /** All of them, whatever they do with notes. */
  stop(): void {
    for (const p of [...this.procs]) p.stop();
  }

  start(): void {
    for (const p of [...this.procs]) p.start();
  }
}
