/** Job control and interrupts at an interactive rc whose terminal is in memory: every kind of wait, ended by Ctrl-C, stopped by Ctrl-Z and brought back; nothing is left of it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MREPL } from "../../../kernel/index.ts";
import { type Call, dir as dirOf, encode, type Server, textFile, type Transport } from "../../../proto/index.ts";
import { remote } from "../../support/kernel.ts";
import { CTRL_BACKSLASH, CTRL_C, CTRL_D, CTRL_Z, NOTHING, Seat } from "../../support/seat.ts";

let seat: Seat;

/** Until the call is flushed. */
function never<T>(call: Call): Promise<T> {
  return new Promise((_, reject) => call.signal.addEventListener("abort", () => reject(call.signal.reason as Error)));
}

/** never: reads wait; slow: what is in it is waited for; hello. */
const pit: Server = {
  name: "pit",
  attach: () => dirOf({
    never: { open: () => ({ read: (_at, _n, call) => never(call) }) },
    slow: { ...dirOf({}), walk: (_name, call) => never(call), list: () => [] },
    hello: textFile(() => "hello from afar\n"),
  }),
};

beforeEach(async () => {
  seat = await Seat.at();
  const { sys } = seat.system;
  await sys.mount((await remote(pit)).portal, "/n/x", MREPL, "");
  sys.post("silent", (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))));
  await sys.writeFile("/tmp/script", encode("sleep 1000\necho no\n"));
  await seat.line("cat /n/x/hello >/dev/null; ls /srv >/dev/null");
  await seat.left();
  seat.before = seat.system.stats();
});

afterEach(() => seat.close());

/** Types a line that waits for something. */
async function begin(line: string): Promise<void> {
  seat.type(`${line}\n`);
  await seat.hops();
  expect(seat.shown).toMatch(line.startsWith("fg") ? /^fg[^\n]*\n[^\n]+\n$/ : /^[^\n]+\n$/);
}

/** Presses a key; what is shown until the prompt. */
async function press(key: string): Promise<string> {
  seat.type(key);
  return (await seat.shows(/(^|\n)% $/)).replace(/% $/, "");
}

/** The terminal is the shell's again, and nothing is left. */
async function whole(): Promise<void> {
  expect(await seat.line("echo here")).toBe("here\n");
  expect(seat.foreground).toBe(seat.pid);
  expect(await seat.left()).toEqual(NOTHING);
}

/** What waits because of a process. */
const processes: readonly string[] = [
  "sleep 1000",
  "sleep 1000; echo no",
  "cat",
  "head -1",
  "cat | sleep 1000 | cat",
  "cat | cat | {cat; echo no}",
  "{sleep 1000; echo no} | cat",
  "echo x | while(sleep 1000) echo no",
  "cat /n/x/never",
  "cat /n/x/never | wc; echo no",
  "cat /n/x/never /n/x/never | sleep 1000",
  "ls /n/x/slow/a",
  "mount /srv/silent /n/y",
  "x=`{sleep 1000}; echo no",
  "x=`{cat}; echo no",
  "echo `{cat /n/x/never | cat}",
  "cat <{sleep 1000} /n/x/never",
  "fn g {sleep 1000; echo no}; fn f {g; echo no}; f",
  "fn f {sleep 1000 & sleep 1000}; f",
  ". /tmp/script",
  "rc /tmp/script",
  "rc -c 'sleep 1000; echo no'",
  "rc -c 'while(~ 1 1){}'",
  "rc -c 'while(true) echo x >/dev/null'",
  "@{sleep 1000; echo no}",
  "@{while(~ 1 1){}}",
  "eval sleep 1000; echo no",
  "for(i in 1 2 3) {sleep 1000; echo no}",
  "if(sleep 1000) echo no",
  "switch(`{sleep 1000}) {case *; echo no}",
  "x=1 sleep 1000",
  "sleep 1000 >/tmp/out",
  "cat <<!\n$home\n!\nsleep 1000",
  "{sleep 1000} >[1=2] | cat",
  "time sleep 1000",
  "! sleep 1000; echo no",
  "sleep 1000 && echo no",
];

