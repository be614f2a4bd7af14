/**
 * Tool: what every command of /bin has in common: its name, its buffered output, error lines as
 * `ls: /n/x: file does not exist` on fd 2, the exit status. A note (Eintr) and a bug are never
 * swallowed: only NineErrors of other kinds are reported and survived.
 */
import { NineError, isInterrupted } from "../../../proto/index.ts";
import type { Program, Sys } from "../../../kernel/sys.ts";
import { Usage } from "./args.ts";
import { encode } from "./bytes.ts";
import { opened } from "./opened.ts";
import { Out, OutError } from "./out.ts";
import { Progress } from "./progress.ts";
import { harmless, isTerminal } from "./terminal.ts";

export class Tool {
  readonly sys: Sys;
  readonly name: string;
  readonly out: Out;
  /** To be told of bytes where the work may be long. */
  readonly progress: Progress;
  /** Whether fd 1 is a terminal's; fd 2, once somebody has asked. */
  readonly #sees: boolean;
  #hears: Promise<boolean> | undefined;
  /** How many errors were reported. */
  errors = 0;
  /** The exit status; when it is not set, "errors" after an error was reported, else "". */
  status: string | undefined;

  constructor(sys: Sys, name: string, seen: boolean) {
    this.sys = sys;
    this.name = name;
    this.progress = new Progress(sys, name, () => (this.#hears ??= isTerminal(sys, 2)));
    this.out = new Out(sys, 1, seen ? () => this.progress.clear() : undefined);
    this.#sees = seen;
  }

  /** A name, or other text of somebody else, as it goes to standard output: on a terminal without what that would act upon. */
  shown(text: string): string {
    return this.#sees ? harmless(text) : text;
  }

  /** The same for fd 2. */
  async heard(text: string): Promise<string> {
    if (harmless(text) === text) return text;
    return (await (this.#hears ??= isTerminal(this.sys, 2))) ? harmless(text) : text;
  }

  /** Reports what went wrong with `what`, and returns; throws on what is no ordinary error. */
  async fail(what: string, e: unknown): Promise<void> {
    if (!(e instanceof NineError) || isInterrupted(e)) throw e;
    await this.warn(`${what}: ${e.message}`);
  }

  /** Reports an error: the exit status will not be "". */
  async warn(line: string): Promise<void> {
    this.errors++;
    await this.out.flush();
    await this.say(`${this.name}: ${await this.heard(line)}\n`);
  }

  /** Writes on fd 2; that it cannot be written is no reason to end. */
  async say(text: string): Promise<void> {
    await this.progress.clear();
    try {
      await this.sys.write(2, encode(text));
    } catch (e) {
      if (!(e instanceof NineError) || isInterrupted(e)) throw e;
    }
  }
}

/**
 * The Program of a tool. usage is what follows the name in the usage line. body gets argv without argv[0].
 */
export function tool(name: string, usage: string, body: (t: Tool, words: readonly string[]) => Promise<void>): Program {
  return async (sys, argv) => {
    const t = new Tool(sys, name, await isTerminal(sys, 1));
    try {
      await body(t, argv.slice(1));
      await t.out.flush();
      await t.progress.clear();
      return t.status ?? (t.errors > 0 ? "errors" : "");
    } catch (e) {
      if (e instanceof Usage) {
        await t.say(`usage: ${name}${usage === "" ? "" : ` ${usage}`}\n`);
        return "usage";
      }
      if (e instanceof OutError) {
        if (!e.quiet) await t.say(`${name}: write error: ${e.message}\n`);
        return e.message;
      }
      if (!(e instanceof NineError) || isInterrupted(e)) throw e;
      await t.warn(e.message);
      return e.message;
    }
  };
}

/** Does work; an error of it speaks of `what`, where its caller would report it as another file's. */
export async function about<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    throw e instanceof NineError && !isInterrupted(e) ? new NineError(`${what}: ${e.message}`, e.errno) : e;
  }
}

/**
 * Calls use with each of the files in turn, open for reading from its start to its end; with
 * standard input, called "", when there are none. A file that fails is reported, and the next follows,
 * unless the first error is to be the end.
 */
export async function eachInput(t: Tool, files: readonly string[], use: (fd: number, name: string) => Promise<void>, firstErrorEnds = false): Promise<void> {
  if (files.length === 0) {
    try {
      await use(0, "");
    } catch (e) {
      await t.fail("standard input", e);
    }
  }
  for await (const input of opened(t.sys, files)) {
    const { name } = input;
    try {
      const fd = await input.fd;
      try {
        await use(fd, name);
      } catch (e) {
        await t.fail(name, e);
      }
      await t.sys.close(fd);
    } catch (e) {
      await t.fail(name, e);
    }
    if (firstErrorEnds && t.errors > 0) return;
  }
}
