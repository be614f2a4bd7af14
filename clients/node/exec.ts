/**
 * Exec: a child process that speaks 9P on its standard input and output. Its stderr is ours. The
 * child and what it starts are a process group of their own, so that the terminal's Ctrl-C does not
 * reach them; closing ends its input, and if that is not enough the group is told to, then made to.
 * Invariant: no child outlives this process, whatever ends that, but SIGKILL: then its input ends.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { errno, NineError, type Transport } from "../../proto/index.ts";
import { netError } from "./neterror.ts";
import { GRACEMS, StreamTransport } from "./stream.ts";

export interface ExecOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds the child has to end after its input has, and again after SIGTERM. */
  readonly graceMs?: number;
  readonly stderr?: "inherit" | "ignore";
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** Children of whose group something is left, and when each itself has exited. */
const living = new Map<Child, Promise<unknown>>();

/** Ends those that are left: their input now, then within two graces they go. Settles when all have. */
export async function endChildren(graceMs: number): Promise<void> {
  await Promise.all([...living].map(([child, exited]) => {
    child.stdin.end();
    return stop(child, exited, graceMs);
  }));
}

/** The process ends now, and gives nobody time. */
function killAll(): void {
  for (const child of living.keys()) kill(child, "SIGKILL");
}

function forget(child: Child): void {
  living.delete(child);
  if (living.size === 0) process.off("exit", killAll);
}

/**
 * A string is given to the shell, an array is run as it is. Settles when the process exists; that a
 * shell did not find its command is told by `closed` ("command not found").
 */
export function connectExec(command: string | readonly string[], options: ExecOptions = {}): Promise<Transport> {
  const shell = typeof command === "string";
  const [file = "", ...args] = shell ? [command] : command;
  const child: Child = spawn(file, args, {
    shell, detached: process.platform !== "win32", stdio: ["pipe", "pipe", options.stderr ?? "inherit"],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.env !== undefined && { env: options.env }),
  });
  const exited = new Promise<string | undefined>((resolve) => {
    child.once("exit", (code, signal) => resolve(reason(code, signal, shell)));
  });
  if (living.size === 0) process.once("exit", killAll);
  living.set(child, exited);
  // What a shell has started may be the server, and outlive it.
  void exited.then(() => {
    if (!kill(child, 0)) forget(child);
  });
  const graceMs = options.graceMs ?? GRACEMS;
  return new Promise((resolve, reject) => {
    child.once("error", (e) => {
      forget(child);
      const why = netError(e, "connect");
      reject(new NineError(why.errno === errno.ENOENT ? `command not found: ${file}` : `${why.message}: ${file}`, why.errno));
    });
    child.once("spawn", () => {
      const lastWord = (): Promise<string | undefined> => {
        void stop(child, exited, graceMs);
        return exited;
      };
      resolve(new StreamTransport(child.stdout, child.stdin, `exec:${shell ? command : command.join(" ")}`, { graceMs, lastWord }));
    });
  });
}

function reason(code: number | null, signal: NodeJS.Signals | null, shell: boolean): string | undefined {
  if (code === 0) return undefined;
  if (code === null) return `killed by ${signal}`;
  if (shell && code === 127) return "command not found (status 127)";
  if (shell && code === 126) return "command cannot be executed (status 126)";
  return `exited with status ${code}`;
}

/** Its input has ended: wait, SIGTERM, wait, SIGKILL, for as long as something of its group is left. Settles when nothing is. */
function stop(child: Child, exited: Promise<unknown>, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const signals: NodeJS.Signals[] = ["SIGTERM", "SIGKILL"];
    const done = (): void => {
      clearInterval(timer);
      forget(child);
      resolve();
    };
    const timer = setInterval(() => {
      const signal = signals.shift();
      if (signal === undefined || !kill(child, signal)) done();
    }, graceMs);
    void exited.then(() => {
      if (!kill(child, 0)) done();
    });
  });
}

/** False when nothing of its group is left; 0 only asks. */
function kill(child: Child, signal: NodeJS.Signals | 0): boolean {
  try {
    return child.pid !== undefined && (process.platform === "win32" ? child.kill(signal) : process.kill(-child.pid, signal));
  } catch {
    return false;
  }
}
