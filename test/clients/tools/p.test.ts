/** p: pages on a console, what may be typed between them, and cat where there is none. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rc } from "../../../clients/rc/index.ts";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { tools } from "../../../clients/tools/index.ts";
import { MREPL } from "../../../kernel/index.ts";
import { Eintr, NineError, ORDWR } from "../../../proto/index.ts";
import { cons } from "../../../servers/index.ts";
import type { Console } from "../../../servers/index.ts";
import { testKernel, type TestKernel } from "../../support/kernel.ts";
import { run } from "../../support/toolbench.ts";

/** A terminal whose user types each answer when it is waited for; the screen shows what was typed. */
class Typist implements Console {
  isTTY = true;
  screen = "";
  /** What was on the screen each time. */
  readonly seen: string[] = [];
  /** Answers still to be typed; then nothing is. */
  answers: string[] = [];
  readonly #stuck: (() => void)[] = [];

  read(signal: AbortSignal): Promise<string> {
    this.seen.push(this.screen);
    this.screen = "";
    const answer = this.answers.shift();
    if (answer !== undefined) {
      this.screen = answer;
      return Promise.resolve(answer);
    }
    for (const wake of this.#stuck.splice(0)) wake();
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(new NineError(Eintr)));
    });
  }

  /** Resolves when somebody waits for an answer that does not come. */
  stuck(): Promise<void> {
    return new Promise((resolve) => this.#stuck.push(resolve));
  }

  write(data: Uint8Array): void {
    this.screen += new TextDecoder().decode(data);
  }

  setRaw(): void {}

  size(): { rows: number; cols: number } {
    return { rows: 24, cols: 80 };
  }
}

const lines = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join("");

let k: TestKernel;
let tty: Typist;
beforeEach(async () => {
  tty = new Typist();
  k = await testKernel(Object.fromEntries([...tools, ["rc", rc({})]]), { cons: cons(tty) });
  await k.sys.bind("#cons", "/dev", MREPL);
  k.sys.setenv("path", ["/bin"]);
  await k.put("/tmp/fifty", lines(1, 50));
  await k.put("/tmp/short", "one\ntwo");
});
afterEach(() => k.shutdown());

/** Runs p with its output on the console. */
async function page(words: readonly string[], answers: readonly string[], stdin = ""): Promise<string> {
  tty.answers = [...answers];
  const out = await k.sys.open("/dev/cons", ORDWR);
  const [in0, in1] = await k.sys.pipe();
  const pid = await k.sys.spawn({ argv: ["p", ...words], path: "/bin/p", fds: new Map([[0, in0], [1, out], [2, out]]) });
  await k.sys.close(in0);
  if (stdin !== "") await k.sys.write(in1, encode(stdin));
  await k.sys.close(in1);
  const { status } = await k.sys.wait(pid);
  await k.sys.close(out);
  tty.seen.push(tty.screen);
  return status;
}

describe("p", () => {
  test("pages of 22 lines; the newline between them is the user's", async () => {
    expect(await page(["/tmp/fifty"], ["\n", "\n"])).toBe("");
    expect(tty.seen).toEqual([lines(1, 22).slice(0, -1), `\n${lines(23, 44).slice(0, -1)}`, `\n${lines(45, 50)}`]);
  });

  test("-number, standard input", async () => {
    expect(await page(["-20"], ["\n", "\n"], lines(1, 50))).toBe("");
    expect(tty.seen).toEqual([lines(1, 20).slice(0, -1), `\n${lines(21, 40).slice(0, -1)}`, `\n${lines(41, 50)}`]);
  });

  test("between files; a last line without a newline; a file that is not there", async () => {
    expect(await page(["/tmp/short", "/tmp/none", "/tmp/short"], ["\n"])).toBe("errors");
    expect(tty.seen).toEqual(["one\ntwop: /tmp/none: file does not exist\n", "\none\ntwo"]);
  });

  test("once where a page and its file end together", async () => {
    expect(await page(["-2", "/tmp/short", "/tmp/short"], ["\n", "\n"])).toBe("");
    expect(tty.seen).toEqual(["one\ntwo", "\none\ntwo", "\n"]);
  });

  test("q and the end of what is typed", async () => {
    expect(await page(["/tmp/fifty"], ["\n", "quit\n"])).toBe("");
    expect(tty.seen.at(-1)).toBe("quit\n");
    expect(tty.seen.length).toBe(3);
    expect(await page(["/tmp/fifty"], [""])).toBe("");
    expect(tty.seen.at(-1)).toBe("\n");
  });

  test("! runs a command, which reads the console", async () => {
    expect(await page(["-30", "/tmp/fifty"], ["!echo hello; x=`{head -1}; echo got $x\n", "typed\n", "!nosuch\n", "q\n"])).toBe("");
    expect(tty.seen.slice(1)).toEqual([
      "!echo hello; x=`{head -1}; echo got $x\nhello\n", "typed\ngot typed\n", "!nosuch\nrc: nosuch: file does not exist\n", "q\n",
    ]);
  });

  test("where the output is no terminal it is cat", async () => {
    expect(await run(k.sys, ["p", "/tmp/fifty", "/tmp/none", "/tmp/short"])).toMatchObject({ out: `${lines(1, 50)}one\ntwo`, err: "p: /tmp/none: file does not exist\n", status: "errors" });
    expect((await run(k.sys, ["p"], lines(1, 50))).out).toBe(lines(1, 50));
    tty.isTTY = false;
    expect(await page(["/tmp/fifty"], [])).toBe("");
    expect(tty.seen).toEqual([lines(1, 50)]);
    expect(await run(k.sys, ["p", "-x"])).toMatchObject({ err: "usage: p [-number] [file ...]\n", status: "usage" });
    expect((await run(k.sys, ["p", "-0"])).status).toBe("usage");
  });

  test("an interrupt ends it while it waits", async () => {
    const out = await k.sys.open("/dev/cons", ORDWR);
    const stuck = tty.stuck();
    const pid = await k.sys.spawn({ argv: ["p", "/tmp/fifty"], path: "/bin/p", fds: new Map([[1, out]]) });
    await stuck;
    k.sys.postNote(pid, "interrupt");
    expect((await k.sys.wait(pid)).status).toBe("interrupt");
  });
});
