/**
 * Builtins: the commands rc(1) runs itself because they change or show the shell. Each gets the
 * shell and its argv and sets $status; a mistake that ends a script is an RcError.
 */
import { DMDIR } from "../../proto/index.ts";
import { decode, join } from "../tools/lib/bytes.ts";
import { Exit, isFailure, RcError } from "./error.ts";
import type { Shell } from "./eval.ts";
import { candidates, external, replace, waitAll, waitFor } from "./job.ts";
import { JOBCOMMANDS } from "./jobcmds.ts";
import { textSource } from "./parse.ts";
import { printFn, printValue, quote } from "./print.ts";
import { interpret } from "./read.ts";
import { openName } from "./redir.ts";
import { type Later, lookup } from "./word.ts";

type Builtin = (sh: Shell, argv: readonly string[]) => Later<void>;

/** Name to builtin; `~` `!` `@` and `fn` are syntax, not commands. */
export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [".", dot], ["builtin", builtin], ["cd", cd], ["eval", evaluate], ["exec", exec], ["exit", exit],
  ["flag", flag], ["rfork", rfork], ["shift", shift], ["wait", wait], ["whatis", whatis],
]);

async function complain(sh: Shell, text: string, status: string): Promise<void> {
  await sh.warn(text);
  sh.setStatus(status);
}

/** . [-i] file [arg ...] */
async function dot(sh: Shell, argv: readonly string[]): Promise<void> {
  const interactive = argv[1] === "-i";
  const [file, ...args] = argv.slice(interactive ? 2 : 1);
  if (file === undefined) throw new RcError("Usage: . [-i] file [arg ...]");
  await runFile(sh, candidates(sh, file), file, args, interactive);
}

/** Runs the first of these files there is, with args as $* and `name` as $0. */
export async function runFile(
  sh: Shell, paths: readonly string[], name: string, args: readonly string[], interactive = false,
): Promise<void> {
  await runText(sh, await readFirst(sh, paths, name), name, args, interactive);
}

/** The same for a script that is at hand. */
export async function runText(sh: Shell, text: string, name: string, args: readonly string[], interactive = false): Promise<void> {
  const mark = sh.vars.mark();
  sh.vars.push("*", args);
  sh.vars.push("0", [name]);
  try {
    await sh.nested(() => interpret(sh, textSource(text), name, interactive));
  } finally {
    sh.vars.restore(mark);
  }
}

async function readFirst(sh: Shell, paths: readonly string[], name: string): Promise<string> {
  let why = "file does not exist";
  sh.export();
  for (const path of paths) {
    let fd: number;
    try {
      fd = await openName(sh, path, () => sh.sys.openRead(path));
    } catch (e) {
      if (!(e instanceof RcError)) throw e;
      why = e.message.slice(path.length + 2);
      continue;
    }
    const chunks: Uint8Array[] = [];
    try {
      for (;;) {
        const data = await sh.again(() => sh.sys.read(fd));
        if (data.length === 0) return decode(join(chunks));
        chunks.push(data);
      }
    } catch (e) {
      throw isFailure(e) ? new RcError(`${name}: ${e.message}`) : e;
    } finally {
      await sh.close(fd);
    }
  }
  throw new RcError(`${name}: ${why}`);
}

/** builtin command ...: no function of that name. */
function builtin(sh: Shell, argv: readonly string[]): Later<void> {
  const rest = argv.slice(1);
  if (rest[0] === undefined) return complain(sh, "builtin: empty argument list", "empty arg list");
  const run = builtins.get(rest[0]);
  return run ? run(sh, rest) : external(sh, rest);
}

async function cd(sh: Shell, argv: readonly string[]): Promise<void> {
  if (argv.length > 2) return complain(sh, "Usage: cd [directory]", "can't cd");
  const dir = argv[1] ?? sh.vars.get("home")[0];
  if (dir === undefined) return complain(sh, "Can't cd -- $home empty", "can't cd");
  const searched = argv.length > 1 && sh.vars.get("cdpath").length > 0 ? candidates(sh, dir, "cdpath") : [dir];
  let why = "";
  for (const path of searched) {
    try {
      await sh.sys.chdir(path);
    } catch (e) {
      if (!isFailure(e)) throw e;
      why = e.message;
      continue;
    }
    // Told only where $cdpath led somewhere one would not expect.
    if (path !== dir && path !== `./${dir}`) await sh.warn(path);
    sh.setStatus("");
    return undefined;
  }
  return complain(sh, `Can't cd ${dir}: ${why}`, "can't cd");
}

async function evaluate(sh: Shell, argv: readonly string[]): Promise<void> {
  if (argv.length < 2) throw new RcError("Usage: eval cmd ...");
  await sh.nested(() => interpret(sh, textSource(`${argv.slice(1).join(" ")}\n`), undefined, false));
}

