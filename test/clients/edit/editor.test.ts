/** The line editor as somebody at a terminal has it: keys in, the rows of the screen and the command out. */
import { describe, expect, it } from "vitest";
import { entriesOf, entryLine, History } from "../../../clients/edit/index.ts";
import { errno, NineError } from "../../../proto/index.ts";
import { Typist } from "../../support/typist.ts";

const UP = "\x1b[A";
const DOWN = "\x1b[B";
const LEFT = "\x1b[D";
const RIGHT = "\x1b[C";
const paste = (text: string): string => `\x1b[200~${text}\x1b[201~`;

function gone(): Promise<never> {
  return Promise.reject(new NineError("i/o on hungup channel"));
}

describe("keys", () => {
  // As Emacs and readline have them. What is typed before Enter, and the command.
  it.each([
    ["", ""],
    ["abc\x7fd", "abd"], ["abc\bd", "abd"], ["\x7fa", "a"],
    ["bc\x01a", "abc"], ["bc\x1b[Ha", "abc"], ["bc\x1b[1~a", "abc"], ["bc\x1bOHa", "abc"],
    ["ab\x01\x05c", "abc"], ["ab\x01\x1b[Fc", "abc"], ["ab\x01\x1b[4~c", "abc"],
    ["ab\x02x", "axb"], [`ab${LEFT}${LEFT}x${RIGHT}y`, "xayb"], ["ab\x1bOD\x1bODx\x1bOCy", "xayb"], ["ab\x01\x06x", "axb"],
    ["ab\x01\x04c", "cb"], ["ab\x01\x1b[3~c", "cb"],
    ["one two\x1bbx", "one xtwo"], ["one two\x01\x1bfx", "onex two"], ["one/two.c\x1bb\x1bbx", "one/xtwo.c"],
    ["one two\x1b[1;5Dx", "one xtwo"], ["one two\x1b[1;3Dx", "one xtwo"], ["one two\x01\x1b[1;5Cx", "onex two"], ["one two\x1b\x1b[Dx", "one xtwo"],
    ["one two\x17three", "one three"], ["one t/o  \x17x", "one x"], ["one t/o\x1b\x7fx", "one t/x"], ["one t/o\x1b\bx", "one t/x"],
    ["one two\x01\x1bdx", "x two"], ["a b\x02\x0bx", "a x"], ["a b\x02\x15x", "xb"],
    ["one two\x17\x19\x19", "one twotwo"], ["a b c\x17\x17\x19", "a b c"], ["a b c\x01\x1bd\x1bd\x05\x19", " ca b"],
    ["a\x15b\x15\x19\x1by", "a"], ["a\x15b\x15\x19\x1by\x1by", "b"], ["x\x1by", "x"], ["\x19x", "x"],
    ["ab\x14", "ba"], ["abc\x02\x14", "acb"], ["a\x14b", "ab"], ["one two\x1bt", "two one"], ["one two three\x01\x1bf\x1bf\x1bt", "one three two"],
    ["one two\x01\x1bu", "ONE two"], ["ONE two\x01\x1bl", "one two"], ["one two\x01\x1bc\x1bc", "One Two"],
    ["one two\x1f", ""], ["one two\x17\x1f", "one two"], ["a\x1f\x1f\x1f", ""], ["a\x17\x1fb", "ab"], ["one\x17two\x1f\x1f", "one"],
    ["b\x1b<a\x1b>c", "abc"],
    ["a\x16\x01b", "a\x01b"], ["a\x16\tb", "a\tb"], ["a\x16\x1b[Ab", "a\x1b[Ab"], ["a\x16\x16b", "a\x16b"],
    // Not known, and not text.
    ["a\x1b[15~b\x1b[1;9Zc\x1b[?1;2cd\x1bOPe\x1b[[Af\x1b[<0;1;1Mg", "abcdefg"], ["a\x1axb\x11c", "axbc"], ["a\x1bzb\x1b\x1bc", "ab"], ["a\x1b[Ib\x1b[Oc", "abc"], ["a\x1b]b", "ab"],
    // A sequence that a key of its own breaks off.
    ["ab\x1b[1\x01c", "cab"],
    ["grün €\x7f😀", "grün 😀"], ["e\u0301x\x7f\x7fa", "a"], ["日本\x02\x7fx", "x本"], ["\x01e\u0301\x02x", "xe\u0301"],
  ])("%j is %j", async (keys, command) => {
    const bytes = new TextEncoder().encode(`${keys}\r`);
    for (const chunks of [[bytes], Array.from(bytes, (b) => Uint8Array.of(b))]) {
      const t = new Typist();
      t.type(...chunks);
      expect(await t.line()).toBe(command);
    }
  });

  it("a byte that is no text stays what it is, and is shown as what it is", async () => {
    const t = new Typist();
    const line = t.line();
    await t.keys(Uint8Array.of(0x61, 0xff, 0xc3, 0x28, 0x62));
    expect(t.screen.rows).toEqual(["% a\\xff\\xc3(b"]);
    t.type("\r");
    expect(await line).toBe("a\udcff\udcc3(b");
  });

  it("Enter is CR, LF, or both at once", async () => {
    const t = new Typist();
    t.type("one\rtwo\nthree\r\nfour\n\nsix\r\rei", "ght\r", "nine\r", "\nten\r");
    for (const want of ["one", "two", "three", "four", "", "six", "", "eight", "nine", "ten"]) expect(await t.line()).toBe(want);
  });
});

