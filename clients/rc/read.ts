/**
 * Reading: command lines from a source, one at a time, each run before the next is read. Invariant:
 * an interactive loop survives every mistake in a command; any other loop ends with it. Between two
 * lines nothing of the first is left: no scope, no redirection, no fd of <{}.
 */
import { isInterrupted } from "../../proto/index.ts";
import { decode } from "../tools/lib/bytes.ts";
import { Interrupt, isFailure, isTrue, mistake, RcError } from "./error.ts";
import type { Shell } from "./eval.ts";
import { Incomplete, RcSyntax } from "./lex.ts";
import { type Line, parseLine, type Source } from "./parse.ts";
import { printValue } from "./print.ts";
import { expandHere } from "./word.ts";

/** More text for a source, undefined at its end. `first`: no command has been begun. */
export type More = (first: boolean) => Promise<string | undefined>;

/** Reads lines for an interactive shell; the signal aborts a line that is no longer wanted. */
export interface LineEditor {
  /** The line without its newline; undefined at the end of the input. */
  readLine(prompt: string, signal?: AbortSignal): Promise<string | undefined>;
}

/** Runs a source's commands to its end. `name` is what syntax errors call it. */
export async function interpret(sh: Shell, source: Source, name: string | undefined, interactive: boolean, more?: More): Promise<void> {
  const outer = { interactive: sh.interactive, vars: sh.vars.mark(), fds: sh.fds, held: sh.held.length };
  if (interactive) sh.interactive = true;
  try {
    for (;;) {
      if (sh.flags.has("s") && !isTrue(sh.status[0] ?? "")) await sh.say(2, `status=${printValue(sh.status)}\n`);
      try {
        const { pos, text } = source;
        const next = nextLine(source, sh, more);
        const line = next instanceof Promise ? await next : next;
        if (!line) return;
        if (sh.flags.has("v")) await sh.say(2, more ? source.text.slice(0, source.pos) : text.slice(pos, source.pos));
        const p = runLine(sh, line);
        if (p) await p;
        if (sh.notes.pending) await sh.takeNotes();
      } catch (e) {
        if (!(await survives(sh, e, source, name, interactive))) return;
      }
      // No command outlives its line but what it started in the background.
      if (sh.held.length > outer.held) await sh.release(outer.held, outer.fds);
    }
  } finally {
    sh.interactive = outer.interactive;
    sh.vars.restore(outer.vars);
    await sh.release(outer.held, outer.fds);
  }
}

function runLine(sh: Shell, line: Line): Promise<void> | void {
  sh.exitOnError = sh.flags.has("e");
  for (const here of line.heres) here.text = here.quoted ? here.body : expandHere(sh, here.body);
  return sh.run(line.cmd, true);
}

/** Reports what went wrong. Does the loop go on? Errors that are not this loop's are thrown on. */
async function survives(sh: Shell, e: unknown, source: Source, name: string | undefined, interactive: boolean): Promise<boolean> {
  if (e instanceof RcSyntax) {
    const where = interactive ? "" : name === undefined ? `line ${e.line}: ` : `${name}:${e.line}: `;
    await sh.say(2, `rc: ${where}${e.message}\n`);
    sh.setStatus("syntax error");
    return interactive;
  }
  if (!interactive) throw e;
  const wrong = isFailure(e) ? new RcError(e.message) : mistake(e);
  if (wrong) {
    await sh.tell(wrong);
    sh.setStatus("error");
  } else if (e instanceof Interrupt || (isInterrupted(e) && sh.notes.interrupted)) {
    sh.notes.interrupted = false;
    await sh.say(2, "\n");
    sh.setStatus("interrupt");
    // What was typed ahead is given up as well.
    source.pos = source.text.length;
  } else throw e;
  return true;
}

/** The next line of a source that is all there, at once; of another one when it has come. */
function nextLine(source: Source, sh: Shell, more: More | undefined): Line | undefined | Promise<Line | undefined> {
  return more ? readLine(source, sh, more) : parseLine(source);
}

async function readLine(source: Source, sh: Shell, more: More): Promise<Line | undefined> {
  // What has been run is let go, so that text holds the current command only.
  source.text = source.text.slice(source.pos);
  source.pos = 0;
  for (;;) {
    if (source.text !== "" || source.final) {
      try {
        return parseLine(source);
      } catch (e) {
        if (!(e instanceof Incomplete)) throw e;
      }
    }
    const text = await more(source.text === "");
    if (sh.notes.pending) await sh.takeNotes();
    if (text === undefined) source.final = true;
    else source.text += text;
  }
}

/** Lines from an editor, with $prompt's first element or, in the middle of a command, its second. */
export function fromEditor(sh: Shell, editor: LineEditor): More {
  return async (first) => {
    const reading = new AbortController();
    sh.notes.reading = reading;
    try {
      const line = await editor.readLine(promptOf(sh, first), reading.signal);
      return line === undefined ? undefined : `${line}\n`;
    } catch (e) {
      // An aborted read is an empty line: the note that aborted it is taken next. Without one pending, a note has ended the shell.
      if (sh.notes.pending) return "";
      throw e;
    } finally {
      sh.notes.reading = undefined;
    }
  };
}

/** What reads of fd 0 give: at most a line each where children are to read the rest. */
export function fromStdin(sh: Shell, prompting: boolean): More {
  return async (first) => {
    if (prompting) await sh.say(2, promptOf(sh, first));
    const fd = sh.fds.get(0);
    if (fd === undefined) return undefined;
    const data = await sh.again(() => sh.sys.read(fd));
    return data.length === 0 ? undefined : decode(data);
  };
}

function promptOf(sh: Shell, first: boolean): string {
  const prompt = sh.vars.get("prompt");
  return (first ? prompt[0] : prompt[1] ?? "\t") ?? "";
}
