/** rc as a process: fds, environment, notes, where commands come from, what it costs. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LineEditor } from "../../../clients/rc/index.ts";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { DMDIR, Eintr, NineError } from "../../../proto/index.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { type Ran, RcBench, type RunOptions } from "../../support/rcbench.ts";

let bench: RcBench;
let fids: number;

beforeEach(async () => {
  bench = await RcBench.boot({ false: () => Promise.resolve("1") });
  await bench.run("echo warm >f; cat f | cat");
  fids = bench.booted.stats().fids;
});

afterEach(() => {
  // Whatever a script did, rc has given back every fd, and no process is left.
  const { procs, fids: now } = bench.booted.stats();
  bench.booted.shutdown();
  expect({ procs, fids: now }).toEqual({ procs: 1, fids });
});

async function out(script: string, options?: RunOptions): Promise<string> {
  return (await bench.run(script, options)).out;
}

/** An editor that gives these lines; a function is run instead of a line, and may never settle. */
function editor(lines: (string | ((signal?: AbortSignal) => Promise<string | undefined>))[], prompts: string[] = []): LineEditor {
  return {
    async readLine({ prompt }, signal) {
      prompts.push(prompt);
      const line = lines.shift();
      const text = typeof line === "function" ? await line(signal) : line;
      return text === undefined ? { kind: "end", text: "" } : { kind: "line", text };
    },
  };
}

describe("where commands come from", () => {
  it("-c, with arguments", async () => {
    expect(await bench.run("", { argv: ["rc", "-c", "echo $0 $* $#*", "a", "b c"] })).toEqual({ out: "rc a b c 2\n", err: "", status: "" });
  });

  it("standard input, so that commands read the rest", async () => {
    const stdin = "echo one\ncat\nfor the cat\nand this\n";
    expect(await bench.run("", { argv: ["rc"], stdin })).toEqual({ out: "one\nfor the cat\nand this\n", err: "", status: "" });
    expect(await out("", { argv: ["rc"], stdin: "{echo a\nhead -1\n}\nread\necho b\n" })).toBe("a\nread\nb\n");
  });

  it("standard input, without a last newline", async () => {
    expect(await out("", { argv: ["rc"], stdin: "echo one; echo two" })).toBe("one\ntwo\n");
  });

  it("a file: in the current directory, then in $path", async () => {
    await bench.sys.writeFile("/bin/s", encode("echo s $0 $*; exit 7\n"), 0o755);
    expect(await bench.run("", { argv: ["rc", "s", "x"] })).toEqual({ out: "s s x\n", err: "", status: "7" });
    expect(await bench.run("", { argv: ["rc", "nosuch"] })).toEqual({ out: "", err: "rc: nosuch: file does not exist\n", status: "1" });
  });

  it("a script the client has read, with all of argv as its arguments", async () => {
    const script = { name: "../x.rc", text: "echo $0 $*\nif(~ $1 -c) exit 3\n)\n" };
    expect(await bench.run("", { argv: ["rc", "-c", "b"], rc: { script } })).toEqual({ out: "../x.rc -c b\n", err: "", status: "3" });
    expect((await bench.run("", { argv: ["rc"], rc: { script } })).err).toBe("rc: ../x.rc:3: token ')': syntax error\n");
  });

  it("#!/bin/rc", async () => {
    await bench.sys.writeFile("s", encode("#!/bin/rc\necho $0 $*; exit 3\n"), 0o755);
    expect(await out("./s a b; echo $status")).toBe("./s a b\n3\n");
  });

  it("-l: the profile first, if there is one", async () => {
    await bench.sys.mkdir("/lib", 0o777);
    expect(await out("", { argv: ["rc", "-lc", "echo x $y"] })).toBe("x\n");
    await bench.sys.writeFile("/lib/profile", encode("y=profile\n"));
    expect(await out("", { argv: ["rc", "-lc", "echo x $y"] })).toBe("x profile\n");
    expect(await out("", { argv: ["-rc", "-c", "echo x $y"] })).toBe("x profile\n");
  });

  it("errors name file and line, and nothing after them is run", async () => {
    expect(await bench.run("echo a\n\necho )\necho b")).toEqual({ out: "a\n", err: "rc: ./t.rc:3: token ')': syntax error\n", status: "1" });
    expect((await bench.run("eval 'echo a\n)'; echo $status")).err).toBe("rc: line 2: token ')': syntax error\n");
    expect((await bench.run("", { argv: ["rc", "-Z"] })).err).toContain("rc: Illegal flag -Z\nUsage: rc ");
  });
});