describe("the terminal", () => {
  it("is raw, and brackets what is pasted, while a line is read", async () => {
    const t = new Typist();
    const line = t.line();
    await t.keys("ls", " -l");
    expect([t.raw, t.screen.brackets]).toEqual([true, true]);
    expect(t.screen.rows).toEqual(["% ls -l"]);
    t.type("\r");
    expect(await line).toBe("ls -l");
    expect([t.raw, t.screen.brackets]).toEqual([false, false]);
    expect(t.screen.cursor).toEqual({ row: 1, col: 0 });
    expect(t.log).toEqual(["raw", "cooked"]);
  });

  it("keeps output that has no newline at its end, and marks it", async () => {
    for (const before of ["", "out", "x".repeat(79), "x".repeat(80), "x".repeat(81), "日"]) {
      const t = new Typist();
      await t.screen.write(before);
      void t.ask();
      await t.keys("ls");
      const rows = before === "" ? [] : before.length === 80 ? [before] : before.length < 80 ? [`${before}%`] : [before.slice(0, 80), `${before.slice(80)}%`];
      expect(t.screen.rows).toEqual([...rows, "% ls"]);
    }
  });

  it("shows control characters, wide and combining ones, and tabs in their columns", async () => {
    const t = new Typist();
    void t.ask();
    await t.keys("a\x16\x01b\x16\tc日e\u0301😀x");
    expect(t.screen.rows).toEqual(["% a^Ab  c日e\u0301😀x"]);
    expect(t.screen.cursor.col).toBe(2 + 6 + 1 + 2 + 1 + 2 + 1);
    await t.keys("\x02", "\x02", "\x02");
    expect(t.screen.cursor.col).toBe(2 + 6 + 1 + 2);
  });

  it("counts a prompt's colours as no columns", async () => {
    const t = new Typist(10);
    void t.ask({ prompt: "\x1b[1;31mab\x1b[0m% \x1b]0;title\x07" });
    await t.keys("12345678");
    expect(t.screen.rows).toEqual(["ab% 123456", "78"]);
    await t.keys("\x01x");
    expect(t.screen.rows).toEqual(["ab% x12345", "678"]);
    expect(t.screen.cursor).toEqual({ row: 0, col: 5 });
  });

  it("a prompt of two lines", async () => {
    const t = new Typist();
    void t.ask({ prompt: "where\n% " });
    await t.keys("ls");
    expect(t.screen.rows).toEqual(["where", "% ls"]);
    await t.keys("\x01x");
    expect(t.screen.rows).toEqual(["where", "% xls"]);
  });

  it("of no size, and of one column", async () => {
    for (const [cols, rows] of [[0, 0], [1, 1], [1, 5], [2, 1], [3, 2]] as const) {
      const t = new Typist(cols, rows);
      t.type("ab日本\x01\x06x{\r\x05}\r");
      expect(await t.line()).toBe("ax{\nb日本}");
    }
  });

  it("C-l clears it", async () => {
    const t = new Typist();
    await t.screen.write("before\r\n");
    void t.ask();
    await t.keys("one", "\x0c");
    expect(t.screen.rows).toEqual(["% one"]);
    expect(t.screen.cursor).toEqual({ row: 0, col: 5 });
  });
});

