/**
 * CommandLine: argv taken apart by the table of options: the verb, the options, and what is the verb's.
 * Pure: nothing is opened. What cannot be meant throws UsageError, with what may have been meant; what a
 * later version will know says `not available`.
 */
import { nearest } from "./nearest.ts";
import { OPTIONS, type Options, type Told, UsageError, type Verb } from "./options.ts";

export interface CommandLine {
  readonly verb: Verb;
  readonly options: Options;
  readonly args: readonly string[];
}

/** Verbs that are written. */
export const VERBS: readonly Verb[] = ["run", "serve", "9p", "help"];
/** Of a later version. */
const LATERVERBS: readonly string[] = ["disk", "web", "key"];

export function parseCommandLine(argv: readonly string[]): CommandLine {
  const o: Options = {
    mounts: [], listen: [], limits: new Map(), command: undefined, ns: undefined, rw: undefined, host: true, unsafeHost: false, token: undefined,
    uname: undefined, msize: 1 << 20, seed: undefined, trace: undefined, verbose: false, stats: false, ram: undefined, strace: false, root: undefined, help: false, version: false, long: false,
  };
  const args: string[] = [];
  const given = new Set<string>();
  let verb: Verb | undefined;
  let rest = false;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (rest || word === "-" || !word.startsWith("-")) {
      if (verb !== undefined) {
        args.push(word);
        // What follows a program's name is the program's.
        rest ||= verb === "run";
        continue;
      }
      if (LATERVERBS.includes(word)) throw new UsageError(`${word}: not available in this version`);
      verb = VERBS.find((v) => v === word) ?? "script";
      if (verb === "script") args.push(word);
      // After a script's name everything belongs to it.
      rest ||= verb === "script";
      continue;
    }
    if (word === "--") {
      rest = true;
      continue;
    }
    const { name, value } = optionOf(word, verb);
    const option = OPTIONS[name];
    let v = value;
    if (option?.value !== undefined && !option.optional && v === undefined) {
      v = argv[++i];
      if (v === undefined) throw new UsageError(`${dashed(name)}: wants a value; see ${seeHelp(verb)}`);
    }
    given.add(name);
    option?.apply(o, v ?? "");
    if (name === "c" && verb === undefined) {
      verb = "shell";
      rest = true;
    }
  }
  verb ??= "shell";
  if (verb === "serve" && !given.has("host")) o.host = false;
  for (const name of given) goes(name, verb);
  return { verb, options: o, args };
}

function goes(name: string, verb: Verb): void {
  const option = OPTIONS[name];
  if (!option || option.anywhere) return;
  const mine = told(verb);
  if (mine !== undefined && option.told[mine] !== undefined) return;
  const where = (["shell", "run", "serve", "9p"] as const).filter((v) => option.told[v] !== undefined).map((v) => (v === "shell" ? "the shell" : v)).join(", ").replace(/, ([^,]*)$/, " and $1");
  throw new UsageError(`${dashed(name)}: not with ${mine === "shell" ? "the shell" : verb}; it goes with ${where}`);
}

/** Whose options a verb's are. */
function told(verb: Verb): Told | undefined {
  return verb === "script" ? "shell" : verb === "shell" || verb === "run" || verb === "serve" || verb === "9p" ? verb : undefined;
}

function optionOf(word: string, verb: Verb | undefined): { name: string; value: string | undefined } {
  const eq = word.startsWith("--") ? word.indexOf("=") : -1;
  const name = word.slice(word.startsWith("--") ? 2 : 1, eq < 0 ? undefined : eq);
  const long = word.startsWith("--");
  const option = Object.hasOwn(OPTIONS, name) && long === name.length > 1 ? OPTIONS[name] : undefined;
  if (!option) throw new UsageError(`${word}: unknown option${perhaps(name, Object.keys(OPTIONS).map(dashed))}; see ${seeHelp(verb)}`);
  if (eq >= 0 && option.value === undefined) throw new UsageError(`--${name}: takes no value`);
  return { name, value: eq < 0 ? undefined : word.slice(eq + 1) };
}

/** The name of an option as it is written. */
export function dashed(name: string): string {
  return name.length > 1 ? `--${name}` : `-${name}`;
}

/** What to say of a word that nobody knows. */
export function perhaps(word: string, known: Iterable<string>): string {
  const meant = nearest(word, known);
  return meant === undefined ? "" : `, perhaps ${meant}`;
}

function seeHelp(verb: Verb | undefined): string {
  return verb === "run" || verb === "serve" || verb === "9p" ? `nineplex ${verb} -h` : "nineplex -h";
}
