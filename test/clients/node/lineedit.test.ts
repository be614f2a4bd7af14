import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lineEditor, type LineEditor, type LineEditorOptions } from "../../../clients/node/lineedit.ts";
import { Eintr, errno, NineError } from "../../../proto/index.ts";
import { later } from "../../support/transportsuite.ts";

const term = process.env["TERM"];
beforeAll(() => void (process.env["TERM"] = "xterm"));
afterAll(() => void (process.env["TERM"] = term));

function gone(): Promise<never> {
  return Promise.reject(new NineError("i/o on hungup channel"));
}

/** A terminal somebody types at. `log` has what happened to it, in order. */
class Tty {
  shown = "";
  raw = false;
  reads = 0;
  readonly log: string[] = [];
  private typed: Buffer[] = [];
  private wake: (() => void) | undefined;

  type(...chunks: (string | Buffer)[]): void {
    this.typed.push(...chunks.map((c) => Buffer.from(c)));
    this.wake?.();
  }

  editor(more: Partial<LineEditorOptions> = {}): LineEditor {
    return lineEditor({
      read: (signal) => this.read(signal),
      write: async (data) => {
        await Promise.resolve();
        this.shown += Buffer.from(data).toString();
      },
      setRaw: async (on) => {
        await Promise.resolve();
        this.raw = on;
        this.log.push(on ? "raw" : "cooked");
      },
      size: () => ({ rows: 24, cols: 80 }),
      ...more,
    });
  }

  private async read(signal: AbortSignal): Promise<Uint8Array> {
    this.reads++;
    expect(this.raw).toBe(true);
    while (this.typed.length === 0) {
      await new Promise<void>((resolve, reject) => {
        this.wake = resolve;
        signal.addEventListener("abort", () => reject(new NineError(Eintr)));
      });
    }
    const chunk = this.typed.shift() ?? Buffer.alloc(0);
    return chunk.equals(Buffer.from("EOF")) ? new Uint8Array(0) : chunk;
  }
}

