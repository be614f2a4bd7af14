/** Job control and interrupts on a real terminal: Ctrl-Z and back, Ctrl-C in the main waits, what begets itself, an rc in an rc. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { listen, type Listener } from "../../clients/node/index.ts";
import { dir as dirOf, open, textFile } from "../../proto/index.ts";
import type { Call, Server } from "../../proto/index.ts";
import { describeWith } from "../support/need.ts";
import { Terminal } from "../support/terminal.ts";

const ctrl = (c: string): string => String.fromCharCode(c.charCodeAt(0) & 0x1f);
const [C, D, Z] = [ctrl("C"), ctrl("D"), ctrl("Z")];

let asked = 0;
let flushed = 0;

function never<T>(call: Call): Promise<T> {
  asked++;
  return new Promise((_, reject) => call.signal.addEventListener("abort", () => {
    flushed++;
    reject(call.signal.reason as Error);
  }));
}

const pit: Server = {
  name: "pit",
  attach: () => dirOf({
    never: { open: () => ({ read: (_at, _n, call) => never(call) }) },
    slow: { ...dirOf({}), walk: (_name, call) => never(call), list: () => [] },
    hello: textFile(() => "hello from afar\n"),
  }),
};

describeWith(["python3"], "jobs on a terminal", () => {
  const dir = mkdtempSync(join(tmpdir(), "nineplex-"));
  let terminal: Terminal;
  let listener: Listener;
  /** Accepts, and says nothing. */
  let silent: NetServer;
  let silentAt = "";

  beforeAll(async () => {
    writeFileSync(join(dir, "script"), "echo up\nsleep 1000\necho no\n");
    listener = await listen("tcp://127.0.0.1:0", (session) => open(pit, session));
    silent = createServer((s) => s.on("error", () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const at = silent.address();
    silentAt = `tcp://127.0.0.1:${typeof at === "object" && at ? at.port : 0}`;
  });
  afterAll(async () => {
    await listener.close();
    silent.close();
    rmSync(dir, { recursive: true });
  });

  beforeEach(async () => {
    terminal = new Terminal([], dir);
    await terminal.shows(/^% $/);
    await terminal.line(`mount '${listener.address}' /n/x`);
  }, 60_000);

  afterEach(() => terminal.close(), 60_000);

  /** Presses a key until there is a prompt: what was typed before the command was there is nobody's. */
  async function press(key: string): Promise<string> {
    for (;;) {
      terminal.type(key);
      try {
        return await terminal.shows(/\n% $/, 1000);
      } catch (e) {
        if (terminal.over) throw e;
      }
    }
  }

  /** Types a command that says `up` when it runs. */
  async function begin(command: string, up = /\nup\n$/): Promise<void> {
    terminal.type(`${command}\r`);
    await terminal.shows(up);
  }

  /** No process but the shell and ps. */
  async function alone(): Promise<void> {
    expect(await terminal.line("echo here")).toBe("here");
    const names = (await terminal.line("ps")).split("\n").map((line) => line.replace(/.* /, ""));
    expect(names.toSorted()).toEqual(["boot", "ps", "rc"]);
  }

  it("Ctrl-Z stops cat, which takes nothing of what is typed then; fg brings it back, bg does not", async () => {
    await begin("cat", /cat\n$/);
    terminal.type("one\r");
    await terminal.shows(/^one\none\n$/);
    expect(await press(Z)).toMatch(/\^Z\n\[1\] \+ stopped {3}cat\n% $/);
    expect(await terminal.line("echo two")).toBe("two");
    expect(await terminal.line("bg")).toBe("[1] cat &");
    expect(await terminal.line("echo three; jobs")).toBe("three\n[1] + running   cat");
    await begin("fg", /fg\ncat\n$/);
    terminal.type("four\r");
    await terminal.shows(/^four\nfour\n$/);
    terminal.type(D);
    await terminal.shows(/^% $/);
    expect(await terminal.line("jobs")).toBe("");
    await alone();
  }, 60_000);

  it("sleep, a pipeline, a read over a wire: stopped, listed, brought back, interrupted", async () => {
    await begin("sleep 1000", /1000\n$/);
    expect(await press(Z)).toContain("[1] + stopped   sleep 1000\n");
    await begin("sleep 2000 | cat | sleep 3000", /3000\n$/);
    expect(await press(Z)).toContain("[2] + stopped   sleep 2000 | cat | sleep 3000\n");
    const before = [asked, flushed];
    await begin("cat /n/x/never", /never\n$/);
    await expect.poll(() => asked, { timeout: 20_000 }).toBe(before[0]! + 1);
    expect(await press(Z)).toContain("[3] + stopped   cat /n/x/never\n");
    expect(flushed).toBe(before[1]);
    expect(await terminal.line("cat /n/x/hello")).toBe("hello from afar");
    expect(await terminal.line("jobs")).toBe("[1]   stopped   sleep 1000\n[2] - stopped   sleep 2000 | cat | sleep 3000\n[3] + stopped   cat /n/x/never");
    for (const [job, text] of [["%3", "cat /n/x/never"], ["2", "sleep 2000 | cat | sleep 3000"], ["", "sleep 1000"]] as const) {
      terminal.type(`fg ${job}\r`);
      await terminal.shows(new RegExp(`\\n${text.replaceAll("|", "\\|")}\\n$`));
      await press(C);
    }
    expect(flushed).toBe(before[1]! + 1);
    expect(await terminal.line("jobs")).toBe("");
    await alone();
  }, 60_000);

  it("Ctrl-C ends every wait, and all of a line", async () => {
    const waits = [
      "echo up; while(~ 1 1){}", "fn f {echo up; sleep 1000; echo no}; f; echo no", "echo up; x=`{sleep 1000}; echo no", "{echo up; sleep 1000} | cat; echo no",
      "echo up; time sleep 1000", "rc script", ". ./script", "@{echo up; sleep 1000; echo no}", "echo up; for(i in 1 2 3) {sleep 1000; echo no}", "echo up; while(true) sleep 0",
      `echo up; mount ${silentAt} /n/y`, "echo up; cat </n/x/slow/f", "echo up; echo /n/x/slow/*/no", "echo up; cd /n/x/slow/a", "echo up; ls -l /n/x/slow/a",
      "sleep 1000 & echo up; wait; echo no",
    ];
    for (const wait of waits) {
      terminal.type(`${wait}\r`);
      await terminal.shows(/\nup\n/);
      expect(await press(C)).not.toContain("\nno\n");
    }
    expect(await terminal.line("jobs")).toBe("[1] + running   sleep 1000");
    expect(await terminal.line("kill %1")).toBe("[1]   done      sleep 1000 # status=kill");
    await alone();
  }, 120_000);

  it("a program that takes all notes is stopped and killed", async () => {
    await begin("rc -c 'fn sigint sigquit {echo ouch}; echo up; while(true) sleep 1000'");
    terminal.type(C);
    await terminal.shows(/ouch\n$/);
    terminal.type(ctrl("\\"));
    await terminal.shows(/ouch\n$/);
    expect(await press(Z)).toContain("[1] + stopped   rc -c");
    await terminal.line("kill %1");
    await alone();
  }, 60_000);

  it("what begets itself is ended by Ctrl-C", async () => {
    await begin("echo up; fn f {f & f}; f", /\nup\n/);
    await press(C);
    await expect.poll(() => terminal.line("ps | wc -l"), { timeout: 30_000 }).toMatch(/^ +\d$/);
    await terminal.line("fn f {f | f &}");
    await begin("f", /% $/);
    terminal.type("fg\r");
    await terminal.shows(/\nf\n/);
    await press(C);
    await expect.poll(() => terminal.line("ps | wc -l"), { timeout: 30_000 }).toMatch(/^ +\d$/);
    await alone();
  }, 120_000);

  it("an rc in an rc has jobs of its own; stopped jobs keep a shell once", async () => {
    await begin("sleep 1000", /1000\n$/);
    await press(Z);
    expect(await terminal.line("rc")).toBe("");
    expect(await terminal.line("jobs")).toBe("");
    await begin("sleep 2000", /2000\n$/);
    expect(await press(Z)).toContain("[1] + stopped   sleep 2000\n");
    expect(await terminal.line("exit")).toBe("there are stopped jobs");
    expect(await terminal.line("exit")).toBe("");
    expect(await terminal.line("jobs")).toBe("[1] + stopped   sleep 1000");
    terminal.type(D);
    await terminal.shows(/there are stopped jobs\n% $/);
    terminal.type(D);
    expect(await terminal.ended).toBe(0);
  }, 60_000);

  it("test -t: true of the terminal, false of a pipe and a file", async () => {
    expect(await terminal.line("for(i in 0 1 2) if(test -t $i) echo yes")).toBe("yes\nyes\nyes");
    expect(await terminal.line("{test -t 1 && echo yes} | cat; test -t 0 </dev/null && echo yes; test -t 2 >[2]/tmp/f && echo yes; echo over")).toBe("over");
  }, 60_000);
});
