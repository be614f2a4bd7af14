/**
 * The command line in real processes: what goes wrong is one line `nineplex: what: why` and the right
 * exit status. Starting one takes a second, so each does much, and several run at a time.
 */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCommandLine } from "../../clients/node/commandline.ts";
import { listenTcp } from "../../clients/node/tcp.ts";
import type { Listener } from "../../clients/node/listener.ts";
import { ninep } from "../../clients/node/ninep.ts";
import { UsageError } from "../../clients/node/options.ts";
import { runVerb } from "../../clients/node/run.ts";
import { serveVerb } from "../../clients/node/serve.ts";
import { shell as shellVerb } from "../../clients/node/shell.ts";
import { open, packMessage, Rversion, serve } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { bundle } from "../support/bundle.ts";
import { type Bare, bare as bareNode, MAIN, run as runProgram, type Ran, type Started, start, stopAll, until } from "../support/children.ts";
import { call, elf, SYS } from "../support/elf.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const top = mkdtempSync(join(tmpdir(), "nineplex-cli-"));
const cwd = join(top, "here");
const far = join(top, "far");
const exported = join(top, "exported");

let main: readonly string[] = [];
/** What takes ten seconds goes on beside the other tests. */
let late: { silent: string; deaf: string; connecting: Promise<Ran>; attaching: Promise<Ran>; close(): void };
let removeBundle = (): void => undefined;

const bare = (args: readonly string[]): Bare => bareNode([...main, ...args], cwd);
const run = (args: readonly string[], input = ""): Promise<Ran> => runProgram(process.execPath, [...main, ...args], { cwd, input });
/** From the sources, as npm start does. */
const source = (args: readonly string[]): Promise<Ran> => runProgram(process.execPath, [...MAIN, ...args], { cwd });
const sh = (command: string, ...args: string[]): Promise<Ran> => run(["-c", command, ...args]);
const text = (r: Ran): { status: number | null; out: string; err: string } => ({ status: r.status, out: r.stdout.toString(), err: r.stderr });
const failed = (status: number, err: string): { status: number; out: string; err: string } => ({ status, out: "", err: `${err}\n` });

beforeAll(async () => {
  const bundled = await bundle();
  main = bundled.main;
  removeBundle = () => bundled.remove();
  for (const d of [cwd, far, exported, join(exported, "sub")]) mkdirSync(d);
  writeFileSync(join(cwd, "args.rc"), "echo $0 $#* $*\nexit 7\n");
  writeFileSync(join(far, "args.rc"), "echo far $0 $#* $*\n");
  writeFileSync(join(cwd, "bad.rc"), "echo before\nif(\n");
  writeFileSync(join(far, "bad.rc"), "\n\n)\n");
  writeFileSync(join(cwd, "elf"), "\x7fELF\0\0");
  writeFileSync(join(exported, "f"), "contents\n");
  writeFileSync(join(exported, "sub", "g"), "below\n");
  writeFileSync(join(exported, "big"), Buffer.alloc(3_000_000, "0123456789abcde\n"));
});

beforeAll(async () => {
  const silent = await silentServer("accepts");
  const deaf = await silentServer("agrees");
  late = {
    silent: silent.at, deaf: deaf.at, connecting: run(["--mount", `${silent.at}:/n/x`, "-c", "echo no"]), attaching: run(["9p", "ls", deaf.at]),
    close() {
      silent.close();
      deaf.close();
    },
  };
});

afterAll(async () => {
  late.close();
  await stopAll();
  removeBundle();
  rmSync(top, { recursive: true });
});

/** What is told of a command line that is not even begun, by whoever finds it wrong. */
async function refused(argv: readonly string[]): Promise<string> {
  try {
    const { verb, options, args } = parseCommandLine(argv);
    await (verb === "serve" ? serveVerb : ninep)(options, args, cwd, new AbortController().signal);
  } catch (e) {
    if (e instanceof UsageError) return e.message;
    throw e;
  }
  throw new Error("it was done");
}

