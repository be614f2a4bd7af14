/**
 * Session: what a person types at an interactive rc, and what comes of each line, as text: lines after
 * "% " are typed, what follows is the output of both kinds. Where a line ends in { or has << in it,
 * further lines of it follow, a tab before each, as rc's second prompt is one.
 */
import { spawn } from "node:child_process";
import type { Sys } from "../../kernel/index.ts";
import { bytes, text } from "./kernel.ts";

export interface Turn {
  /** Without the newline at its end. */
  readonly typed: string;
  readonly expected: string;
}

/** The prompt: what no command prints. */
const MARK = "\u0001";

/** The turns of a text that begins with one. */
export function turns(body: string): Turn[] {
  return body.split(/^% /m).slice(1).map((turn) => {
    const lines = turn.split("\n");
    let typed = 1;
    if (/\{$|<</.test(lines[0] ?? "")) while (lines[typed]?.startsWith("\t")) typed++;
    return { typed: lines.slice(0, typed).map((line, i) => (i === 0 ? line : line.slice(1))).join("\n"), expected: lines.slice(typed).join("\n") };
  });
}

/** The text of these turns, with such outputs. */
export function shown(all: readonly Turn[], outputs: readonly (string | undefined)[]): string {
  return all.map(({ typed }, i) => `% ${typed.replaceAll("\n", "\n\t")}\n${outputs[i] ?? "(nothing: the shell ended)\n"}`).join("");
}

/** Types each line at an interactive rc; the outputs in turn. */
export async function session(sys: Sys, typed: readonly string[], env: Readonly<Record<string, readonly string[]>> = {}): Promise<string[]> {
  const [in0, in1] = await sys.pipe();
  const [out0, out1] = await sys.pipe();
  const pid = await sys.spawn({
    path: "/bin/rc", argv: ["rc", "-i"], fds: new Map([[0, in0], [1, out1], [2, out1]]), env: new Map([["prompt", [MARK, ""]], ["path", ["/bin"]], ...Object.entries(env)]),
  });
  await sys.close(in0);
  await sys.close(out1);
  const feed = async (): Promise<void> => {
    for (const line of typed) await sys.write(in1, bytes(`${line}\n`));
    await sys.close(in1);
  };
  const fed = feed();
  let all = "";
  for (let data = await sys.read(out0); data.length > 0; data = await sys.read(out0)) all += text(data);
  await fed;
  await sys.wait(pid);
  return all.split(MARK).slice(1, -1);
}

/**
 * The same with a nineplex of its own, started by this command, which is to run -c COMMAND: each line is
 * typed when the prompt for it is there. Rejects when it ends in an error.
 */
export function startedSession(command: readonly string[], cwd: string, typed: readonly string[]): Promise<string[]> {
  const [program = "", ...args] = command;
  const child = spawn(program, [...args, "-c", `prompt=(${MARK} '') rc -i >[2=1]`], { cwd, stdio: ["pipe", "pipe", "inherit"] });
  const left = [...typed];
  let all = "";
  child.stdout.setEncoding("utf8").on("data", (data: string) => {
    all += data;
    for (let n = data.split(MARK).length - 1; n > 0; n--) {
      const line = left.shift();
      if (line === undefined) child.stdin.end();
      else child.stdin.write(`${line}\n`);
    }
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => (status === 0 ? resolve(all.split(MARK).slice(1, -1)) : reject(new Error(`status ${status} after: ${all}`))));
  });
}
