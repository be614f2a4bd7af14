/**
 * rc: Plan 9's shell as a host process: its options, its environment, and where its commands come
 * from. The language is in parse.ts (grammar), word.ts (words) and eval.ts (commands).
 */
import type { Program, Sys } from "../../kernel/sys.ts";
import type { Cmd } from "./ast.ts";
import { runFile, runText } from "./builtins.ts";
import { Control } from "./control.ts";
import { Exit, exitStatus, Interrupt, mistake, RcError } from "./error.ts";
import { type Fds, Shell } from "./eval.ts";
import { candidates } from "./job.ts";
import { RcSyntax } from "./lex.ts";
import { parseLine, textSource } from "./parse.ts";
import { fromEditor, fromStdin, interpret, type LineEditor, type More } from "./read.ts";
import { isPrivate, Vars } from "./vars.ts";

export type { LineEditor } from "./read.ts";

/** What only the client knows. */
export interface RcOptions {
  /** An editor for commands from fd 0 of this process, "plain" for a prompt alone; undefined when that is no terminal. */
  lineEditor?: (sys: Sys) => LineEditor | "plain" | undefined;
  /** A script that is not in the name space, by the name its user gave it: run it; argv holds its arguments only. */
  script?: Text;
  /** Commands of the user, run before the first prompt on a terminal. */
  profile?: Text;
}

/** What is run, by the name that mistakes in it have. */
export interface Text {
  readonly name: string;
  readonly text: string;
}

const usage = "Usage: rc [-SsrdiIlxepvV] [-c arg] [-m command] [file [arg ...]]\n";
/** fds above these a parent may have left open for rc's commands. */
const MAXFD = 64;

interface Args {
  readonly flags: Set<string>;
  readonly command: string | undefined;
  readonly operands: readonly string[];
  /** What is wrong with the command line. */
  readonly wrong?: string;
}

/** The program rc. Its status is what a parent shell sees: "" or a decimal number (error.ts). */
export function rc(options: RcOptions): Program {
  return async (sys, argv) => {
    const args: Args = options.script ? { flags: new Set(), command: undefined, operands: argv.slice(1) } : parseArgs(argv);
    const sh = new Shell(sys, openFds(sys), {
      vars: new Vars(imported(sys)), fns: new Map(), flags: args.flags, status: [""], exitOnError: false, ifNot: false,
    });
    for (const [name, body] of importedFns(sys)) sh.setFn(name, body);
    if (args.wrong !== undefined) {
      await sh.say(2, `rc: ${args.wrong}\n${usage}`);
      return "1";
    }
    sh.setVar("*", args.operands);
    sh.setVar("0", [argv[0] ?? "rc"]);
    sh.setVar("pid", [String(sys.pid)]);
    return await live(sh, args, argv[0]?.startsWith("-") ?? false, options);
  };
}

async function live(sh: Shell, args: Args, login: boolean, options: RcOptions): Promise<string> {
  let replaced = false;
  const status = await untilExit(sh, async () => {
    try {
      await commands(sh, args, login, options);
    } catch (e) {
      if (e instanceof Exit) replaced = e.replaced;
      throw e;
    }
  });
  const bye = sh.fn("sigexit");
  if (!bye || replaced) return exitStatus(status);
  sh.setStatus(status);
  const after = await untilExit(sh, async () => {
    await sh.call(bye, sh.vars.get("*"));
    // Without an exit of its own the function changes nothing.
    sh.setStatus(status);
  });
  return exitStatus(after);
}

/** The status with which f ends the shell, by reaching its end or by exit or by a mistake. */
async function untilExit(sh: Shell, f: () => Promise<void>): Promise<string> {
  try {
    await f();
    return sh.status[0] ?? "";
  } catch (e) {
    if (e instanceof Exit) return e.status;
    if (e instanceof Interrupt) return "interrupt";
    const wrong = mistake(e);
    if (!wrong) throw e;
    await sh.tell(wrong);
    return "error";
  }
}

