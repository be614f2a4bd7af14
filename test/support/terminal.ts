/**
 * Terminal: the command line on a pseudo-terminal, as a person has it (python3's pty module). Keys go
 * in as bytes; what stands on the screen is waited for, never how long it takes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { MAIN } from "./children.ts";
import { programPath } from "./need.ts";

/** Between a pty of 24 lines and stdin, stdout; ends with the program's exit status. */
const BRIDGE = `
import fcntl, os, pty, select, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
while True:
    ready = select.select([fd, 0], [], [])[0]
    if fd in ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            break
        os.write(fd, data)
os.close(fd)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
`;

const WAITMS = 30_000;

export class Terminal {
  /** Settles with the exit status. */
  readonly ended: Promise<number | null>;
  private readonly child: ChildProcess;
  private readonly screen: Screen = new Screen();
  /** The row that the last keys were typed in. */
  private mark = 0;

  constructor(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(programPath("python3") ?? "python3", ["-c", BRIDGE, process.execPath, ...MAIN, ...args], {
      cwd, stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, TERM: "xterm", NINEPLEX_HISTORY: "", ...env },
    });
    this.child.stdout?.on("data", (data: Buffer) => this.screen.show(data.toString()));
    this.child.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve) => this.child.on("close", resolve));
  }

  type(keys: string): void {
    this.mark = this.screen.row;
    this.child.stdin?.write(keys);
  }

  /** The program has ended. */
  get over(): boolean {
    return this.child.exitCode !== null;
  }

  /** What the screen shows from the row on in which the last keys were typed, once it matches. */
  async shows(what: RegExp, waitMs: number = WAITMS): Promise<string> {
    for (const end = Date.now() + waitMs; ;) {
      const text = this.screen.lines.slice(this.mark).join("\n");
      if (what.test(text)) return text;
      if (Date.now() > end || this.over) throw new Error(`the terminal does not show ${what}, but ${JSON.stringify(text)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
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

/** As much of a terminal as line editing needs: a cursor, carriage return, and the sequences that move it and clear. */
class Screen {
  readonly lines: string[] = [""];
  row = 0;
  private col = 0;
  /** A sequence that has not come to its end. */
  private rest = "";

  show(text: string): void {
    // oxlint-disable-next-line eslint/no-control-regex -- ESC begins a sequence
    for (const [s, n, final] of (this.rest + text).matchAll(/\x1b\[([0-9;?]*)([A-Za-z])|\x1b(?:\[[0-9;?]*)?$|[^]/gu)) {
      this.rest = "";
      if (s.length > 1 && final === undefined) this.rest = s;
      else if (final === undefined) this.put(s);
      else this.move(final, n ?? "");
    }
  }

  private put(c: string): void {
    if (c === "\x1b") this.rest = c;
    else if (c === "\r") this.col = 0;
    else if (c === "\b") this.col = Math.max(0, this.col - 1);
    else if (c === "\n") {
      if (++this.row === this.lines.length) this.lines.push("");
    } else if (c >= " ") {
      const line = (this.lines[this.row] ?? "").padEnd(this.col);
      this.lines[this.row] = line.slice(0, this.col) + c + line.slice(this.col + 1);
      this.col++;
    }
  }

  private move(final: string, arg: string): void {
    const n = Number(arg) || 1;
    switch (final) {
      case "A": this.row = Math.max(0, this.row - n); break;
      case "B": this.row = Math.min(this.lines.length - 1, this.row + n); break;
      case "C": this.col += n; break;
      case "D": this.col = Math.max(0, this.col - n); break;
      case "G": this.col = n - 1; break;
      case "J": case "K":
        this.lines[this.row] = (this.lines[this.row] ?? "").slice(0, this.col);
        if (final === "J") this.lines.splice(this.row + 1);
        break;
      default:
    }
  }
}