describe("an interactive shell", () => {
  function talk(lines: Parameters<typeof editor>[0], prompts?: string[]): Promise<Ran> {
    return bench.run("", { argv: ["rc"], rc: { lineEditor: () => editor(lines, prompts) } });
  }

  it("prompts with $prompt, and with its second element inside a command", async () => {
    const prompts: string[] = [];
    const ran = await talk(["echo a", "for(i in b c){", "echo $i", "}", "prompt=(hm ..)", "{", "}", "exit 4"], prompts);
    expect(ran).toEqual({ out: "a\nb\nc\n", err: "", status: "4" });
    expect(prompts).toEqual(["% ", "% ", "\t", "\t", "% ", "hm", "..", "hm"]);
  });

  it("survives every mistake", async () => {
    const ran = await talk([
      "x=()", "echo a^$x; echo not this", "echo $status", ")", "echo still $status", "cat <nosuch", "echo here", "exec nosuch", "nosuch", "if not echo",
      "{x=<{echo hi}; echo (a b)^(1 2 3)}", "fn f {f}", "f", "echo end",
    ]);
    expect(ran.out).toBe("error\nstill syntax error\nhere\nend\n");
    expect(ran.err.split("\n")).toEqual([
      "rc: null list in concatenation", "rc: token ')': syntax error", "rc: nosuch: file does not exist", "rc: nosuch: file does not exist",
      "rc: nosuch: file does not exist", "rc: `if not' does not follow `if(...)'", "rc: mismatched list lengths in concatenation",
      "rc: functions nested too deeply", "",
    ]);
    expect(ran.status).toBe("");
  });

  it("gives up a command for an interrupt, and goes on", async () => {
    let pid = 0;
    const interrupted = (line: string) => (): Promise<string> => {
      setTimeout(() => bench.booted.postNote(pid, "interrupt"), 100);
      return Promise.resolve(line);
    };
    const lines = ["sleep 100; echo not this", "while() {}", "x=`{sleep 100}; echo no"].flatMap((line) => [interrupted(line), "echo $status"]);
    const started = await bench.start("", { argv: ["rc"], rc: { lineEditor: () => editor(lines) } });
    ({ pid } = started);
    const ran = await started.ended;
    expect(ran.out).toBe("interrupt\ninterrupt\ninterrupt\n");
    expect(ran.err).toBe("\n\n\n");
  });

  it("gives up a line for an interrupt", async () => {
    const aborted = (signal?: AbortSignal): Promise<string> => new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(new NineError(Eintr)));
    });
    const { pid, ended } = await bench.start("", { argv: ["rc"], rc: { lineEditor: () => editor(["{", aborted, "echo $status"]) } });
    await bench.sys.sleep(50);
    bench.booted.postNote(pid, "interrupt");
    expect(await ended).toEqual({ out: "interrupt\n", err: "\n", status: "" });
  });

  it("runs fn sigint instead when there is one", async () => {
    const { pid, ended } = await bench.start("", { argv: ["rc"], rc: { lineEditor: () => editor(["fn sigint {echo caught}", "sleep 100; echo $status", "exit"]) } });
    await bench.sys.sleep(100);
    bench.booted.postNote(pid, "interrupt");
    expect((await ended).out).toBe("caught\ninterrupt\n");
  });

  it("-i prompts on standard error where there is no editor, -I never", async () => {
    expect(await bench.run("", { argv: ["rc", "-i"], stdin: "echo a\n)\n{\n}\n" }))
      .toEqual({ out: "a\n", err: "% % rc: token ')': syntax error\n% \t% ", status: "1" });
    expect(await bench.run("", { argv: ["rc", "-I"], stdin: "flag i; echo $status\n", rc: { lineEditor: () => editor([]) } }))
      .toEqual({ out: "flag not set\n", err: "", status: "" });
  });
});

