/**
 * What can end a command early. RcError: a mistake in it; a script ends, an interactive shell takes
 * the next command. Exit: the shell ends. Interrupt: the interactive shell takes the next command, since
 * it was interrupted or what it waits for was stopped.
 */
import { isInterrupted, NineError } from "../../proto/index.ts";

export class RcError extends Error {
  override readonly name = "RcError";
  /** Somebody has written it to fd 2. */
  told = false;
}

/** What a script is told of: a mistake of its own, or that it has asked for more than there is. */
export function mistake(e: unknown): RcError | undefined {
  if (e instanceof RcError) return e;
  if (!(e instanceof RangeError)) return undefined;
  return new RcError(e.message.includes("call stack") ? "command nested too deeply" : "word or list too long");
}

export class Exit extends Error {
  override readonly name = "Exit";
  readonly status: string;
  /** exec: another program has taken the shell's place, sigexit does not run. */
  readonly replaced: boolean;

  constructor(status: string, replaced = false) {
    super(status);
    this.status = status;
    this.replaced = replaced;
  }
}

export class Interrupt extends Error {
  override readonly name = "Interrupt";
  readonly why: "interrupt" | "stopped";

  constructor(why: "interrupt" | "stopped") {
    super(why);
    this.why = why;
  }
}

/**
 * Is it a call's failure that a command can be told of? An interrupted call is none: the process was
 * ended by a note, or gives its command up, and nothing must hold that up.
 */
export function isFailure(e: unknown): e is NineError {
  return e instanceof NineError && !isInterrupted(e);
}

/** Success: nothing but 0 and | in it, as pipelines join statuses. */
export function isTrue(status: string): boolean {
  for (let i = 0; i < status.length; i++) if (status[i] !== "0" && status[i] !== "|") return false;
  return true;
}

/** What the parent of a shell sees: "", the number 1..255 the status begins with, and 1 for anything else. */
export function exitStatus(status: string): string {
  if (isTrue(status)) return "";
  const n = Number(/^\s*(\d{1,9})(?!\d)/.exec(status)?.[1] ?? 1);
  return String(n >= 1 && n <= 255 ? n : 1);
}

/** What a call gives; undefined where it fails. */
export async function quietly<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (e) {
    if (!isFailure(e)) throw e;
    return undefined;
  }
}
