/**
 * xargs(1): runs a command with the lines of standard input as its last arguments, -n of them at a time
 * (10), -p commands at once. The commands read nothing. The status is the last one that was not "".
 */
import type { Program } from "../../kernel/sys.ts";
import { parseArgs, Usage } from "./lib/args.ts";
import { decode } from "./lib/bytes.ts";
import { launch } from "./lib/launch.ts";
import { lineEnd, Lines, NL } from "./lib/lines.ts";
import { tool, type Tool } from "./lib/tool.ts";

export const xargs: Program = tool("xargs", "[-n number] [-p maxprocs] cmd [arg ...]", async (t, words) => {
  const args = parseArgs(words, "n:p:");
  const most = args.count("n") ?? 10, procs = args.count("p") ?? 1;
  if (most === 0 || procs === 0 || args.operands.length === 0) throw new Usage();
  const [nothing, end] = await t.sys.pipe();
  await t.sys.close(end);
  let running = 0;
  const reap = async (left: number): Promise<void> => {
    for (; running > left; running--) {
      const { status } = await t.sys.wait();
      if (status !== "") t.status = status;
    }
  };
  try {
    for await (const batch of batches(t, most)) {
      await reap(procs - 1);
      await launch(t.sys, [...args.operands, ...batch], { fds: new Map([[0, nothing], [1, 1], [2, 2]]) });
      running++;
    }
  } finally {
    await reap(0);
  }
});

/** The lines of standard input, so many at a time. */
async function* batches(t: Tool, most: number): AsyncGenerator<string[]> {
  const lines = new Lines(t.sys, 0);
  let batch: string[] = [];
  for (let block = await lines.next(); block; block = await lines.next()) {
    for (let at = 0; at < block.length;) {
      const next = lineEnd(block, at);
      batch.push(decode(block.subarray(at, block[next - 1] === NL ? next - 1 : next)));
      at = next;
      if (batch.length < most) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