describe("notes", () => {
  it("end a script, and with it what it waits for", async () => {
    const { pid, ended } = await bench.start("fn sigexit {echo bye}; sleep 100; echo not this");
    await bench.sys.sleep(50);
    bench.booted.postNote(pid, "interrupt");
    expect(await ended).toEqual({ out: "", err: "", status: "interrupt" });
  });

  it("end a loop that makes no call, and one that only fails", async () => {
    for (const loop of ["while() {}", "while() x=$x", "while() for(i in a b c) ~ $i a", "while(! nosuch) nosuch", "fn f {while() {}}; @{f}"]) {
      const { pid, ended } = await bench.start(loop);
      await bench.sys.sleep(30);
      bench.booted.postNote(pid, "interrupt");
      expect((await ended).status, loop).toBe("interrupt");
    }
  });

  it("are caught by functions", async () => {
    expect(await out("fn sigint {echo int $*}; note $pid interrupt; echo after; fn sigint; note $pid interrupt; echo not this", { args: ["a"] })).toBe("int a\nafter\n");
    expect(await out("fn sighup {echo hup; exit 4}; note $pid hangup; echo not this")).toBe("hup\n");
    expect(await out("fn sigint {}; note $pid interrupt; echo after; @{note $pid interrupt}; echo again")).toBe("after\nagain\n");
    expect(await out("fn sigalrm {n=($n x)}; for(i in 1 2 3) note $pid alarm; echo $n")).toBe("x x x\n");
  });

  it("reach a job by $apid", async () => {
    expect(await out("sleep 100 & note $apid kill; wait $apid; echo $status")).toBe("kill\n");
    expect(await out("{sleep 100; echo no} & note $apid interrupt group; echo no")).toBe("");
  });
});

describe("environment", () => {
  it("children get variables as lists, and nothing that is rc's own", async () => {
    expect(await out("x=(a 'b c' d) ; getenv x; y=1 getenv y; getenv y; x=(); getenv x; getenv status; getenv '*'")).toBe("a|b c|d\n1\nunset\nunset\nunset\nunset\n");
    expect(await out("fn f {z=local getenv z; for(z in 1) getenv z}; f; getenv z; z=g; @{z=h; getenv z}; getenv z")).toBe("local\n1\nunset\nh\ng\n");
  });

  it("and so does another rc, functions too", async () => {
    expect(await out("x=(a 'b c'); fn f {echo $x(2) $1 | cat >[2=1]}; rc -c 'f arg; whatis f x'")).toBe("b c arg\nfn f {echo $x(2) $1|>[2=1]cat}\nx=(a 'b c')\n");
    expect(await out("fn f {cat <<EOF}\nhere $1\nEOF\nrc -c 'f one'; f two; rc -c 'rc -c ''f three'''")).toBe("here one\nhere two\nhere three\n");
    expect(await out("fn f {echo}; fn f; rc -c f; echo $status; x=1; x=(); rc -c 'echo $#x'")).toBe("1\n0\n");
  });

  it("runs no command that stands where a function should", async () => {
    const env = new Map([["fn#f", ["fn f {echo f}; echo gotcha"]], ["fn#g", ["echo gotcha"]], ["fn#h", [")"]]]);
    const other = await RcBench.boot({}, env);
    expect((await other.run("whatis f g h")).out).toBe("");
    other.booted.shutdown();
  });
});

describe("redirections", () => {
  it("last as long as their command, whatever ends it", async () => {
    expect(await out("{echo a; {echo b} >g; echo c >[1=2]} >f >[2=1]; echo d; cat f g")).toBe("d\na\nc\nb\n");
    expect(await out("fn f {echo in; false} ; f >g || echo out; cat g")).toBe("out\nin\n");
    expect(await out("{eval 'echo x\n)'; echo y} >f; echo z; cat f")).toBe("z\nx\ny\n");
    expect(await out("for(i in 1 2) {echo $i} >f; cat f; {cat; cat} <f; for(i in 1 2) cat <f")).toBe("2\n2\n2\n2\n");
  });

  it("close and copy", async () => {
    expect(await out("{echo a >[1=3]} >[3]f; cat f; {cat <[0=3]} <[3]f; echo b >[1=9]; echo c |[1=3] cat <[0=3]")).toBe("a\na\nb\nc\n");
    expect((await bench.run("echo a >[1=]; echo b >[2=]; nosuch >[2=]; cd /nosuch >[2=]; echo $status")).out).toBe("b\ncan't cd\n");
  });

  it("name files by fd", async () => {
    expect(await out("cat <{echo a} <{echo b}; {. /fd/0 x} <<'E'; {cat /fd/0 /fd/5} <f <[5]f\necho $#* dot\nE\n")).toBe("a\nb\n1 dot\nwarm\nwarm\n");
    expect(await out("echo hi >{cat >f; echo done >g}; while(! ~ `{cat g >[2]/dev/null} done) sleep 0.01; cat f")).toBe("hi /fd/8\n");
    expect(await out("x=<{echo x}; y=<{echo y}; cat $x $y; fn f {cat $1 $2}; f <{echo 1} <{echo 2}; echo $x")).toBe("x\ny\n1\n2\n/fd/8\n");
  });

  it("stay with their pipes", async () => {
    expect(await out("{echo o; echo e >[1=2]} >[2=1] >/dev/null | cat; echo x | {cat; echo y} | cat >f; cat f")).toBe("e\nx\ny\n");
    expect(await out("echo a | {x=`{cat}}; echo $x; echo b c | for(i in 1 2) cat; {echo 1; echo 2} | {head -1}")).toBe("a\nb c\n1\n");
  });

  it("a long here document does not wait for its reader", async () => {
    const line = "x".repeat(99);
    expect(await out(`cat <<EOF | wc -c\n${`${line}\n`.repeat(5000)}EOF\necho ok <<EOF\n${`${line}\n`.repeat(5000)}EOF\n`)).toMatch(/^\s*500000\nok\n$/);
  });
});

