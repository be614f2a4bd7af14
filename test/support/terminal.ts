/**
 * Terminal: the command line on a pseudo-terminal, as a person has it (python3's pty module). Keys go
 * in as bytes; what stands on the screen is waited for, never how long it takes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Writable } from "node:stream";
import { MAIN } from "./children.ts";
import { programPath } from "./need.ts";
import { Screen } from "./screen.ts";

/** Between a pty of 24 lines and stdin, stdout; fd 3 brings other sizes. Ends with the program's exit status. */
const BRIDGE = `
import fcntl, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
inputs = [fd, 0, 3]
while True:
    ready = select.select(inputs, [], [])[0]
    if fd in ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        os.write(1, data)
    if 3 in ready:
        size = os.read(3, 64).split()
        if not size:
            inputs.remove(3)
            continue
        rows, cols = size[:2]
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(cols), 0, 0))
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            break
        while data:
            # What the program has to say must not wait for what it has to read.
            readable, writable, _ = select.select([fd], [fd], [])
            if readable:
                try:
                    os.write(1, os.read(fd, 65536))
                except OSError:
                    break
            if writable:
                data = data[os.write(fd, data[:1024]):]
os.close(fd)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
`;

const WAITMS = 30_000;

export class Terminal {
  /** Settles with the exit status. */
  readonly ended: Promise<number | null>;
  /** Is given what the program writes, before it is on the screen. */
  onData: ((data: Buffer) => void) | undefined;
  private readonly child: ChildProcess;
  readonly screen: Screen = new Screen(80, 24, (text) => void this.child.stdin?.write(text));
  /** The row that the last keys were typed in. */
  private mark = 0;

  constructor(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(programPath("python3") ?? "python3", ["-c", BRIDGE, process.execPath, ...MAIN, ...args], {
      cwd, stdio: ["pipe", "pipe", "inherit", "pipe"], env: { ...process.env, TERM: "xterm", NINEPLEX_HISTORY: "", NINEPLEX_PROFILE: "", ...env },
    });
    this.child.stdout?.on("data", (data: Buffer) => {
      this.onData?.(data);
      void this.screen.write(data);
    });
    this.child.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve) => this.child.on("close", resolve));
  }

  type(keys: string): void {
    this.mark = this.screen.line;
    this.child.stdin?.write(keys);
  }

  /** The program has ended. */
  get over(): boolean {
    return this.child.exitCode !== null;
  }

  /** What the screen shows from the row on in which the last keys were typed, once it matches. */
  async shows(what: RegExp, waitMs: number = WAITMS): Promise<string> {
    for (const end = Date.now() + waitMs; ;) {
      const text = this.screen.from(this.mark);
      if (what.test(text)) return text;
      if (Date.now() > end || this.over) throw new Error(`the terminal does not show ${what}, but ${JSON.stringify(text)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The terminal gets another size, and its program is told. */
  resize(cols: number, rows: number): void {
    this.screen.resize(cols, rows);
    (this.child.stdio[3] as Writable).write(`${rows} ${cols}\n`);
  }

  /** A signal for the program. */
  async signal(name: NodeJS.Signals): Promise<void> {
    const pids = await readFile(`/proc/${this.child.pid}/task/${this.child.pid}/children`, "utf8");
    process.kill(Number(pids.trim().split(" ")[0]), name);
  }

  /** Types a line at the prompt; what is shown until the next one. */
  async line(text: string): Promise<string> {
    this.type(`${text}\r`);
    const shown = await this.shows(/\n% $/);
    return shown.split("\n").slice(1, -1).join("\n");
  }

  /** Hangs up, when it has not ended. */
  async close(): Promise<void> {
    this.child.stdin?.end();
    await this.ended;
  }
}
