import { describe, expect, it } from "vitest";
import { type CommandLine, dashed, parseCommandLine } from "../../clients/node/commandline.ts";
import { help } from "../../clients/node/help.ts";
import { nearest } from "../../clients/node/nearest.ts";
import { OPTIONS, parseSize, UsageError, type Verb } from "../../clients/node/options.ts";

const parse = (line: string): CommandLine => parseCommandLine(line.split(" ").filter((w) => w !== ""));

function failure(f: () => unknown): string {
  try {
    f();
  } catch (e) {
    if (e instanceof UsageError) return e.message;
    throw e;
  }
  throw new Error("no error");
}

describe("what a command line means", () => {
  const meant: [string, Verb, readonly string[]][] = [
    ["", "shell", []],
    ["--no-host", "shell", []],
    ["-c ls", "shell", []],
    ["-c ls a -h --bogus -- run", "shell", ["a", "-h", "--bogus", "--", "run"]],
    ["s.rc", "script", ["s.rc"]],
    ["s.rc a -h --bogus -c", "script", ["s.rc", "a", "-h", "--bogus", "-c"]],
    ["--ro s.rc -- a", "script", ["s.rc", "--", "a"]],
    ["-- -x.rc -h", "script", ["-x.rc", "-h"]],
    ["./run", "script", ["./run"]],
    ["- a", "script", ["-", "a"]],
    ["serve", "serve", []],
    ["serve DIR", "serve", ["DIR"]],
    ["--rw serve -v DIR --token none", "serve", ["DIR"]],
    ["serve -- -d", "serve", ["-d"]],
    ["9p ls -l tcp://h x", "9p", ["ls", "tcp://h", "x"]],
    ["-l 9p ls tcp://h", "9p", ["ls", "tcp://h"]],
    ["9p read --msize 8K tcp://h x -- -y", "9p", ["read", "tcp://h", "x", "-y"]],
    ["run p", "run", ["p"]],
    ["run --rw p --rw -h -- x", "run", ["p", "--rw", "-h", "--", "x"]],
    ["--ram 1G run -- -p", "run", ["-p"]],
    ["help", "help", []],
    ["help serve", "help", ["serve"]],
  ];
  it.each(meant)("%s", (line, verb, args) => {
    const got = parse(line);
    expect(got.verb).toBe(verb);
    expect(got.args).toEqual(args);
  });

  it("without options: the defaults of the contract", () => {
    expect(parse("").options).toEqual({
      mounts: [], listen: [], limits: new Map(), command: undefined, ns: undefined, rw: undefined, host: true, unsafeHost: false, token: undefined,
      uname: undefined, msize: 1 << 20, ram: undefined, strace: false, root: undefined, trace: undefined, verbose: false, stats: false, help: false, version: false, long: false,
    });
  });

  it("options and their values", () => {
    const shell = parseCommandLine(["--mount", "tcp://h:/n/x:ro:after", "--mount=module:./c.ts:/n/c", "--uname=glenda", "--msize", "64K", "--trace=t", "--ro", "-c", "echo $*", "a"]);
    expect(shell.options).toMatchObject({ uname: "glenda", msize: 65536, trace: "t", rw: false, command: "echo $*" });
    expect(shell.options.mounts).toMatchObject([
      { text: "tcp://h", path: "/n/x", readonly: true, order: "after" }, { addr: { kind: "module", file: "./c.ts" }, path: "/n/c", readonly: false, order: "replace" },
    ]);
    const serve = parse("serve --listen tcp://127.0.0.1:0 --listen=stdio --token T --limit fids=10 --limit bytes=1M --limit idle=0 --rw --unsafe-host --stats -v --trace d");
    expect(serve.options).toMatchObject({ token: "T", rw: true, unsafeHost: true, verbose: true, stats: true, trace: "" });
    expect(serve.options.listen).toEqual([
      { addr: { kind: "tcp", host: "127.0.0.1", port: 0 }, text: "tcp://127.0.0.1:0" }, { addr: "stdio", text: "stdio" },
    ]);
    expect([...serve.options.limits]).toEqual([["fids", 10], ["bytes", 1 << 20], ["idle", 0]]);
    expect(parse("--rw --ro").options.rw).toBe(false);
    expect(parse("--no-host --host").options.host).toBe(true);
    expect(parse("-h serve")).toMatchObject({ verb: "serve", options: { help: true } });
    expect(parse("9p --help").options.help).toBe(true);
    expect(parse("--version").options.version).toBe(true);
  });

  it("an empty command is a command", () => {
    expect(parseCommandLine(["-c", ""]).options.command).toBe("");
  });
});

