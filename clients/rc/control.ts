/**
 * Control: job control of an interactive shell on a terminal. A job is what one line starts, or one `&`
 * of it: a note group, so that the terminal's notes and being stopped are for all of it at once.
 * Invariants: the shell itself is in the foreground of the console but while it waits for its line's
 * processes, so that the terminal always has a reader; whoever is in the background waits with reading
 * it. What runs in the shell itself, a loop, a function, is not stopped: when a process of the line is,
 * the rest of the line is given up, and `fg` brings back what was started of it. Shells that read a
 * script or a pipe have no Control, and everything of theirs is in their own note group.
 */
import { errno, isInterrupted, NineError, OWRITE } from "../../proto/index.ts";
import type { SpawnOptions, Sys, Waitmsg } from "../../kernel/sys.ts";
import { encode } from "../tools/lib/bytes.ts";
import { isTerminal } from "../tools/lib/terminal.ts";
import type { Cmd } from "./ast.ts";
import { exitStatus } from "./error.ts";

export interface Job {
  /** Of the table; undefined while it is the line that runs. */
  n: number | undefined;
  readonly text: string;
  /** Its note group. */
  group: number | undefined;
  /** The shell's children among its processes, in the order they were started; the status of those that have ended. */
  readonly procs: Map<number, string | undefined>;
  stopped: boolean;
  /** Its end is told before the next prompt. */
  told: boolean;
  /** It has had the interrupt that ended the line. */
  interrupted: boolean;
}

/** Columns of the word that says how a job is. */
const STATE = 9;
/** What is shown of a command. */
const TEXT = 60;

export class Control {
  /** The line that is being run, once it has started a process. */
  line: Job | undefined;
  private readonly sys: Sys;
  private readonly consctl: number;
  /** In the order they were last spoken of: the last is %%. */
  private readonly jobs: Job[] = [];
  /** The job of an &, while it is being started. */
  private starting: Job | undefined;
  private text = "";
  /** The line is more than one pipeline of programs: some of it is the shell's own to run. */
  private mixed = false;
  /** Lines read, and the one at which it was said that there are stopped jobs. */
  private lines = 0;
  private warned = -1;

  /** Is told of every child that has ended. */
  private readonly keep: (ended: Waitmsg) => void;

  private constructor(sys: Sys, consctl: number, keep: (ended: Waitmsg) => void) {
    this.sys = sys;
    this.consctl = consctl;
    this.keep = keep;
  }

  /** For a shell whose fd 0 is a terminal; undefined for another. */
  static async of(sys: Sys, keep: (ended: Waitmsg) => void): Promise<Control | undefined> {
    if (!(await isTerminal(sys, 0))) return undefined;
    try {
      const control = new Control(sys, await sys.open("/dev/consctl", OWRITE), keep);
      await control.home();
      return control;
    } catch (e) {
      if (!(e instanceof NineError) || isInterrupted(e)) throw e;
      return undefined;
    }
  }

  /** A line has been read; `own` are the commands that are no programs. */
  begin(text: string, cmd: Cmd, own: (name: string) => boolean): void {
    this.lines++;
    this.text = text;
    this.mixed = !isOne(cmd, own);
  }

  /** The line is over: what goes on of it is a job in the background. */
  end(): void {
    const { line } = this;
    this.line = undefined;
    if (line && this.lives(line)) this.add(line);
  }

  /** Starts a child, in the group of its job. */
  async spawn(options: SpawnOptions): Promise<number> {
    const job = this.starting ?? (this.line ??= newJob(this.text));
    for (;;) {
      // Of a group that has ended, or may have, nothing more is expected.
      const group = isAlive(job) ? job.group : undefined;
      try {
        const pid = await this.sys.spawn({ ...options, noteGroup: group ?? "new" });
        if (group === undefined) {
          job.group = pid;
          for (const [old, status] of job.procs) if (status !== undefined) job.procs.delete(old);
        }
        job.procs.set(pid, undefined);
        return pid;
      } catch (e) {
        if (group === undefined || !(e instanceof NineError) || e.errno !== errno.ESRCH) throw e;
        job.group = undefined;
      }
    }
  }

