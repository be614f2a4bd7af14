/** kill, slay (kill(1)): print the commands that end the caller's processes of a name, for rc to run. */
import type { Program } from "../../kernel/sys.ts";
import { Usage } from "./lib/args.ts";
import { procs } from "./lib/procs.ts";
import { tool } from "./lib/tool.ts";

/** By a note, which a process may be deaf to. */
export const kill: Program = commands("kill", "note");
/** By its ctl, which it is not. */
export const slay: Program = commands("slay", "ctl");

function commands(verb: string, file: string): Program {
  return tool(verb, "name ...", async (t, names) => {
    if (names.length === 0) throw new Usage();
    const all = await procs(t.sys);
    for (const name of names) {
      for (const p of all) if (p.user === t.sys.user && p.name === name) await t.out.put(`@{echo kill>/proc/${p.pid}/${file}} # ${t.shown(p.name)}\n`);
    }
  });
}