/** What the shell itself waits for, or does. */
const own: readonly string[] = [
  "while(~ 1 1){}",
  "fn f {while(~ 1 1){}}; f",
  "cat </n/x/slow/f; echo no",
  "echo no >/n/x/slow/f",
  "cat <<! </n/x/slow/f\ntext\n!",
  "echo /n/x/slow/*/no",
  "cd /n/x/slow/a; echo no",
  ". /n/x/slow/a; echo no",
  ". /n/x/never; echo no",
  "whatis no; /n/x/slow/prog; echo no",
];

describe("Ctrl-C ends", () => {
  it.each([...processes, ...own, "for(i in `{seq 100000}) for(j in `{seq 1000}) ~ $i $j", "while(true) echo x >/dev/null", "sleep 0 | while(true){}"])("%s", async (line) => {
    seat.type(`${line}\n`);
    await seat.hops();
    // A here document is typed line by line, and run after its last.
    expect(await press(CTRL_C)).not.toContain("no\n");
    expect(await seat.line("echo $status")).toBe("interrupt\n");
    await whole();
  });

  it("wait, and not what is waited for", async () => {
    await seat.line("sleep 1000 &");
    await begin("wait");
    expect(await press(CTRL_C)).toBe("^C\n");
    await begin("wait $apid");
    expect(await press(CTRL_C)).toBe("^C\n");
    expect(await seat.line("jobs")).toBe("[1] + running   sleep 1000\n");
    expect(await seat.line("kill %1")).toBe("[1]   done      sleep 1000 # status=kill\n");
    await whole();
  });
});

