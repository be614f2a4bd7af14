/** seq(1): numbers from first to last, in steps. */
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { tool } from "./lib/tool.ts";

const number = /^[+-]?(?:\d+(?:\.(\d*))?|\.(\d+))(?:[eE][+-]?\d+)?$/;

export const seq: Program = tool("seq", "[-w] [first [incr]] last", async (t, words) => {
  // A negative first number is no flag.
  const flags = words[0] === "-w" ? 1 : 0;
  const operands = number.test(words[flags] ?? "") ? words.slice(flags) : parseArgs(words.slice(flags), "").operands;
  if (operands.length < 1 || operands.length > 3 || !operands.every((s) => number.test(s))) throw new Usage();
  const values = operands.map(Number);
  const last = values.at(-1) ?? 0;
  const first = operands.length > 1 ? (values[0] ?? 1) : 1;
  const step = operands.length > 2 ? (values[1] ?? 1) : 1;
  if (step === 0) throw new Usage();
  // As many decimals as first and incr have; multiplying keeps errors from adding up.
  const decimals = Math.min(20, Math.max(...operands.slice(0, -1).map((s) => (/e/i.test(s) ? 0 : (/\.(\d*)$/.exec(s)?.[1] ?? "").length)), 0));
  const text = (v: number): string => (decimals > 0 ? v.toFixed(decimals) : String(v));
  const count = Math.floor((last - first) / step + 1e-9) + 1;
  const shown = (v: number): string => (flags ? text(v) : String(Number(text(v))));
  const width = flags ? Math.max(shown(first).length, shown(first + (count - 1) * step).length) : 0;
  for (let i = 0; i < count; i++) {
    const s = shown(first + i * step);
    await t.out.put(`${s.startsWith("-") ? `-${s.slice(1).padStart(width - 1, "0")}` : s.padStart(width, "0")}\n`);
  }
});