describe("usage", () => {
  it("wrong command lines exit 2 with one line", { timeout: 60_000 }, async () => {
    const wrong: [string[], string][] = [
      [["--bogus"], "nineplex: --bogus: unknown option; see nineplex -h"],
      [["--mount", "nonsense", "-c", "ls"], 'nineplex: --mount: bad mount "nonsense": no mount point after the address; write ADDR:/PATH[:ro][:before|after|replace][:norecover], as in tcp://127.0.0.1:564:/n/x'],
      [["--disk", "x", "-c", "ls"], "nineplex: --disk: not available in this version"],
      [["serve", "--mount", "tcp://127.0.0.1:1:/n/x", "a"], "nineplex: serve: --mount is for the name space; a directory has none"],
      [["serve", "--host", "a"], "nineplex: serve: --host is for the name space; a directory has none"],
      [["serve", "--token", "x", "--listen", "tcp://127.0.0.1:0", "."], "nineplex: --token: only a ws:// listener asks for it"],
      [["9p", "toString", "tcp://h"], "nineplex: 9p toString: unknown verb: ls, read, write, stat, mkdir, rm or mv"],
      [["9p", "raed", "tcp://h"], "nineplex: 9p raed: unknown verb, perhaps read: ls, read, write, stat, mkdir, rm or mv"],
      [["9p", "ls"], "nineplex: 9p ls: wants an address, like tcp://127.0.0.1:564"],
      [["9p", "ls", "nonsense"], 'nineplex: 9p: bad address "nonsense": no kind of address; write ws://HOST:PORT, wss://HOST, tcp://HOST:PORT, unix:PATH, exec:COMMAND or module:FILE'],
      [["9p", "read", "tcp://h"], "nineplex: 9p read: wants a path; see nineplex 9p -h"],
      [["9p", "mv", "tcp://h", "a"], "nineplex: 9p mv: wants 2 paths; see nineplex 9p -h"],
    ];
    for (const [args, err] of wrong) await expect(refused(args), args.join(" ")).resolves.toBe(err.replace("nineplex: ", ""));
    const printed: [string[], string][] = [
      [["--mount", "a\nb"], 'nineplex: --mount: bad mount "a\\nb": no mount point after the address; write ADDR:/PATH[:ro][:before|after|replace][:norecover], as in tcp://127.0.0.1:564:/n/x'],
      [["run"], "nineplex: run: wants a program; see nineplex run -h"],
      [["web", "x"], "nineplex: web: not available in this version"],
      [["serve", "a", "b"], "nineplex: serve: one directory, not also b"],
      [["help", "sevre"], "nineplex: help sevre: no such verb, perhaps serve; see nineplex -h"],
      [["9p"], "nineplex: 9p: wants a verb: ls, read, write, stat, mkdir, rm or mv"],
    ];
    await Promise.all(printed.map(async ([args, err]) => expect(text(await run(args)), args.join(" ")).toEqual(failed(2, err))));
    expect(text(await source(["--bogus"]))).toEqual(failed(2, "nineplex: --bogus: unknown option; see nineplex -h"));
  });

  it("help and version exit 0", { timeout: 60_000 }, async () => {
    const [main, serving, ninep, version, asked] = await Promise.all([run(["-h"]), run(["serve", "-h"]), run(["9p", "--help"]), source(["--version"]), run(["help", "serve"])]);
    expect(asked).toEqual(serving);
    for (const r of [main, serving, ninep, version]) expect(r).toMatchObject({ status: 0, stderr: "" });
    expect(main.stdout.toString()).toMatch(/^nineplex: .*\n\nusage: nineplex \[OPTIONS\]/);
    expect(serving.stdout.toString()).toMatch(/^usage: nineplex serve /);
    expect(ninep.stdout.toString()).toMatch(/^usage: nineplex 9p /);
    const { version: wanted } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(version.stdout.toString()).toBe(`nineplex ${wanted}\n`);
  });
});

describe("run", () => {
  it("streams, arguments, environment, status; what the name space has not; a program's own end", { timeout: 60_000 }, async () => {
    // Its name, then what it reads, once; then as many as it has arguments.
    const source = `mov 8(%rsp), %rsi\nxor %edx, %edx\nlen: inc %edx\ncmpb $0, (%rsi,%rdx)\njne len\nmov (%rsp), %rbx\nmov $1, %edi\nmov $1, %eax\nsyscall\nsub $64, %rsp\n`
      + `${call(SYS.read, 0, "%rsp", 64)}${call(SYS.write, 1, "%rsp", "%rax")}${call(SYS.exit, "%rbx")}`;
    const write = `${call(SYS.open, "name", 0o1101, 0o644)}neg %eax\ntest %eax, %eax\njns over\nxor %eax, %eax\nover: mov %eax, %edi\nmov $60, %eax\nsyscall\nname: .asciz "made"\n`;
    for (const [file, body] of [[join(cwd, "guest"), elf(source)], [join(far, "write"), elf(write)], [join(cwd, "bad"), elf("ud2\n")], [join(cwd, "loop"), elf(`${call(SYS.write, 1, "name", 5)}loop: jmp loop\nname: .ascii "here\\n"\n`)]] as const) writeFileSync(file, body, { mode: 0o755 });
    try {
      const loops = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map(async (signal) => {
        const loop = start(process.execPath, [...main, "run", "./loop"], cwd, signal);
        await loop.said(/here/);
        return await loop.stop();
      });
      const [guest, refusing, writing, bad, tool, none] = await Promise.all([
        run(["run", "guest", "a", "-h"], "input"), run(["run", join(far, "write")]), run(["run", "--rw", join(far, "write")]), run(["run", "--ram=8M", "./bad"]),
        run(["run", "ls", "nosuch"]), run(["run", "none"]),
      ]);
      expect(text(guest)).toEqual({ status: 3, out: "guestinput", err: "" });
      // EROFS; then nothing.
      expect([refusing.status, writing.status]).toEqual([30, 0]);
      expect(bad).toMatchObject({ status: 132 });
      expect(bad.stderr).toMatch(/^bad \d+: sys: ill: .*\n400200: ud2\nrip /);
      expect([tool.status, none.status]).toEqual([1, 1]);
      expect(await Promise.all(loops)).toEqual([130, 143, 129]);
      expect(none.stderr).toBe("nineplex: none: file does not exist\n");
    } finally {
      for (const name of ["guest", "bad", "loop", "made"]) rmSync(join(cwd, name), { force: true });
    }
  });
});

