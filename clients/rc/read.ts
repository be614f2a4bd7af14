/**
 * Reading: command lines from a source, one at a time, each run before the next is read. Invariant:
 * an interactive loop survives every mistake in a command; any other loop ends with it. Between two
 * lines nothing of the first is left: no scope, no redirection, no fd of <{}.
 */
import { Enoproc, isInterrupted } from "../../proto/index.ts";
import type { Editor } from "../edit/index.ts";
import { decode } from "../tools/lib/bytes.ts";
import { builtins, STOPPED } from "./builtins.ts";
import { complete } from "./complete.ts";
import type { Control } from "./control.ts";
import { Interrupt, isFailure, isTrue, mistake, RcError } from "./error.ts";
import type { Shell } from "./eval.ts";
import { Incomplete, RcSyntax } from "./lex.ts";
import { type Line, parseLine, type Source } from "./parse.ts";
import { printValue } from "./print.ts";
import { Whole } from "./whole.ts";
import { expandHere } from "./word.ts";

/** More text for a source, undefined at its end. `first`: no command has been begun. */
export type More = (first: boolean, source: Source) => Promise<Typed | undefined>;

/** What was typed. `last`: nothing follows it, so that a command that is not whole is wrong. `dropped`: nor is what stood before it wanted. */
export interface Typed {
  readonly text: string;
  readonly last?: boolean;
  readonly dropped?: boolean;
}

/** Reads commands for an interactive shell (clients/edit); the signal aborts one that is no longer wanted. */
export type LineEditor = Pick<Editor, "readLine">;

/** Runs a source's commands to its end. `name` is what syntax errors call it. */
export async function interpret(sh: Shell, source: Source, name: string | undefined, interactive: boolean, more?: More): Promise<void> {
  const outer = { interactive: sh.interactive, vars: sh.vars.mark(), fds: sh.fds, held: sh.held.length };
  if (interactive) sh.interactive = true;
  try {
    for (;;) {
      if (sh.flags.has("s") && !isTrue(sh.status[0] ?? "")) await sh.say(2, `status=${printValue(sh.status)}\n`);
      const control = interactive ? sh.control : undefined;
      try {
        if (control) await settle(sh, control);
        const { pos, text } = source;
        const next = nextLine(source, sh, more);
        const line = next instanceof Promise ? await next : next;
        if (!line) {
          if (!control?.stays(true)) return;
          await sh.say(2, `${STOPPED}\n`);
          source.final = false;
          continue;
        }
        control?.begin(source.text.slice(0, source.pos), line.cmd, (name) => builtins.has(name) || sh.fn(name) !== undefined);
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

/** Between two lines: what goes on of the last one is a job, and of jobs that have ended is told. */
async function settle(sh: Shell, control: Control): Promise<void> {
  control.end();
  for (const job of control.ended()) await sh.say(2, control.shown(job));
}

/** Reports what went wrong. Does the loop go on? Errors that are not this loop's are thrown on. */
async function survives(sh: Shell, e: unknown, source: Source, name: string | undefined, interactive: boolean): Promise<boolean> {
  if (e instanceof RcSyntax) {
    const where = interactive ? "" : name === undefined ? `line ${e.line}: ` : `${name}:${e.line}: `;
    await sh.warn(`rc: ${where}${e.message}`);
    sh.setStatus("syntax error");
    return interactive;
  }
  if (!interactive) throw e;
  const wrong = isFailure(e) ? new RcError(e.message) : mistake(e);
  if (!wrong && !(e instanceof Interrupt || isInterrupted(e))) throw e;
  // What was interrupted may have failed of that.
  const given = sh.notes.giveUp();
  const why = e instanceof Interrupt ? e.why : given;
  if (why === "interrupt") {
    // The terminal has shown what was typed, and ended its line.
    if (sh.control) sh.control.interrupted();
    else await sh.say(2, "\n");
    sh.setStatus("interrupt");
    // What was typed ahead is given up as well.
    source.pos = source.text.length;
  } else if (why) {
    await sh.say(2, sh.control?.suspended() ?? "");
    sh.setStatus("stopped");
  } else if (!wrong) throw e;
  else {
    // A line that begets itself without end goes with all it has begotten.
    if (wrong.message === Enoproc) sh.control?.interrupted();
    await sh.tell(wrong);
    sh.setStatus("error");
  }
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
  // The end of a terminal's input is that of a command, if one was begun.
  if (source.text === "") source.final = false;
  for (;;) {
    if (source.text !== "" || source.final) {
      try {
        return parseLine(source);
      } catch (e) {
        if (!(e instanceof Incomplete)) throw e;
      }
    }
    const typed = await more(source.text === "", source);
    if (sh.notes.pending) await sh.takeNotes();
    if (typed?.dropped) source.text = "";
    source.text += typed?.text ?? "";
    source.final = typed === undefined || typed.last === true;
  }
}

/** Commands from an editor, with $prompt's first element or, in the middle of one, its second. */
export function fromEditor(sh: Shell, editor: LineEditor): More {
  return async (first, source) => {
    if (sh.notes.pending) return { text: "", dropped: true };
    const reading = new AbortController();
    sh.notes.reading = reading;
    const whole = new Whole(source);
    const ask = {
      prompt: promptOf(sh, first), more: promptOf(sh, false),
      enough: (text: string) => whole.test(text),
      complete: (text: string, cursor: number, signal: AbortSignal) => complete(sh, text, cursor, signal),
    };
    try {
      const answer = await editor.readLine(ask, reading.signal);
      if (answer.kind === "dropped") return { text: "", dropped: true };
      if (answer.kind === "line") return { text: `${answer.text}\n` };
      return first && answer.text === "" ? undefined : { text: answer.text, last: true };
    } catch (e) {
      // A note that ended the reading is taken next. Without one pending, it has ended the shell.
      if (sh.notes.pending) return { text: "", dropped: true };
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
    return data.length === 0 ? undefined : { text: decode(data) };
  };
}

function promptOf(sh: Shell, first: boolean): string {
  const prompt = sh.vars.get("prompt");
  return (first ? prompt[0] : prompt[1] ?? "\t") ?? "";
}
