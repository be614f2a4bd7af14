/**
 * Plug-ins as a user meets them: exec: and module: with --mount and with mount at the prompt, in real
 * processes. What goes wrong in one is one line that names it, and the shell goes on.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle } from "../support/bundle.ts";
import { alive, type Bare, bare as bareNode, MAIN, run as runProgram, type Ran, until } from "../support/children.ts";

const top = mkdtempSync(join(tmpdir(), "nineplex-plugins-"));
const cwd = join(top, "here it is");
let main: readonly string[] = [];
let removeBundle = (): void => undefined;
/** A command that serves the directory `files` on its standard streams. */
let serving = "";

const bare = (args: readonly string[]): Bare => bareNode([...main, ...args], cwd);
const run = (args: readonly string[], input = ""): Promise<Ran> => runProgram(process.execPath, [...main, ...args], { cwd, input });
const mounted = (addr: string, command = "cat /n/x/f"): Promise<Ran> => run(["--mount", `${addr}:/n/x`, "-c", command]);
const text = (r: Ran): { status: number | null; out: string; err: string } => ({ status: r.status, out: r.stdout.toString(), err: r.stderr });
const failed = (err: string): { status: number; out: string; err: string } => ({ status: 1, out: "", err: `${err}\n` });
const worked = (out: string, err = ""): { status: number; out: string; err: string } => ({ status: 0, out, err });
const file = (name: string, body: string): void => writeFileSync(join(cwd, name), body);

/** What every module of these tests begins with: no package is near. */
const PLAIN = `const text = (get) => ({ open: () => { const data = new TextEncoder().encode(get()); return { read: (at, n) => data.subarray(at, at + n) }; } });
const dir = (files) => ({ walk: (name) => files[name], list: () => Object.entries(files) });
const server = (files) => ({ name: "x", attach: () => dir(files) });
`;

beforeAll(async () => {
  const bundled = await bundle();
  main = bundled.main;
  removeBundle = () => bundled.remove();
  mkdirSync(join(cwd, "files"), { recursive: true });
  mkdirSync(join(cwd, "sub"));
  writeFileSync(join(cwd, "files", "f"), "contents\n");
  serving = `${[process.execPath, ...main].map((w) => `'${w}'`).join(" ")} serve --listen stdio`;
});

afterAll(() => {
  removeBundle();
  rmSync(top, { recursive: true });
});

