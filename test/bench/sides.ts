/**
 * Sides: the servers of the bench, each a process of its own, and runners on them. Invariant: all are
 * started before the first row and stopped by stopAll().
 */
import { userInfo } from "node:os";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { IOHDRSZ } from "../../proto/index.ts";
import { start, startDiod, type Started } from "../support/children.ts";
import { Flood, type Result, type Slot } from "./flood.ts";
import { type Framing, Link, WsLink } from "./link.ts";
import { cpuOf, type Runner } from "./row.ts";
import { LARGE, Session, type Work } from "./work.ts";

/** What is proposed: payloads of 64 KiB. */
export const MSIZE: number = LARGE + IOHDRSZ;

/** A server that is measured. */
export interface Side {
  readonly name: string;
  readonly tcp: number;
  readonly ws: number;
  /** What to attach to for the exported directory. */
  readonly aname: string;
  readonly server: Started;
}

const built = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** `nineplex serve`, built, on TCP and WebSocket; flags are Node's. */
export function ours(dir: string, ...flags: readonly string[]): Promise<Side> {
  return listening("nineplex", "/", [
    ...flags, built("../../clients/main.js"), "serve", "--rw", "--token", "none", "--listen", "tcp://127.0.0.1:0", "--listen", "ws://127.0.0.1:0", dir,
  ]);
}

/** Our server on memory. */
export function oursOnRam(): Promise<Side> {
  return listening("nineplex, ram", "", [built("./ramserver.js")]);
}

async function listening(name: string, aname: string, args: readonly string[]): Promise<Side> {
  const server = start(process.execPath, args);
  const tcp = await server.said(/^tcp:.*:(\d+)$/m);
  const ws = await server.said(/^ws:.*:(\d+)\/$/m);
  return { name, tcp: Number(tcp[1]), ws: Number(ws[1]), aname, server };
}

/** The largest message a side takes. */
export async function msizeOf(side: Side): Promise<number> {
  const s = await Session.start(await Link.open(side.tcp), "9P2000.L", side.aname, (1 << 20) + IOHDRSZ);
  s.close();
  return s.msize;
}

export async function diod(dir: string): Promise<Side> {
  const { server, at } = await startDiod(["-S", "-U", userInfo().username], dir);
  return { name: "diod", tcp: Number(at.replace(/^.*:/, "")), ws: 0, aname: dir, server };
}

/** A server of the bench itself, which prints its port. */
export async function helper(name: string, file: string): Promise<Side> {
  const server = start(process.execPath, [built(file)]);
  const port = Number((await server.said(/^port (\d+)$/m))[1]);
  return { name, tcp: port, ws: port, aname: "", server };
}

export interface How {
  readonly window: number;
  readonly connections?: number;
  /** Default 9P2000.L: what diod speaks. */
  readonly version?: string;
  readonly msize?: number;
  /** Over WebSocket, framed so. */
  readonly framing?: Framing;
  readonly name?: string;
  readonly target?: Runner["target"];
}

/** Work on a side, over connections of its own. */
export function runner(side: Side, work: Work, how: How): () => Promise<Runner> {
  return async () => {
    const sessions: Session[] = [];
    const all: { flood: Flood; slots: Slot[] }[] = [];
    for (let i = 0; i < (how.connections ?? 1); i++) {
      const link = how.framing ? await WsLink.upgrade(side.ws, how.framing) : await Link.open(side.tcp);
      const s = await Session.start(link, how.version ?? "9P2000.L", side.aname, how.msize ?? MSIZE);
      sessions.push(s);
      all.push({ flood: s.flood, slots: await work(s, how.window) });
    }
    return flooding(side, all, how);
  };
}

/** Mounts, one after the other: a connection, a version, an attach. */
export function mounting(side: Side, how: How): () => Promise<Runner> {
  return () => Promise.resolve({
    name: how.name ?? side.name,
    async run(seconds): Promise<Result> {
      const since = performance.now();
      let ops = 0;
      for (; performance.now() - since < seconds * 1000; ops++) {
        const s = await Session.start(await Link.open(side.tcp), "9P2000.L", side.aname, how.msize ?? MSIZE);
        s.close();
      }
      return { ops, seconds: (performance.now() - since) / 1000 };
    },
    ...cpu(side),
    close: () => undefined,
  });
}

/** Messages to a server that keeps no session. */
export function bare(side: Side, slots: () => Slot[], how: How): () => Promise<Runner> {
  return async () => {
    const link = how.framing ? await WsLink.upgrade(side.ws, how.framing) : await Link.open(side.tcp);
    return flooding(side, [{ flood: new Flood(link), slots: slots() }], how);
  };
}

/** What a runner says of its server's CPU, where that can be known. */
export function cpu(side: { readonly server: { readonly pid: number } }): Pick<Runner, "cpu"> {
  const { pid } = side.server;
  return cpuOf(pid) === undefined ? {} : { cpu: () => cpuOf(pid) ?? 0 };
}

function flooding(side: Side, all: readonly { flood: Flood; slots: Slot[] }[], how: How): Runner {
  return {
    name: how.name ?? side.name,
    ...(how.target && { target: how.target }),
    async run(seconds): Promise<Result> {
      const results = await Promise.all(all.map(({ flood, slots }) => flood.run(slots, seconds)));
      return { ops: results.reduce((sum, r) => sum + r.ops, 0), seconds: Math.max(...results.map((r) => r.seconds)) };
    },
    ...cpu(side),
    close: () => all.forEach(({ flood }) => flood.link.close()),
  };
}
