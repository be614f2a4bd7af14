import { describe, expect, it } from "vitest";
import { Tty } from "../../clients/tty.ts";
import { decodeUtf8, NineError } from "../../proto/index.ts";

const encoder = new TextEncoder();
const never = new AbortController().signal;

class Screen {
  readonly notes: string[] = [];
  private readonly bytes: number[] = [];
  readonly tty: Tty;

  constructor() {
    this.tty = new Tty({ write: (data) => void this.bytes.push(...data), note: (note) => void this.notes.push(note) });
  }

  get shown(): string {
    return decodeUtf8(Uint8Array.from(this.bytes), 0, this.bytes.length);
  }

  type(keys: string | Uint8Array): void {
    this.tty.type(typeof keys === "string" ? encoder.encode(keys) : keys);
  }

  async read(): Promise<string> {
    const data = await this.tty.read(never);
    return decodeUtf8(data, 0, data.length);
  }

  /** What is there to be read without waiting; undefined for nothing. */
  async ready(): Promise<string | undefined> {
    const stop = new AbortController();
    const reading = this.tty.read(stop.signal);
    stop.abort(new NineError("interrupted"));
    return reading.then((d) => decodeUtf8(d, 0, d.length), () => undefined);
  }
}

/** What a line reads as after these keys and Enter, and what the terminal shows. */
async function line(keys: string): Promise<{ read: string; shown: string }> {
  const s = new Screen();
  s.type(`${keys}\r`);
  return { read: await s.read(), shown: s.shown };
}

describe("a cooked line", () => {
  it.each([
    ["", "\n", "\n"],
    ["ls -l", "ls -l\n", "ls -l\n"],
    ["a\tb", "a\tb\n", "a\tb\n"],
    // Erase: DEL and ^H.
    ["ab\x7fc", "ac\n", "ab\b \bc\n"],
    ["ab\bc", "ac\n", "ab\b \bc\n"],
    ["\x7f\x7fa", "a\n", "a\n"],
    // A control character is shown in two columns, and erased from both.
    ["a\x01\x7fb", "ab\n", "a^A\b \b\b \bb\n"],
    ["\x1b[A", "\x1b[A\n", "^[[A\n"],
    // Kill.
    ["abc\x15d", "d\n", "abc\b \b\b \b\b \bd\n"],
    ["\x15d", "d\n", "d\n"],
    // Word erase takes the blanks behind the word too.
    ["ab cd\x17e", "ab e\n", "ab cd\b \b\b \be\n"],
    ["ab cd  \x17e", "ab e\n", "ab cd  \b \b\b \b\b \b\b \be\n"],
    ["ab\x17\x17c", "c\n", "ab\b \b\b \bc\n"],
  ])("%j reads %j", async (keys, read, shown) => {
    expect(await line(keys)).toEqual({ read, shown });
  });

  it("erases a character of several bytes at once", async () => {
    for (const c of ["é", "語", "😀"]) expect(await line(`a${c}\x7fb`)).toEqual({ read: "ab\n", shown: `a${c}\b \bb\n` });
    const s = new Screen();
    // Typed a byte at a time, as a slow line may bring it.
    for (const b of encoder.encode("xé\x7f\r")) s.type(Uint8Array.of(b));
    expect(await s.read()).toBe("x\n");
  });

  it("a newline ends it as well as Enter", async () => {
    const s = new Screen();
    s.type("a\nb\n");
    expect([await s.read(), await s.read()]).toEqual(["a\n", "b\n"]);
  });

  it("^D gives what stands there, and on an empty line an end of file, once", async () => {
    const s = new Screen();
    s.type("ab\x04c\x04\x04d\r");
    expect([await s.read(), await s.read(), await s.read(), await s.read()]).toEqual(["ab", "c", "", "d\n"]);
    expect(s.shown).toBe("abcd\n");
    expect(await s.ready()).toBeUndefined();
  });

  it("^D gives a waiting reader what stands there", async () => {
    const s = new Screen();
    const reading = s.read();
    s.type("ab");
    s.type("\x04");
    expect(await reading).toBe("ab");
  });

  it("^C interrupts at once, and throws the line away, not the lines before", async () => {
    const s = new Screen();
    s.type("one\rtwo\x03");
    expect(s.notes).toEqual(["interrupt"]);
    s.type("three\r");
    expect([await s.read(), await s.read()]).toEqual(["one\n", "three\n"]);
    expect(s.shown).toBe("one\ntwo^C\nthree\n");
  });

  it("^Z and ^\\ are notes as well", async () => {
    const s = new Screen();
    s.type("one\x1atwo\x1cthree\r");
    expect([s.notes, await s.read(), s.shown]).toEqual([["stop", "quit"], "three\n", "one^Z\ntwo^\\\nthree\n"]);
  });

  it("an endless line does not grow: what passes the limit is not taken, and Enter still ends it", async () => {
    const s = new Screen();
    for (let i = 0; i < 70; i++) s.type("x".repeat(1024));
    s.type("\r");
    expect((await s.read()).length).toBe(65537);
  });

  it("type-ahead that nobody reads is bounded in bytes", async () => {
    const s = new Screen();
    for (let i = 0; i < 200; i++) s.type(`${"y".repeat(1023)}\r`);
    let n = 0;
    for (let got = await s.ready(); got !== undefined; got = await s.ready()) n += got.length;
    expect(n).toBeGreaterThan(60_000);
    expect(n).toBeLessThanOrEqual(65_536 + 1024);
    // And then it listens again; the interrupt key always acted.
    s.type("\x03z\r");
    expect([s.notes, await s.read()]).toEqual([["interrupt"], "z\n"]);
  });
});

