/**
 * Jobs: the processes a shell starts, and waiting for them: programs, pipelines, &, @, `{} and <{}.
 * There is no fork: a child shell is a new process whose main runs a copy of this shell's state.
 * Invariant: the shell waits with wait() for whichever child ends first, so every child is reaped in
 * passing; the status of those started with & is kept in sh.jobs for `wait`. Where there is job control
 * (control.ts), every child is of a job, and has the terminal while the shell waits for it.
 */
import { Enochild, errno, OREAD } from "../../proto/index.ts";
import type { SpawnOptions, Waitmsg } from "../../kernel/sys.ts";
import { decode, encode, join } from "../tools/lib/bytes.ts";
import type { Cmd, Pipe, Word } from "./ast.ts";
import { builtins } from "./builtins.ts";
import { Exit, exitStatus, Interrupt, isFailure, mistake, RcError } from "./error.ts";
import { type Fds, Shell } from "./eval.ts";
import { printCmd } from "./print.ts";
import { withFd, writeOut } from "./redir.ts";
import { isPlain, literal } from "./word.ts";

/** What was started: a process, or nothing but the status of having failed. */
type Started = { readonly pid: number } | { readonly status: string };

/** Names given to <{} begin here, above what scripts usually redirect. */
const FIRSTNAME = 8;

/** Runs a program and sets $status. */
export async function external(sh: Shell, argv: readonly string[]): Promise<void> {
  sh.setStatus(await finish(sh, await startFile(sh, argv, sh.fds)));
}

/** Runs a program in the shell's place: its status, or undefined and a false $status if it cannot be run. */
export async function replace(sh: Shell, argv: readonly string[]): Promise<string | undefined> {
  const started = await startFile(sh, argv, sh.fds);
  if ("pid" in started) return await waitFor(sh, started.pid);
  sh.setStatus(started.status);
  return undefined;
}

