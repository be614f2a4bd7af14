/**
 * The commands of an interactive shell about its jobs: jobs, fg, bg, and kill and slay of a %job. A job is
 * named %2 or 2, %% or %+ for the last, %- for the one before. Only a shell with a Control has them; to
 * any other these are names of programs.
 */
import { type Control, type Job, statusOf } from "./control.ts";
import type { Shell } from "./eval.ts";
import { inFront, waitFor } from "./job.ts";

type Command = (sh: Shell, control: Control, argv: readonly string[]) => Promise<void>;

/** Those that are no programs as well. */
export const JOBCOMMANDS: readonly string[] = ["jobs", "fg", "bg"];

const commands: ReadonlyMap<string, Command> = new Map([["jobs", jobs], ["fg", fg], ["bg", bg], ["kill", kill], ["slay", kill]]);

/** The command these words are, if they are one of these. */
export function jobCommand(sh: Shell, argv: readonly string[]): (() => Promise<void>) | undefined {
  const { control } = sh;
  const name = argv[0] ?? "";
  const command = control && commands.get(name);
  // Without a job they are programs: kill(1).
  if (!command || (command === kill && !argv[1]?.startsWith("%"))) return undefined;
  return () => command(sh, control, argv);
}

/** Which there are. */
async function jobs(sh: Shell, control: Control): Promise<void> {
  control.collect();
  await sh.say(1, control.list().map((job) => control.shown(job)).join(""));
  control.ended();
  sh.setStatus("");
}

/** fg [job]: it gets the terminal, goes on if it was stopped, and is waited for. */
async function fg(sh: Shell, control: Control, argv: readonly string[]): Promise<void> {
  const job = await named(sh, control, argv[1], "fg");
  if (!job) return;
  await sh.say(2, `${job.text}\n`);
  await control.resume(job, true);
  for (const [pid, status] of [...job.procs]) if (status === undefined) await waitFor(sh, pid);
  // Its processes may have started others, and ended before them.
  await inFront(sh, () => sh.again(() => control.last(job)));
  sh.setStatus(statusOf(job));
}

/** bg [job ...]: it goes on in the background. */
async function bg(sh: Shell, control: Control, argv: readonly string[]): Promise<void> {
  for (const name of argv.length > 1 ? argv.slice(1) : [undefined]) {
    const job = await named(sh, control, name, "bg");
    if (!job) return;
    await control.resume(job, false);
    await sh.say(2, `[${job.n}] ${job.text} &\n`);
  }
  sh.setStatus("");
}

/** kill %job ...: ends it, whatever it does with notes. */
async function kill(sh: Shell, control: Control, argv: readonly string[]): Promise<void> {
  for (const name of argv.slice(1)) {
    const job = await named(sh, control, name, argv[0]!);
    if (!job) return;
    control.post(job, "kill");
  }
  sh.setStatus("");
}

async function named(sh: Shell, control: Control, name: string | undefined, who: string): Promise<Job | undefined> {
  control.collect();
  const job = control.find(name);
  if (job) return job;
  await sh.say(2, `rc: ${who}: ${name === undefined ? "no job" : `no such job: ${name}`}\n`);
  sh.setStatus("no job");
  return undefined;
}