describe("commands and scripts", () => {
  it("-c: arguments, status", { timeout: 60_000 }, async () => {
    const [args, three, word, none, syntax, stuck] = await Promise.all([
      sh("echo $#* $*; ls /host | wc -l", "a", "b c", "-h"), sh("exit 3"), sh("exit foo"), sh("exit 0"), sh("echo ("), sh("cat '#|/data'"),
    ]);
    expect(text(args)).toEqual({ status: 0, out: "3 a b c -h\n      3\n", err: "" });
    expect([three.status, word.status, none.status]).toEqual([3, 1, 0]);
    expect(syntax).toMatchObject({ status: 1 });
    expect(syntax.stderr).toMatch(/^rc: line 1: .*syntax error\n$/);
    expect(text(stuck)).toEqual({ status: 1, out: "", err: "nineplex: nothing can go on: each process waits for another, or is stopped\n" });
  });

  it("scripts: in the name space, on the host, through npm start; $0, arguments and mistakes by the name given", { timeout: 60_000 }, async () => {
    const [here, abs, up, bad, badFar, noHost, none, verb, dir, elf, tool, npm] = await Promise.all([
      run(["args.rc", "x", "y z", "-h"]), run([join(far, "args.rc"), "x"]), run(["../far/args.rc"]), run(["bad.rc"]), run([join(far, "bad.rc")]),
      run(["--no-host", "./args.rc"]), run(["none.rc"]), run(["nosuchverb"]), run(["/n"]), run(["elf"]), run(["/bin/ls"]),
      new Promise<Ran>((resolve) => {
        const child = spawn("npm", ["--prefix", ROOT, "start", "-s", "--", "args.rc", "x"], { cwd, stdio: ["ignore", "pipe", "inherit"] });
        const out: Buffer[] = [];
        child.stdout.on("data", (d: Buffer) => out.push(d));
        child.on("close", (status) => resolve({ status, stdout: Buffer.concat(out), stderr: "" }));
      }),
    ]);
    expect(text(here)).toEqual({ status: 7, out: "args.rc 3 x y z -h\n", err: "" });
    expect(text(abs)).toEqual({ status: 0, out: `far ${join(far, "args.rc")} 1 x\n`, err: "" });
    expect(text(up)).toEqual({ status: 0, out: "far ../far/args.rc 0\n", err: "" });
    expect(bad).toMatchObject({ status: 1 });
    expect(bad.stdout.toString()).toBe("before\n");
    expect(bad.stderr).toMatch(/^rc: bad\.rc:3: .*syntax error\n$/);
    expect(badFar.stderr).toMatch(/^rc: \/.*\/far\/bad\.rc:3: .*syntax error\n$/);
    expect(text(noHost)).toEqual({ status: 7, out: "./args.rc 0\n", err: "" });
    expect(text(none)).toEqual(failed(1, "nineplex: none.rc: file does not exist"));
    expect(text(verb)).toEqual(failed(1, "nineplex: nosuchverb: file does not exist, nor is it a verb; a command goes after -c; see nineplex -h"));
    expect(text(dir)).toEqual(failed(1, "nineplex: /n: file is a directory"));
    expect(text(elf)).toEqual(failed(1, "nineplex: elf: no script: it has a NUL in it"));
    expect(text(tool)).toEqual(failed(1, "nineplex: /bin/ls: a program, not a script: run it with -c"));
    expect(npm).toMatchObject({ status: 7 });
    expect(npm.stdout.toString()).toBe("args.rc 1 x\n");
  });

  it("standard input: all of it for a command, line by line for a shell and its children", { timeout: 60_000 }, async () => {
    const [cat, shell, status] = await Promise.all([
      run(["-c", "cat; echo end"], "one\ntwo"),
      run([], "echo first\nhead -1\nthis is data\nx=`{read}\nmore data\necho last $x\n"),
      run([], "nosuchcommand\nexit 9\n"),
    ]);
    expect(text(cat)).toEqual({ status: 0, out: "one\ntwoend\n", err: "" });
    expect(shell.stdout.toString()).toMatch(/^first\nthis is data\n/);
    expect(text(status)).toEqual({ status: 9, out: "", err: "rc: nosuchcommand: file does not exist\n" });
  });

  it("a reader that leaves, a full disk, a closed output", { timeout: 60_000 }, async () => {
    const command = (c: string): string => `exec ${[process.execPath, ...main].map((w) => `'${w}'`).join(" ")} -c '${c}'`;
    const shell = (line: string): Ran => {
      const r = spawnSync("/bin/bash", ["-c", line], { cwd, timeout: 30_000 });
      return { status: r.status, stdout: r.stdout, stderr: r.stderr.toString() };
    };
    expect(text(shell(`(${command("cat /dev/zero")}) | head -c 5 | wc -c`))).toEqual({ status: 0, out: "5\n", err: "" });
    expect(text(shell(`(${command("seq 1000000")}) | head -1`))).toEqual({ status: 0, out: "1\n", err: "" });
    // The shell itself has nobody to write for any more.
    expect(text(shell(`(${command("while(true) echo y")}) | head -1`))).toEqual({ status: 0, out: "y\n", err: "" });
    expect(text(shell(`(${command("echo x")}) > /dev/full`))).toEqual(failed(1, "echo: write error: file system is full"));
    expect(text(shell(`(${command("echo x >[1=2]")}) >&- 2>&-`))).toEqual({ status: 0, out: "", err: "" });
  });

  it("SIGINT goes to the note group in the foreground, and to rc's when nobody is in that", { timeout: 60_000 }, async () => {
    const script = ["{rfork s; sleep 100} &", "job=$apid", "echo fg `{cat /proc/$job/noteid} >/dev/consctl", "echo up", "wait $job", "echo on", "exit 3"];
    const job = bare(["-c", script.join("\n")]);
    const nobody = bare(["-c", "echo fg 99 >/dev/consctl; echo up; sleep 100; echo no"]);
    await until(() => job.out() === "up\n" && nobody.out() === "up\n");
    for (const p of [job, nobody]) p.child.kill("SIGINT");
    expect(await Promise.all([job.ended, nobody.ended])).toEqual([3, 1]);
    expect(job.out() + nobody.out()).toBe("up\non\nup\n");
  });

  it("SIGINT ends a command, and a signal while it mounts ends that", { timeout: 60_000 }, async () => {
    const silent = await silentServer("accepts");
    const deaf = await silentServer("agrees");
    try {
      const sleeping = bare(["-c", "echo up; sleep 100; echo no"]);
      const mounting = bare(["--mount", `${silent.at}:/n/x`, "-c", "echo no"]);
      const attaching = bare(["-c", `echo up; mount ${deaf.at} /n/x; echo no`]);
      await until(() => sleeping.out() !== "" && silent.connections() > 0 && deaf.connections() > 0);
      for (const p of [sleeping, mounting, attaching]) p.child.kill("SIGINT");
      expect(await Promise.all([sleeping.ended, mounting.ended, attaching.ended])).toEqual([1, 1, 1]);
      expect(sleeping.out() + attaching.out()).toBe("up\nup\n");
      expect(sleeping.err()).toBe("");
      expect(mounting.err()).toBe(`nineplex: --mount ${silent.at}:/n/x: interrupted\n`);
    } finally {
      silent.close();
      deaf.close();
    }
  });

  it("a signal while it boots is not lost", { timeout: 60_000 }, async () => {
    const hangUp = (_interrupt: () => void, hangup: () => void): void => hangup();
    expect(await shellVerb({ options: parseCommandLine(["-c", "sleep 1000"]).options, args: [], cwd, env: {}, onStart: hangUp })).toBe(1);
    const { options, args } = parseCommandLine(["run", "sleep", "1000"]);
    expect(await runVerb({ options, args, cwd, env: {}, onStart: (post) => post("term") })).not.toBe(0);
  });
});

