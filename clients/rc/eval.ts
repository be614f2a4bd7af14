/**
 * Shell: one process running rc: its variables, functions, status and fds, and the evaluation of
 * commands. Whoever needs a second process (a pipeline, @, &, `{}) copies the state with twin().
 *
 * fds is the shell's own fd table as its commands see it: command fd to fd of this process. A
 * redirection is a changed copy of it for as long as it lasts; nothing is ever dup'ed and put back,
 * so whatever ends a block, its redirections end with it. What a redirection opened is closed by who
 * opened it; `held` are the fds behind the names <{} made, closed when their command ends.
 *
 * Invariant: run() returns a promise only when it has to wait for a call. `checked` tells whether a
 * false status ends the shell under -e; conditions are run unchecked.
 */
import { isInterrupted } from "../../proto/index.ts";
import type { Sys, Waitmsg } from "../../kernel/sys.ts";
import { encode } from "../tools/lib/bytes.ts";
import { harmless, isTerminal } from "../tools/lib/terminal.ts";
import type { Assign, Cmd, Simple, Word } from "./ast.ts";
import { builtins } from "./builtins.ts";
import { chain, forLoop, matches, switchCase, whileLoop } from "./compound.ts";
import type { Control } from "./control.ts";
import { Exit, Interrupt, isFailure, isTrue, RcError } from "./error.ts";
import { background, backquote, external, pipefd, pipeline, subshell } from "./job.ts";
import { jobCommand } from "./jobcmds.ts";
import { Notes } from "./notes.ts";
import { printFn, quote } from "./print.ts";
import { redirect } from "./redir.ts";
import { exportable, type Vars } from "./vars.ts";
import { type Later, literal, words } from "./word.ts";

export type Fds = ReadonlyMap<number, number>;

/** What a child shell starts with: everything but the process itself. */
export interface State {
  readonly vars: Vars;
  readonly fns: Map<string, Cmd>;
  readonly flags: Set<string>;
  readonly status: readonly string[];
  readonly exitOnError: boolean;
  readonly ifNot: boolean;
}

/** Nested calls; each costs memory, none costs stack. */
const MAXCALLS = 20_000;
/** Calls that may nest on the JavaScript stack before it is left. */
const STACKED = 40;
/** A loop that makes no call lets others run this often. */
const SLICEMS = 8;

export class Shell {
  readonly sys: Sys;
  readonly vars: Vars;
  readonly flags: Set<string>;
  readonly notes: Notes;
  status: readonly string[];
  fds: Fds;
  /** Children started with &, and their status once it is known. */
  readonly jobs: Map<number, string | undefined> = new Map();
  /** The same for pipelines that are not finished: their processes may end in any order. */
  readonly stages: Map<number, string | undefined> = new Map();
  /** -e, as it was when the current command line was read. */
  exitOnError: boolean;
  interactive = false;
  /** Of an interactive shell on a terminal. */
  control: Control | undefined;
  readonly held: number[] = [];
  private readonly fns: Map<string, Cmd>;
  private readonly changedFns = new Set<string>();
  private ifNot: boolean;
  private calls = 0;
  private steps = 0;
  private rested: number;

  constructor(sys: Sys, fds: Fds, state: State) {
    this.sys = sys;
    this.fds = fds;
    this.vars = state.vars;
    this.fns = state.fns;
    this.flags = state.flags;
    this.status = state.status;
    this.exitOnError = state.exitOnError;
    this.ifNot = state.ifNot;
    this.rested = sys.now();
    this.notes = new Notes(sys, (name) => this.fns.has(name), () => this.interactive);
  }

  /** The state of this moment. */
  twin(): State {
    this.export();
    return {
      vars: this.vars.copy(), fns: new Map(this.fns), flags: new Set(this.flags), status: this.status,
      exitOnError: this.exitOnError, ifNot: this.ifNot,
    };
  }