describe("sizes", () => {
  it.each([["0", 0], ["1", 1], ["4096", 4096], ["8K", 8192], ["8k", 8192], ["1M", 1 << 20], ["3G", 3 * 2 ** 30], ["2T", 2 * 2 ** 40]] as const)("%s", (text, n) => {
    expect(parseSize(text, "msize")).toBe(n);
  });
  it.each(["", "K", "1.5M", "-1", "+1", "1KB", "1 K", "0x10", "1e6", "99999999999999T", "9007199254740993"])("not %s", (text) => {
    expect(failure(() => parseSize(text, "msize"))).toBe(`--msize ${text}: a size is digits and K, M, G or T, like 64K`);
  });
});

describe("what cannot be meant is one clear line", () => {
  const wrong: [string[], string | RegExp][] = [
    [["--bogus"], "--bogus: unknown option; see nineplex -h"],
    [["--bogus=1"], "--bogus=1: unknown option; see nineplex -h"],
    [["-x"], "-x: unknown option; see nineplex -h"],
    [["-lv"], "-lv: unknown option; see nineplex -h"],
    [["-mount", "x"], "-mount: unknown option, perhaps --mount; see nineplex -h"],
    [["--c", "ls"], "--c: unknown option, perhaps -c; see nineplex -h"],
    [["--h"], "--h: unknown option, perhaps -h; see nineplex -h"],
    [["-version"], "-version: unknown option, perhaps --version; see nineplex -h"],
    [["serve", "--lsiten=x"], "--lsiten=x: unknown option, perhaps --listen; see nineplex serve -h"],
    [["--nohost"], "--nohost: unknown option, perhaps --no-host; see nineplex -h"],
    [["9p", "--mszie", "8K"], "--mszie: unknown option, perhaps --msize; see nineplex 9p -h"],
    [["--xyz"], "--xyz: unknown option; see nineplex -h"],
    [["--constructor"], "--constructor: unknown option; see nineplex -h"],
    [["---"], "---: unknown option; see nineplex -h"],
    [["-c"], "-c: wants a value; see nineplex -h"],
    [["--mount"], "--mount: wants a value; see nineplex -h"],
    [["serve", "--listen"], "--listen: wants a value; see nineplex serve -h"],
    [["--ro=1"], "--ro: takes no value"],
    [["--version=2"], "--version: takes no value"],
    [["--no-host="], "--no-host: takes no value"],
    [["--mount", ""], /^--mount: bad mount "": no mount point after the address; write ADDR:\/PATH/],
    [["--mount", "tcp://h:1"], /^--mount: bad mount "tcp:\/\/h:1": no mount point/],
    [["--mount", "h:564:/n/x"], /^--mount: bad address "h:564": unknown kind of address "h"; write tcp:\/\/h:564 or ws/],
    [["--mount", "tcp://h:99999:/n/x"], /^--mount: bad address "tcp:\/\/h:99999": "99999" is no port number/],
    [["--mount", "tcp://h:/n/x:rw"], /^--mount: bad mount .*: unknown flag "rw"/],
    [["--mount", "tcp://h:/n/x:before:after"], /^--mount: bad mount .*: both before and after/],
    [["--mount", "noise+tcp://h:1:/n/x"], /^--mount: noise\+tcp: not available/],
    [["--listen", "nonsense", "serve", "d"], /^--listen: bad address "nonsense": no kind of address/],
    [["serve", "--listen", "http://h:1"], /^--listen: bad address .*write ws:\/\/h:1/],
    [["serve", "--listen", "wss://h:1", "d"], "--listen wss://h:1: cannot listen at wss://: listen at ws:// and put a TLS proxy in front"],
    [["serve", "--listen", "exec:x", "d"], "--listen exec:x: cannot listen at exec:; write ws://HOST:PORT, tcp://HOST:PORT or unix:PATH"],
    [["serve", "--listen", "module:x.ts", "d"], /^--listen module:x.ts: cannot listen at module:; write ws/],
    [["serve", "--token", ""], "--token: an empty token; write none to want no token"],
    [["--uname", ""], "--uname: an empty name"],
    [["--msize", "x"], /^--msize x: a size is/],
    [["--msize", "255"], "--msize 255: between 256 and 64M"],
    [["--msize", "65M"], "--msize 65M: between 256 and 64M"],
    [["--seed", "x"], "--seed x: a whole number below 4294967296"],
    [["--seed", "4294967296"], /^--seed 4294967296: a whole number/],
    [["serve", "--seed", "1", "d"], "--seed: not with serve; it goes with the shell and run"],
    [["--ram", "x"], /^--ram x: a size is/],
    [["run", "--ram", "4G", "p"], "--ram 4G: between 1M and 3584M"],
    [["--root", ":rw"], "--root: an empty name"],
    [["serve", "--strace", "d"], "--strace: not with serve; it goes with the shell and run"],
    [["run", "-c", "ls"], "-c: not with run; it goes with the shell"],
    [["serve", "--limit", "fids"], "--limit fids: write KEY=NUMBER; keys are fids, opens, calls, bytes, depth, unread, budget, connections, hello, idle, stall"],
    [["serve", "--limit", "=1"], /^--limit =1: write KEY=NUMBER/],
    [["serve", "--limit", "x=1"], /^--limit x=1: write KEY=NUMBER/],
    [["serve", "--limit", "fids="], "--limit fids=: a number, with K, M, G or T if it is large, like 64K"],
    [["serve", "--limit", "idle=1.5"], "--limit idle=1.5: a whole number of seconds"],
    [["serve", "--limit", "fids=0"], "--limit fids=0: at least 1"],
    // What goes with another verb.
    [["--listen", "tcp://127.0.0.1:0"], "--listen: not with the shell; it goes with serve"],
    [["--token", "x", "-c", "ls"], "--token: not with the shell; it goes with serve"],
    [["--limit", "fids=1", "s.rc"], "--limit: not with the shell; it goes with serve"],
    [["-v"], "-v: not with the shell; it goes with serve"],
    [["--unsafe-host"], "--unsafe-host: not with the shell; it goes with serve"],
    [["-l"], "-l: not with the shell; it goes with 9p"],
    [["serve", "-l", "d"], "-l: not with serve; it goes with 9p"],
    [["serve", "-c", "ls"], "-c: not with serve; it goes with the shell"],
    [["9p", "--mount", "tcp://h:/n/x", "ls"], "--mount: not with 9p; it goes with the shell, run and serve"],
    [["9p", "--rw", "ls"], "--rw: not with 9p; it goes with the shell, run and serve"],
    [["9p", "ls", "--no-host"], "--no-host: not with 9p; it goes with the shell, run and serve"],
    // What a later version knows.
    ...["disk", "web", "key"].map((verb): [string[], string] => [[verb, "x"], `${verb}: not available in this version`]),
    [["-h", "web"], "web: not available in this version"],
    ...["--disk", "--pager", "--checkpoint"].map((o): [string[], string] => [[o, "x"], `${o}: not available in this version`]),
    ...["--fresh", "--boot"].map((o): [string[], string] => [[o], `${o}: not available in this version`]),
  ];
  it.each(wrong)("%j", (argv, why) => {
    const message = failure(() => parseCommandLine(argv));
    if (typeof why === "string") expect(message).toBe(why);
    else expect(message).toMatch(why);
    expect(message).not.toContain("\n");
  });
});

