/** seq(1): numbers from first to last, in steps; -f prints each as C would. */
import { NineError } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { Usage, parseArgs } from "./lib/args.ts";
import { exponential, fixed, general } from "./lib/general.ts";
import { tool } from "./lib/tool.ts";

const number = /^[+-]?(?:\d+(?:\.(\d*))?|\.(\d+))(?:[eE][+-]?\d+)?$/;

export const seq: Program = tool("seq", "[-f format] [-w] [first [incr]] last", async (t, words) => {
  // A negative first number is no flag.
  const numbers = words.findIndex((word, i) => number.test(word) && words[i - 1] !== "-f");
  const args = parseArgs(numbers < 0 ? words : words.slice(0, numbers), "f:w");
  const operands = [...args.operands, ...(numbers < 0 ? [] : words.slice(numbers))];
  const wide = args.has("w"), format = args.get("f");
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
  const printed = format === undefined ? undefined : formatted(format);
  const shown = (v: number): string => printed?.(Number(text(v))) ?? (wide ? text(v) : String(Number(text(v))));
  const width = wide && !printed ? Math.max(shown(first).length, shown(first + (count - 1) * step).length) : 0;
  for (let i = 0; i < count; i++) {
    const s = shown(first + i * step);
    await t.out.put(`${s.startsWith("-") ? `-${s.slice(1).padStart(width - 1, "0")}` : s.padStart(width, "0")}\n`);
  }
});

/** A number in a format of print(2) with one of %e %f %g in it. */
function formatted(format: string): (v: number) => string {
  const [, before = "", flags = "", width = "", precision, verb, after = ""] = /^((?:[^%]|%%)*)(?:%([-+ #0]*)(\d{0,3})(?:\.(\d{0,2}))?([efgEG])((?:[^%]|%%)*))?$/.exec(format) ?? [];
  if (verb === undefined) throw new NineError(`bad format: ${format}: wants one of %e %f %g`);
  const literal = (s: string): string => s.replaceAll("%%", "%");
  const digits = precision === undefined ? 6 : Number(precision);
  return (v) => {
    let s = Math.abs(v).toString();
    if (verb === "f") s = fixed(Math.abs(v), digits);
    else if (/e/i.test(verb)) s = exponential(Math.abs(v), digits).replace(/e([+-])(\d)$/, "e$10$2");
    else s = general(Math.abs(v), digits);
    if (verb === "E" || verb === "G") s = s.toUpperCase();
    const sign = v < 0 ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
    const n = Number(width);
    if (flags.includes("-")) s = (sign + s).padEnd(n);
    else s = flags.includes("0") ? sign + s.padStart(n - sign.length, "0") : (sign + s).padStart(n);
    return literal(before) + s + literal(after);
  };
}
