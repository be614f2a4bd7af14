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
    if (args.operands.length > 1) await t.out.put(`${name}:\n`);
    // Of the string being read: its offset, its characters up to min, and its bytes while they are too few.
    let start = 0, chars = 0, held: Uint8Array[] = [];
    // What was not looked at yet, and the offset of what is.
    let cut: Uint8Array = new Uint8Array(0), base = 0;
    for (let ended = false; !ended;) {
      await t.out.flush();
      const data = await t.sys.read(fd);
      ended = data.length === 0;
      const text = cut.length > 0 ? join([cut, data]) : data;
      let at = 0, from = 0;
      while (at < text.length) {
        const r = rune(text, at, text.length), size = r & 7;
        if (printable(r >>> 3)) {
          if (chars === 0) {
            start = base + at;
            from = at;
          }
          if (chars < min && ++chars === min) {
            await t.out.put(`${String(start).padStart(8)}: `);
            for (const part of held) await t.out.put(part);
            held = [];
          }
        } else {
          // A character may go on in the next read.
          if (size === 1 && (text[at] ?? 0) >= 128 && !ended && text.length - at < 4) break;
          if (chars === min) {
            await t.out.put(text.subarray(from, at));
            await t.out.put("\n");
          }
          chars = 0;
          held = [];
        }
        at += size;
      }
      const rest = text.subarray(from, at);
      if (chars === min) await t.out.put(rest);
      else if (chars > 0) held.push(rest.slice());
      base += at;
      cut = text.subarray(at);
    }
    if (chars === min) await t.out.put("\n");
  });
});

/** ASCII from blank to tilde, and all above the no-break space. Neither bytes that are no UTF-8 nor what stands for them. */
function printable(c: number): boolean {
  return c < 0x7f ? c >= 0x20 : c > 0xa0 && c !== 0xfffd && (c < 0xdc80 || c > 0xdcff);
}
