/** strings(1): the printable strings of binary files, each with its offset. A string of any length is written as it is read. */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { join, rune } from "./lib/bytes.ts";
import { eachInput, tool } from "./lib/tool.ts";

export const strings: Program = tool("strings", "[-m min] [file ...]", async (t, words) => {
  const args = parseArgs(words, "m:");
  const min = args.count("m") ?? 6;
  if (min < 1) throw new Usage();
  await eachInput(t, args.operands, async (fd, name) => {
    if (args.operands.length > 1) await t.out.put(`${t.shown(name)}:\n`);
    // Of the string being read: its offset, its characters, and its bytes while they are too few.
    let start = 0, chars = 0, held: Uint8Array[] = [];
    // What was not looked at yet, and the offset of what is.
    let cut: Uint8Array = new Uint8Array(0), base = 0;
    for (let ended = false; !ended;) {
      await t.out.flush();
      const data = await t.sys.read(fd);
      ended = data.length === 0;
      const text = cut.length > 0 ? join([cut, data]) : data;
      let at = 0;
      while (at < text.length) {
        const string = span(text, at, true);
        if (string.end > at) {
          if (chars === 0) start = base + at;
          const begins = chars < min;
          chars += string.chars;
          const part = text.subarray(at, string.end);
          if (chars < min) held.push(part.slice());
          else {
            if (begins) await t.out.put(`${String(start).padStart(8)}: `);
            for (const before of held) await t.out.put(before);
            held = [];
            await t.out.put(part);
          }
          at = string.end;
        }
        // A character may go on in the next read.
        if (at === text.length || (!ended && isCut(text, at))) break;
        if (chars >= min) await t.out.put("\n");
        chars = 0;
        held = [];
        at = span(text, at, false).end;
      }
      base += at;
      cut = text.subarray(at);
    }
    if (chars >= min) await t.out.put("\n");
  });
});

/** Where the printable characters from there on end, or those that are not; and how many they are. */
function span(text: Uint8Array, at: number, wanted: boolean): { end: number; chars: number } {
  let chars = 0;
  for (; at < text.length; chars++) {
    let c = text[at]!, size = 1;
    if (c >= 128) {
      const r = rune(text, at, text.length);
      c = r >>> 3;
      size = r & 7;
    }
    if (printable(c) !== wanted || (chars > 0 && !wanted && isCut(text, at))) break;
    at += size;
  }
  return { end: at, chars };
}

/** Whether the text ends within the character at `at`, as far as can be known. */
function isCut(text: Uint8Array, at: number): boolean {
  return text.length - at < 4 && text[at]! >= 128 && (rune(text, at, text.length) & 7) === 1;
}

/** ASCII from blank to tilde, and all above the no-break space. Neither bytes that are no UTF-8 nor what stands for them. */
function printable(c: number): boolean {
  return c < 0x7f ? c >= 0x20 : c > 0xa0 && c !== 0xfffd && (c < 0xdc80 || c > 0xdcff);
}
