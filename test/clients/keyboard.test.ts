import { describe, expect, it } from "vitest";
import { Keyboard } from "../../clients/keyboard.ts";
import { Tty } from "../../clients/tty.ts";
import { encode, NineError } from "../../proto/index.ts";

const decoder = new TextDecoder();

function typed(): { keyboard: Keyboard; notes: string[]; type: (keys: string) => void; read: () => Promise<string>; shown: () => string } {
  let shown = "";
  const notes: string[] = [];
  const keyboard = new Keyboard(new Tty({ write: (data) => (shown += decoder.decode(data)), note: (note) => notes.push(note) }));
  return {
    keyboard, notes, type: (keys) => keyboard.type(encode(keys)), shown: () => shown,
    read: async () => decoder.decode(await keyboard.read(new AbortController().signal)),
  };
}

describe("what nobody reads yet", () => {
  it("is echoed when a program reads it, a line at a time, and is that program's", async () => {
    const k = typed();
    k.type("on");
    k.type("e\rtwo\rth");
    expect(k.shown()).toBe("");
    expect(await k.read()).toBe("one\n");
    expect(k.shown()).toBe("one\n");
    expect(await k.read()).toBe("two\n");
    const third = k.read();
    expect(k.shown()).toBe("one\ntwo\nth");
    k.type("x\x7free\rfour\r");
    expect(await third).toBe("three\n");
    expect(k.shown()).toBe("one\ntwo\nthx\b \bree\n");
  });

  it("is not echoed at all when an editor reads it, raw, a line at a time", async () => {
    const k = typed();
    k.type("ls\x7f\x04\x1b[A\r\ncat\rmore");
    k.keyboard.setRaw(true);
    expect([await k.read(), await k.read(), await k.read()]).toEqual(["ls\x7f\x04\x1b[A\r\n", "cat\r", "more"]);
    expect(k.shown()).toBe("");
  });

  it("behind a line that was read raw is left to a program that reads cooked", async () => {
    const k = typed();
    k.keyboard.setRaw(true);
    k.type("cat\rfoo\r\n\x04ls\r");
    expect(await k.read()).toBe("cat\r");
    k.keyboard.setRaw(false);
    expect([await k.read(), await k.read()]).toEqual(["foo\n", ""]);
    k.keyboard.setRaw(true);
    expect(await k.read()).toBe("ls\r");
    expect(k.shown()).toBe("foo\n");
  });

  it("10,000 lines of it: none is lost", async () => {
    const k = typed();
    const lines = Array.from({ length: 10_000 }, (_, i) => `echo ${i} ${"x".repeat(i % 50)}`);
    for (let at = 0, all = lines.join("\r") + "\r"; at < all.length; at += 4096) k.type(all.slice(at, at + 4096));
    let got = "";
    while (got.split("\n").length <= 10_000) got += await k.read();
    expect(got).toBe(`${lines.join("\n")}\n`);
  });
});

describe("the keys of notes", () => {
  it("act at once, and what was typed before them goes", async () => {
    const k = typed();
    k.type("one\rtwo\x03three\r");
    expect([k.notes, k.shown()]).toEqual([["interrupt"], "^C\n"]);
    expect(await k.read()).toBe("three\n");
    k.type("a\x1ab\x1cc\x03");
    expect(k.notes).toEqual(["interrupt", "stop", "quit", "interrupt"]);
    k.type("left\r");
    expect(await k.read()).toBe("left\n");
  });

  it("end the line that somebody reads", async () => {
    const k = typed();
    const line = k.read();
    k.type("abc\x03def\r");
    expect(await line).toBe("def\n");
    expect(k.shown()).toBe("abc^C\ndef\n");
  });

  it("are keys like others when typed raw, and notes when nobody has taken them by the time it is cooked", async () => {
    const k = typed();
    k.keyboard.setRaw(true);
    k.type("a\x03b\rsleep\x03x");
    expect(await k.read()).toBe("a\x03b\r");
    expect(k.notes).toEqual([]);
    k.keyboard.setRaw(false);
    expect(k.notes).toEqual(["interrupt"]);
    const rest = k.read();
    k.type("\r");
    expect(await rest).toBe("x\n");
  });
});

it("an interrupted read takes nothing; a terminal that is gone gives what was typed, and then its end", async () => {
  const k = typed();
  const stop = new AbortController();
  const reading = k.keyboard.read(stop.signal);
  stop.abort(new NineError("interrupted"));
  await expect(reading).rejects.toThrow("interrupted");
  k.type("a\rb\r");
  k.keyboard.end();
  expect([await k.read(), await k.read(), await k.read(), await k.read()]).toEqual(["a\n", "b\n", "", ""]);
});
