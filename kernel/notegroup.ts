/** NoteGroup: the processes that get a note together, as a terminal sends it (notepg of proc(3)). */
import type { Proc } from "./proc.ts";

export class NoteGroup {
  /** noteid: distinct for each group of a kernel. */
  readonly id: number;
  readonly procs: Set<Proc> = new Set();

  constructor(id: number) {
    this.id = id;
  }

  /** To all but who posts it, if he says so. */
  note(note: string, but?: number): void {
    for (const p of [...this.procs]) if (p.pid !== but) p.note(note);
  }
}