  /** What is asked for of a child that has ended. */
  keep(told: Waitmsg): void {
    if (!told.stopped) for (const wanted of [this.jobs, this.stages]) if (wanted.has(told.pid)) wanted.set(told.pid, told.status);
  }

  /** What it runs is part of a function. */
  get inFunction(): boolean {
    return this.calls > 0;
  }

  setStatus(status: string): void {
    this.status = [status];
  }

  get isTrue(): boolean {
    return isTrue(this.status[0] ?? "");
  }

  fn(name: string): Cmd | undefined {
    return this.fns.get(name);
  }

  setFn(name: string, body: Cmd | undefined): void {
    if (body) this.fns.set(name, body);
    else this.fns.delete(name);
    this.changedFns.add(name);
  }

  setVar(name: string, value: readonly string[]): void {
    if (name === "status") this.status = value;
    else this.vars.set(name, value);
  }

  /** Brings the process's environment up to date: children and /env see the shell's variables. */
  export(): void {
    this.vars.drain((name, value) => this.sys.setenv(name, value));
    for (const name of this.changedFns) {
      if (!exportable(name)) continue;
      const body = this.fns.get(name);
      this.sys.setenv(`fn#${name}`, body && [printFn(name, body)]);
    }
    this.changedFns.clear();
  }

  /** Writes to a command fd; what cannot be written is lost, as there is nobody to tell. */
  async say(fd: number, text: string, fds: Fds = this.fds): Promise<void> {
    const own = fds.get(fd);
    if (own === undefined) return;
    try {
      await this.again(() => this.sys.write(own, encode(text)));
    } catch (e) {
      if (!isFailure(e)) throw e;
    }
  }

  /** Says a line on fd 2 that names of files may be in: no escape sequence of theirs reaches a terminal. */
  async warn(line: string, fds: Fds = this.fds): Promise<void> {
    const own = fds.get(2);
    const shown = harmless(line);
    await this.say(2, `${shown !== line && own !== undefined && (await isTerminal(this.sys, own)) ? shown : line}\n`, fds);
  }

  /** Writes what went wrong, once: as soon as a redirection of fd 2 would end by it. */
  async tell(e: RcError): Promise<void> {
    if (e.told) return;
    e.told = true;
    await this.warn(`rc: ${e.message}`);
  }

