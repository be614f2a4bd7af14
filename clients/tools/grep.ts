/** grep(1): lines that match an expression of regexp(6). Time in proportion to the input, whatever the expression. */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { decode } from "./lib/bytes.ts";
import { compile } from "./lib/expr.ts";
import { countLines, Lines, NL, lineEnd } from "./lib/lines.ts";
import { readAll } from "./lib/readall.ts";
import { Regexp } from "./lib/regexp.ts";
import { about, eachInput, tool } from "./lib/tool.ts";

export const grep: Program = tool("grep", "[-bchiLlnsvE] [-e pattern | -f patternfile | pattern] [file ...]", async (t, words) => {
  const args = parseArgs(words, "bchiLlnsvEe:f:");
  const patterns = [...args.all("e")];
  for (const file of args.all("f")) patterns.push(decode(await about(file, () => readAll(t.sys, file))).replace(/\n$/, ""));
  let files = args.operands;
  if (patterns.length === 0) {
    const [first, ...rest] = files;
    if (first === undefined) throw new Usage();
    patterns.push(first);
    files = rest;
  }
  // What follows a leading '*' is literal.
  const lines = patterns.join("\n").split("\n").map((s) => (/^\*./u.test(s) ? s.slice(1).replace(/[\\.*+?[\]()|^$]/g, String.raw`\$&`) : s));
  const regexp = new Regexp(compile(lines.join("\n"), args.has("i")), true);
  const [count, names, noNames, silent, numbers, inverse, unbuffered] =
    ["c", "l", "L", "s", "n", "v", "b"].map((flag) => args.has(flag));
  const tagged = files.length > 1 && !args.has("h");
  const plain = !numbers && !unbuffered && !tagged;
  const firstOnly = (names ?? false) || (noNames ?? false) || (silent ?? false);
  let found = false;
  await eachInput(t, files, async (fd, name) => {
    const tag = tagged ? `${t.shown(name)}:` : "";
    const lines = new Lines(t.sys, fd, () => t.out.flush());
    let selected = 0, number = 0;
    /** Takes the lines block[from, to) as selected. */
    const select = (block: Uint8Array, from: number, to: number): Promise<void> | undefined => {
      if (count || firstOnly) {
        selected += countLines(block, from, to) + (block[to - 1] === NL ? 0 : 1);
        return undefined;
      }
      if (!plain || block[to - 1] !== NL) return each(block, from, to);
      selected++;
      return t.out.put(block.subarray(from, to));
    };
    const each = async (block: Uint8Array, from: number, to: number): Promise<void> => {
      for (let at = from, next: number; at < to; at = next) {
        next = lineEnd(block, at);
        selected++;
        if (tag !== "" || numbers) await t.out.put(tag + (numbers ? `${++number}: ` : ""));
        await t.out.put(block.subarray(at, next));
        if (block[next - 1] !== NL) await t.out.put("\n");
        if (unbuffered) await t.out.flush();
      }
    };
    for (let block = await lines.next(); block; block = await lines.next()) {
      if (firstOnly && selected > 0) break;
      for (let at = 0; at < block.length;) {
        const hit = regexp.find(block, at, block.length);
        const begin = hit < 0 ? block.length : hit === 0 ? 0 : block.lastIndexOf(NL, hit - 1) + 1;
        const end = hit < 0 ? begin : lineEnd(block, hit);
        if (begin > at) {
          if (inverse) {
            const writing = select(block, at, begin);
            if (writing) await writing;
          } else if (numbers) number += countLines(block, at, begin);
        }
        if (end > begin) {
          if (!inverse) {
            const writing = select(block, begin, end);
            if (writing) await writing;
          } else if (numbers) number++;
        }
        at = end;
        if (firstOnly && selected > 0) break;
      }
    }
    found ||= selected > 0;
    if (silent) return;
    if (names || noNames) {
      if (selected > 0 === names) await t.out.put(`${t.shown(name)}\n`);
    } else if (count) await t.out.put(`${tag}${selected}\n`);
  });
  if (!found && t.errors === 0) t.status = "no matches";
});