describe("readers", () => {
  it("type-ahead is kept for whoever reads next", async () => {
    const s = new Screen();
    s.type("a\rb\rc");
    expect([await s.read(), await s.read(), await s.ready()]).toEqual(["a\n", "b\n", undefined]);
    s.type("\r");
    expect(await s.read()).toBe("c\n");
  });

  it("an interrupted read takes nothing", async () => {
    const s = new Screen();
    const stop = new AbortController();
    const reading = s.tty.read(stop.signal);
    s.type("ab");
    stop.abort(new NineError("interrupted"));
    await expect(reading).rejects.toThrow("interrupted");
    s.type("c\r");
    expect(await s.read()).toBe("abc\n");
    await expect(s.tty.read(stop.signal)).rejects.toThrow("interrupted");
  });

  it("when the terminal is gone, what was typed is read and then the end of file for ever", async () => {
    const s = new Screen();
    s.type("a\r");
    s.tty.end();
    expect([await s.read(), await s.read(), await s.read()]).toEqual(["a\n", "", ""]);
    const t = new Screen();
    const reading = t.read();
    t.tty.end();
    expect(await reading).toBe("");
  });
});

describe("raw", () => {
  it("gives bytes as they come, without echo, ^C and ^D too", async () => {
    const s = new Screen();
    s.tty.setRaw(true);
    s.type("a\x03");
    s.type("\x04\r");
    expect([await s.read(), await s.read()]).toEqual(["a\x03", "\x04\r"]);
    expect([s.shown, s.notes]).toEqual(["", []]);
  });

  it("keeps bytes that are no text as they are", async () => {
    const s = new Screen();
    s.tty.setRaw(true);
    const keys = Uint8Array.of(0, 0xff, 0xc3);
    s.type(keys);
    keys.fill(1);
    expect(await s.tty.read(never)).toEqual(Uint8Array.of(0, 0xff, 0xc3));
  });

  it("a line begun cooked is handed over, and back in cooked mode a new one begins", async () => {
    const s = new Screen();
    s.type("ab");
    s.tty.setRaw(true);
    expect(await s.read()).toBe("ab");
    s.type("x");
    s.tty.setRaw(true);
    s.tty.setRaw(false);
    s.type("\x7fcd\r");
    expect([await s.read(), await s.read()]).toEqual(["x", "cd\n"]);
    expect(s.shown).toBe("abcd\n");
  });

  it("lines typed ahead are there for a raw reader", async () => {
    const s = new Screen();
    s.type("one\rtw");
    s.tty.setRaw(true);
    s.type("o");
    expect([await s.read(), await s.read(), await s.read()]).toEqual(["one\n", "tw", "o"]);
  });
});
