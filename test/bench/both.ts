/**
 * Both: runners whose client is not the bench's own: our client on a server, `ws` on a bare `ws`
 * echo, calls in process. What programs get, the client's part included.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { userInfo } from "node:os";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { connectTransport, parseAddr } from "../../clients/node/index.ts";
import {
  Client, dial, errorOf, GETATTR_BASIC, packMessage, type Portal, type Rmsg, Tgetattr, Tlopen, type Tmsg, Tread, typeOf,
} from "../../proto/index.ts";
import type { Result } from "./flood.ts";
import type { Job, Order } from "./inprocess.ts";
import type { Runner } from "./row.ts";
import { cpu, type How, MSIZE, type Side } from "./sides.ts";

/** One of the two messages that these runners send, over and over, with its 4 KiB file at this fid. */
export type Asked = "getattr" | "read";

function message(asked: Asked, fid: number): Tmsg {
  return asked === "getattr" ? { type: Tgetattr, fid, request_mask: GETATTR_BASIC } : { type: Tread, fid, offset: 0, count: 4096 };
}

/** Our client: a portal at the other end of a wire, called by W callers. */
export function ourClient(side: Side, asked: Asked, how: How): () => Promise<Runner> {
  return async () => {
    const at = how.framing ? `ws://127.0.0.1:${side.ws}` : `tcp://127.0.0.1:${side.tcp}`;
    const portal = await dial(await connectTransport(parseAddr(at)), { versions: [how.version ?? "9P2000.L"], msize: MSIZE });
    const { username, uid } = userInfo();
    const client = new Client(portal);
    const root = await client.attach(username, side.aname, uid);
    const { fid } = await client.walk(root.fid, ["small"]);
    if (asked === "read") {
      const e = errorOf(await portal.call({ type: Tlopen, fid, flags: 0 }));
      if (e) throw e;
    }
    return {
      name: how.name ?? side.name,
      ...(how.target && { target: how.target }),
      run: (seconds) => callers(portal, () => message(asked, fid), how.window, seconds),
      ...cpu(side),
      close: () => portal.hangup(),
    };
  };
}

async function callers(portal: Portal, t: () => Tmsg, window: number, seconds: number): Promise<Result> {
  const since = performance.now();
  const until = since + seconds * 1000;
  let ops = 0;
  const caller = async (): Promise<void> => {
    do {
      const asked = t();
      const r: Rmsg = await portal.call(asked);
      if (r.type !== asked.type + 1) throw errorOf(r) ?? new Error(`a reply of type ${r.type} to a message of type ${asked.type}`);
      ops++;
    } while (performance.now() < until);
  };
  await Promise.all(Array.from({ length: window }, caller));
  return { ops, seconds: (performance.now() - since) / 1000 };
}

/** `ws` at both ends, a message a frame. */
export function wsEcho(side: Side, asked: Asked, how: How): () => Promise<Runner> {
  return async () => {
    const ws = new WebSocket(`ws://127.0.0.1:${side.ws}`, { perMessageDeflate: false });
    await once(ws, "open");
    const t = message(asked, 1);
    const messages = Array.from({ length: how.window }, (_, tag) => packMessage(t, tag, "9P2000.L"));
    return {
      name: how.name ?? side.name,
      async run(seconds): Promise<Result> {
        const since = performance.now();
        const until = since + seconds * 1000;
        let ops = 0;
        let due = how.window;
        await new Promise<void>((resolve, reject) => {
          ws.removeAllListeners("message");
          ws.on("message", (data) => {
            if (!Buffer.isBuffer(data) || typeOf(data, 0) !== t.type + 1) return reject(new Error("not the reply that was wanted"));
            ops++;
            if (performance.now() < until) ws.send(messages[data.readUInt16LE(5)]!);
            else if (--due === 0) resolve();
          });
          for (const m of messages) ws.send(m);
        });
        return { ops, seconds: (performance.now() - since) / 1000 };
      },
      ...cpu(side),
      close: () => ws.terminate(),
    };
  };
}

/** Portal calls on a ram, all in one process of its own. */
export function inProcess(job: Job, target?: Runner["target"]): () => Promise<Runner> {
  return () => {
    const child: ChildProcess = fork(fileURLToPath(new URL("./inprocess.js", import.meta.url)));
    return Promise.resolve({
      name: "nineplex",
      ...(target && { target }),
      async run(seconds): Promise<Result> {
        const answer = new Promise<Result>((resolve, reject) => {
          child.once("message", resolve);
          child.once("exit", (code) => reject(new Error(`the process ended with ${code}`)));
        });
        child.send({ job, seconds } satisfies Order);
        const result = await answer;
        child.removeAllListeners("exit");
        return result;
      },
      ...cpu({ server: { pid: child.pid ?? 0 } }),
      close: () => void child.kill(),
    });
  };
}