describe("help", () => {
  const verbs = ["shell", "run", "serve", "9p"] as const;
  /** Something that each option with a value takes. */
  const values: Readonly<Record<string, string>> = { mount: "tcp://h:/n/x", listen: "stdio", limit: "fids=1", msize: "8K", seed: "1", ram: "8M" };

  it.each(verbs)("of %s: the options that the parser takes there, and no others", (verb) => {
    const told = [...help(verb).matchAll(/^ {2}(-.*?)(?: {2,}|$)/gm)].flatMap(([, names = ""]) => names.split(", ").map((name) => name.replace(/[ [].*/, "")));
    const taken = Object.entries(OPTIONS).filter(([name, { value, optional }]) => {
      const words = [dashed(name), ...(value !== undefined && !optional ? [values[name] ?? "x"] : [])];
      try {
        parseCommandLine(name === "c" && verb === "shell" ? words : [...(verb === "shell" ? [] : [verb]), ...words]);
        return true;
      } catch (e) {
        if (!(e instanceof UsageError)) throw e;
        return false;
      }
    });
    // The version is the program's, whatever verb stands beside.
    const expected = taken.map(([name]) => dashed(name)).filter((name) => verb === "shell" || name !== "--version");
    expect(told.toSorted()).toEqual(expected.toSorted());
  });

  it.each([...verbs, "script", "help"] as const)("of %s: fits a terminal", (verb) => {
    for (const line of help(verb).split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(help("script")).toBe(help("shell"));
    for (const words of ["-c CMD", "FILE.rc", "serve", "9p", "help"]) expect(help("shell")).toContain(words);
    for (const words of ["ls [-l]", "read", "write", "stat", "mkdir", "rm", "mv"]) expect(help("9p")).toContain(words);
  });
});

describe("what was probably meant", () => {
  const known = ["serve", "9p", "help", "listen", "no-host"];
  it.each([["sevre", "serve"], ["Serve", "serve"], ["serv", "serve"], ["hepl", "help"], ["lisden", "listen"], ["nohost", "no-host"], ["--help", "help"]] as const)("%s: %s", (word, meant) => {
    expect(nearest(word, known)).toBe(meant);
  });
  it.each(["", "x", "9q", "run", "nonsense", "heeeelp", "s"])("%s: nothing", (word) => {
    expect(nearest(word, known)).toBe(undefined);
  });
});