describe("lineEditor", () => {
  it("reads a line, raw only meanwhile, and shows it", async () => {
    const tty = new Tty();
    const ed = tty.editor();
    const line = ed.readLine("% ");
    tty.type("l", "s", " -l", "\r");
    expect(await line).toBe("ls -l");
    expect(tty.raw).toBe(false);
    expect(tty.log).toEqual(["raw", "cooked"]);
    expect(tty.shown).toContain("% ");
    expect(tty.shown).toMatch(/ls -l.*\r\n$/s);
    // The row of output without a newline is left.
    expect(tty.shown.startsWith(`${" ".repeat(79)}\r`)).toBe(true);
  });

  it("edits", async () => {
    const keys: [string, string][] = [
      ["abc\x7fd\r", "abd"],
      ["bc\x01a\r", "abc"],
      ["abc\x1b[D\x1b[DX\r", "aXbc"],
      ["one two\x17three\r", "one three"],
      ["abc\x15d\r", "d"],
      ["abc\x01\x0bxyz\r", "xyz"],
      ["ab\x02\x04c\r", "ac"],
      ["grün €\x7f😀\r", "grün 😀"],
      ["a\x1ab\r", "ab"],
      ["\n", ""],
    ];
    for (const [typed, want] of keys) {
      const tty = new Tty();
      const bytes = Buffer.from(typed);
      tty.type(bytes);
      expect(await tty.editor().readLine("% ")).toBe(want);
      const slow = new Tty();
      // Byte for byte: characters and escape sequences arrive in pieces.
      slow.type(...Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)));
      expect(await slow.editor().readLine("% ")).toBe(want);
    }
  });

  it("keeps what was pasted ahead for the next lines", async () => {
    const tty = new Tty();
    const ed = tty.editor();
    tty.type("one\rtwo\nthree\r\nfour\n\nsix\r\rei", "ght\r");
    for (const want of ["one", "two", "three", "four", "", "six", "", "eight"]) expect(await ed.readLine("% ")).toBe(want);
    expect(tty.reads).toBe(2);
    expect(ed.takeRest().length).toBe(0);
  });

  it("hands over what belongs to no line", async () => {
    const tty = new Tty();
    const ed = tty.editor();
    tty.type(Buffer.from("cat\rfor \xffcat\r\x04ls\r", "latin1"));
    expect(await ed.readLine("% ")).toBe("cat");
    expect(Buffer.from(ed.takeRest()).toString("latin1")).toBe("for \xffcat\r\x04ls\r");
    expect(ed.takeRest().length).toBe(0);
    tty.type("next\r");
    expect(await ed.readLine("% ")).toBe("next");
  });

  it("discards the line at Ctrl-C, and ends at Ctrl-D on an empty one", async () => {
    const tty = new Tty();
    const ed = tty.editor();
    tty.type("rm -rf\x03ls\r\x04after\r");
    expect(await ed.readLine("% ")).toBe("");
    expect(tty.shown).toMatch(/rm -rf.*\^C\r\n$/s);
    expect(await ed.readLine("% ")).toBe("ls");
    expect(await ed.readLine("% ")).toBeUndefined();
    expect(tty.shown.endsWith("\r\n")).toBe(true);
    expect(await ed.readLine("% ")).toBe("after");
    expect(tty.log.length).toBe(8);
  });

  it("gives the last line without an end, then undefined for ever", async () => {
    const tty = new Tty();
    const ed = tty.editor();
    tty.type("a\rlast", "EOF");
    expect(await ed.readLine("% ")).toBe("a");
    expect(await ed.readLine("% ")).toBe("last");
    expect(await ed.readLine("% ")).toBeUndefined();
    expect(await ed.readLine("% ")).toBeUndefined();
    expect(tty.reads).toBe(2);
  });

  it("has a history, given and kept", async () => {
    const tty = new Tty();
    const kept: string[][] = [];
    const ed = tty.editor({ history: ["oldest", "newer"], onHistory: (lines) => kept.push(lines) });
    tty.type("\x1b[A\r", "\x1b[A\x1b[A\r", "fresh\r", " \r", "\r", "\x10\x10\r", "gone\x03", "\x1b[A\x1b[A\x1b[B!\r");
    const lines: (string | undefined)[] = [];
    for (let i = 0; i < 8; i++) lines.push(await ed.readLine("% "));
    expect(lines).toEqual(["newer", "oldest", "fresh", " ", "", "oldest", "", "oldest!"]);
    expect(kept).toEqual([["newer", "oldest"], ["newer", "oldest", "fresh"], ["newer", "fresh", "oldest"], ["newer", "fresh", "oldest", "oldest!"]]);
  });

  it("completes words, lists what there is, and waits with later keys", async () => {
    const tty = new Tty();
    const asked: [string, number][] = [];
    const words = ["mount", "mounted", "more"];
    const ed = tty.editor({
      async complete(line, cursor) {
        asked.push([line, cursor]);
        await new Promise((resolve) => setTimeout(resolve, 5));
        const start = line.lastIndexOf(" ", cursor - 1) + 1;
        return { start, candidates: words.filter((w) => w.startsWith(line.slice(start, cursor))) };
      },
    });
    tty.type("x mou\t", "ed -a\r");
    expect(await ed.readLine("% ")).toBe("x mounted -a");
    expect(asked).toEqual([["x mou", 5]]);
    tty.type("m\t", "\t", "r", "\t", "\r");
    expect(await ed.readLine("% ")).toBe("more");
    expect(tty.shown).toMatch(/mount\s+mounted\s+more/);
    // A Tab inside a paste is a Tab.
    tty.type("a\tb\r");
    expect(await ed.readLine("% ")).toBe("a\tb");
    tty.type("mor x\x1b[D\x1b[D", "\t", "\r");
    expect(await ed.readLine("% ")).toBe("more x");
  });

  it("survives a completion that fails, and one that never answers", async () => {
    const tty = new Tty();
    let calls = 0;
    const ed = tty.editor({ complete: () => (calls++ === 0 ? Promise.reject(new Error("no")) : new Promise(() => {})) });
    tty.type("a\t", "b\r");
    expect(await ed.readLine("% ")).toBe("ab");
    tty.type("a\t", "lost", "\x03kept\r");
    expect(await ed.readLine("% ")).toBe("");
    expect(await ed.readLine("% ")).toBe("kept");
    tty.type("z\t");
    await expect(ed.readLine("% ", AbortSignal.timeout(20))).rejects.toMatchObject({ errno: errno.EINTR });
    tty.type("ok\r");
    expect(await ed.readLine("% ")).toBe("ok");
  });

  it("is interrupted by its signal, and loses nothing typed later", async () => {
    const tty = new Tty();
    const ed = tty.editor();
    const controller = new AbortController();
    const line = ed.readLine("% ", controller.signal);
    tty.type("half");
    setTimeout(() => controller.abort(), 10);
    await expect(line).rejects.toMatchObject({ message: "interrupted", errno: errno.EINTR });
    expect(tty.raw).toBe(false);
    tty.type("whole\r");
    expect(await ed.readLine("% ")).toBe("whole");
    await expect(ed.readLine("% ", AbortSignal.abort())).rejects.toMatchObject({ errno: errno.EINTR });
  });

  it("keeps what a read brings that no abort has stopped", async () => {
    const tty = new Tty();
    const typed = later<Uint8Array>();
    const ed = tty.editor({ read: () => typed.promise });
    await expect(ed.readLine("% ", AbortSignal.timeout(5))).rejects.toMatchObject({ errno: errno.EINTR });
    typed.resolve(Buffer.from("late\r"));
    expect(await ed.readLine("% ")).toBe("late");
  });

  it("tells of a terminal that is gone", async () => {
    const tty = new Tty();
    await expect(tty.editor({ read: gone }).readLine("% ")).rejects.toThrow("hungup");
    expect(tty.raw).toBe(false);
    await expect(tty.editor({ write: gone }).readLine("% ")).rejects.toThrow("hungup");
    await expect(tty.editor({ setRaw: gone }).readLine("% ")).rejects.toThrow("hungup");
  });

  it("closes", async () => {
    const tty = new Tty();
    const ed = tty.editor();
    const line = ed.readLine("% ");
    await new Promise((resolve) => setTimeout(resolve, 5));
    ed.close();
    expect(await line).toBeUndefined();
    expect(await ed.readLine("% ")).toBeUndefined();
    const idle = tty.editor();
    idle.close();
    expect(await idle.readLine("% ")).toBeUndefined();
  });

  it("reads one line at a time", async () => {
    const tty = new Tty();
    const ed = tty.editor();
    const line = ed.readLine("% ");
    await expect(ed.readLine("% ")).rejects.toThrow("already");
    tty.type("x\r");
    expect(await line).toBe("x");
  });
});