/** Another program takes the shell's place: here, the shell ends when it does. */
async function exec(sh: Shell, argv: readonly string[]): Promise<void> {
  if (argv.length < 2) throw new RcError("empty argument list");
  const status = await replace(sh, argv.slice(1));
  if (status !== undefined) throw new Exit(status, true);
}

function exit(sh: Shell, argv: readonly string[]): Later<void> {
  if (sh.control?.stays(false)) return complain(sh, STOPPED, "stopped jobs");
  if (argv.length <= 2) throw new Exit(argv[1] ?? sh.status[0] ?? "");
  return sh.warn("Usage: exit [status]").then(() => complain(sh, "Exiting anyway", "exit usage")).then(() => {
    throw new Exit("exit usage");
  });
}

function flag(sh: Shell, argv: readonly string[]): void {
  const [, letter, change] = argv;
  const usage = "Usage: flag [letter] [+-]";
  if (letter === undefined || argv.length > 3) throw new RcError(usage);
  if (change === undefined) {
    sh.setStatus(sh.flags.has(letter.slice(0, 1)) ? "" : "flag not set");
    return;
  }
  if (letter.length !== 1) throw new RcError(usage);
  if (change === "+") sh.flags.add(letter);
  else if (change === "-") sh.flags.delete(letter);
  else throw new RcError(usage);
}

/** What keeps an interactive shell from ending, once. */
export const STOPPED = "there are stopped jobs";

function rfork(sh: Shell, argv: readonly string[]): Later<void> {
  const letters = argv[1] ?? "ens";
  if (argv.length > 2 || !/^[nNeEsfFm]*$/.test(letters)) return complain(sh, "Usage: rfork [nNeEsfFm]", "rfork usage");
  const has = (letter: string): boolean => letters.includes(letter);
  if (["nN", "eE", "fF"].some((pair) => Array.from(pair).every(has))) return complain(sh, "rfork: bad arg in system call", "bad arg in system call");
  sh.export();
  sh.sys.rfork({
    ...(has("N") ? { ns: "clean" } : has("n") ? { ns: "copy" } : {}),
    ...(has("E") ? { env: "clean" } : has("e") ? { env: "copy" } : {}),
    ...(has("s") ? { noteGroup: "new" } : {}),
    ...(has("f") ? { fds: "copy" } : {}),
    ...(has("m") ? { nomnt: true } : {}),
  });
  if (has("F")) sh.fds = new Map();
  sh.setStatus("");
  return sh.control?.home();
}

function shift(sh: Shell, argv: readonly string[]): Later<void> {
  if (argv.length > 2) return complain(sh, "Usage: shift [n]", "shift usage");
  const n = /^\s*\d+/.exec(argv[1] ?? "1");
  sh.vars.set("*", sh.vars.get("*").slice(Number(n?.[0] ?? 0)));
  sh.setStatus("");
  return undefined;
}

async function wait(sh: Shell, argv: readonly string[]): Promise<void> {
  if (argv.length > 2) throw new RcError("Usage: wait [pid]");
  if (argv[1] === undefined) {
    await waitAll(sh);
    sh.jobs.clear();
    return undefined;
  }
  const pid = Number(argv[1]);
  const status = sh.jobs.has(pid) ? await waitFor(sh, pid) : "";
  sh.jobs.delete(pid);
  sh.setStatus(status);
  return undefined;
}

async function whatis(sh: Shell, argv: readonly string[]): Promise<void> {
  if (argv.length < 2) throw new RcError("Usage: whatis name ...");
  sh.setStatus("");
  for (const name of argv.slice(1)) {
    const value = name === "status" ? sh.status : /^[1-9]\d*$/.test(name) ? [] : lookup(sh, name);
    const body = sh.fn(name);
    const found: string[] = [];
    if (value.length > 0) found.push(`${name === "*" ? name : quote(name)}=${printValue(value)}`);
    if (body) found.push(printFn(name, body));
    else if (builtins.has(name) || (sh.control && JOBCOMMANDS.includes(name))) found.push(`builtin ${name}`);
    else if (value.length === 0) {
      const path = await findProgram(sh, name);
      if (path !== undefined) found.push(path);
    }
    if (found.length > 0) await sh.say(1, found.map((text) => text.endsWith("\n") ? text : `${text}\n`).join(""));
    else await complain(sh, `${name}: not found`, "not found");
  }
}

async function findProgram(sh: Shell, name: string): Promise<string | undefined> {
  for (const path of candidates(sh, name)) {
    try {
      const { mode } = await sh.sys.stat(path);
      if ((mode & DMDIR) === 0 && (mode & 0o111) !== 0) return path;
    } catch (e) {
      if (!isFailure(e)) throw e;
    }
  }
  return undefined;
}
