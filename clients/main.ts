#!/usr/bin/env node
/**
 * main: the command nineplex. Takes the command line apart, runs one verb, and turns what went wrong
 * into one line on stderr and an exit status: 1 failure, 2 usage, else the program's own.
 */
import { readFileSync } from "node:fs";
import { errno, NineError } from "../proto/index.ts";
import { type CommandLine, parseCommandLine, perhaps, VERBS } from "./node/commandline.ts";
import { reportBug } from "./node/connect.ts";
import { hangUpAtExit } from "./node/deadtty.ts";
import { endChildren } from "./node/exec.ts";
import { help } from "./node/help.ts";
import { culprit } from "./node/module.ts";
import { ninep } from "./node/ninep.ts";
import { UsageError, type Verb } from "./node/options.ts";
import { runVerb } from "./node/run.ts";
import { serveVerb } from "./node/serve.ts";
import { shell } from "./node/shell.ts";

/** Milliseconds connections have to close in order once everything is done. */
const CLOSEMS = 200;
/** Different errors of modules that are remembered, so as to be told once. */
const MAXTOLD = 100;
/** Milliseconds children have to end once their input has, and again once they were told to. */
const CHILDMS = 1000;

/** npm start changes directory; the caller's is told. */
function callerDirectory(): string {
  try {
    return process.env.npm_lifecycle_event === "start" ? (process.env.INIT_CWD ?? process.cwd()) : process.cwd();
  } catch {
    process.stderr.write("nineplex: current directory: file does not exist\n");
    return process.exit(1);
  }
}

const cwd = callerDirectory();

async function main(argv: readonly string[]): Promise<number> {
  // What an address or an option names is relative to the caller, and so is what exec: runs.
  if (cwd !== process.cwd()) process.chdir(cwd);
  const line = parseCommandLine(argv);
  const { options, verb } = line;
  if (options.version) {
    process.stdout.write(`nineplex ${version()}\n`);
    return 0;
  }
  if (options.help) {
    process.stdout.write(help(verb));
    return 0;
  }
  switch (verb) {
    case "serve": return serveVerb(options, line.args, cwd, stopSignal());
    case "9p": return ninep(options, line.args, cwd, stopSignal());
    case "shell": case "script": return runShell(line);
    case "run": return runProgram(line);
    case "help": return helpVerb(line.args);
    default: throw new UsageError(`${verb}: not available in this version`);
  }
}

function helpVerb([verb, more]: readonly string[]): number {
  const of: Verb | undefined = verb === undefined ? "shell" : VERBS.find((v) => v === verb);
  if (!of) throw new UsageError(`help ${verb}: no such verb${perhaps(verb ?? "", VERBS)}; see nineplex -h`);
  if (more !== undefined) throw new UsageError("help: one verb at a time; see nineplex -h");
  process.stdout.write(help(of));
  return 0;
}

function runShell({ verb, options, args }: CommandLine): Promise<number> {
  const [file = "", ...rest] = args;
  return shell({
    options, cwd, env: process.env, ...(verb === "script" ? { script: file, args: rest } : { args }),
    onStart(interrupt, hangup) {
      let asked = 0;
      process.on("SIGINT", () => {
        interrupt();
        // What does not listen is left the second time.
        if (++asked > 1 && (verb === "script" || options.command !== undefined)) process.exit(130);
      });
      process.on("SIGHUP", hangup);
      process.on("SIGTERM", hangup);
    },
  });
}

function runProgram({ options, args }: CommandLine): Promise<number> {
  return runVerb({
    options, args, cwd, env: process.env,
    onStart(post) {
      for (const [signal, note] of [["SIGINT", "interrupt"], ["SIGHUP", "hangup"], ["SIGTERM", "term"], ["SIGQUIT", "quit"]] as const) process.on(signal, () => post(note));
    },
  });
}

/** Aborts at the first signal that asks this process to stop; the second ends it. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(130);
      stop.abort();
    });
  }
  return stop.signal;
}

function version(): string {
  for (const up of ["..", "../.."]) {
    try {
      return (JSON.parse(readFileSync(new URL(`${up}/package.json`, import.meta.url), "utf8")) as { version: string }).version;
    } catch {
      // Built, the package's root is one level further up.
    }
  }
  return "?";
}

function complain(e: unknown): number {
  // A reader that leaves early, as in `nineplex 9p read A f | head`, is nothing to report.
  if (e instanceof NineError && e.errno === errno.EPIPE) return 1;
  const usage = e instanceof UsageError;
  // What is quoted in a message may have line ends in it.
  if (usage || e instanceof NineError) process.stderr.write(`nineplex: ${e.message.replaceAll("\n", "\\n")}\n`);
  else process.stderr.write(`nineplex: bug: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n`);
  return usage ? 2 : 1;
}

hangUpAtExit();
// Every write has its own way to be told of an error.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);
// What nobody catches: a module's timer is no reason to end; anything else is, as without this.
const told = new Set<string>();
process.on("uncaughtException", (e: unknown) => {
  const module = culprit(e);
  if (module === undefined) {
    reportBug(e, "nobody caught this");
    process.exit(1);
  }
  // A timer does it again and again.
  const stack = e instanceof Error ? String(e.stack) : String(e);
  if (told.has(stack)) return;
  if (told.size < MAXTOLD) told.add(stack);
  reportBug(e, module);
});
/** Node's own, of a program whose end nothing can bring about. */
const UNSETTLED = 13;
process.exitCode = UNSETTLED;
process.on("beforeExit", () => {
  if (process.exitCode !== UNSETTLED) return;
  process.stderr.write("nineplex: nothing can go on: each process waits for another, or is stopped\n");
  process.exitCode = 1;
});
const code = await main(process.argv.slice(2)).catch(complain);
process.exitCode = code;
// With nothing left to do the process ends by itself; what is still open then has had its time.
await endChildren(CHILDMS);
process.stdout.write("", () => process.stderr.write("", () => setTimeout(() => process.exit(code), CLOSEMS).unref()));
