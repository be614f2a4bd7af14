/**
 * Children: processes that tests start. Invariant: each is stopped by its own id, at the latest by
 * stopAll() in an afterEach or afterAll.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import { programPath } from "./need.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What runs the command line from its sources, in any directory. */
export const MAIN: readonly string[] = ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href, `${ROOT}clients/main.ts`];

export interface Started {
  readonly pid: number;
  /** All that it has written so far. */
  out(): string;
  err(): string;
  /** Settles with the first match of stdout; rejects when it ends, or says nothing of the kind in 30 s. */
  said(what: RegExp): Promise<RegExpExecArray>;
  running(): boolean;
  /** SIGTERM (or what start was told), in the end SIGKILL; the exit status, null after a signal. */
  stop(): Promise<number | null>;
}

export interface Ran { readonly status: number | null; readonly stdout: Buffer; readonly stderr: string }

export interface HowToRun {
  readonly cwd?: string;
  readonly input?: string;
  /** Killed after so long; default 60 s. */
  readonly timeoutMs?: number;
}

const started = new Set<Started>();

/** Starts a program that is to be stopped, by this signal. */
export function start(command: string, args: readonly string[], cwd: string = ROOT, signal: NodeJS.Signals = "SIGTERM"): Started {
  const child = spawn(programPath(command) ?? command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  const ended = new Promise<number | null>((resolve) => {
    child.on("error", (e) => {
      err += e.message;
      resolve(null);
    });
    child.on("close", (status) => resolve(status));
  });
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  child.stdout.on("data", (data: Buffer) => (out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  const self: Started = {
    pid: child.pid ?? 0,
    out: () => out,
    err: () => err,
    running,
    async said(what) {
      for (const end = Date.now() + 30_000; Date.now() < end && running(); await sleep(20)) {
        const m = what.exec(out);
        if (m) return m;
      }
      throw new Error(`${command} did not say ${what}; stdout: ${out}; stderr: ${err}`);
    },
    async stop() {
      started.delete(self);
      if (running()) child.kill(signal);
      const patience = setTimeout(() => child.kill("SIGKILL"), 10_000);
      const status = await ended;
      clearTimeout(patience);
      return status;
    },
  };
  started.add(self);
  return self;
}

export async function stopAll(): Promise<void> {
  await Promise.all([...started].map((s) => s.stop()));
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], how: HowToRun = {}): Promise<Ran> {
  const child: ChildProcess = spawn(programPath(command) ?? command, args, { cwd: how.cwd ?? ROOT, stdio: ["pipe", "pipe", "pipe"] });
  const out: Buffer[] = [];
  let stderr = "";
  child.stdout?.on("data", (data: Buffer) => out.push(data));
  child.stderr?.on("data", (data: Buffer) => (stderr += data.toString()));
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(how.input ?? "");
  const patience = setTimeout(() => child.kill("SIGKILL"), how.timeoutMs ?? 60_000);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      clearTimeout(patience);
      resolve({ status, stdout: Buffer.concat(out), stderr });
    });
  });
}

/** A process whose signals and streams are the test's to play with. */
export interface Bare {
  readonly child: ChildProcess;
  out(): string;
  err(): string;
  /** The exit status, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
}

/** Starts this Node with such arguments. Nobody stops it but the test. */
export function bare(args: readonly string[], cwd: string, stdio: ("pipe" | "ignore" | "inherit")[] = ["pipe", "pipe", "pipe"]): Bare {
  const child = spawn(process.execPath, args, { cwd, stdio });
  let err = "";
  let out = "";
  child.stderr?.on("data", (d: Buffer) => (err += d.toString()));
  child.stdout?.on("data", (d: Buffer) => (out += d.toString()));
  child.stdin?.on("error", () => undefined);
  const ended = new Promise<number | string | null>((resolve) => child.on("close", (code, signal) => resolve(code ?? signal)));
  return { child, err: () => err, out: () => out, ended };
}

/** Waits for what a process brings about; rejects after 20 s. */
export async function until(what: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !what(); await sleep(20)) {
    if (Date.now() > end) throw new Error("waited in vain");
  }
}

/** Whether a process has not ended: one that nobody has waited for yet has. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).startsWith("Z");
  } catch {
    return false;
  }
}

/** The command line, run to its end. */
export function nineplex(args: readonly string[], how: HowToRun = {}): Promise<Ran> {
  return run(process.execPath, [...MAIN, ...args], how);
}

/** `nineplex serve` with these arguments, at a free TCP port: the server and its HOST:PORT. */
export async function startServe(...args: string[]): Promise<{ server: Started; at: string }> {
  const server = start(process.execPath, [...MAIN, "serve", "--listen", "tcp://127.0.0.1:0", ...args]);
  const m = await server.said(/^tcp:\/\/(\S+)$/m);
  return { server, at: m[1] ?? "" };
}

/**
 * diod exporting directories (and `ctl`) at a free port; flags go before. HOST:PORT once it answers.
 * Told to end in order it may crash while a connection is open (1.0.24), and so it is not told.
 */
export async function startDiod(flags: readonly string[], ...exports: string[]): Promise<{ server: Started; at: string }> {
  const port = await freePort();
  const at = `127.0.0.1:${port}`;
  const server = start("diod", ["-f", "-n", ...flags, "-L", "stderr", "-l", at, ...[...exports, "ctl"].flatMap((e) => ["-e", e])], ROOT, "SIGKILL");
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries === 200) throw new Error(`diod does not answer at ${at}: ${server.err()}`);
    await sleep(50);
  }
  return { server, at };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** A port that nobody listens at just now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
