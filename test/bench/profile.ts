/**
 * Profile: where a server's time goes, asked of the inspector of its process while a row runs: the
 * share of what the process does, and the functions that take longest, their own time alone.
 * Invariant: the profile begins before the server's code is compiled; of what was compiled earlier the
 * sampler does not know what was inlined into what.
 */
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { WebSocket } from "ws";
import type { Started } from "../support/children.ts";

interface Node {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface CpuProfile { readonly nodes: readonly Node[]; readonly samples: readonly number[]; readonly timeDeltas: readonly number[] }

/** Flags of Node with which a server can be profiled. */
export const FLAGS: readonly string[] = ["--inspect=127.0.0.1:0"];

export class Profiler {
  private readonly ws: WebSocket;
  private last = 0;
  private since = 0;

  private constructor(ws: WebSocket) {
    this.ws = ws;
  }

  /** Of a server just started with FLAGS. */
  static async of(server: Started): Promise<Profiler> {
    const url = /ws:\/\/\S+/.exec(server.err())?.[0];
    if (url === undefined) throw new Error("the server has no inspector");
    const ws = new WebSocket(url, { perMessageDeflate: false });
    await once(ws, "open");
    const self = new Profiler(ws);
    await self.ask("Profiler.enable");
    await self.ask("Profiler.setSamplingInterval", { interval: 200 });
    await self.ask("Profiler.start");
    self.since = performance.now();
    return self;
  }

  /** What the server did while `what` went on, as text; the end of the profile. */
  async during(what: () => Promise<unknown>): Promise<string> {
    const skip = performance.now() - this.since;
    await what();
    const { profile } = (await this.ask("Profiler.stop")) as { profile: CpuProfile };
    this.ws.terminate();
    return report(profile, skip * 1000);
  }

  private ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      const answer = (data: unknown): void => {
        const reply = JSON.parse(String(data)) as { id?: number; result?: unknown; error?: { message: string } };
        if (reply.id !== id) return;
        this.ws.off("message", answer);
        if (reply.error) reject(new Error(`${method}: ${reply.error.message}`));
        else resolve(reply.result);
      };
      this.ws.on("message", answer);
      this.ws.send(JSON.stringify({ id, method, params }));
    });
  }
}

const TOP = 14;

/** Of the profile after its first microseconds. */
function report(profile: CpuProfile, skip: number): string {
  const nodes = new Map(profile.nodes.map((n) => [n.id, n]));
  const parents = new Map(profile.nodes.flatMap((n) => (n.children ?? []).map((child) => [child, n] as const)));
  const shares = new Map<string, number>();
  const functions = new Map<string, number>();
  let busy = 0;
  let total = 0;
  let at = 0;
  profile.samples.forEach((id, i) => {
    const node = nodes.get(id);
    const us = Math.max(0, profile.timeDeltas[i] ?? 0);
    at += us;
    if (!node || at < skip) return;
    total += us;
    if (node.callFrame.functionName === "(idle)") return;
    busy += us;
    add(shares, kind(node, parents), us);
    add(functions, label(node, parents), us);
  });
  const percent = (us: number): string => `${((us / busy) * 100).toFixed(1)}%`.padStart(8);
  const list = (of: Map<string, number>, n: number): string[] =>
    [...of].toSorted((a, b) => b[1] - a[1]).slice(0, n).map(([what, us]) => `  ${percent(us)}  ${what}`);
  return [`  busy ${((busy / total) * 100).toFixed(0)}% of the time; of that:`, ...list(shares, TOP), "  functions, own time:", ...list(functions, TOP)].join("\n");
}

function add(to: Map<string, number>, what: string, us: number): void {
  to.set(what, (to.get(what) ?? 0) + us);
}

/** What a function's own time goes to. */
function kind(node: Node, parents: ReadonlyMap<number, Node>): string {
  const { functionName, url } = node.callFrame;
  if (functionName === "(garbage collector)") return "garbage collection";
  if (functionName === "(program)") return "outside JavaScript: event loop, socket reads";
  if (url.includes("/node_modules/ws/")) return "ws";
  if (url.startsWith("file:")) return place(url);
  if (url === "") {
    const parent = parents.get(node.id);
    const above = parent ? kind(parent, parents) : "";
    if (/^node: (files|sockets)/.test(above)) return above.replace("node: ", "system: ");
    return above.startsWith("system: ") ? above : `built in, called by ${above || "node"}`;
  }
  if (/^node:(internal\/)?fs\b/.test(url)) return "node: files";
  if (/^node:(net|_?stream|internal\/(streams|stream_base|net|js_stream))/.test(url)) return "node: sockets";
  return "node: others";
}

function label(node: Node, parents: ReadonlyMap<number, Node>): string {
  const { functionName, url, lineNumber } = node.callFrame;
  const name = functionName || "(anonymous)";
  if (url !== "") return `${name}  ${place(url)}:${lineNumber + 1}`;
  return name.startsWith("(") ? name : `${name}  ${kind(node, parents)}`;
}

function place(url: string): string {
  return url.replace(/^file:.*\/dist\//, "").replace(/^file:.*\/node_modules\//, "");
}