describe("a command of several lines", () => {
  it("goes on below, and is one command", async () => {
    const t = new Typist();
    const line = t.line();
    await t.keys("for(i in a){\r", "echo $i\r", "}");
    expect(t.screen.rows).toEqual(["% for(i in a){", "> echo $i", "> }"]);
    t.type("\r");
    expect(await line).toBe("for(i in a){\necho $i\n}");
    expect(t.history.entries).toEqual(["for(i in a){\necho $i\n}"]);
    expect(t.screen.cursor).toEqual({ row: 3, col: 0 });
  });

  it("is recalled and edited as one", async () => {
    const t = new Typist();
    t.type("{\recho a\r}\r", "ls\r");
    await t.line();
    await t.line();
    const line = t.line();
    await t.keys(UP, UP, UP, "\x05b");
    expect(t.screen.rows.slice(-3)).toEqual(["% {", "> echo ab", "> }"]);
    await t.keys("\x1b\rc", DOWN, DOWN, DOWN, "x", UP, UP, UP);
    expect(t.screen.rows.slice(-4)).toEqual(["% {", "> echo ab", "> c", "> }"]);
    t.type("\r");
    expect(await line).toBe("{\necho ab\nc\n}");
  });

  it("C-c drops all of it, C-d ends it as it is", async () => {
    const t = new Typist();
    t.type("{\rx\r\x03", "{\r\x04", "\x04");
    expect(await t.ask()).toEqual({ kind: "dropped" });
    expect(t.screen.rows).toEqual(["% {", "> x", "> ^C"]);
    expect(await t.ask()).toEqual({ kind: "end", text: "{\n" });
    expect(await t.ask()).toEqual({ kind: "end", text: "" });
    expect(t.history.entries).toEqual([]);
  });

  it("that is higher than the screen is seen around the cursor", async () => {
    const t = new Typist(20, 4);
    const line = t.line();
    for (const line of ["{\r", "1\r", "2\r", "3\r", "4\r", "5\r", "6"]) await t.keys(line);
    expect(t.screen.rows).toEqual(["> 3", "> 4", "> 5", "> 6"]);
    expect(t.screen.all).toEqual(["% {", "> 1", "> 2", "> 3", "> 4", "> 5", "> 6"]);
    for (let i = 0; i < 4; i++) await t.keys(UP);
    expect(t.screen.rows).toEqual(["> 2", "> 3", "> 4", "> 5"]);
    await t.keys("\x1b<x");
    expect(t.screen.rows).toEqual(["% x{", "> 1", "> 2", "> 3"]);
    await t.keys("\x1b>\r}");
    expect(t.screen.rows).toEqual(["> 4", "> 5", "> 6", "> }"]);
    t.type("\r");
    expect(await line).toBe("x{\n1\n2\n3\n4\n5\n6\n}");
  });
});

describe("pasted text", () => {
  it("is text, with its newlines and whatever else is in it, until Enter", async () => {
    const t = new Typist();
    const line = t.line();
    await t.keys("a ", paste("one\ntwo\r\nthree\rx\ty\x03\x04\x1b[A"), "!");
    expect(t.screen.rows).toEqual(["% a one", "> two", "> three", "> x     y^C^D^[[A!"]);
    t.type("\r");
    expect(await line).toBe("a one\ntwo\nthree\nx\ty\x03\x04\x1b[A!");
  });

  it("comes in pieces of any size, and is undone at once", async () => {
    const bytes = new TextEncoder().encode(`x ${paste("é\r\n\x1b[20日\r")}y\r`);
    for (const size of [1, 2, 3, 5, 7]) {
      const t = new Typist();
      for (let i = 0; i < bytes.length; i += size) t.type(bytes.slice(i, i + size));
      expect(await t.line()).toBe("x é\n\x1b[20日\ny");
    }
    const t = new Typist();
    t.type("a", paste("b\nc"), "\x1f\r");
    expect(await t.line()).toBe("a");
  });

  it("10,000 lines in brackets: painted once, however they come", async () => {
    const text = Array.from({ length: 10_000 }, (_, i) => `echo ${i}`).join("\n");
    const t = new Typist();
    t.type(...`\x1b[200~${text.replaceAll("\n", "\r")}\x1b[201~`.match(/[^\r]*\r?/gs) ?? []);
    t.type("\r");
    expect(await t.line()).toBe(text);
    expect(t.screen.written).toBeLessThan(20_000);
    expect(t.screen.rows.at(-1)).toBe("> echo 9999");
  });

  it("10,000 lines of one command without brackets: bytes in proportion", async () => {
    const counts: number[] = [];
    for (const n of [1000, 10_000]) {
      const t = new Typist();
      t.type("{\r", ...Array.from({ length: n }, (_, i) => `echo ${i}\r`), "}\r");
      expect((await t.line()).split("\n").length).toBe(n + 2);
      counts.push(t.screen.written);
    }
    expect(counts[1]! / counts[0]!).toBeLessThan(12);
  });

  it("10,000 commands without brackets: each is read, in order, none lost", async () => {
    let written = 0;
    const t = new Typist(80, 24, { write: async (data) => void (written += data.length) });
    t.type(...Array.from({ length: 10_000 }, (_, i) => `echo ${i}\r`));
    for (let i = 0; i < 10_000; i++) expect(await t.line()).toBe(`echo ${i}`);
    expect(written).toBeLessThan(10_000 * 200);
  });
});