  /** What start() starts is a job of its own. */
  async background(text: string, start: () => Promise<unknown>): Promise<Job> {
    const job = newJob(text);
    this.starting = job;
    try {
      await start();
    } finally {
      this.starting = undefined;
    }
    if (job.procs.size > 0) this.add(job);
    job.told = true;
    return job;
  }

  /** What goes on of the line when it is over is told of when it ends. */
  linger(): void {
    if (this.line) this.line.told = true;
  }

  /** The line's processes have the terminal until home(). */
  async front(): Promise<void> {
    if (this.line?.group !== undefined) await this.control(`fg ${this.line.group}`);
  }

  async home(): Promise<void> {
    await this.control(`fg ${this.sys.noteid}`);
  }

  /** What there is to be told of children that nobody waits for. */
  collect(): void {
    for (let w = this.sys.waited(undefined, true); w; w = this.sys.waited(undefined, true)) {
      this.keep(w);
      this.heard(w);
    }
  }

  /** A child has ended or been stopped; why the line is given up for that, if it is. */
  heard({ pid, status, stopped }: Waitmsg): "interrupt" | "stopped" | undefined {
    const job = this.of(pid);
    if (!job) return undefined;
    if (stopped) return this.held(pid) ? "stopped" : undefined;
    job.procs.set(pid, status);
    if (job !== this.line || (status !== "interrupt" && status !== "quit")) return undefined;
    job.interrupted = true;
    return "interrupt";
  }

  /** A child has been stopped: is it of the line? */
  held(pid: number): boolean {
    const job = this.of(pid);
    if (job) job.stopped = true;
    return job !== undefined && job === this.line;
  }

  /** The line is given up: what is left of it. */
  interrupted(): void {
    const { line } = this;
    if (line && !line.interrupted) this.post(line, "interrupt");
    if (line) line.told = false;
    this.end();
  }

  /** The line's processes have been stopped: they are a job now. What there is to say. */
  suspended(): string {
    const { line } = this;
    this.line = undefined;
    if (!line || !isAlive(line)) return "";
    const rest = this.mixed && line.n === undefined;
    this.post(line, "stop");
    line.stopped = true;
    line.told = true;
    this.add(line);
    const said = this.shown(line);
    return rest ? said.replace(/\n$/, " # the rest of the line is given up\n") : said;
  }

  /** A job goes on; in the foreground it is the line. */
  async resume(job: Job, foreground: boolean): Promise<void> {
    this.add(job);
    job.stopped = false;
    job.interrupted = false;
    if (foreground) {
      this.end();
      this.jobs.splice(this.jobs.indexOf(job), 1);
      this.line = job;
      await this.front();
    }
    this.post(job, "start");
  }

  /** Processes of jobs that are not stopped. */
  get busy(): boolean {
    return [...this.jobs, ...(this.line ? [this.line] : [])].some((job) => isAlive(job) && !job.stopped);
  }

  /** Waits for the rest of a job whose own processes have ended. */
  async last(job: Job): Promise<void> {
    if (job.group !== undefined) await this.sys.waitGroup(job.group);
  }

  /** A job that was put in the background is one until its note group has ended; another while the shell has children of it. */
  private lives(job: Job): boolean {
    return isAlive(job) || (job.told && job.group !== undefined && this.sys.groupSize(job.group) > 0);
  }

  /** Jobs that have ended, which are forgotten now. */
  ended(): Job[] {
    this.collect();
    const over = this.jobs.filter((job) => !this.lives(job));
    for (const job of over) this.jobs.splice(this.jobs.indexOf(job), 1);
    return over.filter((job) => job.told).toSorted((a, b) => a.n! - b.n!);
  }

