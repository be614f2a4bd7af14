/**
 * time(1): runs a command and says on standard error how long it took. Processes here share one
 * processor and nobody counts what each uses of it: user and system time are always 0.00.
 */
import { isInterrupted } from "../../proto/index.ts";
import type { Program, Sys, Waitmsg } from "../../kernel/sys.ts";
import { Usage } from "./lib/args.ts";
import { launch } from "./lib/launch.ts";
import { tool } from "./lib/tool.ts";

/** So many words of the command are repeated. */
const WORDS = 5;

export const time: Program = tool("time", "command [arg ...]", async (t, words) => {
  // What follows is the command's, flags too.
  if (words.length === 0) throw new Usage();
  const pid = await launch(t.sys, words);
  // An interrupt is for the command, which is in the same note group; its time is told all the same.
  t.sys.notify((note) => note === "interrupt");
  const { status, realMs } = await ended(t.sys, pid);
  const command = [...words.slice(0, WORDS), ...(words.length > WORDS ? ["..."] : [])].join(" ");
  await t.say(`0.00u 0.00s ${(Math.floor(realMs / 10) / 100).toFixed(2)}r \t ${command}${status === "" ? "" : ` # status=${status}`}\n`);
  t.status = status;
});

async function ended(sys: Sys, pid: number): Promise<Waitmsg> {
  for (;;) {
    try {
      return await sys.wait(pid);
    } catch (e) {
      if (!isInterrupted(e)) throw e;
    }
  }
}
