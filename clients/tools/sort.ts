/** sort(1): lines in order of their bytes or of keys. All of the input is held in memory. */
import { OWRITE } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage } from "./lib/args.ts";
import { encode } from "./lib/bytes.ts";
import { Lines, NL } from "./lib/lines.ts";
import { order } from "./lib/order.ts";
import { Out } from "./lib/out.ts";
import { byColumns, column, levels, oldKey, posixKey, type Key } from "./lib/sortkey.ts";
import { Bytes, gather, linesOf, type Texts } from "./lib/texts.ts";
import { about, eachInput, tool } from "./lib/tool.ts";

/** Bytes that are put at once: less than Out writes without a copy, since the block is used again. */
const BLOCK = 1 << 15;

interface Options {
  /** Of the letters bdfginrwM: for all keys that have none of their own. */
  flags: string;
  keys: Key[];
  /** The character between fields. */
  tab: Uint8Array | undefined;
  unique: boolean;
  check: boolean;
  output: string | undefined;
  files: string[];
}

export const sort: Program = tool("sort", "[-cmuMbdfginrw] [-t x] [-k pos1[,pos2]] [-o output] [file ...]", async (t, words) => {
  const o = options(words);
  const keys = o.keys.map((key) => (key.flags === "" && !key.blankEnd ? { ...key, flags: o.flags, blankEnd: o.flags.includes("b") } : key));
  // Without keys the whole line is one.
  if (keys.length === 0) keys.push({ from: [0, 0], to: undefined, flags: o.flags, blankEnd: false });
  // Lines that are equal by their keys are ordered by all their bytes, as -r says.
  const last: Key = { from: [0, 0], to: undefined, flags: o.flags.includes("r") ? "r" : "", blankEnd: false };

  const input = new Bytes();
  await eachInput(t, o.files, async (fd) => {
    const blocks = new Lines(t.sys, fd);
    for (let block = await blocks.next(); block; block = await blocks.next()) {
      input.add(block);
      if (block.at(-1) !== NL) input.add(Uint8Array.of(NL));
    }
  });
  if (t.errors > 0) return;
  const lines = linesOf(input);
  const n = lines.from.length;

  const columns = (o.unique ? keys : [...keys, last]).map((key) => column(lines, key, o.tab));
  const compare = byColumns(columns);

  if (o.check) {
    for (let i = 1; i < n; i++) {
      if (compare(i - 1, i) < (o.unique ? 0 : 1)) continue;
      await t.say(`sort: ${o.files[0] ?? "standard input"}:${i + 1}: disorder\n`);
      t.status = "disorder";
      return;
    }
    return;
  }

  let sorted = order(n, levels(columns), compare);
  if (o.unique) sorted = sorted.filter((at, i) => i === 0 || compare(sorted[i - 1]!, at) !== 0);

  const { output } = o;
  const fd = output === undefined ? 1 : await about(output, () => t.sys.create(output, OWRITE, 0o666));
  const out = output === undefined ? t.out : new Out(t.sys, fd);
  await put(out, lines, sorted);
  await out.flush();
  if (output !== undefined) await t.sys.close(fd);
});

/** Writes the lines in that order. */
async function put(out: Out, lines: Texts, order: Uint32Array): Promise<void> {
  const block = new Uint8Array(BLOCK);
  for (let at = 0; at < order.length;) {
    const [bytes, n] = gather(lines, order, at, block);
    const i = order[at]!;
    await out.put(n > 0 ? block.subarray(0, bytes) : lines.bytes.subarray(lines.from[i], lines.to[i]! + 1));
    at += Math.max(n, 1);
  }
}

/** POSIX flags and the older +pos1 -pos2; options may not follow files. */
function options(words: readonly string[]): Options {
  const o: Options = { flags: "", keys: [], tab: undefined, unique: false, check: false, output: undefined, files: [] };
  let i = 0;
  for (; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "--") {
      i++;
      break;
    }
    if (/^\+\d/.test(word)) {
      const next = words[i + 1] ?? "";
      const second = /^-\d/.test(next) ? next.slice(1) : undefined;
      if (second !== undefined) i++;
      o.keys.push(oldKey(word.slice(1), second));
      continue;
    }
    if (word.length < 2 || !word.startsWith("-")) break;
    for (let k = 1; k < word.length; k++) {
      const flag = word.charAt(k);
      if ("bdfginrwM".includes(flag)) o.flags += flag;
      else if (flag === "u") o.unique = true;
      else if (flag === "c") o.check = true;
      else if ("tkoT".includes(flag)) {
        const value = k + 1 < word.length ? word.slice(k + 1) : words[++i];
        if (value === undefined) throw new Usage();
        if (flag === "k") o.keys.push(posixKey(value));
        else if (flag === "o") o.output = value;
        else if (flag === "t") o.tab = separator(value);
        break;
      } else if (flag !== "m") throw new Usage(); // Sorting what is sorted already is quick: that is -m.
    }
  }
  o.files = words.slice(i);
  return o;
}

/** One character, whatever its length in bytes; \\t is a tab. */
function separator(text: string): Uint8Array {
  const ch = text === "\\t" ? "\t" : text;
  if (ch.length !== 1 && !/^.$/u.test(ch)) throw new Usage();
  return encode(ch);
}