describe("history", () => {
  it("goes back and forth, and what was begun is there at its end", async () => {
    const t = new Typist(80, 24, { history: new History({ load: () => ["oldest", "newer"], append: () => undefined }) });
    t.type(`${UP}\r`, `${UP}${UP}\r`, "fresh\r", " \r", "\r", "\x10\x10\r", `gone${UP}${UP}x${DOWN}${DOWN}!\r`, `${UP}${UP}y${DOWN}${UP}\r`, `\x1b<\x1b<\x1b<\r`);
    const lines: string[] = [];
    for (let i = 0; i < 9; i++) lines.push(await t.line());
    expect(lines).toEqual(["newer", "oldest", "fresh", " ", "", "oldest", "gone!", "oldesty", "oldest"]);
    expect(t.history.entries).toEqual(["oldest", "newer", "oldest", "fresh", "oldest", "gone!", "oldesty", "oldest"]);
  });

  it("keeps no blank line, none that begins with a blank, none twice in a row; tells the store", () => {
    const kept: string[] = [];
    const history = new History({ load: () => [], append: (entry) => kept.push(entry) });
    for (const line of ["a", "a", " b", "\tc", "", "  ", "d\ne", "a"]) history.add(line);
    expect(kept).toEqual(["a", "d\ne", "a"]);
    expect(history.entries).toEqual(kept);
  });

  it("has a form in a file", () => {
    const entries = ["plain", "two\nlines", "back\\slash\\n", "\\", "日本 \x01", "a\n\nb\\"];
    expect(entriesOf(entries.map(entryLine).join(""))).toEqual(entries);
    expect(entriesOf(`ok\n\n\0bad\0\nhalf\\x\n${"x".repeat(200_000)}\nlast`)).toEqual(["ok", "half\\x", "last"]);
  });

  it("C-r searches back, C-s forth, C-g gives up, and other keys go on with what was found", async () => {
    const t = new Typist(80, 24, { history: new History({ load: () => ["echo one", "ls -l", "echo two", "cat one"], append: () => undefined }) });
    const line = t.line();
    await t.keys("begun", "\x12", "one");
    expect(t.screen.rows).toEqual(["(reverse-i-search)`one': cat one"]);
    expect(t.screen.cursor.col).toBe("(reverse-i-search)`one': cat ".length);
    await t.keys("\x12");
    expect(t.screen.rows).toEqual(["(reverse-i-search)`one': echo one"]);
    await t.keys("\x12");
    expect(t.screen.rows).toEqual(["(failed reverse-i-search)`one': echo one"]);
    await t.keys("\x7f");
    await t.keys("\x13");
    expect(t.screen.rows).toEqual(["(i-search)`one': cat one"]);
    await t.keys("\x07");
    expect(t.screen.rows).toEqual(["% begun"]);
    await t.keys("\x15", "\x12", "tw", "\x7f", "\x7f", "ls", "\x05", "x");
    expect(t.screen.rows).toEqual(["% ls -lx"]);
    t.type("\r");
    expect(await line).toBe("ls -lx");
    t.type("\x12two\r");
    expect(await t.line()).toBe("echo two");
    // The one before again.
    t.type("\x12on\x12\x12\r");
    expect(await t.line()).toBe("echo one");
    t.type("\x12\x12\x03");
    expect(await t.ask()).toEqual({ kind: "dropped" });
  });

  it("M-. brings the last word, and again that of the one before", async () => {
    const t = new Typist();
    t.type("mv a 'b c'\r", "ls\r", "cat d/e \r");
    for (let i = 0; i < 3; i++) await t.line();
    t.type("p \x1b.\r", "p \x1b.\x1b.\x1b.\x1b.!\r");
    expect(await t.line()).toBe("p d/e");
    expect(await t.line()).toBe("p 'b c'!");
  });
});

