/** uniq(1): lines that repeat the one before. Held are one read and the line that others are compared with. */
import type { Program } from "../../kernel/sys.ts";
import { Usage } from "./lib/args.ts";
import { rune } from "./lib/bytes.ts";
import { Lines, NL, lineEnd } from "./lib/lines.ts";
import { eachInput, tool } from "./lib/tool.ts";

const newline = Uint8Array.of(NL);

export const uniq: Program = tool("uniq", "[-udcs [+-num]] [file]", async (t, words) => {
  const { flags, fields, chars, files } = parse(words);
  const prefix = flags.has("s"), counts = flags.has("c");
  const [single, repeated] = counts || flags.has("u") === flags.has("d") ? [true, true] : [flags.has("u"), flags.has("d")];
  let line: Uint8Array | undefined, from = 0, count = 0;
  const put = async (): Promise<void> => {
    if (!line || !(count > 1 ? repeated : single)) return;
    if (counts) await t.out.put(`${String(count).padStart(4)} `);
    await t.out.put(line);
    await t.out.put(newline);
  };
  await eachInput(t, files, async (fd) => {
    const lines = new Lines(t.sys, fd, () => t.out.flush());
    for (let block = await lines.next(); block; block = await lines.next()) {
      for (let at = 0; at < block.length;) {
        const next = lineEnd(block, at);
        const other = block.subarray(at, block[next - 1] === NL ? next - 1 : next);
        const otherFrom = skip(other, fields, chars);
        at = next;
        if (line && same(line, from, other, otherFrom, prefix)) count++;
        else {
          await put();
          [line, from, count] = [other, otherFrom, 1];
        }
      }
    }
  });
  await put();
});

interface Given {
  readonly flags: ReadonlySet<string>;
  readonly fields: number;
  readonly chars: number;
  readonly files: readonly string[];
}

function parse(words: readonly string[]): Given {
  const flags = new Set<string>();
  let fields = 0, chars = 0, at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    if (/^-\d{1,9}$/.test(word)) fields = Number(word.slice(1));
    else if (/^\+\d{1,9}$/.test(word)) chars = Number(word.slice(1));
    else if (/^-[udcs]+$/.test(word)) for (const flag of word.slice(1)) flags.add(flag);
    else break;
  }
  if (words[at] === "--") at++;
  else if (words[at]?.startsWith("-")) throw new Usage();
  const files = words.slice(at);
  if (files.length > 1) throw new Usage();
  return { flags, fields, chars, files };
}

/** Where the comparison begins: after so many fields with the blanks before them, then characters. */
function skip(line: Uint8Array, fields: number, chars: number): number {
  let at = 0;
  for (let n = 0; n < fields; n++) {
    while (blank(line[at])) at++;
    while (at < line.length && !blank(line[at])) at++;
  }
  for (let n = 0; n < chars && at < line.length; n++) at += rune(line, at, line.length) & 7;
  return at;
}

function blank(c: number | undefined): boolean {
  return c === 32 || c === 9;
}

/** Whether the lines are the same from there on; with prefix, if the second has the first one at its beginning. */
function same(a: Uint8Array, i: number, b: Uint8Array, k: number, prefix: boolean): boolean {
  if (prefix ? a.length - i > b.length - k : a.length - i !== b.length - k) return false;
  while (i < a.length && a[i] === b[k]) {
    i++;
    k++;
  }
  return i === a.length;
}