describe("module:", { timeout: 60_000 }, () => {
  it("a server, a function, a class, a promise, CommonJS; what is none says so", async () => {
    file("object.mjs", `${PLAIN}export default server({ f: text(() => "object\\n") });`);
    file("function.mjs", `${PLAIN}export default ({ args, cwd, now }) => server({ f: text(() => [args.a, args.b, args.none, cwd, typeof now()].join() + "\\n") });`);
    file("async.mjs", `${PLAIN}export default async () => { await null; return server({ f: text(() => "async\\n") }); };`);
    file("class.mjs", `${PLAIN}export default class Mine { constructor(deps) { this.args = deps.args; this.name = "mine"; } attach() { return dir({ f: text(() => this.args.a + "\\n") }); } }`);
    file("common.cjs", `${PLAIN}module.exports = server({ f: text(() => "common\\n") });`);
    file("three.mjs", "export default 3;\n");
    file("nothing.mjs", "export const server = 3;\n");
    file("throws.mjs", "throw new Error('on purpose\\nmore');\n");
    file("maker.mjs", "export default () => { throw new Error('in the function'); };\n");
    file("syntax.mjs", "export default {\n");
    file("nested.mjs", "import './not-there.mjs';\n");
    file("plain.ts", "export default 3 as number;\n");
    const addrs = ["object.mjs", "function.mjs?a=x%20y&b=/p:/q", "./async.mjs", `${cwd}/class.mjs?a=1`, "common.cjs"];
    const wrong = ["three.mjs", "nothing.mjs", "throws.mjs", "maker.mjs", "syntax.mjs", "nested.mjs", "none.mjs", "sub", "plain.ts"];
    const [good, bad, one] = await Promise.all([
      run([...addrs.flatMap((a, i) => ["--mount", `module:${a}:/n/x${i}`]), "-c", "cat /n/x?/f"]),
      run(["-c", wrong.map((f) => `mount module:${f} /n/x`).join("\n")]), mounted("module:three.mjs"),
    ]);
    expect(text(good)).toEqual(worked(`object\nx y,/p:/q,,${cwd},number\nasync\n1\ncommon\n`));
    const typescript = Number(process.versions.node.split(".")[0]) < 22
      ? "plain.ts: not JavaScript: TypeScript modules are for npm start, or compile it" : "plain.ts: its default export is no server, nor a function or class that makes one";
    const why = [
      "three.mjs: its default export is no server, nor a function or class that makes one",
      "nothing.mjs: no default export, which would be the server",
      "throws.mjs: on purpose",
      "maker.mjs: in the function",
      "syntax.mjs: syntax error: Unexpected end of input",
      `nested.mjs: Cannot find module '${cwd}/not-there.mjs' imported from ${cwd}/nested.mjs`,
      "file does not exist: none.mjs",
      "not a file: sub",
      typescript,
    ];
    expect(bad.stderr.split("\n")).toEqual([...wrong.map((f, i) => `mount: module:${f}: ${why[i]}`), ""]);
    expect(text(one)).toEqual(failed(`nineplex: --mount module:three.mjs:/n/x: ${why[0]}`));
  });

  it("an address is one server, mounted twice or not; other arguments, and a file that was changed, are another", async () => {
    file("count.mjs", `${PLAIN}let made = 0; export default () => { let n = 0; const me = ++made; return server({ f: text(() => me + "." + ++n + "\\n") }); };`);
    file("fresh.mjs", `// changed\n${readFileSync(join(cwd, "count.mjs"), "utf8")}`);
    const r = await run(["--mount", "module:count.mjs:/n/a", "--mount", "module:./count.mjs:/n/b", "--mount", "module:count.mjs?x=1:/n/c", "-c", [
      "cat /n/a/f /n/b/f /n/c/f", "mount module:count.mjs /n/d", "cat /n/d/f",
      "cp fresh.mjs count.mjs", "mount module:count.mjs /n/e", "cat /n/e/f /n/a/f",
    ].join("\n")]);
    expect(text(r)).toEqual(worked("1.1\n1.2\n2.1\n1.3\n1.1\n1.4\n"));
  });

  it("a mistake in a module can be mended at the prompt", async () => {
    file("mend.mjs", "export default {\n");
    const r = await run([], `cd /host\nmount module:mend.mjs /n/x\necho '${PLAIN.replaceAll("'", "''")} export default server({ f: text(() => "mended") });' > mend.mjs\nmount module:mend.mjs /n/x\ncat /n/x/f\n`);
    expect(text(r)).toEqual(worked("mended", "mount: module:mend.mjs: mend.mjs: syntax error: Unexpected end of input\n"));
  });

  it("what nobody catches in a module is told as its bug, once, and the shell goes on", async () => {
    file("bad.mjs", `${PLAIN}import net from "node:net";
setInterval(() => { throw new Error("from a timer"); }, 1);
setTimeout(() => { void Promise.reject(new Error("from a promise")); }, 1);
setTimeout(() => { net.connect(1, "127.0.0.1"); }, 1);
setTimeout(() => { throw "a string"; }, 1);
export default server({ f: text(() => "still here\\n") });`);
    const r = await mounted("module:bad.mjs", "sleep 1; cat /n/x/f");
    expect(text(r)).toMatchObject({ status: 0, out: "still here\n" });
    expect(r.stderr.split("nineplex: bug: ").map((s) => s.split("\n")[0] ?? "").toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      "", "bad.mjs: Error: connect ECONNREFUSED 127.0.0.1:1", "bad.mjs: Error: from a promise", "bad.mjs: Error: from a timer", "bad.mjs: a string",
    ]);
    expect(r.stderr).toContain("bad.mjs?");
  });

  it("what a server throws is an error to whoever asked, and told as a bug", async () => {
    file("reads.mjs", `${PLAIN}export default server({ f: text(() => { throw new TypeError("in read"); }) });`);
    const r = await mounted("module:reads.mjs");
    expect(r.status).toBe(1);
    expect(r.stderr).toMatch(/^nineplex: bug: reads\.mjs: TypeError: in read\n( +at .*\n)+cat: .*i\/o error\n$/);
  });

  it("one that never loads, or never attaches, is given up by Ctrl-C", async () => {
    file("forever.mjs", "setInterval(() => {}, 1000); await new Promise(() => {});\n");
    file("attach.mjs", "export default { name: 'x', attach: () => new Promise(() => {}) };\n");
    const loading = bare(["--mount", "module:forever.mjs:/n/x", "-c", "echo no"]);
    const attaching = bare(["-c", "echo up; mount module:attach.mjs /n/x; echo no"]);
    const prompt = bare(["-c", "echo up; mount module:forever.mjs /n/x; echo no"]);
    await until(() => attaching.out() + prompt.out() === "up\nup\n");
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const p of [loading, attaching, prompt]) p.child.kill("SIGINT");
    expect(await Promise.all([loading.ended, attaching.ended, prompt.ended])).toEqual([1, 1, 1]);
    expect(loading.err()).toBe("nineplex: --mount module:forever.mjs:/n/x: interrupted\n");
    expect(attaching.out() + prompt.out()).toBe("up\nup\n");
  });
});

