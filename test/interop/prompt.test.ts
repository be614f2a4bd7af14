/** The prompt on a terminal, for a day: history across sessions, search, completion on a slow mount, paste, resize, and the terminal as it was afterwards. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { listen } from "../../clients/node/index.ts";
import { open } from "../../proto/index.ts";
import { describeWith } from "../support/need.ts";
import { tarpit } from "../support/tarpit.ts";
import { Terminal } from "../support/terminal.ts";

const UP = "\x1b[A";
const ctrl = (c: string): string => String.fromCharCode(c.charCodeAt(0) & 0x1f);
const paste = (text: string): string => `\x1b[200~${text}\x1b[201~`;

describeWith(["python3"], "the prompt on a terminal", () => {
  const top = mkdtempSync(join(tmpdir(), "nineplex-prompt-"));
  const dir = join(top, "work");
  const trace = join(top, "trace");
  const history = join(top, "state/nineplex/history");
  mkdirSync(dir);
  let terminal: Terminal;
  const start = async (env: Record<string, string> = {}, first = /^% $/): Promise<Terminal> => {
    const t = new Terminal([`--trace=${trace}`], dir, env);
    await t.shows(first);
    return t;
  };

  beforeEach(async () => {
    terminal = await start();
  }, 60_000);
  afterEach(() => terminal.close(), 60_000);
  afterAll(() => rmSync(top, { recursive: true }));

  it("keeps a history from session to session, and looks through it", async () => {
    const env = { NINEPLEX_HISTORY: history };
    let one = await start(env);
    const two = await start(env);
    await one.line("echo first thing");
    await two.line("echo other shell");
    one.type("for(i in a b){\recho $i\r}\r");
    await one.shows(/a\nb\n% $/);
    await one.line(" echo secret");
    await one.close();
    await two.close();
    expect(readFileSync(history, "utf8")).toBe("echo first thing\necho other shell\nfor(i in a b){\\necho $i\\n}\n");
    expect(statSync(history).mode & 0o777).toBe(0o600);
    one = await start(env);
    one.type(UP);
    await one.shows(/^% for\(i in a b\)\{\n {8}echo \$i\n {8}\}$/);
    expect(await one.line("")).toMatch(/a\nb$/);
    one.type(`${ctrl("r")}thing`);
    await one.shows(/^\(reverse-i-search\)`thing': echo first thing$/);
    expect(await one.line("")).toBe("first thing");
    expect(await one.line("history other")).toBe("    2  echo other shell\n    5  history other");
    expect(await one.line("wc -l /dev/history")).toMatch(/^ +6 /);
    await one.close();
  }, 120_000);

  it("none is kept when NINEPLEX_HISTORY is empty, nor of commands and scripts", async () => {
    const other = await start({ NINEPLEX_HISTORY: "", XDG_STATE_HOME: join(top, "nobody") });
    await other.line("echo x");
    await other.close();
    expect(() => statSync(join(top, "nobody"))).toThrow("ENOENT");
  }, 60_000);

  it("runs the user's profile before the first prompt; a mistake ends it, and not the shell", async () => {
    const profile = join(top, "profile");
    writeFileSync(profile, "fn hello {echo hello $1}\nprompt=('; ' '\t')\nbind /tmp /n/t\nx=)\necho never\n");
    const other = await start({ NINEPLEX_PROFILE: profile }, /:4: .*\n; $/);
    other.type("hello world\r");
    await other.shows(/hello world\nhello world\n; $/);
    other.type("ls -d /n/t && rc -c 'hello child'\r");
    await other.shows(/\n\/n\/t\nhello child\n; $/);
    await other.close();
  }, 60_000);

  it("completes commands, variables and files", async () => {
    writeFileSync(join(dir, "it's here"), "content\n");
    terminal.type("cat it\t");
    await terminal.shows(/^% cat 'it''s here' $/);
    expect(await terminal.line("")).toBe("content");
    terminal.type("whati\t");
    await terminal.shows(/^% whatis $/);
    terminal.type("path\r");
    await terminal.shows(/^% whatis path\npath=\(\. \/bin\)\n% $/);
    terminal.type("echo $sysn\t");
    await terminal.shows(/^% echo \$sysname$/);
    expect(await terminal.line("")).toBe("nineplex");
    terminal.type("md\t");
    await terminal.shows(/^% md5sum $/);
    terminal.type(ctrl("C"));
    await terminal.shows(/\^C\n% $/);
  }, 60_000);

  it("stays alive while a directory far away is read, and gives that up", async () => {
    const pit = tarpit();
    const listener = await listen("tcp://127.0.0.1:0", (session) => open(pit.server, session));
    try {
      await terminal.line(`mount '${listener.address}' /n/x`);
      terminal.type("cat /n/x/slow/\t");
      await expect.poll(pit.waiting, { timeout: 20_000 }).toBe(1);
      terminal.type("fir");
      await terminal.shows(/^% cat \/n\/x\/slow\/fir$/);
      await expect.poll(pit.interrupted, { timeout: 20_000 }).toBe(1);
      terminal.type("\t");
      await expect.poll(pit.waiting, { timeout: 20_000 }).toBe(1);
      terminal.type(ctrl("C"));
      await terminal.shows(/\^C\n% $/);
      await expect.poll(pit.interrupted, { timeout: 20_000 }).toBe(2);
      expect(await terminal.line("echo alive")).toBe("alive");
      terminal.type("cat /n/x/slow/sec\t");
      await expect.poll(pit.waiting, { timeout: 20_000 }).toBe(1);
      pit.answer();
      await terminal.shows(/^% cat \/n\/x\/slow\/second $/);
      expect(await terminal.line("")).toBe("2");
      terminal.type("exit\r");
      await terminal.ended;
      const log = readFileSync(trace, "utf8");
      expect([...log.matchAll(/-> Tflush tag (\d+) oldtag (\d+)/g)].length).toBeGreaterThanOrEqual(2);
    } finally {
      await listener.close();
    }
  }, 120_000);

  it("goes on below when a command is not whole; Ctrl-C there drops it, Ctrl-D is a mistake", async () => {
    terminal.type("for(i in a b){\r");
    await terminal.shows(/^% for\(i in a b\)\{\n {8}$/);
    terminal.type(`echo $i${ctrl("C")}`);
    await terminal.shows(/echo \$i\^C\n% $/);
    expect(await terminal.line("echo fresh")).toBe("fresh");
    terminal.type("{\r");
    await terminal.shows(/\{\n {8}$/);
    terminal.type(ctrl("D"));
    await terminal.shows(/rc: .*syntax error\n% $/);
    expect(await terminal.line("echo still here")).toBe("still here");
  }, 60_000);

  it("pasted text waits for Enter; 10,000 lines of it run in order", async () => {
    terminal.type(paste("echo one\recho two"));
    await terminal.shows(/^% echo one\n {8}echo two$/);
    terminal.type("!");
    expect(await terminal.line("")).toBe("one\ntwo!");
    const lines = Array.from({ length: 10_000 }, (_, i) => `n=${i}`);
    terminal.type(paste([...lines, "echo $n"].join("\r")));
    await terminal.shows(/echo \$n$/);
    expect(await terminal.line("")).toMatch(/9999$/);
  }, 120_000);

  it("10,000 lines without brackets: each runs, in order, and a program gets what is its", async () => {
    await terminal.line("sum=()");
    terminal.type(`${Array.from({ length: 9998 }, (_, i) => `sum=($sum ${i % 10})`.replace("$sum ", i % 100 === 0 ? "$sum " : "")).join("\r")}\rcat >/tmp/got\rfor cat\ris this\r${ctrl("D")}echo end $#sum\r`);
    await terminal.shows(/\nend \d+\n% $/);
    expect(await terminal.line("cat /tmp/got")).toBe("for cat\nis this");
  }, 240_000);

  it("what is typed ahead is kept for the prompt, and shown once", async () => {
    terminal.type("sleep 1\recho ahead\r");
    const text = await terminal.shows(/\nahead\n% $/);
    expect(text).toBe("% sleep 1\n% echo ahead\nahead\n% ");
  }, 60_000);

  it("output without a newline stays", async () => {
    expect(await terminal.line("echo -n partial")).toMatch(/^partial%$/);
  }, 60_000);

  it("a new size in the middle of a line", async () => {
    const text = "echo the quick brown fox jumps over the lazy dog and runs away";
    terminal.type(text);
    await terminal.shows(/away$/);
    terminal.resize(40, 24);
    await expect.poll(() => terminal.screen.rows).toEqual([`% ${text}`.slice(0, 40).trimEnd(), `% ${text}`.slice(40)]);
    terminal.type(`${ctrl("A")}${ctrl("K")}cat /dev/winsize`);
    await expect.poll(() => terminal.screen.rows).toEqual(["% cat /dev/winsize"]);
    expect(await terminal.line("")).toMatch(/^24 40$/);
    terminal.resize(100, 30);
    await expect.poll(() => terminal.line("cat /dev/winsize"), { timeout: 20_000 }).toBe("30 100");
  }, 60_000);

  it("the terminal is as it was, however the shell ends", async () => {
    expect(terminal.screen.brackets).toBe(true);
    terminal.type("cat\r");
    await terminal.shows(/cat\n$/);
    await expect.poll(() => terminal.screen.brackets).toBe(false);
    terminal.type(ctrl("D"));
    await terminal.shows(/^% $/);
    await expect.poll(() => terminal.screen.brackets).toBe(true);
    await terminal.signal("SIGTERM");
    await terminal.ended;
    expect(terminal.screen.brackets).toBe(false);
    const killed = await start();
    await expect.poll(() => killed.screen.brackets).toBe(true);
    // The shell itself, from within.
    await killed.line("{ sleep 1; kill rc | rc } &");
    await killed.ended;
    expect(killed.screen.brackets).toBe(false);
  }, 60_000);

  it("TERM=dumb: a prompt and whole lines, and no escape sequence", async () => {
    const dumb = await start({ TERM: "dumb" });
    let bytes = "";
    dumb.onData = (data) => (bytes += data.toString());
    expect(await dumb.line("echo plain")).toBe("plain");
    expect(await dumb.line("{\recho x\r}")).toMatch(/x$/);
    dumb.type(ctrl("D"));
    expect(await dumb.ended).toBe(0);
    expect(bytes).not.toContain("\x1b");
  }, 60_000);
});
