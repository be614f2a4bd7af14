/**
 * Notes: what a shell does with the notes it gets (notify(2), rc(1) "fn note"). The handler only
 * records; the shell looks at `pending` between commands and after a call that threw Eintr.
 * Invariant: a note that neither a function nor an interactive shell takes is refused, so that it
 * ends the process.
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
  /** An interactive shell's command is to be given up. */
  interrupted = false;
  /** Aborts the line being read, if one is. */
  reading: AbortController | undefined;

  constructor(sys: Sys, defined: (name: string) => boolean, interactive: () => boolean) {
    sys.notify((note) => {
      const name = functionOf(note);
      if (name !== undefined && defined(name)) this.functions.push(name);
      else if (interactive() && (name === "sigint" || name === "sigquit")) this.interrupted = true;
      else return false;
      this.reading?.abort();
      return true;
    });
  }

  get pending(): boolean {
    return this.interrupted || this.functions.length > 0;
  }
}
