/**
 * md5sum, sha1sum (sum(1)): digests of files, in constant memory; with -2 BITS, sha1sum computes a SHA-2
 * of so many bits. The digests are those of node:crypto, loaded when a file is summed.
 */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { pour } from "./lib/pump.ts";
import { eachInput, tool, type Tool } from "./lib/tool.ts";

const SHA2 = ["224", "256", "384", "512"];

export const md5sum: Program = tool("md5sum", "[file ...]", async (t, words) => {
  await sums(t, parseArgs(words, "").operands, "md5");
});

export const sha1sum: Program = tool("sha1sum", "[-2 bits] [file ...]", async (t, words) => {
  const args = parseArgs(words, "2:");
  const bits = args.get("2");
  if (bits !== undefined && !SHA2.includes(bits)) throw new Usage();
  await sums(t, args.operands, bits === undefined ? "sha1" : `sha${bits}`);
});

async function sums(t: Tool, files: readonly string[], algorithm: string): Promise<void> {
  const { createHash } = await import("node:crypto");
  await eachInput(t, files, async (fd, name) => {
    const hash = createHash(algorithm);
    await pour(t.sys, fd, name, async (data) => {
      hash.update(data);
      t.progress.add(data.length);
    });
    await t.out.put(`${hash.digest("hex")}${name === "" ? "" : `\t${t.shown(name)}`}\n`);
  });
}
