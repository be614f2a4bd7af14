/** wc(1): counts lines, words, runes, bytes that are not UTF-8, and bytes. */
import type { Program } from "../../kernel/sys.ts";
import { parseArgs } from "./lib/args.ts";
import { countLines } from "./lib/lines.ts";
import { eachInput, tool } from "./lib/tool.ts";
import { rune } from "./lib/bytes.ts";

class Counts {
  lines = 0;
  words = 0;
  runes = 0;
  broken = 0;
  bytes = 0;

  text(flags: string): string {
    const numbers = { l: this.lines, w: this.words, r: this.runes, b: this.broken, c: this.bytes };
    return Object.entries(numbers).filter(([flag]) => flags.includes(flag)).map(([, n]) => String(n).padStart(7)).join(" ");
  }
}

export const wc: Program = tool("wc", "[-lwrbc] [file ...]", async (t, words) => {
  const args = parseArgs(words, "lwrbc");
  const flags = ["l", "w", "r", "b", "c"].filter((flag) => args.has(flag)).join("") || "lwc";
  const wantRunes = /[rb]/.test(flags);
  const total = new Counts();
  await eachInput(t, args.operands, async (fd, name) => {
    const c = new Counts();
    let inWord = false;
    // A rune whose end is in the next read.
    let cut: Uint8Array = new Uint8Array(0);
    const runes = (b: Uint8Array, last: boolean): void => {
      let i = 0;
      for (; i < b.length; c.runes++) {
        const r = rune(b, i, b.length);
        if (r >>> 3 >= 0xdc80 && r >>> 3 <= 0xdcff) {
          if (!last && b.length - i < 4) break;
          c.broken++;
        }
        i += r & 7;
      }
      cut = b.slice(i);
    };
    for (let data = await t.sys.read(fd); data.length > 0; data = await t.sys.read(fd)) {
      c.bytes += data.length;
      if (flags.includes("l")) c.lines += countLines(data);
      if (flags.includes("w")) {
        for (let i = 0; i < data.length; i++) {
          const b = data[i];
          const blank = b === 32 || b === 10 || b === 9;
          if (inWord && blank) inWord = false;
          else if (!inWord && !blank) {
            inWord = true;
            c.words++;
          }
        }
      }
      if (wantRunes) {
        if (cut.length > 0) {
          const both = new Uint8Array(cut.length + data.length);
          both.set(cut);
          both.set(data, cut.length);
          runes(both, false);
        } else runes(data, false);
      }
    }
    runes(cut, true);
    for (const key of ["lines", "words", "runes", "broken", "bytes"] as const) total[key] += c[key];
    await t.out.put(`${c.text(flags)}${name === "" ? "" : ` ${t.shown(name)}`}\n`);
  });
  if (args.operands.length > 1) await t.out.put(`${total.text(flags)} total\n`);
});