describe("names", () => {
  it("match across directories, without those that cannot be read", async () => {
    const { sys } = bench;
    for (const dir of ["d", "d/e", "d/.k", "no"]) await sys.mkdir(dir, 0o777);
    for (const file of ["d/x.c", "d/.h", "d/e/z.c", "d/.k/z.c", "no/q.c", "a\udcff"]) await sys.writeFile(file, new Uint8Array(0));
    await sys.symlink("d", "link");
    await sys.wstat("no", { mode: DMDIR });
    expect(await out("echo d/*; echo */*.c; echo d/*/*.c d//*.c */ d/e/../*.c; echo nosuch*/x /nosuch/*; echo a?; echo /w/d/[~x]*"))
      .toBe("d/.h d/.k d/e d/x.c\nd/x.c link/x.c\nd/.k/z.c d/e/z.c d//x.c d/ link/ no/ d/e/../x.c\nnosuch*/x /nosuch/*\na\udcff\n/w/d/.h /w/d/.k /w/d/e\n");
    await sys.wstat("no", { mode: DMDIR | 0o777 });
  });

  it("of commands are searched in $path", async () => {
    await bench.sys.mkdir("sub", 0o777);
    await bench.sys.writeFile("sub/hello", encode("#!/bin/rc\necho hello $0\n"), 0o755);
    await bench.sys.writeFile("noexec", encode("echo"), 0o644);
    expect(await bench.run("path=(/w /bin); sub/hello; ./sub/hello; path=(/w/sub $path); hello; whatis hello; cd sub; ../sub/hello; ./noexec; ../noexec; echo $status")).toEqual({
      out: "hello /w/sub/hello\nhello ./sub/hello\nhello /w/sub/hello\n/w/sub/hello\nhello ../sub/hello\n1\n",
      err: "rc: ./noexec: file does not exist\nrc: ../noexec: permission denied\n", status: "",
    });
  });

  it("of directories are searched in $cdpath", async () => {
    for (const dir of ["p", "p/q", "q"]) await bench.sys.mkdir(dir, 0o777);
    expect(await out("cdpath=(. /w/p); cd q; pwd; cd /w/p; cd q; pwd; cd /tmp; cd q; pwd; cd ..; pwd; cd ./nosuch; echo $status; home=/w; cd; pwd"))
      .toBe("/w/q\n/w/p/q\n/w/p/q\n/w/p\ncan't cd\n/w\n");
  });
});

describe("flags", () => {
  // What 9base's rc -e does with each of these.
  it.each([
    ["true\nfalse\necho never", "", "1"],
    ["if(false) echo x\necho a;false || true; ~ a a; if(~ a b) echo y; while(false) z; false || echo b", "a\nb\n", ""],
    ["~ a b\necho never", "", "1"],
    ["fn f {false; echo in}\nf;echo never", "", "1"],
    ["@{false;echo sub}\necho never", "", "1"],
    ["x=`{false;echo sub}\necho $#x; true && false\necho never", "0\n", "1"],
    ["! false; echo never", "", "1"],
    ["false & wait; false | true; x=`{false}; echo b", "b\n", ""],
    ["cd /nosuch\necho never", "", "1"],
  ])("-e %j", async (script, stdout, status) => {
    const ran = await bench.run("", { argv: ["rc", "-ec", script] });
    expect({ out: ran.out, status: ran.status }).toEqual({ out: stdout, status });
  });

  it("-x -v -s", async () => {
    expect((await bench.run("", { argv: ["rc", "-xc", "x='a b'; echo $x ''; ~ a b; fn f {echo $1}; f 1; for(i in 1) true"] })).err).toBe("echo 'a b' ''\nf 1\necho 1\ntrue\n");
    expect((await bench.run("", { argv: ["rc", "-v"], stdin: "echo a\n{\n}\n" })).err).toBe("echo a\n{\n}\n");
    expect((await bench.run("", { argv: ["rc", "-s"], stdin: "false\n~ a b\ntrue\n" })).err).toBe("status=1\nstatus='no match'\n");
    expect(await out("flag e +; flag e; echo $status; flag e -; flag e; echo $status")).toBe("\nflag not set\n");
  });
});

