/** ps(1): the processes: user, pid, user and system time, size, state, name. */
import type { Program } from "../../kernel/sys.ts";
import { parseArgs, Usage } from "./lib/args.ts";
import { procs, procText } from "./lib/procs.ts";
import { tool } from "./lib/tool.ts";

/** -a arguments, -n note groups, -p priorities, -r real time. */
export const ps: Program = tool("ps", "[-apnr]", async (t, words) => {
  const args = parseArgs(words, "apnr");
  if (args.operands.length > 0) throw new Usage();
  for (const p of await procs(t.sys)) {
    const noteid = args.has("n") ? ` ${(await procText(t.sys, p.pid, "noteid")).trim().padStart(7) || "       ?"}` : "";
    const real = args.has("r") ? elapsed(p.realMs).padStart(12) : "";
    const pri = args.has("p") ? ` ${String(p.basepri).padStart(2)} ${String(p.pri).padStart(2)}` : "";
    const what = (args.has("a") && (await procText(t.sys, p.pid, "args")).replaceAll("\n", " ")) || p.name;
    const times = `${clock(p.userMs, 4)} ${clock(p.sysMs, 3)}`;
    await t.out.put(`${t.shown(`${p.user.padEnd(10)} ${String(p.pid).padStart(8)}${noteid}${real} ${times} ${pri} ${String(p.size).padStart(7)}K ${p.state.slice(0, 8).padEnd(8)} ${what}`)}\n`);
  }
});

/** minutes:seconds */
function clock(ms: number, wide: number): string {
  const s = Math.floor(ms / 1000);
  return `${String(Math.floor(s / 60)).padStart(wide)}:${two(s % 60)}`;
}

/** days:hours:minutes:seconds, as much of it as there is. */
function elapsed(ms: number): string {
  const s = Math.floor(ms / 1000);
  const [d, h, m] = [Math.floor(s / 86400), Math.floor(s / 3600), Math.floor(s / 60)];
  if (d > 0) return `${d}:${two(h % 24)}:${two(m % 60)}:${two(s % 60)}`;
  return h > 0 ? `${h}:${two(m % 60)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