  /** All there are to be told of, by number. */
  list(): Job[] {
    return this.jobs.filter((job) => job.told || this.lives(job)).toSorted((a, b) => a.n! - b.n!);
  }

  /** %n, n, %% or %+, %-; without a name the last that was stopped or started. */
  find(name: string | undefined): Job | undefined {
    if (name === undefined || /^%[%+]?$/.test(name)) return this.jobs.findLast((job) => job.stopped) ?? this.jobs.at(-1);
    if (name === "%-") return this.jobs.at(-2) ?? this.jobs.at(-1);
    const n = /^%?(\d{1,9})$/.exec(name);
    return n ? this.jobs.find((job) => job.n === Number(n[1])) : undefined;
  }

  /** The line that tells of a job. */
  shown(job: Job): string {
    const mark = job === this.find("%+") ? "+" : job === this.find("%-") ? "-" : " ";
    const alive = this.lives(job);
    const state = !alive ? "done" : job.stopped ? "stopped" : "running";
    const status = alive ? "" : statusOf(job);
    return `[${job.n}] ${mark} ${state.padEnd(STATE)} ${job.text}${status === "" ? "" : ` # status=${status}`}\n`;
  }

  /** Whether the shell is not left yet because of stopped jobs; the second time in a row it is. */
  stays(atEnd: boolean): boolean {
    if (atEnd) this.lines++;
    this.collect();
    if (this.warned >= this.lines - 1 || !this.jobs.some((job) => job.stopped && this.lives(job))) return false;
    this.warned = this.lines;
    return true;
  }

  /** A note to all of a job. */
  post(job: Job, note: string): void {
    try {
      if (job.group !== undefined) this.sys.postNoteGroup(job.group, note);
    } catch (e) {
      // Nobody is in it any more.
      if (!(e instanceof NineError) || e.errno !== errno.ESRCH) throw e;
    }
  }

  private of(pid: number): Job | undefined {
    if (this.line?.procs.has(pid)) return this.line;
    if (this.starting?.procs.has(pid)) return this.starting;
    return this.jobs.find((job) => job.procs.has(pid));
  }

  /** To the table, or to its end. */
  private add(job: Job): void {
    const at = this.jobs.indexOf(job);
    if (at >= 0) this.jobs.splice(at, 1);
    if (at < 0 && (job.n === undefined || this.jobs.some((x) => x.n === job.n))) job.n = Math.max(0, ...this.jobs.map((x) => x.n!)) + 1;
    this.jobs.push(job);
  }

  /** The terminal must not be left with the wrong one: this is not given up for a note. */
  private async control(word: string): Promise<void> {
    for (;;) {
      try {
        await this.sys.write(this.consctl, encode(word));
        return;
      } catch (e) {
        if (!(e instanceof NineError)) throw e;
        // A group that has ended already.
        if (!isInterrupted(e)) return;
      }
    }
  }
}

function newJob(text: string): Job {
  const line = text.trim().replaceAll(/\s*\n\s*/g, "; ");
  return { n: undefined, text: line.length > TEXT ? `${line.slice(0, TEXT - 3)}...` : line, group: undefined, procs: new Map(), stopped: false, told: false, interrupted: false };
}

function isAlive(job: Job): boolean {
  for (const status of job.procs.values()) if (status === undefined) return true;
  return false;
}

/** Is it one program, or a pipeline of them? */
function isOne(cmd: Cmd, own: (name: string) => boolean): boolean {
  switch (cmd.kind) {
    case "simple": return cmd.words[0]?.kind === "lit" && !own(cmd.words[0].text);
    case "redir": case "assign": case "subshell": return isOne(cmd.cmd, own) || cmd.kind === "subshell";
    case "pipe": return isOne(cmd.left, own) && isOne(cmd.right, own);
    default: return false;
  }
}

/** A program's own, or as of a pipeline. */
export function statusOf(job: Job): string {
  const all = [...job.procs.values()].map((status) => status ?? "");
  return all.reduce((left, own) => `${exitStatus(left)}|${own}`);
}