describe("options of the shell", () => {
  it("--no-host, --ro, --uname, --trace", { timeout: 60_000 }, async () => {
    const traced = join(cwd, "trace.9p");
    const [noHost, ro, uname, , toErr, badTrace] = await Promise.all([
      run(["--no-host", "-c", "pwd; ls /host; cat /host/args.rc"]),
      run(["--ro", "-c", "@ {echo x > new}; rm args.rc; mkdir d; cat args.rc | head -1; ls"]),
      run(["--uname", "glenda", "-c", "echo $user; echo x > /tmp/f; ls -l /tmp"]),
      run(["--trace=trace.9p", "-c", "cat /host/elf /tmp/nothing"]),
      run(["--trace", "-c", "cat /host/elf > /dev/null"]),
      run(["--trace=no/such/dir", "-c", "echo no"]),
    ]);
    expect(noHost).toMatchObject({ status: 1, stderr: "cat: /host/args.rc: file does not exist\n" });
    expect(noHost.stdout.toString()).toBe("/\n");
    expect(ro.stdout.toString()).toMatch(/^echo \$0 .*\nargs\.rc\nbad\.rc\nelf\n/);
    expect(ro.stderr).toMatch(/read only file system\n.*read only file system\n.*read only file system\n$/s);
    expect(existsSync(join(cwd, "new"))).toBe(false);
    expect(uname.stdout.toString()).toMatch(/^glenda\n.* glenda .* \/tmp\/f\n$/);
    expect(readFileSync(traced, "utf8")).toMatch(/Tattach.*\n(.*\n)*.*Rread.*\n(.*\n)*.*Twalk.*nothing/);
    expect(toErr.stderr).toMatch(/Tattach/);
    expect(text(badTrace)).toEqual(failed(1, "nineplex: --trace=no/such/dir: file does not exist"));
  });

  it("--mount: module, exec, read-only, unions, in order; what fails names the mount", { timeout: 60_000 }, async () => {
    writeFileSync(join(cwd, "here.ts"), `import { dir, textFile } from ${JSON.stringify(pathToFileURL(join(ROOT, "proto/index.ts")).href)};
export default (deps: { now(): number }) => ({ name: "here", attach: () => dir({ now: textFile(() => typeof deps.now() + "\\n"), f: textFile(() => "module's\\n") }) });
`);
    // What is no TypeScript runs in the bundle too.
    writeFileSync(join(cwd, "here.mjs"), `const file = (s) => ({ open: () => ({ read: (at, n) => new TextEncoder().encode(s).subarray(at, at + n) }) });
const files = { f: file("module's\\n"), now: file("") };
export default { name: "here", attach: () => ({ walk: (name) => files[name], list: () => Object.entries(files) }) };
`);
    const command = `${[process.execPath, ...main].map((w) => `'${w}'`).join(" ")} serve --rw --listen stdio ${exported}`;
    const [good, before, after, replaced, unreached, place] = await Promise.all([
      source(["--mount", "module:./here.ts:/n/m", "--mount", `exec:${command}:/n/x`, "--mount", `exec:${command}:/n/ro:ro`, "-c", [
        "cat /n/m/now /n/m/f /n/x/f", "echo written > /n/x/w && cat /n/ro/w", "@ {echo no > /n/ro/w}", "rm /n/x/w", "ls /n", "ns | grep '^mount' | wc -l"].join("\n")]),
      run(["--mount", "module:./here.mjs:/host:before", "-c", "cat f; cat /host/elf | wc -c; ls | wc -l"]),
      run(["--mount", "module:./here.mjs:/bin:after", "-c", "cat /bin/f; ls /bin/ls"]),
      run(["--mount", "module:./here.mjs:/host:replace", "-c", "ls"]),
      run(["--mount", "tcp://127.0.0.1:1:/n/m", "-c", "echo no"]),
      run(["--mount", "module:./here.mjs:/no/where", "-c", "echo no"]),
    ]);
    expect(good.stdout.toString()).toBe("number\nmodule's\ncontents\nwritten\n/n/m\n/n/ro\n/n/x\n      3\n");
    expect(good.stderr).toMatch(/^rc: \/n\/ro\/w: read only file system\n$/);
    expect(before.stdout.toString()).toMatch(/^module's\n +6\n/);
    expect(text(after)).toEqual({ status: 0, out: "module's\n/bin/ls\n", err: "" });
    expect(text(replaced)).toEqual({ status: 0, out: "f\nnow\n", err: "" });
    expect(text(unreached)).toEqual(failed(1, "nineplex: --mount tcp://127.0.0.1:1:/n/m: connection refused: no server listens there"));
    expect(text(place)).toEqual(failed(1, "nineplex: --mount module:./here.mjs:/no/where: file does not exist"));
  });

  it("the example clock", { timeout: 60_000 }, async () => {
    const r = await source(["--mount", `module:${join(ROOT, "clients/examples/clock.ts")}:/n/clock`, "-c", "ls /n/clock; cat /n/clock/ctl; echo rate 10 > /n/clock/ctl; head -1 /n/clock/tick"]);
    expect(text(r)).toMatchObject({ status: 0, err: "" });
    expect(r.stdout.toString()).toMatch(/^\/n\/clock\/ctl\n\/n\/clock\/tick\n\/n\/clock\/time\n/);
  });
});

describe("serve", () => {
  const socket = join(top, "s.sock");
  let server: Started;
  let ws = "";
  let tcp = "";

  beforeAll(async () => {
    server = start(process.execPath, [...main, "serve", "-v", "--listen", "ws://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0", "--listen", `unix:${socket}`, exported], cwd);
    const m = await server.said(/^(ws:.*)\n(tcp:.*)\n(unix:.*)\n/);
    [ws, tcp] = [m[1] ?? "", m[2] ?? ""];
  }, 60_000);

  it("prints complete addresses and nothing else; the socket is private", () => {
    expect(ws).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{24}$/);
    expect(server.out()).toBe(`${ws}\n${tcp}\nunix:${socket}\n`);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
  });

  it("is read-only; an aname is a directory of it; connections end in order", { timeout: 60_000 }, async () => {
    const [r, wrongToken, noToken] = await Promise.all([
      sh([
        `mount '${ws}' /n/w`, `mount ${tcp} /n/t`, `mount unix:${socket} /n/u`, "cat /n/w/f /n/t/f /n/u/f", "@ {echo x > /n/w/f}", "rm /n/t/f",
        `mount ${tcp} /n/s /sub`, "cat /n/s/g", `mount ${tcp} /n/a nosuch`, `mount ${tcp} /n/a /nosuch`, `mount ${tcp} /n/a /f`, `mount ${tcp} /n/a /sub/../..`, "ls /n/a/sub",
      ].join("\n")),
      run(["9p", "ls", ws.replace(/token=.*/, "token=wrong")]),
      run(["--mount", `${ws.replace(/\?.*/, "")}:/n/x`, "-c", "echo no"]),
    ]);
    expect(r.stdout.toString()).toBe("contents\ncontents\ncontents\nbelow\n/n/a/sub/g\n");
    expect(r.stderr.split("\n")).toEqual([
      "rc: /n/w/f: read only file system", "rm: /n/t/f: read only file system", "mount: /n/a: file does not exist", "mount: /n/a: file does not exist", "mount: /n/a: not a directory", "",
    ]);
    expect(text(wrongToken)).toEqual(failed(1, `nineplex: ${ws.replace(/token=.*/, "token=wrong")}: wrong token: give the complete address as the server printed it, with ?token=`));
    expect(text(noToken)).toEqual(failed(1, `nineplex: --mount ${ws.replace(/\?.*/, "")}:/n/x: wrong token: give the complete address as the server printed it, with ?token=`));
    await until(() => server.err().split(": connected").length === server.err().split(": hung up").length);
    expect(server.err()).not.toMatch(/reset|lost/);
  });

  it("checks Origin", async () => {
    const status = (origin: string): Promise<number | undefined> => new Promise((resolve, reject) => {
      const r = request(ws.replace(/^ws/, "http"), { headers: { Origin: origin, Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" } });
      r.on("response", (res) => resolve(res.statusCode));
      r.on("upgrade", (res, s) => {
        s.destroy();
        resolve(res.statusCode);
      });
      r.on("error", reject);
      r.end();
    });
    expect(await status("https://evil.example")).toBe(403);
    expect(await status(new URL(ws).origin.replace(/^ws/, "http"))).toBe(101);
  });

  it("what cannot be served or listened at", { timeout: 60_000 }, async () => {
    writeFileSync(join(cwd, "plain"), "");
    const port = tcp.replace(/.*:/, "");
    const [inUse, inUseWs, unixUse, unixFile, unixDir, notDir, none, wss, host, exec] = await Promise.all([
      run(["serve", "--listen", tcp, exported]), run(["serve", "--listen", `ws://127.0.0.1:${port}`, exported]), run(["serve", "--listen", `unix:${socket}`, exported]),
      run(["serve", "--listen", "unix:plain", exported]), run(["serve", "--listen", "unix:no/such/s", exported]),
      run(["serve", "plain"]), run(["serve", "nosuch"]), run(["serve", "--listen", "wss://127.0.0.1:0", "."]),
      run(["serve", "--listen", "tcp://192.0.2.1:0", "."]), run(["serve", "--listen", "exec:x", "."]),
    ]);
    expect(text(inUse)).toEqual(failed(1, `nineplex: ${tcp}: address in use: choose another with --listen`));
    expect(text(inUseWs)).toEqual(failed(1, `nineplex: ws://127.0.0.1:${port}: address in use: choose another with --listen`));
    expect(text(unixUse)).toEqual(failed(1, `nineplex: unix:${socket}: address in use: a server listens at ${socket}, choose another with --listen`));
    expect(text(unixFile)).toEqual(failed(1, "nineplex: unix:plain: address in use: plain exists and is not a socket"));
    expect(text(unixDir)).toEqual(failed(1, "nineplex: unix:no/such/s: file does not exist: no/such"));
    expect(text(notDir)).toEqual(failed(1, "nineplex: plain: not a directory"));
    expect(text(none)).toEqual(failed(1, "nineplex: nosuch: file does not exist"));
    expect(text(wss)).toEqual(failed(2, "nineplex: --listen wss://127.0.0.1:0: cannot listen at wss://: listen at ws:// and put a TLS proxy in front"));
    expect(host).toMatchObject({ status: 1, stderr: "nineplex: tcp://192.0.2.1:0: reachable from other machines, and tcp asks for no token\nnineplex: tcp://192.0.2.1:0: this machine has no such address\n" });
    expect(text(exec)).toEqual(failed(2, "nineplex: --listen exec:x: cannot listen at exec:; write ws://HOST:PORT, tcp://HOST:PORT or unix:PATH"));
    expect(existsSync(socket)).toBe(true);
  });

  it("9p: each verb, on ws and tcp", { timeout: 60_000 }, async () => {
    const rw = start(process.execPath, [...main, "serve", "--rw", "--token", "none", "--listen", "ws://127.0.0.1:0", "--limit", "depth=3", far], cwd);
    const at = (await rw.said(/^(ws:.*)\n/))[1] ?? "";
    const ninep = (verb: string, ...args: string[]): Promise<Ran> => run(["9p", verb, ...args]);
    const [ls, lsl, lsf, read, stat, noFile, noWrite, readDir, noLs] = await Promise.all([
      ninep("ls", tcp), ninep("ls", "-l", ws, "sub"), ninep("ls", tcp, "f", "sub"), ninep("read", ws, "f", "sub/g", "big"), ninep("stat", `unix:${socket}`, "f", "/"),
      ninep("read", tcp, "f", "nosuch", "f"), run(["9p", "write", tcp, "f"], "no"), ninep("read", tcp, "sub"), ninep("ls", tcp, "nosuch"),
      // In order, on the server that can be written to.
      (async () => {
        expect(at).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/$/);
        const input = "0123456789abcdef".repeat(200_000);
        expect(text(await ninep("mkdir", at, "d", "d/e"))).toEqual({ status: 0, out: "", err: "" });
        expect(text(await run(["9p", "write", at, "d/w"], input))).toEqual({ status: 0, out: "", err: "" });
        expect(readFileSync(join(far, "d/w"), "utf8") === input).toBe(true);
        const [mv, deep] = await Promise.all([ninep("mv", at, "d/w", "d/e/moved"), ninep("mkdir", at, "d/e/x", "d/e/x/y")]);
        expect(text(mv)).toEqual({ status: 0, out: "", err: "" });
        expect(text(deep)).toEqual(failed(1, "nineplex: d/e/x/y: File name too long: at most 3 elements"));
        const [rm, full] = await Promise.all([ninep("rm", at, "d/e/moved", "d/e/x"), ninep("rm", at, "d")]);
        expect(text(rm)).toEqual({ status: 0, out: "", err: "" });
        expect(full).toMatchObject({ status: 1 });
        expect(full.stderr).toMatch(/^nineplex: d: .*not empty\n$/);
        expect(existsSync(join(far, "d/e"))).toBe(true);
      })(),
    ]);
    expect(text(ls)).toEqual({ status: 0, out: "big\nf\nsub\n", err: "" });
    expect(lsl.stdout.toString()).toMatch(/^--rw-.* 6 \w+ .* g\n$/);
    expect(lsf.stdout.toString()).toBe("f\ng\n");
    expect(read.stdout.length).toBe(3_000_000 + 15);
    expect(read.stdout.subarray(0, 15).toString()).toBe("contents\nbelow\n");
    expect(stat.stdout.toString()).toMatch(/^f: file, mode \d+, 9 bytes, user .*\n\/: directory, mode 2/);
    expect(text(noFile)).toEqual({ status: 1, out: "contents\n", err: "nineplex: nosuch: file does not exist\n" });
    expect(text(noWrite)).toEqual(failed(1, "nineplex: f: read only file system"));
    expect(text(readDir)).toEqual(failed(1, "nineplex: sub: file is a directory"));
    expect(text(noLs)).toEqual(failed(1, "nineplex: nosuch: file does not exist"));
    expect(await rw.stop()).toBe(0);
    expect(rw.err()).toBe("");
  });

  it("without a directory: the name space of the shell, with what is mounted in it, read-only", { timeout: 60_000 }, async () => {
    const one = start(process.execPath, [...main, "serve", "-v", "--listen", "ws://127.0.0.1:0", "--mount", `${tcp}:/n/far`], cwd);
    const at = (await one.said(/^(ws:.*)\n/))[1] ?? "";
    const [r, plain] = await Promise.all([
      sh([
        `mount '${at}' /n/x`, "cat /n/x/n/far/f", "cat /n/x/n/far/sub/g", "cmp /n/x/bin/cat /bin/cat", "ls -d /n/x/host/*", "@ {echo x > /n/x/tmp/f}", "rm /n/x/n/far/f",
        `mount '${at}' /n/s /n/far/sub`, "ls /n/s", `mount '${at}' /n/a nosuch`, `mount '${at}' /n/ctl ctl`, "echo x > /n/ctl/null", "grep -c connections /n/ctl/stats", "cat /n/x/dev/cons",
      ].join("\n")),
      run(["9p", "read", at, "/n/far/f"]),
    ]);
    expect(r.stdout.toString()).toBe("contents\nbelow\n/n/s/g\n2\n");
    expect(r.stderr.split("\n")).toEqual([
      "ls: /n/x/host/*: file does not exist", "rc: /n/x/tmp/f: read only file system", "rm: /n/x/n/far/f: read only file system", "mount: /n/a: file does not exist", "",
    ]);
    expect(plain.stdout.toString()).toBe("contents\n");
    expect(one.err()).toContain("nineplex: serving the name space, read-only\n");
    expect(await one.stop()).toBe(0);
  });

  it("without a directory: --rw, --host, --uname, --trace, over stdin and stdout too", { timeout: 60_000 }, async () => {
    writeFileSync(join(far, "host.txt"), "of the host\n");
    const one = start(process.execPath, [...main, "serve", "--rw", "--host", "--trace=ns.9p", "--listen", "tcp://127.0.0.1:0"], far);
    const at = (await one.said(/^(tcp:.*)\n/))[1] ?? "";
    const r = await sh(`mount ${at} /n/x; cat /n/x/host/host.txt; echo made > /n/x/host/made; echo shared > /n/x/tmp/f; mount ${at} /n/y; cat /n/y/tmp/f`);
    expect(text(r)).toEqual({ status: 0, out: "of the host\nshared\n", err: "" });
    expect(readFileSync(join(far, "made"), "utf8")).toBe("made\n");
    expect(await one.stop()).toBe(0);
    expect(readFileSync(join(far, "ns.9p"), "utf8")).toMatch(/-> Twalk .*'host' 'host\.txt'.* # \/\n/);
    const command = `${[process.execPath, ...main].map((w) => `'${w}'`).join(" ")} serve --rw --uname glenda --listen stdio`;
    const piped = await run(["--mount", `exec:${command}:/n/p`, "-c", "echo x > /n/p/tmp/f; ls -l /n/p/tmp"]);
    expect(piped.stdout.toString()).toMatch(/^--rw-\S+ M \d+ glenda glenda 2 .* \/n\/p\/tmp\/f\n$/);
    const lost = await run(["serve", "--listen", "tcp://127.0.0.1:0", "--mount", "tcp://127.0.0.1:1:/n/m"]);
    expect(text(lost)).toEqual(failed(1, "nineplex: --mount tcp://127.0.0.1:1:/n/m: connection refused: no server listens there"));
  });

  it("--stats: bounds and connections, as a file and at the end", { timeout: 60_000 }, async () => {
    const one = start(process.execPath, [...main, "serve", "--stats", "--listen", "tcp://127.0.0.1:0", "--limit", "opens=2", "--limit", "budget=1M", "--limit", "idle=900", exported], cwd);
    const at = (await one.said(/^(tcp:.*)\n/))[1] ?? "";
    const r = await sh(`mount ${at} /n/x; cat /n/x/f; mount ${at} /n/ctl ctl; cat /n/ctl/stats`);
    expect(r.stderr).toBe("");
    const lines = r.stdout.toString().split("\n");
    expect(lines.slice(0, 2)).toEqual(["contents", "fids=64K opens=2 calls=4096 bytes=64M depth=1024 unread=4096K budget=1024K connections=1024 hello=30 idle=900 stall=60"]);
    expect(lines[2]).toMatch(/^2 connections, \d+ fids \(1 open\), 1 calls with \d+K? under way, 0 not taken; so far 2 connections \(0 hung up on\), \d+ requests, \d+ in, \d+ out$/);
    expect(lines[3]).toMatch(/^peer +version +msize +fids opens calls +bytes unread requests +in +out refused seconds$/);
    expect(lines.slice(4).map((l) => l.split(/ +/).slice(1, 3))).toEqual([["9P2000.L.x", "1024K"], ["9P2000.L.x", "1024K"], []]);
    expect(await one.stop()).toBe(0);
    expect(one.err()).toMatch(/\nnineplex: stats: 0 connections, 0 fids .* so far 2 connections .*\n$|^nineplex: stats: 0 connections, 0 fids .*\n$/);
  });

  it("9p: a server of 9P2000 and nothing else, and one that is none", { timeout: 60_000 }, async () => {
    const plain = ram({ now: Date.now });
    const listener: Listener = await listenTcp({ port: 0 }, (t) => serve(t, (s) => open(plain, { ...s, dialect: "9P2000" })));
    const nobody = await silentServer("nonsense");
    try {
      const at = listener.address;
      expect(text(await run(["9p", "mkdir", at, "d"]))).toEqual({ status: 0, out: "", err: "" });
      expect(text(await run(["9p", "write", at, "d/f"], "hello\n"))).toEqual({ status: 0, out: "", err: "" });
      expect(text(await run(["9p", "mv", at, "d/f", "d/g"]))).toEqual({ status: 0, out: "", err: "" });
      const [ls, read, stat, none] = await Promise.all([
        run(["9p", "ls", "-l", at, "d"]), run(["9p", "read", at, "d/g"]), run(["9p", "stat", at, "d"]),
        run(["9p", "ls", nobody.at]),
      ]);
      const [shell, across] = await Promise.all([
        run(["--mount", `${at}:/n/p`, "-c", "ls /n/p/d; cat /n/p/d/g; echo more >> /n/p/d/g && cat /n/p/d/g | wc -l"]), run(["9p", "mv", at, "d/g", "g"]),
      ]);
      expect(ls.stdout.toString()).toMatch(/ 6 .* g\n$/);
      expect(read.stdout.toString()).toBe("hello\n");
      expect(stat.stdout.toString()).toMatch(/^d: directory/);
      expect(text(shell)).toEqual({ status: 0, out: "/n/p/d/g\nhello\n      2\n", err: "" });
      expect(across).toMatchObject({ status: 1 });
      expect(across.stderr).toMatch(/^nineplex: d\/g: [^\n]+\n$/);
      expect(none).toMatchObject({ status: 1 });
      expect(none.stderr).toMatch(/^nineplex: tcp:[^\n]+\n$/);
      expect(text(await run(["9p", "rm", at, "d/g", "d"]))).toEqual({ status: 0, out: "", err: "" });
      expect(text(await run(["9p", "ls", at]))).toEqual({ status: 0, out: "", err: "" });
    } finally {
      nobody.close();
      await listener.close();
    }
  });

  it("SIGTERM ends it with 0, and takes the socket with it", { timeout: 60_000 }, async () => {
    expect(await server.stop()).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  it("a stale socket is taken over", { timeout: 60_000 }, async () => {
    const path = join(top, "stale.sock");
    const killed = bare(["serve", "--listen", `unix:${path}`, exported]);
    await until(() => killed.out() !== "");
    killed.child.kill("SIGKILL");
    await killed.ended;
    expect(existsSync(path)).toBe(true);
    const next = bare(["serve", "--listen", `unix:${path}`, exported]);
    await until(() => next.out() !== "");
    next.child.kill("SIGINT");
    expect([await next.ended, next.err()]).toEqual([0, ""]);
    expect(existsSync(path)).toBe(false);
    chmodSync(cwd, 0o755);
  });
});

describe("a server that says nothing", () => {
  it("is given up after ten seconds", { timeout: 60_000 }, async () => {
    expect(text(await late.connecting)).toEqual(failed(1, `nineplex: --mount ${late.silent}:/n/x: Connection timed out: no 9P answer in 10 s`));
    expect(text(await late.attaching)).toEqual(failed(1, `nineplex: ${late.deaf}: Connection timed out: no 9P answer in 10 s`));
  });
});

/** Servers that go only part of the way. */
async function silentServer(how: "accepts" | "agrees" | "nonsense"): Promise<{ at: string; connections(): number; close(): void }> {
  let n = 0;
  const server: NetServer = createServer((s) => {
    s.on("error", () => undefined);
    if (how === "accepts") n++;
    s.on("data", () => {
      n++;
      if (how === "nonsense") s.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      if (how === "agrees" && n === 1) s.write(packMessage({ type: Rversion, msize: 8192, version: "9P2000" }, 65535, "9P2000"));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return { at: `tcp://127.0.0.1:${typeof at === "object" && at ? at.port : 0}`, connections: () => n, close: () => void server.close() };
}
