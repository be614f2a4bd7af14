/** grep(1): lines that match an expression of regexp(6). Time in proportion to the input, whatever the expression. */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { decode } from "./lib/bytes.ts";
import { compile } from "./lib/expr.ts";
import { Lines, NL, lineEnd } from "./lib/lines.ts";
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
  const regexp = new Regexp(compile(lines.join("\n"), args.has("i")));
  const [count, names, noNames, silent, numbers, inverse, unbuffered] =
    ["c", "l", "L", "s", "n", "v", "b"].map((flag) => args.has(flag));
  const tagged = files.length > 1 && !args.has("h");
  const firstOnly = (names ?? false) || (noNames ?? false) || (silent ?? false);
  let found = false;
  await eachInput(t, files, async (fd, name) => {
    const tag = tagged ? `${name}:` : "";
    const lines = new Lines(t.sys, fd, () => t.out.flush());
    let selected = 0, number = 0;
    for (let block = await lines.next(); block; block = await lines.next()) {
      if (firstOnly && selected > 0) break;
      for (let at = 0; at < block.length;) {
        const next = lineEnd(block, at);
        const end = block[next - 1] === NL ? next - 1 : next;
        number++;
        if (regexp.test(block, at, end) !== inverse) {
          selected++;
          if (firstOnly) break;
          if (!count) {
            if (tag !== "" || numbers) await t.out.put(tag + (numbers ? `${number}: ` : ""));
            await t.out.put(block.subarray(at, next));
            if (end === next) await t.out.put("\n");
            if (unbuffered) await t.out.flush();
          }
        }
        at = next;
      }
    }
    found ||= selected > 0;
    if (silent) return;
    if (names || noNames) {
      if (selected > 0 === names) await t.out.put(`${name}\n`);
    } else if (count) await t.out.put(`${tag}${selected}\n`);
  });
  if (!found && t.errors === 0) t.status = "no matches";
});
