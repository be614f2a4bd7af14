/**
 * Row: one line of the bench: runners that do the same, in turns, and what came of it. Invariants:
 * runners take short turns within each round, and ratios are taken round by round, so that what else
 * the machine does falls on all of them; CPU is that of the server's process alone, over all rounds.
 */
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { Result } from "./flood.ts";

export interface Runner {
  readonly name: string;
  /** What it should reach: times the runner it is compared with, or operations a second. */
  readonly target?: { readonly times: number } | { readonly rate: number };
  run(seconds: number): Promise<Result>;
  /** CPU seconds its server has used so far. */
  cpu?(): number;
  close(): void;
}

export interface Row {
  readonly name: string;
  readonly unit: string;
  /** Units that are one operation: 1, or its megabytes. */
  readonly scale: number;
  readonly runners: readonly (() => Promise<Runner>)[];
  /** Whether the last is the one the others are compared with. */
  readonly compared: boolean;
  /** Whether the first is our server, which can be looked at while it runs. */
  readonly profiled: boolean;
}

export interface Measured {
  readonly name: string;
  /** Units a second, the median round's and all. */
  readonly rate: number;
  readonly rates: readonly number[];
  /** Microseconds of the server's CPU for an operation. */
  readonly cpuUs?: number;
  /** The median of each round's rate by that of the last runner. */
  readonly ratio?: number;
  /** The part of the time that the bench's own process was busy: near 1 it, and not the server, is what was measured. */
  readonly client: number;
  readonly target?: string;
  readonly reached?: boolean;
}

/** One that does the same work again and again, which is so many operations. */
export function repeated(name: string, ops: number, work: () => Promise<void>, target?: Runner["target"]): () => Promise<Runner> {
  return () => Promise.resolve({
    name,
    ...(target && { target }),
    async run(seconds) {
      const since = performance.now();
      let done = 0;
      do {
        await work();
        done += ops;
      } while (performance.now() < since + seconds * 1000);
      return { ops: done, seconds: (performance.now() - since) / 1000 };
    },
    close: () => undefined,
  });
}

const WARMUP = 0.5;
/** Turns that each runner has in a round. */
const TURNS = 4;

export async function measure(row: Row, rounds: number, seconds: number): Promise<Measured[]> {
  const runners: Runner[] = [];
  try {
    for (const make of row.runners) runners.push(await make());
    const all = runners.map((runner) => ({ runner, rates: [] as number[], ops: 0, cpu: 0, seconds: 0, client: 0 }));
    for (const runner of runners) await told(row, runner, runner.run(Math.min(WARMUP, seconds)));
    for (let i = 0; i < rounds; i++) {
      const round = all.map(() => ({ ops: 0, seconds: 0 }));
      for (let turn = 0; turn < TURNS; turn++) {
        for (const [k, one] of all.entries()) {
          const before = one.runner.cpu?.() ?? 0;
          const own = process.cpuUsage();
          const r = await told(row, one.runner, one.runner.run(seconds / TURNS));
          const { user, system } = process.cpuUsage(own);
          one.client += (user + system) / 1e6;
          one.cpu += (one.runner.cpu?.() ?? 0) - before;
          one.ops += r.ops;
          one.seconds += r.seconds;
          round[k]!.ops += r.ops;
          round[k]!.seconds += r.seconds;
        }
      }
      all.forEach((one, k) => one.rates.push((round[k]!.ops * row.scale) / round[k]!.seconds));
    }
    const against = row.compared ? all.at(-1)!.rates : undefined;
    return all.map(({ runner, rates, ops, cpu, seconds: took, client }, i) => {
      const rate = median(rates);
      const ratio = against !== undefined && i < all.length - 1 ? median(rates.map((r, round) => r / against[round]!)) : undefined;
      const { target } = runner;
      return {
        name: runner.name, rate, rates, client: client / took,
        ...(runner.cpu && { cpuUs: (cpu / ops) * 1e6 }),
        ...(ratio !== undefined && { ratio }),
        ...(target && "rate" in target && { target: `${format(target.rate)}/s`, reached: rate >= target.rate }),
        ...(target && "times" in target && ratio !== undefined && { target: `${Number(target.times.toFixed(2))} x`, reached: ratio >= target.times }),
      };
    });
  } finally {
    for (const runner of runners) runner.close();
  }
}

/** Says where it went wrong. */
async function told<T>(row: Row, runner: Runner, what: Promise<T>): Promise<T> {
  try {
    return await what;
  } catch (e) {
    throw new Error(`${row.name}: ${runner.name}: ${e instanceof Error ? e.message : String(e)}`, { cause: e });
  }
}

/** CPU seconds of a process, all its threads; undefined where there is no /proc. */
export function cpuOf(pid: number): number | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The name in parentheses may hold anything; utime and stime are fields 14 and 15, in ticks of 10 ms.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Where the client's part is told: above this it may be what limits. */
const BUSY = 0.95;

/** A row's lines of the table. */
export function print(row: Row, measured: readonly Measured[]): string {
  const lines = measured.map((m) => [
    `  ${m.name}`.padEnd(34),
    `${format(m.rate)} ${row.unit}`.padStart(20),
    (m.cpuUs === undefined ? "" : `${m.cpuUs.toFixed(m.cpuUs < 10 ? 2 : 1)} us`).padStart(12),
    (m.ratio === undefined ? "" : `${m.ratio.toFixed(2)} x`).padStart(10),
    (m.target ?? "").padStart(14),
    m.reached === undefined ? "" : m.reached ? "  reached" : "  not reached",
    m.client > BUSY ? `  (client ${Math.round(m.client * 100)}% busy)` : "",
  ].join("").trimEnd());
  return [row.name, ...lines].join("\n");
}

export const HEADER: string = ["".padEnd(34), "median".padStart(20), "CPU/op".padStart(12), "ratio".padStart(10), "target".padStart(14)].join("");

function format(n: number): string {
  return Math.round(n).toLocaleString("en-US");
}

/** The middle one, or the mean of the two. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