async function commands(sh: Shell, args: Args, login: boolean, options: RcOptions): Promise<void> {
  if (login || sh.flags.has("l")) await profile(sh);
  const { command, operands } = args;
  if (options.script) {
    await runText(sh, options.script.text, options.script.name, operands);
    return;
  }
  if (command !== undefined) {
    await interpret(sh, textSource(`${command}\n`), undefined, false);
    return;
  }
  const [file, ...rest] = operands;
  if (file !== undefined) {
    await runFile(sh, [file, ...candidates(sh, file).filter((path) => path !== file)], file, rest);
    if (!sh.flags.has("i")) return;
  }
  const editor = sh.flags.has("I") ? undefined : options.lineEditor?.(sh.sys);
  const interactive = sh.flags.has("i") || editor !== undefined;
  if (interactive) {
    sh.flags.add("i");
    const control = await Control.of(sh.sys, (ended) => sh.keep(ended));
    sh.control = control;
    if (control) sh.notes.control((pid) => control.held(pid));
    if (editor && options.profile) await own(sh, options.profile);
  }
  const more: More = editor && editor !== "plain" ? fromEditor(sh, editor) : fromStdin(sh, interactive);
  await interpret(sh, { ...textSource(""), final: false }, "/fd/0", interactive, more);
}

/** The user's commands: a mistake ends them, and not the shell. */
async function own(sh: Shell, { name, text }: Text): Promise<void> {
  try {
    await runText(sh, text, name, []);
  } catch (e) {
    if (e instanceof Interrupt) return;
    const wrong = e instanceof RcSyntax ? new RcError(`${name}:${e.line}: ${e.message}`) : mistake(e);
    if (!wrong) throw e;
    await sh.tell(wrong);
  }
  sh.setStatus("");
}

async function profile(sh: Shell): Promise<void> {
  const file = `${sh.vars.get("home")[0] ?? ""}/lib/profile`;
  try {
    await runFile(sh, [file], file, []);
  } catch (e) {
    if (!(e instanceof RcError) || !e.message.startsWith(`${file}: `)) throw e;
  }
}

function parseArgs(argv: readonly string[]): Args {
  const flags = new Set<string>();
  let command: string | undefined;
  let i = 1;
  for (; i < argv.length && command === undefined; i++) {
    const word = argv[i]!;
    if (word === "--") {
      i++;
      break;
    }
    if (!/^-./.test(word)) break;
    for (let k = 1; k < word.length; k++) {
      const letter = word[k]!;
      if (letter === "c" || letter === "m") {
        const value = k + 1 < word.length ? word.slice(k + 1) : argv[++i];
        if (value === undefined) return { flags, command, operands: [], wrong: `Flag -${letter}: too few arguments` };
        flags.add(letter);
        if (letter === "c") command = value;
        break;
      }
      if (!"SsrdiIlxepvV".includes(letter)) return { flags, command, operands: [], wrong: `Illegal flag -${letter}` };
      flags.add(letter);
    }
  }
  return { flags, command, operands: argv.slice(i) };
}

/** The environment's variables, and the defaults of those rc cannot do without. */
function imported(sys: Sys): Map<string, readonly string[]> {
  const vars = new Map<string, readonly string[]>([
    ["path", [".", "/bin"]], ["ifs", [" \t\n"]], ["prompt", ["% ", "\t"]], ["home", sys.getenv("HOME") ?? ["/"]],
  ]);
  for (const [name, value] of sys.environ()) if (!name.startsWith("fn#") && !isPrivate(name)) vars.set(name, value);
  return vars;
}

/** Function definitions in the environment; anything else that stands there is not run. */
function importedFns(sys: Sys): Map<string, Cmd> {
  const fns = new Map<string, Cmd>();
  for (const [name, value] of sys.environ()) {
    if (!name.startsWith("fn#")) continue;
    try {
      const cmd = parseLine(textSource(`${value.join(" ")}\n`))?.cmd;
      if (cmd?.kind === "fn" && cmd.body) fns.set(name.slice(3), cmd.body);
    } catch (e) {
      if (!(e instanceof RcSyntax)) throw e;
    }
  }
  return fns;
}

/** The fds the parent has left open. */
function openFds(sys: Sys): Fds {
  const fds = new Map<number, number>();
  for (let fd = 0; fd < MAXFD; fd++) {
    try {
      sys.fd2path(fd);
      fds.set(fd, fd);
    } catch {
      // Not open.
    }
  }
  return fds;
}
