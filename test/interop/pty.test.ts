/** The interactive shell on a terminal: prompt, line editing, cooked input of a program, Ctrl-C, also of a blocked read over a wire, and a terminal that goes away. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { type Listener, listen } from "../../clients/node/index.ts";
import { open } from "../../proto/index.ts";
import { MAIN, run } from "../support/children.ts";
import { describeWith } from "../support/need.ts";
import { tarpit } from "../support/tarpit.ts";
import { Terminal } from "../support/terminal.ts";

const LEFT = "\x1b[D";
const UP = "\x1b[A";
const ERASE = "\x7f";
const ctrl = (c: string): string => String.fromCharCode(c.charCodeAt(0) & 0x1f);

describeWith(["python3"], "the shell on a terminal", () => {
  const dir = mkdtempSync(join(tmpdir(), "nineplex-"));
  const trace = join(dir, "trace");
  let terminal: Terminal;

  beforeEach(async () => {
    terminal = new Terminal([`--trace=${trace}`], dir);
    await terminal.shows(/^% $/);
  }, 60_000);

  afterEach(() => terminal.close(), 60_000);
  afterAll(() => rmSync(dir, { recursive: true }));

  it("runs a line, and ends with the status asked for", async () => {
    expect(await terminal.line("echo hello world")).toBe("hello world");
    expect(await terminal.line("pwd")).toBe("/host");
    terminal.type("exit 7\r");
    expect(await terminal.ended).toBe(7);
  }, 60_000);

  it("a terminal that goes away ends it, by a hangup, whatever it does", async () => {
    const end = [
      "import os, pty, sys, time",
      "pid, fd = pty.fork()",
      "if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])",
      "seen = b''",
      "while b'% ' not in seen: seen += os.read(fd, 65536)",
      "os.write(fd, sys.argv[1].encode())",
      "while sys.argv[1].split('\\r')[0].encode() not in seen: seen += os.read(fd, 65536)",
      "os.close(fd)",
      "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
    ].join("\n");
    for (const typed of ["typed", "sleep 1000\r", "while(true) echo y\r"]) {
      const { stdout } = await run("python3", ["-c", end, typed, process.execPath, ...MAIN], { cwd: dir });
      expect(`${typed}: ${stdout.toString()}`).toBe(`${typed}: -1\n`);
    }
  }, 60_000);

  it("no name of a file brings a sequence to the terminal by a mistake of rc's", async () => {
    writeFileSync(join(dir, "bad\x1b[31m\nname"), "");
    expect(await terminal.line("cd ./bad*; ./bad*; echo > ./bad*/x; cd")).toBe([
      "Can't cd ./bad\\033[31m\\nname: not a directory", "rc: ./bad\\033[31m\\nname: permission denied", "rc: ./bad*/x: file does not exist",
    ].join("\n"));
    rmSync(join(dir, "bad\x1b[31m\nname"));
  }, 60_000);

  it("Ctrl-D at the prompt ends it", async () => {
    terminal.type(ctrl("D"));
    expect(await terminal.ended).toBe(0);
  }, 60_000);

  it("edits a line: left, erase, begin, end, kill", async () => {
    terminal.type(`echo abd${LEFT}${ERASE}cc${ctrl("E")}!${ctrl("A")}`);
    await terminal.shows(/^% echo accd!$/);
    expect(await terminal.line("")).toBe("accd!");
    terminal.type("echo wrong");
    await terminal.shows(/^% echo wrong$/);
    terminal.type(ctrl("U"));
    await terminal.shows(/^% $/);
    expect(await terminal.line("echo right")).toBe("right");
    terminal.type(`world${ctrl("A")}echo the `);
    await terminal.shows(/^% echo the world$/);
    expect(await terminal.line("")).toBe("the world");
  }, 60_000);

  it("remembers lines, and lets go of one at Ctrl-C", async () => {
    await terminal.line("echo first");
    await terminal.line("echo second");
    terminal.type(UP);
    await terminal.shows(/^% echo second$/);
    terminal.type(UP);
    await terminal.shows(/^% echo first$/);
    expect(await terminal.line("")).toBe("first");
    terminal.type(`echo never${ctrl("C")}`);
    await terminal.shows(/^% echo never\^C\n% $/);
    expect(await terminal.line("echo after")).toBe("after");
  }, 60_000);

  it("a program reads whole lines until Ctrl-D, and the shell goes on", async () => {
    terminal.type("cat\r");
    await terminal.shows(/cat\n$/);
    terminal.type(`line onf${ERASE}e\r`);
    await terminal.shows(/^line one\nline one\n$/);
    terminal.type(ctrl("D"));
    await terminal.shows(/^% $/);
    terminal.type("cat > /tmp/typed\r");
    await terminal.shows(/typed\n$/);
    terminal.type("two\r");
    await terminal.shows(/^two\n$/);
    terminal.type(ctrl("D"));
    await terminal.shows(/^% $/);
    expect(await terminal.line("cat /tmp/typed")).toBe("two");
  }, 60_000);

  it("Ctrl-C interrupts what reads the terminal, or sleeps, and the shell goes on", async () => {
    terminal.type("cat\r");
    await terminal.shows(/cat\n$/);
    terminal.type(`abc${ctrl("C")}`);
    await terminal.shows(/^abc\^C\n+% $/);
    expect(await terminal.line("echo next")).toBe("next");
    terminal.type("sleep 1000\r");
    await terminal.shows(/1000\n$/);
    terminal.type(ctrl("C"));
    await terminal.shows(/^\^C\n+% $/);
    expect(await terminal.line("echo next")).toBe("next");
  }, 60_000);

  it("the host's files", async () => {
    writeFileSync(join(dir, "some"), "a\nfoo\nfood\n");
    expect(await terminal.line("grep foo some | wc -l > /tmp/out; cat /tmp/out")).toMatch(/^ +2$/);
    await terminal.line("echo made > made");
    expect(readFileSync(join(dir, "made"), "utf8")).toBe("made\n");
  }, 60_000);

  for (const [kind, addr] of [["a WebSocket", "ws://127.0.0.1:0"], ["TCP", "tcp://127.0.0.1:0"], ["a Unix socket", `unix:${join(dir, "sock")}`]] as const) {
    it(`Ctrl-C interrupts a blocked read over ${kind}: Tflush on the wire, and the shell goes on`, async () => {
      const pit = tarpit();
      const listener: Listener = await listen(addr, (session) => open(pit.server, session));
      try {
        await terminal.line(`mount '${listener.address}' /n/x`);
        terminal.type("cat /n/x/never\r");
        await expect.poll(pit.waiting, { timeout: 20_000 }).toBe(1);
        terminal.type(ctrl("C"));
        await terminal.shows(/\n% $/);
        await expect.poll(pit.interrupted, { timeout: 20_000 }).toBe(1);
        expect(pit.waiting()).toBe(0);
        expect(await terminal.line("cat /n/x/hello")).toBe("hello from afar");
        expect(await terminal.line("echo $status")).toBe("");
        terminal.type("exit\r");
        expect(await terminal.ended).toBe(0);
        const log = readFileSync(trace, "utf8");
        const flush = /-> Tflush tag (\d+) oldtag (\d+)/.exec(log);
        expect(log).toMatch(new RegExp(`-> Tread tag ${flush?.[2]} `));
        expect(log).toMatch(new RegExp(`<- Rflush tag ${flush?.[1]}\\b`));
      } finally {
        await listener.close();
      }
    }, 60_000);
  }
});