  /** A call that goes on after notes which functions take, and gives up for an interrupt. */
  async again<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      // A note that came before the call would not end it.
      this.giveUp();
      try {
        return await call();
      } catch (e) {
        if (!isInterrupted(e) || !this.notes.pending) throw e;
      }
    }
  }

  /** Lets go of what <{} opened since `mark`, and of redirections since `fds`. */
  async release(mark: number, fds: Fds): Promise<void> {
    this.fds = fds;
    while (this.held.length > mark) await this.close(this.held.pop()!);
  }

  async close(own: number): Promise<void> {
    try {
      await this.sys.close(own);
    } catch (e) {
      if (!isFailure(e)) throw e;
    }
  }

  backquote(body: Cmd, sep: string | undefined): Promise<readonly string[]> {
    return backquote(this, body, sep);
  }

  pipefd(word: Word & { kind: "pipefd" }): Promise<string> {
    return pipefd(this, word);
  }

  run(cmd: Cmd, checked: boolean): Later<void> {
    if (this.notes.pending) return this.takeNotes().then(() => this.run(cmd, checked));
    switch (cmd.kind) {
      case "nil": return undefined;
      case "simple": return this.simple(cmd, checked);
      case "list": return this.list(cmd.items, checked);
      case "brace": return this.run(cmd.body, checked);
      case "assign": return this.assign(cmd, checked);
      case "match": return matches(this, cmd.subject, cmd.patterns, checked);
      case "and": case "or": return chain(this, cmd, checked);
      case "bang": return this.next(this.run(cmd.cmd, checked), () => this.setStatus(this.isTrue ? "false" : ""));
      case "if": {
        const { body } = cmd;
        const p = this.run(cmd.cond, false);
        return p ? p.then(() => this.taken(body, checked)) : this.taken(body, checked);
      }
      case "ifnot": return this.ifNot ? this.run(cmd.body, checked) : undefined;
      case "while": return whileLoop(this, cmd.cond, cmd.body, checked);
      case "for": return forLoop(this, cmd, checked);
      case "switch": return switchCase(this, cmd, checked);
      case "fn": return this.define(cmd.names, cmd.body);
      case "redir": return this.redirected(cmd, checked);
      case "pipe": return pipeline(this, cmd, checked);
      case "async": return background(this, cmd.cmd);
      case "subshell": return subshell(this, cmd.cmd).then(() => this.check(checked));
    }
  }

  /** Runs a function's body, or a note's, with `args` as $*. */
  call(body: Cmd, args: readonly string[]): Later<void> {
    if (this.calls >= MAXCALLS) throw new RcError("functions nested too deeply");
    const mark = this.vars.mark();
    this.vars.push("*", args);
    this.calls++;
    const done = (): void => {
      this.calls--;
      this.vars.restore(mark);
    };
    try {
      const p = this.calls % STACKED === 0 ? this.unstacked(body) : this.run(body, true);
      if (p) return p.finally(done);
    } catch (e) {
      done();
      throw e;
    }
    done();
    return undefined;
  }

  /** Runs a file's commands, or eval's: they may nest as calls do. */
  async nested(run: () => Promise<void>): Promise<void> {
    if (this.calls >= MAXCALLS) throw new RcError("commands nested too deeply");
    this.calls++;
    try {
      if (this.calls % STACKED === 0) await Promise.resolve();
      await run();
    } finally {
      this.calls--;
    }
  }

  /** What came in while a command ran: functions for notes are called, an interrupt is thrown. */
  async takeNotes(): Promise<void> {
    this.giveUp();
    for (let name = this.notes.functions.shift(); name !== undefined; name = this.notes.functions.shift()) {
      const body = this.fns.get(name);
      const { status } = this;
      if (body) await this.call(body, this.vars.get("*"));
      this.status = status;
    }
  }

  private giveUp(): void {
    const why = this.notes.giveUp();
    if (why) throw new Interrupt(why);
  }

  private next(p: Later<void>, then: () => Later<void>): Later<void> {
    return p ? p.then(then) : then();
  }

  /** The body of an `if` whose condition has been run. */
  private taken(body: Cmd, checked: boolean): Later<void> {
    this.ifNot = true;
    if (!this.isTrue) return undefined;
    const p = this.run(body, checked);
    if (p) {
      return p.then(() => {
        this.ifNot = false;
      });
    }
    this.ifNot = false;
    return undefined;
  }

  /** Under -e a command with a false status ends the shell. */
  check(checked: boolean): void {
    if (checked && this.exitOnError && !this.isTrue) throw new Exit(this.status[0] ?? "");
  }

  private async unstacked(body: Cmd): Promise<void> {
    await Promise.resolve();
    await this.run(body, true);
  }

  private list(items: readonly Cmd[], checked: boolean): Later<void> {
    for (let i = 0; i < items.length; i++) {
      const p = this.run(items[i]!, checked);
      if (p) return this.listFrom(items, i + 1, p, checked);
    }
    return undefined;
  }

  private async listFrom(items: readonly Cmd[], at: number, first: Promise<void>, checked: boolean): Promise<void> {
    await first;
    for (let i = at; i < items.length; i++) {
      const p = this.run(items[i]!, checked);
      if (p) await p;
    }
  }

  private simple(cmd: Simple, checked: boolean): Later<void> {
    const mark = this.held.length;
    const { fds } = this;
    const argv = words(this, cmd.words);
    const p = argv instanceof Promise ? argv.then((list) => this.command(list)) : this.command(argv);
    if (p) return this.simpleEnd(p, mark, fds, checked);
    this.check(checked);
    return undefined;
  }

  private async simpleEnd(p: Promise<void>, mark: number, fds: Fds, checked: boolean): Promise<void> {
    try {
      await p;
    } finally {
      if (this.held.length > mark) await this.release(mark, fds);
    }
    this.check(checked);
  }

  private command(argv: readonly string[]): Later<void> {
    const name = argv[0];
    if (name === undefined) throw new RcError("empty argument list");
    if (this.flags.has("x")) return this.say(2, `${argv.map(quote).join(" ")}\n`).then(() => this.invoke(name, argv));
    return this.invoke(name, argv);
  }

  private invoke(name: string, argv: readonly string[]): Later<void> {
    const body = this.fns.get(name);
    if (body) return this.call(body, argv.slice(1));
    const builtin = builtins.get(name);
    if (builtin) return builtin(this, argv);
    return (this.control && jobCommand(this, argv))?.() ?? external(this, argv);
  }

  private assign(cmd: Assign, checked: boolean): Later<void> {
    // Assignments in front of a command are locals of it; alone they are for good.
    let last: Cmd = cmd;
    while (last.kind === "assign") last = last.cmd;
    return last.kind === "nil" ? this.assignments(cmd) : this.locally(cmd, last, checked);
  }

  private assignments(cmd: Cmd): Later<void> {
    const set = (name: string, value: readonly string[]): void => this.setVar(name, value);
    for (let c = cmd; c.kind === "assign"; c = c.cmd) {
      const { cmd: rest } = c;
      const p = this.pair(c, set);
      if (p) return p.then(() => this.assignments(rest));
    }
    return undefined;
  }

  private async locally(cmd: Assign, body: Cmd, checked: boolean): Promise<void> {
    const mark = this.vars.mark();
    const { length } = this.held;
    const { fds } = this;
    try {
      for (let c: Cmd = cmd; c.kind === "assign"; c = c.cmd) await this.pair(c, (name, value) => this.vars.push(name, value));
      await this.run(body, checked);
    } finally {
      this.vars.restore(mark);
      await this.release(length, fds);
    }
  }

  private pair(cmd: Assign, set: (name: string, value: readonly string[]) => void): Later<void> {
    const value = words(this, [cmd.value]);
    if (cmd.name.kind === "lit" && !(value instanceof Promise)) {
      set(cmd.name.text, value);
      return undefined;
    }
    const name = literal(this, [cmd.name]);
    const store = (n: readonly string[], v: readonly string[]): void => {
      if (n.length !== 1) throw new RcError("variable name not singleton!");
      set(n[0]!, v);
    };
    if (!(name instanceof Promise) && !(value instanceof Promise)) return store(name, value);
    return Promise.all([name, value]).then(([n, v]) => store(n, v));
  }

  private define(names: readonly Word[], body: Cmd | undefined): Later<void> {
    const list = literal(this, names);
    const set = (ready: readonly string[]): void => {
      for (const name of ready) this.setFn(name, body);
    };
    return list instanceof Promise ? list.then(set) : set(list);
  }

  private async redirected(cmd: Cmd & { kind: "redir" }, checked: boolean): Promise<void> {
    const { fds } = this;
    const mark = this.held.length;
    const opened: number[] = [];
    try {
      for (const redir of cmd.redirs) await redirect(this, redir, opened);
      await this.run(cmd.cmd, checked);
    } catch (e) {
      if (e instanceof RcError) await this.tell(e);
      throw e;
    } finally {
      for (const own of opened) await this.close(own);
      await this.release(mark, fds);
    }
  }

  /** Has this process gone on for long without a call? */
  due(): boolean {
    return (++this.steps & 63) === 0 && this.sys.now() - this.rested >= SLICEMS;
  }

  /** Lets others run. */
  async rest(): Promise<void> {
    await this.again(() => this.sys.sleep(0));
    this.rested = this.sys.now();
  }
}