describe("as rc(1) and 9base's rc have it", () => {
  it("a mistake within redirected commands is told where they tell", async () => {
    expect(await out("{ nosuchcommand } >[2] told; cat told")).toMatch(/^rc: nosuchcommand: .*\n$/);
    expect(await out("@{ nosuchcommand } >[2] told; cat told")).toMatch(/^rc: nosuchcommand: .*\n$/);
  });

  it("wait without a pid leaves $status; a status counts by the number it begins with", async () => {
    expect(await out("~ a b; wait; echo $status")).toBe("no match\n");
    expect(await out("@{ @{ exit 2 } | true }; echo $status")).toBe("2\n");
  });

  it("whatis prints no ; behind an empty last case", async () => {
    expect(await out("fn f { switch(a) { case a } }; whatis f")).not.toContain(";");
  });
});

describe("rfork", () => {
  it("n: bindings stay in the shell and its children", async () => {
    await bench.sys.writeFile("/tmp/f", encode("tmp\n"));
    expect(await out("@{rfork n; bind /tmp /w; cat /w/f}; cat /w/f; bind /tmp /w; cat /w/f; unmount /w; cat /w/f")).toBe("tmp\nwarm\ntmp\nwarm\n");
    expect(await out("rfork x; echo $status")).toBe("rfork usage\n");
    expect(await out("rfork nN; echo $status; echo still here")).toBe("bad arg in system call\nstill here\n");
  });
});

describe("cost", () => {
  it("loops of builtins run 100,000 times without a process or a wait for each", async () => {
    const before = performance.now();
    const list = "(0 1 2 3 4 5 6 7 8 9)";
    expect(await out(`n=${list}; for(a in $n)for(b in $n)for(c in $n)for(d in $n)for(e in $n){x=$a$b; ~ $x 99 && y=($y .)}; echo $#y; z=x; while(! ~ $z xxxxxxxxxxxxxxxxxxxx) z=$z^x`)).toBe("1000\n");
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it("lets others run", async () => {
    const seen = { ticks: 0 };
    const timer = setInterval(() => seen.ticks++, 1);
    const { pid, ended } = await bench.start("while() x=y");
    // A loop that let nobody run would never let this one see them.
    while (seen.ticks <= 5) await new Promise((resolve) => setTimeout(resolve, 5));
    clearInterval(timer);
    bench.booted.postNote(pid, "kill");
    await ended;
  });

  it("a thousand commands of each kind leave no fd and no child behind", async () => {
    const seen: number[] = [];
    const count = async (sys: Sys): Promise<string> => {
      seen.push(await sys.dup(1));
      return "";
    };
    const other = await RcBench.boot({ count });
    const body = "true; true >f; {true} >f <f; true | true; x=`{true}; @{true}; true & wait $apid; true <{true}; true <<E; y=<{true}; x=y {true}; fn g {true >f}; g; nosuch >[2]f; eval true; . ./lib; switch(a){case a; true}";
    await other.sys.writeFile("lib", encode("true\n"));
    const run = (times: number): Promise<Ran> => other.run(`for(i in ${Array.from({ length: times }, () => "x").join(" ")}) {${body}}\nE\ncount`);
    expect((await run(1)).err).toBe("");
    const { fids, procs } = other.booted.stats();
    expect((await run(60)).err).toBe("");
    expect(other.booted.stats()).toMatchObject({ fids, procs });
    expect(seen[1]).toBe(seen[0]);
    other.booted.shutdown();
  });

  it("functions may call each other thousands deep", async () => {
    expect(await out("fn f {n=($n x); ~ $#n 3000 || f}; f; echo $#n")).toBe("3000\n");
  });
});