/** Where a command, or a file for `.`, may be: rooted names as they are, others in each of $path. */
export function candidates(sh: Shell, name: string, list = "path"): string[] {
  if (/^(\/|#|\.\.?(\/|$))/.test(name)) return [name];
  return sh.vars.get(list).map((dir) => dir === "" || dir === "." ? `./${name}` : `${dir}/${name}`);
}

async function startFile(sh: Shell, argv: readonly string[], fds: Fds): Promise<Started> {
  const name = argv[0]!;
  let why = "file does not exist";
  sh.export();
  for (const path of candidates(sh, name)) {
    try {
      return { pid: await sh.again(() => spawn(sh, { path, argv, fds, env: "copy" })) };
    } catch (e) {
      if (!isFailure(e)) throw e;
      if (e.errno !== errno.ENOENT && e.errno !== errno.ENOTDIR) why = e.message;
    }
  }
  await sh.warn(`rc: ${name}: ${why}`, fds);
  return { status: "1" };
}

/** Starts cmd as a process of its own: the program itself where nothing of the shell is needed. */
async function start(sh: Shell, cmd: Cmd, fds: Fds): Promise<Started> {
  const argv = program(sh, cmd);
  if (argv) return await startFile(sh, argv, fds);
  const jobs = listing(sh, cmd);
  if (jobs !== undefined) return { pid: await spawn(sh, { argv: ["jobs"], main: (sys) => writeOut(sys, encode(jobs)), fds, env: "copy" }) };
  const state = sh.twin();
  const own = new Map([...fds.keys()].map((fd) => [fd, fd]));
  const main = (sys: Shell["sys"]): Promise<string> => complete(new Shell(sys, own, state), cmd);
  return { pid: await spawn(sh, { argv: ["rc"], main, fds, env: "copy" }) };
}

/** Starts a child of the job that is being run. */
export function spawn(sh: Shell, options: SpawnOptions): Promise<number> {
  return sh.control ? sh.control.spawn(options) : sh.sys.spawn(options);
}

/** Waits for the line's processes, which have the terminal meanwhile. */
export async function inFront<T>({ control }: Shell, wait: () => Promise<T>): Promise<T> {
  if (!control) return await wait();
  try {
    await control.front();
    return await wait();
  } finally {
    await control.home();
  }
}

/** cmd's arguments if it is a program and expanding them needs no process. */
function program(sh: Shell, cmd: Cmd): readonly string[] | undefined {
  if (cmd.kind !== "simple" || sh.flags.has("x") || !cmd.words.every(isPlain)) return undefined;
  try {
    const argv = literal(sh, cmd.words);
    if (argv instanceof Promise || argv.length === 0) return undefined;
    return sh.fn(argv[0]!) || builtins.has(argv[0]!) || (sh.control && argv[0] === "jobs") ? undefined : argv;
  } catch (e) {
    // The child finds the mistake again, and it is the child that ends by it.
    if (e instanceof RcError) return undefined;
    throw e;
  }
}

/** What `jobs` says, for a child shell, which has none of its own. */
function listing({ control }: Shell, cmd: Cmd): string | undefined {
  if (!control || cmd.kind !== "simple" || cmd.words[0]?.kind !== "lit" || cmd.words[0].text !== "jobs") return undefined;
  return control.list().map((job) => control.shown(job)).join("");
}

/** A child shell from beginning to end. */
async function complete(sh: Shell, cmd: Cmd): Promise<string> {
  try {
    await sh.run(cmd, true);
    if (sh.notes.pending) await sh.takeNotes();
  } catch (e) {
    if (e instanceof Exit) return exitStatus(e.status);
    const wrong = mistake(e);
    if (!wrong) throw e;
    await sh.tell(wrong);
    return exitStatus("error");
  }
  return exitStatus(sh.status[0] ?? "");
}

async function finish(sh: Shell, started: Started): Promise<string> {
  return "pid" in started ? await waitFor(sh, started.pid) : started.status;
}

/** The status of that child; other children that end meanwhile are reaped. "" for no child of ours. */
export async function waitFor(sh: Shell, pid: number): Promise<string> {
  const known = sh.jobs.get(pid) ?? sh.stages.get(pid);
  if (known !== undefined) return known;
  return inFront(sh, async () => {
    for (;;) {
      const ended = await reap(sh);
      if (!ended) return "";
      if (ended.pid === pid && !ended.stopped) return ended.status;
    }
  });
}

/** Waits for all children; for those that are stopped one would wait for ever. */
export async function waitAll(sh: Shell): Promise<void> {
  while ((!sh.control || sh.control.busy) && (await reap(sh)));
}

/** A child that has ended, or that has been stopped where there is job control. */
async function reap(sh: Shell): Promise<Waitmsg | undefined> {
  try {
    const told = await sh.again(() => sh.sys.wait(undefined, sh.control !== undefined));
    sh.keep(told);
    const why = sh.control?.heard(told);
    if (why === "stopped") throw new Interrupt(why);
    // What the terminal has interrupted takes the rest of its line with it.
    if (why) sh.notes.take(why);
    return told;
  } catch (e) {
    if (isFailure(e) && e.message === Enochild) return undefined;
    throw e;
  }
}

/** cmd & */
export async function background(sh: Shell, cmd: Cmd): Promise<void> {
  const none = await openNull(sh);
  try {
    const fds = withFd(sh.fds, 0, none);
    const { control } = sh;
    if (!control) await begun(sh, cmd, fds);
    // What a function starts is of its line's job, so that one note ends both.
    else if (sh.inFunction) await begun(sh, cmd, fds).then((pid) => pid !== undefined && control.linger());
    else {
      const job = await control.background(printCmd(cmd), () => begun(sh, cmd, fds));
      if (job.group !== undefined) await sh.say(2, `[${job.n}] ${job.group}\n`);
    }
  } finally {
    if (none !== undefined) await sh.close(none);
  }
}

/** Its pid, which is $apid. */
async function begun(sh: Shell, cmd: Cmd, fds: Fds): Promise<number | undefined> {
  const started = await start(sh, cmd, fds);
  if (!("pid" in started)) return undefined;
  sh.jobs.set(started.pid, undefined);
  sh.vars.set("apid", [String(started.pid)]);
  return started.pid;
}

async function openNull(sh: Shell): Promise<number | undefined> {
  try {
    return await sh.sys.open("/dev/null", OREAD);
  } catch (e) {
    if (isFailure(e)) return undefined;
    throw e;
  }
}

/** @ cmd */
export async function subshell(sh: Shell, cmd: Cmd): Promise<void> {
  sh.setStatus(await finish(sh, await start(sh, cmd, sh.fds)));
}

/**
 * left | right: all but the last command are processes, which run concurrently; the last one runs
 * in this shell. The status is theirs joined by |, where a pipeline on the left counts as a process.
 */
export async function pipeline(sh: Shell, pipe: Pipe, checked: boolean): Promise<void> {
  const stages: { cmd: Cmd; out: number; into: number }[] = [];
  let left: Cmd = pipe;
  for (; left.kind === "pipe"; left = left.left) stages.unshift({ cmd: left.right, out: left.out, into: left.into });
  const { fds } = sh;
  const started: Started[] = [];
  const pipes: (readonly [read: number, write: number])[] = [];
  let cmd: Cmd = left;
  let closed = 0;
  // A pipeline is the left command of the pipe behind it: what its commands do not write into their own pipe goes there.
  const sideOf = (at: number): Fds => {
    let side = fds;
    const out = new Set<number>();
    for (let i = at; i < stages.length; i++) {
      if (!out.has(stages[i]!.out)) side = withFd(side, stages[i]!.out, pipes[i]![1]);
      out.add(stages[i]!.out);
    }
    return at > 0 ? withFd(side, stages[at - 1]!.into, pipes[at - 1]![0]) : side;
  };
  try {
    while (pipes.length < stages.length) pipes.push(await sh.sys.pipe());
    for (const [i, stage] of stages.entries()) {
      const process = await start(sh, cmd, sideOf(i));
      started.push(process);
      if ("pid" in process) sh.stages.set(process.pid, undefined);
      closed++;
      await sh.close(pipes[i]![1]);
      if (i > 0) await sh.close(pipes[i - 1]![0]);
      cmd = stage.cmd;
    }
    sh.fds = sideOf(stages.length);
    await sh.run(cmd, checked);
  } finally {
    sh.fds = fds;
    for (const [i, [read, write]] of pipes.entries()) {
      if (i >= closed) await sh.close(write);
      if (i >= closed - 1) await sh.close(read);
    }
  }
  const last = sh.status[0] ?? "";
  let status = "";
  for (const [i, process] of started.entries()) {
    const own = await finish(sh, process);
    if ("pid" in process) sh.stages.delete(process.pid);
    status = i === 0 ? own : exitStatus(`${status}|${own}`);
  }
  sh.setStatus(`${status}|${last}`);
}

/** The words of body's output, split at the characters of sep, else of $ifs. */
export async function backquote(sh: Shell, body: Cmd, sep: string | undefined): Promise<readonly string[]> {
  const [read, write] = await sh.sys.pipe();
  const chunks: Uint8Array[] = [];
  let started: Started;
  try {
    try {
      started = await start(sh, body, withFd(sh.fds, 1, write));
    } finally {
      await sh.close(write);
    }
    await inFront(sh, async () => {
      for (;;) {
        const data = await sh.again(() => sh.sys.read(read));
        if (data.length === 0) break;
        chunks.push(data);
      }
    });
  } finally {
    await sh.close(read);
  }
  sh.setStatus(await finish(sh, started));
  return split(decode(join(chunks)), sep ?? sh.vars.get("ifs")[0] ?? "");
}

/** Non-empty fields between the separators; NUL is always one. */
function split(text: string, separators: string): string[] {
  const set = new Set(Array.from(separators)).add("\0");
  const out: string[] = [];
  let field = "";
  let start = 0;
  let at = 0;
  for (const c of text) {
    if (set.has(c)) {
      field = text.slice(start, at);
      if (field !== "") out.push(field);
      start = at + c.length;
    }
    at += c.length;
  }
  if (start < text.length) out.push(text.slice(start));
  return out;
}

/** <{body} or >{body}: starts body, and gives the name of the other end of its pipe. */
export async function pipefd(sh: Shell, word: Word & { kind: "pipefd" }): Promise<string> {
  const [read, write] = await sh.sys.pipe();
  const [ours, theirs] = word.op === "<" ? [read, write] : [write, read];
  sh.held.push(ours);
  try {
    await start(sh, word.body, withFd(sh.fds, word.fd, theirs));
  } finally {
    await sh.close(theirs);
  }
  let name = FIRSTNAME;
  while (sh.fds.has(name)) name++;
  sh.fds = withFd(sh.fds, name, ours);
  return `/fd/${name}`;
}
