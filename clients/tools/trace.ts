/**
 * trace(1): the 9P messages of a command, from its first to its last, on standard error; of a process from
 * now on; or of everybody's. What tracing itself causes is not in it.
 */
import { OREAD, OWRITE, isInterrupted } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { parseArgs, Usage } from "./lib/args.ts";
import { encode } from "./lib/bytes.ts";
import { launch } from "./lib/launch.ts";
import { about, tool, type Tool } from "./lib/tool.ts";

export const trace: Program = tool("trace", "[-p pid | command [arg ...]]", async (t, words) => {
  const args = parseArgs(words, "p:");
  const pid = args.count("p");
  if (pid !== undefined && args.operands.length > 0) throw new Usage();
  if (args.operands.length > 0) return commanded(t, args.operands);
  const file = pid === undefined ? "/dev/trace" : `/proc/${pid}/trace`;
  const fd = await about(pid === undefined ? file : String(pid), () => t.sys.open(file, OREAD));
  for (let lines = await t.sys.read(fd); lines.length > 0; lines = await t.sys.read(fd)) {
    await t.out.put(lines);
    await t.out.flush();
  }
});

/** Started when its messages are being looked at. */
async function commanded(t: Tool, argv: readonly string[]): Promise<void> {
  const { sys } = t;
  const pid = await launch(sys, argv, { stopped: true });
  // An interrupt is for the command, which is in the same note group; what it says last is told all the same.
  sys.notify((note) => note === "interrupt");
  const fd = await sys.open(`/proc/${pid}/trace`, OREAD);
  const ctl = await sys.open(`/proc/${pid}/ctl`, OWRITE);
  await sys.write(ctl, encode("start"));
  await sys.close(ctl);
  for (;;) {
    try {
      const lines = await sys.read(fd);
      if (lines.length === 0) break;
      await sys.write(2, lines);
    } catch (e) {
      if (!isInterrupted(e)) throw e;
    }
  }
  t.status = (await sys.wait(pid)).status;
}