describe("resize", () => {
  it.each([
    ["wider", 20, 40], ["narrower", 40, 20], ["much narrower", 60, 7], ["as narrow as can be", 30, 3],
  ])("%s, in the middle of a line", async (_, from, to) => {
    const t = new Typist(from, 24);
    await t.screen.write("before\r\n");
    void t.ask();
    const text = "echo the quick brown fox jumps over";
    await t.keys(text, "\x02\x02");
    await t.resize(to, 24);
    const shown = `% ${text}`;
    const rows = shown.match(new RegExp(`.{1,${to}}`, "g"))!.map((row) => row.trimEnd());
    expect(t.screen.rows.slice(-rows.length)).toEqual(rows.slice(-24));
    if (to > 3) expect(t.screen.rows[0]).toBe("before");
    await t.resize(from, 24);
    await t.keys("X");
    expect(t.screen.rows.slice(1).join("")).toBe(`% ${text.slice(0, -2)}X${text.slice(-2)}`);
  });

  it("of several lines", async () => {
    const t = new Typist(30, 10);
    await t.screen.write("before\r\n");
    void t.ask();
    await t.keys("{ echo the quick brown fox\recho jumps over the lazy dog\recho x", UP);
    await t.resize(12, 10);
    expect(t.screen.rows).toEqual(["before", "% { echo the", " quick brown", " fox", "> echo jumps", " over the la", "zy dog", "> echo x"]);
    await t.resize(60, 10);
    expect(t.screen.rows).toEqual(["before", "% { echo the quick brown fox", "> echo jumps over the lazy dog", "> echo x"]);
  });

  it("a terminal that does not tell where its cursor is", async () => {
    const t = new Typist(20, 10, { sleep: () => Promise.resolve() });
    void t.ask();
    await t.keys("echo");
    await t.resize(40, 10);
    await t.keys(" x");
    expect(t.screen.rows).toEqual(["% echo x"]);
  });
});

describe("completion", () => {
  const words = ["mount", "mounted", "more"];
  function complete(text: string, cursor: number): Promise<{ start: number; insert: string; names: string[] }> {
    const start = text.lastIndexOf(" ", cursor - 1) + 1;
    const names = words.filter((w) => w.startsWith(text.slice(start, cursor)));
    const common = names.length === 1 ? `${names[0]} ` : names.length === 0 ? "" : names.every((n) => n.startsWith("moun")) ? "mount" : "mo";
    return Promise.resolve({ start, insert: common, names });
  }

  it("common part first, the second Tab lists, a single one goes in", async () => {
    const t = new Typist();
    const line = t.line({ complete });
    await t.keys("x m\t");
    expect(t.screen.rows).toEqual(["% x mo"]);
    await t.keys("\t");
    expect(t.screen.rows).toEqual(["% x mo"]);
    await t.keys("\t");
    expect(t.screen.rows).toEqual(["% x mo", "mount    mounted  more", "% x mo"]);
    await t.keys("r", "\t", "y", LEFT, LEFT, "\t");
    expect(t.screen.rows.at(-1)).toBe("% x more  y");
    t.type("\r");
    expect(await line).toBe("x more  y");
  });

  it("asks before it lists many", async () => {
    const many = Array.from({ length: 300 }, (_, i) => `f\x1b[2J${i}`);
    const t = new Typist(80, 24);
    void t.ask({ complete: async () => ({ start: 0, insert: "f", names: many }) });
    await t.keys("f\t", "\t");
    expect(t.screen.rows.at(-1)).toBe("Display all 300 possibilities? (y or n)");
    await t.keys("n");
    expect(t.screen.rows.at(-1)).toBe("% f");
    await t.keys("\t", "\t", "y");
    // Nothing in a name is obeyed.
    expect(t.screen.all.filter((row) => row.includes("f^[[2J299")).length).toBe(1);
    expect(t.screen.rows.at(-1)).toBe("% f");
  });

  it("a Tab at the beginning of a line, or in what comes at once, is a Tab", async () => {
    const t = new Typist();
    t.type("\tmo\tx\r");
    expect(await t.line({ complete })).toBe("\tmo\tx");
  });

  it("holds nobody up: typing goes on, and what comes then comes too late", async () => {
    const t = new Typist(80, 24, { sleep: () => Promise.resolve() });
    const asked: { signal: AbortSignal; answer: (c: { start: number; insert: string; names: string[] }) => void }[] = [];
    const slow = (_: string, __: number, signal: AbortSignal): Promise<{ start: number; insert: string; names: string[] }> =>
      new Promise((answer) => asked.push({ signal, answer }));
    const line = t.line({ complete: slow });
    await t.keys("mo\t", "u", "n");
    expect(t.screen.rows).toEqual(["% moun"]);
    expect(asked[0]!.signal.aborted).toBe(true);
    asked[0]!.answer({ start: 0, insert: "more ", names: ["more"] });
    await t.keys("\t");
    expect([asked.length, asked[1]!.signal.aborted]).toEqual([2, false]);
    asked[1]!.answer({ start: 0, insert: "mount ", names: ["mount"] });
    await t.keys();
    expect(t.screen.rows).toEqual(["% mount"]);
    await t.keys("x\t", "\x03");
    expect(await line).toBe("dropped");
    expect(asked[2]!.signal.aborted).toBe(true);
  });

  it("survives one that fails", async () => {
    const t = new Typist();
    t.type("a\t", "b\r");
    expect(await t.line({ complete: () => Promise.reject(new Error("no")) })).toBe("ab");
  });
});