describe("Ctrl-Z stops, and fg brings back", () => {
  it.each(processes)("%s", async (line) => {
    seat.type(`${line}\n`);
    await seat.hops();
    const said = await press(CTRL_Z);
    expect(said).toMatch(/^\^Z\n\[1\] \+ stopped {3}[^\n]+\n$/);
    expect(await seat.line("echo $status")).toBe("stopped\n");
    expect(await seat.line("echo here")).toBe("here\n");
    expect(await seat.line("jobs")).toMatch(/^\[1\] \+ stopped {3}[^\n]+\n$/);
    seat.type("fg\n");
    await seat.hops();
    expect(seat.shown).toMatch(/^fg\n[^\n]+\n$/);
    expect(await press(CTRL_Z)).toMatch(/^\^Z\n\[1\] \+ stopped {3}[^\n]+\n$/);
    seat.type("fg %1\n");
    await seat.hops();
    expect(await press(CTRL_C)).toMatch(/^\^C\n([^n]*# status=interrupt\n)?$/);
    await whole();
  });
});

describe("what the shell does itself", () => {
  it.each(own)("%s: Ctrl-Z is nothing to it, Ctrl-C ends it", async (line) => {
    seat.type(`${line}\n`);
    await seat.hops();
    seat.type(CTRL_Z);
    await seat.hops();
    expect(seat.shown).toBe("^Z\n");
    expect(await press(CTRL_C)).toBe("^C\n");
    await whole();
  });

  it("at the prompt neither is lost: the line begun goes, the shell stays", async () => {
    for (const key of [CTRL_C, CTRL_BACKSLASH]) {
      seat.type("echo no");
      expect(await press(key)).not.toContain("no\n");
    }
    seat.type(`echo no${CTRL_Z}`);
    await seat.hops();
    await whole();
  });

  it("a stop in a loop gives up the rest of the line, and says so", async () => {
    await begin("for(i in 1 2) {sleep 1000; echo no}");
    expect(await press(CTRL_Z)).toBe("^Z\n[1] + stopped   for(i in 1 2) {sleep 1000; echo no} # the rest of the line is given up\n");
    await begin("fn f {sleep 2000}; f");
    expect(await press(CTRL_Z)).toContain("# the rest of the line is given up\n");
    await begin("cat /n/x/never | cat");
    expect(await press(CTRL_Z)).toBe("^Z\n[3] + stopped   cat /n/x/never | cat\n");
    expect(await seat.line("jobs | sed 's/ .*//'")).toBe("[1]\n[2]\n[3]\n");
    await seat.line("kill %1 %2 %3");
    await whole();
  });
});

describe("jobs", () => {
  it("a stopped reader of the terminal takes nothing of what is typed at the prompt, nor one in the background; in front it does", async () => {
    await begin("cat | cat");
    seat.type("one\n");
    await seat.shows(/one\none\n$/);
    expect(await press(CTRL_Z)).toBe("^Z\n[1] + stopped   cat | cat\n");
    expect(await seat.line("echo two")).toBe("two\n");
    expect(await seat.line("bg")).toBe("[1] cat | cat &\n");
    expect(await seat.line("jobs")).toBe("[1] + running   cat | cat\n");
    expect(await seat.line("echo three")).toBe("three\n");
    seat.type("cat\n");
    await seat.hops();
    seat.type("for the second\n");
    await seat.shows(/for the second\nfor the second\n$/);
    await press(CTRL_D);
    seat.type("fg\n");
    await seat.hops();
    seat.type("four\n");
    await seat.shows(/four\nfour\n$/);
    await press(CTRL_D);
    expect(await seat.line("jobs")).toBe("");
    await whole();
  });

  it("what a stopped process waited for it has when it goes on", async () => {
    let ready = (_text: string): void => undefined;
    const later: Server = { name: "later", attach: () => dirOf({ f: { open: () => ({ read: (at) => at > 0 ? encode("") : new Promise((resolve) => {
      ready = (text) => resolve(encode(text));
    }) }) } }) };
    await seat.system.sys.mount((await remote(later)).portal, "/n/y", MREPL, "");
    await begin("cat /n/y/f | cat");
    await press(CTRL_Z);
    ready("it came\n");
    expect(await seat.line("echo here")).toBe("here\n");
    expect(await seat.line("fg")).toBe("cat /n/y/f | cat\nit came\n");
    await seat.line("unmount /n/y");
    await whole();
  });

  it("are told of when they have ended, with their status; $apid and wait are as ever", async () => {
    expect(await seat.line("sleep 1000 &")).toMatch(/^\[1\] \d+\n$/);
    expect(await seat.line("rc -c 'exit 3' & wait $apid; echo $status")).toMatch(/^\[2\] \d+\n3\n\[2\] {3}done {6}rc -c 'exit 3' # status=3\n$/);
    expect(await seat.line("true &; wait $apid; jobs")).toMatch(/^\[2\] \d+\n\[1\] - running {3}sleep 1000\n\[2\] \+ done {6}true\n$/);
    expect(await seat.line("kill %1; wait")).toBe("[1]   done      sleep 1000 # status=kill\n");
    await whole();
  });

  it("fg gives the status of the job, of a pipeline of all its processes", async () => {
    await begin("rc -c 'cat >/dev/null; exit 4' | rc -c 'cat; exit 5'");
    await press(CTRL_Z);
    await begin("fg");
    expect(await press(CTRL_D)).toBe("");
    expect(await seat.line("echo $status")).toBe("4|5\n");
    expect(await seat.line("fg; echo $status; bg %7; kill %-")).toBe("rc: fg: no job\nno job\nrc: bg: no such job: %7\nrc: kill: no such job: %-\n");
    await whole();
  });

  it("a background job does not get the Ctrl-C of the foreground", async () => {
    await seat.line("sleep 1000 &");
    await begin("sleep 2000");
    expect(await press(CTRL_C)).toBe("^C\n");
    expect(await seat.line("jobs")).toBe("[1] + running   sleep 1000\n");
    await begin("fg");
    expect(await press(CTRL_C)).toBe("^C\n");
    await whole();
  });

  it("one that is stopped by hand, in the background, is listed so, and the line goes on", async () => {
    await seat.line("sleep 1000 &");
    expect(await seat.line("echo stop >/proc/$apid/ctl; echo on; jobs")).toBe("on\n[1] + stopped   sleep 1000\n");
    expect(await seat.line("wait; bg; jobs; kill %%")).toMatch(/^\[1\] sleep 1000 &\n\[1\] \+ running {3}sleep 1000\n\[1\] {3}done {6}sleep 1000 # status=kill\n$/);
    await whole();
  });

  it("a program that takes every note stays where it is for Ctrl-C, and is stopped all the same", async () => {
    await begin("rc -c 'fn sigint sigquit {echo ouch}; while(true) sleep 1000'");
    for (const [key, name] of [[CTRL_C, "C"], [CTRL_BACKSLASH, "\\"]] as const) {
      seat.type(key);
      await seat.shows(/ouch\n$/);
      await seat.hops();
      expect(seat.shown).toBe(`^${name}\nouch\n`);
    }
    expect(await press(CTRL_Z)).toMatch(/^\^Z\n\[1\] \+ stopped {3}rc -c/);
    await seat.line("kill %1");
    await whole();
  });

  it("Ctrl-\\ is the note quit, which ends a program that does not take it", async () => {
    await begin("sleep 1000; echo no");
    expect(await press(CTRL_BACKSLASH)).toBe("^\\\n");
    expect(await seat.line("echo $status")).toBe("interrupt\n");
    await whole();
  });

  it("Ctrl-D is one end of file: cat; cat needs two", async () => {
    await begin("cat; cat; echo both");
    seat.type("a\n");
    await seat.shows(/a\na\n$/);
    seat.type(CTRL_D);
    await seat.hops();
    expect(seat.shown).toBe("");
    seat.type("b\n");
    await seat.shows(/b\nb\n$/);
    expect(await press(CTRL_D)).toBe("both\n");
    await whole();
  });

  it("test -t: the terminal is one, a pipe, a file and a job's input in the background are not", async () => {
    expect(await seat.line("for(i in 0 1 2) {test -t $i; echo $status}")).toBe("\n\n\n");
    expect(await seat.line("test -t 1 | cat; echo $status; echo x | test -t 0; echo $status; test -t 2 >[2]/tmp/f; echo $status; rm /tmp/f")).toBe("false|\n|false\nfalse\n");
    expect(await seat.line("test -t </dev/null; echo $status; test -t 0 </dev/null; echo $status; test -t 7; echo $status")).toBe("\nfalse\nfalse\n");
    await whole();
  });
});

describe("leaving", () => {
  it("with stopped jobs is said once, and done the second time, with exit and with Ctrl-D", async () => {
    await begin("sleep 1000");
    await press(CTRL_Z);
    expect(await seat.line("exit")).toBe("there are stopped jobs\n");
    expect(await seat.line("jobs")).toBe("[1] + stopped   sleep 1000\n");
    expect(await seat.line("exit")).toBe("there are stopped jobs\n");
    await seat.line("echo between");
    expect(await press(CTRL_D)).toBe("there are stopped jobs\n");
    seat.type(CTRL_D);
    expect(await seat.ended).toBe("");
    // The shell is gone too.
    expect(await seat.left()).toEqual({ procs: -1, fids: expect.any(Number), chans: expect.any(Number), noteGroups: -1 });
    expect(seat.foreground).toBeUndefined();
  });

  it("an rc in an rc has jobs of its own, and the outer the terminal again when it ends, or is killed", async () => {
    for (const end of ["exit\n", CTRL_D, "echo kill >/proc/$pid/ctl\n"]) {
      await begin("sleep 3000");
      await press(CTRL_Z);
      await seat.line("rc -i");
      expect(await seat.line("jobs")).toBe("");
      await begin("sleep 1000");
      expect(await press(CTRL_Z)).toBe("^Z\n[1] + stopped   sleep 1000\n");
      await begin("cat");
      expect(await press(CTRL_Z)).toBe("^Z\n[2] + stopped   cat\n");
      await begin("fg %1");
      expect(await press(CTRL_C)).toBe("^C\n");
      await begin("while(~ 1 1){}");
      seat.type(CTRL_Z);
      await seat.hops();
      expect(await press(CTRL_C)).toBe("^C\n");
      if (!end.startsWith("echo")) expect(await press(end)).toContain("there are stopped jobs\n");
      await press(end);
      expect(await seat.line("jobs")).toBe("[1] + stopped   sleep 3000\n");
      await seat.line("kill %1");
      await whole();
    }
  });

  it("an rc without a terminal has no job control: its children are in its note group, jobs and fg are names of programs", async () => {
    await seat.line("echo 'sleep 0 & jobs; cat /proc/$pid/noteid >/tmp/a; rc -c ''cat /proc/$pid/noteid >/tmp/b''; cmp /tmp/a /tmp/b && echo same' | rc -i >/tmp/o >[2=1]");
    expect(await seat.line("sed 's/% //g' /tmp/o")).toBe("rc: jobs: file does not exist\nsame\n\n");
    await seat.line("rm /tmp/[abo]");
    await whole();
  });
});

describe("a server that answers nothing any more, not even a flush", () => {
  /** Mounts it on /n/y. */
  async function deafen(): Promise<void> {
    let deaf = false;
    const watch = (t: Transport): Transport => ({
      peer: t.peer, framed: t.framed, get buffered() {
        return t.buffered;
      },
      start: (to) => t.start({ recv: (chunk) => deaf ? undefined : to.recv(chunk), closed: (e) => to.closed(e) }),
      send: (chunk, sent) => t.send(chunk, sent), drain: () => t.drain(), pause: () => t.pause(), resume: () => t.resume(), close: (e) => t.close(e),
    });
    const { portal } = await remote(pit, undefined, watch);
    await seat.system.sys.mount(portal, "/n/y", MREPL, "");
    deaf = true;
  }

  it.each(["cat /n/y/f; echo no", "x=`{cat /n/y/f}; echo no", "cat </n/y/f; echo no", "echo /n/y/*/no", "cd /n/y/f"])("%s: the second Ctrl-C gives it up", async (line) => {
    await deafen();
    seat.type(`${line}\n`);
    await seat.hops();
    seat.type(CTRL_C);
    await seat.hops();
    expect(seat.shown).toBe("^C\n");
    expect(await press(CTRL_C)).not.toContain("no\n");
    await seat.line("unmount /n/y");
    await whole();
  });

  it("of a pipeline what has heard is over, and the rest is a job to be killed", async () => {
    await deafen();
    await begin("cat /n/y/f | cat");
    expect(await press(CTRL_C)).toBe("^C\n");
    expect(await seat.line("jobs")).toBe("[1] + running   cat /n/y/f | cat\n");
    await seat.line("kill %1; unmount /n/y");
    await whole();
  });
});

describe("a shell that begets itself", () => {
  it.each(["fn f {f & f}; f", "fn f {f | f}; f", "fn f {f | f &}; f"])("%s", async (line) => {
    seat.type(`${line}\n`);
    if (line.includes("&}")) {
      await seat.shows(/% $/);
      seat.type("fg\n");
      while (seat.foreground === seat.pid) await new Promise((resolve) => setImmediate(resolve));
    }
    while (seat.system.stats().procs < 200) await new Promise((resolve) => setImmediate(resolve));
    seat.type(CTRL_C);
    await seat.shows(/% $/);
    while (seat.system.stats().procs > seat.before.procs) await new Promise((resolve) => setImmediate(resolve));
    expect(await seat.line("jobs")).toBe("");
    await whole();
  });
});
