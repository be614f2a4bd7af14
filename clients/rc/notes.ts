/**
 * Notes: what a shell does with the notes it gets (notify(2), rc(1) "fn note"). The handler only
 * records; the shell looks at `pending` between commands and after a call that threw Eintr.
 * Invariant: a note that neither a function nor an interactive shell takes is refused, so that it
 * ends the process. A shell with job control is told of stops as well; one of its line is taken.
 */
import type { Sys } from "../../kernel/sys.ts";

/** The function that takes a note, whether it is defined or not. */
function functionOf(note: string): string | undefined {
  if (note === "interrupt") return "sigint";
  if (note === "hangup") return "sighup";
  if (note === "alarm") return "sigalrm";
  if (note === "term") return "sigterm";
  if (note === "quit") return "sigquit";
  return note.startsWith("sys: fp:") ? "sigfpe" : undefined;
}

export class Notes {
  /** Functions to be called, in the order the notes came. */
  readonly functions: string[] = [];
  /** An interactive shell's command is to be given up, or its processes have been stopped. */
  interrupted = false;
  stopped = false;
  /** Aborts the line being read, if one is. */
  reading: AbortController | undefined;
  private readonly sys: Sys;
  private readonly defined: (name: string) => boolean;
  private readonly interactive: () => boolean;

  constructor(sys: Sys, defined: (name: string) => boolean, interactive: () => boolean) {
    this.sys = sys;
    this.defined = defined;
    this.interactive = interactive;
    sys.notify((note) => this.take(note));
  }

  /** From now on it is asked of each child that is stopped whether the line is to be given up for that. */
  control(stopped: (pid: number) => boolean): void {
    this.sys.notify((note) => {
      // The shell is not stopped by a note.
      if (note === "stop" || note === "start") return false;
      const child = /^stopped (\d+)$/.exec(note);
      if (!child) return this.take(note);
      if (!stopped(Number(child[1]))) return false;
      this.stopped = true;
      return true;
    }, true);
  }

  /** A note has come; false: it ends the shell. */
  take(note: string): boolean {
    const name = functionOf(note);
    if (name !== undefined && this.defined(name)) this.functions.push(name);
    else if (this.interactive() && (name === "sigint" || name === "sigquit")) this.interrupted = true;
    else return false;
    this.reading?.abort();
    return true;
  }

  get pending(): boolean {
    return this.interrupted || this.stopped || this.functions.length > 0;
  }

  /** Why the command is to be given up, which it is then. */
  giveUp(): "interrupt" | "stopped" | undefined {
    const why = this.interrupted ? "interrupt" : this.stopped ? "stopped" : undefined;
    this.interrupted = false;
    this.stopped = false;
    return why;
  }
}