describe("what ends a line", () => {
  it("C-d, on an empty one only", async () => {
    const t = new Typist();
    t.type("a\x04\r", "\x04", "after\r");
    expect(await t.ask()).toEqual({ kind: "line", text: "a" });
    expect(await t.ask()).toEqual({ kind: "end", text: "" });
    expect(t.screen.cursor.col).toBe(0);
    expect(await t.line()).toBe("after");
  });

  it("C-c, and what follows it is the next", async () => {
    const t = new Typist();
    t.type("rm -rf\x03ls\r");
    expect(await t.ask()).toEqual({ kind: "dropped" });
    expect(t.screen.rows).toEqual(["% rm -rf^C"]);
    expect(await t.line()).toBe("ls");
  });

  it("the end of the input, then for ever", async () => {
    const t = new Typist();
    t.type("a\rlast");
    t.end();
    expect(await t.line()).toBe("a");
    expect(await t.ask()).toEqual({ kind: "end", text: "last" });
    expect(await t.ask()).toEqual({ kind: "end", text: "" });
    expect(await t.ask()).toEqual({ kind: "end", text: "" });
  });

  it("its signal, and nothing typed later is lost", async () => {
    const t = new Typist();
    const stop = new AbortController();
    const line = t.ask({}, stop.signal);
    await t.keys("half");
    stop.abort();
    await expect(line).rejects.toMatchObject({ message: "interrupted", errno: errno.EINTR });
    expect([t.raw, t.screen.brackets]).toEqual([false, false]);
    expect(t.screen.cursor).toEqual({ row: 1, col: 0 });
    t.type("whole\r");
    expect(await t.line()).toBe("whole");
    await expect(t.ask({}, AbortSignal.abort())).rejects.toMatchObject({ errno: errno.EINTR });
  });

  it("a read that no abort stops: what it brings is the next line's", async () => {
    let typed: (data: Uint8Array) => void = () => undefined;
    const t = new Typist(80, 24, { read: () => new Promise((resolve) => (typed = resolve)) });
    const stop = new AbortController();
    const line = t.ask({}, stop.signal);
    await t.keys();
    stop.abort();
    await expect(line).rejects.toMatchObject({ errno: errno.EINTR });
    const next = t.line();
    await t.keys();
    typed(new TextEncoder().encode("late\r"));
    expect(await next).toBe("late");
  });

  it("a terminal that is gone", async () => {
    await expect(new Typist(80, 24, { read: gone }).ask()).rejects.toThrow("hungup");
    await expect(new Typist(80, 24, { write: gone }).ask()).rejects.toThrow("hungup");
    await expect(new Typist(80, 24, { setRaw: gone }).ask()).rejects.toThrow("hungup");
    const t = new Typist(80, 24, { read: gone });
    await expect(t.ask()).rejects.toThrow("hungup");
    expect([t.raw, t.screen.brackets]).toEqual([false, false]);
  });

  it("one at a time", async () => {
    const t = new Typist();
    const line = t.line();
    await expect(t.ask()).rejects.toThrow("already");
    t.type("x\r");
    expect(await line).toBe("x");
  });
});