describe("exec:", { timeout: 60_000 }, () => {
  it("commands relative to where one is, arguments in quotes, its stderr shown", async () => {
    writeFileSync(join(cwd, "sub", "serve it"), `#!/bin/sh\necho "I was told '$1'" >&2\nexec ${serving} "$2"\n`);
    chmodSync(join(cwd, "sub", "serve it"), 0o755);
    const [relative, prompt] = await Promise.all([
      mounted(`exec:./sub/serve\\ it 'two  words' "files"`),
      run(["-c", `mount 'exec:"sub/serve it" "$HOME"x files' /n/x; cat /n/x/f; ns | grep '^mount'`]),
    ]);
    expect(text(relative)).toEqual(worked("contents\n", "I was told 'two  words'\n"));
    expect(text(prompt)).toMatchObject(worked(`contents\nmount -c 'exec:"sub/serve it" "$HOME"x files' /n/x\n`, `I was told '${process.env["HOME"] ?? ""}x'\n`));
  });

  it("children that are no servers", async () => {
    const hungup = "i/o on hungup channel";
    const botch = "protocol botch: message of";
    const children: readonly (readonly [string, string | RegExp])[] = [
      ["true", `${hungup}: the other side ended it without an answer`],
      ["exit 3", `${hungup}: exited with status 3`],
      ["kill -9 $$", `${hungup}: killed by SIGKILL`],
      ["exec no-such-thing 2>/dev/null", `${hungup}: command not found (status 127)`],
      ["echo Welcome to this server.; cat >/dev/null", `${botch} 1668048215 bytes, msize is 1048576; what came is text, not 9P: Welcome to this server.`],
      ["yes 2>/dev/null", /^protocol botch: message of \d+ bytes, msize is 1048576; what came is text, not 9P: y$/],
      ["head -c 100000000 /dev/zero 2>/dev/null", `${botch} 0 bytes`],
      ["cat", "exec:cat: the server speaks no version of 9P that is known here"],
    ];
    const [all, one] = await Promise.all([run(["-c", children.map(([command]) => `mount 'exec:${command}' /n/x`).join("\n")]), mounted("exec:exit 3")]);
    const said = all.stderr.split("\n");
    for (const [i, [command, why]] of children.entries()) {
      const line = `mount: exec:${command}: `;
      expect(said[i]?.slice(0, line.length)).toBe(line);
      if (typeof why === "string") expect(said[i]?.slice(line.length)).toBe(why.replace(`exec:${command}: `, ""));
      else expect(said[i]?.slice(line.length)).toMatch(why);
    }
    expect(said.slice(children.length)).toEqual([""]);
    expect(text(one)).toEqual(failed(`nineplex: --mount exec:exit 3:/n/x: ${hungup}: exited with status 3`));
  });

  it("one that dies later: what waits fails, and so does what follows, with the reason", async () => {
    const pidFile = join(cwd, "pid");
    const p = bare(["--mount", `exec:echo $$ > pid; exec ${serving} files:/n/x`]);
    p.child.stdin?.write("cat /n/x/f\n");
    await until(() => p.out() === "contents\n");
    process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
    await until(() => !alive(Number(readFileSync(pidFile, "utf8"))));
    p.child.stdin?.end("cat /n/x/f\necho still here\n");
    expect(await p.ended).toBe(0);
    expect(p.out()).toBe("contents\nstill here\n");
    expect(p.err()).toBe("cat: /n/x/f: i/o on hungup channel: killed by SIGKILL\n");
  });

  it("one that talks nonsense later is hung up on, and the shell goes on", async () => {
    execFileSync("mkfifo", [join(cwd, "go")]);
    const p = bare(["--mount", `exec:(cat go; echo this is no 9P; ) & exec ${serving} files:/n/x`]);
    p.child.stdin?.write("cat /n/x/f\n");
    await until(() => p.out() === "contents\n");
    writeFileSync(join(cwd, "go"), "");
    for (let tries = 0; p.err() === "" && tries < 100; tries++) {
      p.child.stdin?.write("cat /n/x/f >/dev/null\n");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    p.child.stdin?.end("echo still here\n");
    expect(await p.ended).toBe(0);
    expect(p.out()).toBe("contents\nstill here\n");
    expect(p.err()).toMatch(/^cat: \/n\/x\/f: .*what came is text, not 9P: this is no 9P\n/);
  });

  it("one that never answers is given up by Ctrl-C", async () => {
    rmSync(join(cwd, "pid"), { force: true });
    const p = bare(["--mount", "exec:echo $$ > pid; cat >/dev/null:/n/x", "-c", "echo no"]);
    await until(() => existsSync(join(cwd, "pid")));
    p.child.kill("SIGINT");
    expect(await p.ended).toBe(1);
    expect(p.err()).toBe("nineplex: --mount exec:echo $$ > pid; cat >/dev/null:/n/x: interrupted\n");
    expect(alive(Number(readFileSync(join(cwd, "pid"), "utf8")))).toBe(false);
  });

  const stubborn = `trap "" TERM INT HUP; echo $$ > pid.$N; SERVE files; while :; do sleep 1000; done`;
  it("what a command has started goes with it, when it will not hear either", async () => {
    file("stub.sh", `trap '' TERM HUP INT\necho $$ > left\n${serving} files\nsleep 100\n`);
    const r = await run(["-c", "mount 'exec:sh stub.sh' /n/x; cat /n/x/f"]);
    expect(text(r)).toEqual({ status: 0, out: "contents\n", err: "" });
    await until(() => !alive(Number(readFileSync(join(cwd, "left"), "utf8"))));
  });

  it("children are gone when nineplex ends, those that will not hear too: by its end, SIGTERM, SIGHUP, two SIGINT", async () => {
    await Promise.all((["", "SIGTERM", "SIGHUP", "SIGINT"] as const).map(async (signal) => {
      const at = join(cwd, `pid.${signal}`);
      const p = bare(["--mount", `exec:${stubborn.replace("SERVE", serving).replace("pid.$N", `'${at}'`)}:/n/x`, "-c", signal === "" ? "cat /n/x/f" : "cat /n/x/f; sleep 100"]);
      await until(() => p.out() === "contents\n");
      if (signal !== "") p.child.kill(signal);
      await (signal === "SIGINT" ? until(() => !p.child.kill(signal)) : p.ended);
      await until(() => !alive(Number(readFileSync(at, "utf8"))));
    }));
  });
});

describe("under npm start", { timeout: 60_000 }, () => {
  it("a module is TypeScript", async () => {
    file("typed.ts", `const f = { open: () => ({ read: (at: number, n: number): Uint8Array => new TextEncoder().encode("typed\\n").subarray(at, at + n) }) };
export default (deps: { args: Record<string, string> }) => ({ name: deps.args["n"] as string, attach: () => ({ walk: () => f, list: () => [["f", f]] }) });
setTimeout(() => { throw new Error("late" satisfies string); }, 1);
`);
    const r = await runProgram(process.execPath, [...MAIN, "--mount", "module:typed.ts?n=1:/n/x", "-c", "cat /n/x/f; sleep 0.2"], { cwd });
    expect(text(r)).toMatchObject({ status: 0, out: "typed\n" });
    expect(r.stderr).toMatch(/^nineplex: bug: typed\.ts: Error: late\n.*typed\.ts.*:3:/);
  });
});
