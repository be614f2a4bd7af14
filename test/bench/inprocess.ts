/**
 * Inprocess: portal calls on a ram in the process that makes them: told a job and seconds, it answers
 * what came of it. Each call must be answered without a promise.
 */
import { performance } from "node:perf_hooks";
import {
  GETATTR_BASIC, NOFID, NOU32, open, Rclunk, Rgetattr, type Rmsg, Rread, Rwalk, Tattach, Tclunk, Tgetattr, Tlcreate, type Tmsg, Tread, Twalk, Twrite,
} from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import type { Result } from "./flood.ts";

export type Job = "read" | "getattr" | "walk";
export interface Order { readonly job: Job; readonly seconds: number }

const SIZE = 4096;
const FILE = 1;
const O_RDWR = 2;
const O_CREAT = 0o100;
/** Calls between two looks at the clock. */
const BATCH = 1000;

const portal = open(ram({ now: Date.now }));
call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
call({ type: Twalk, fid: 0, newfid: FILE, wname: [] });
call({ type: Tlcreate, fid: FILE, name: "file", flags: O_RDWR | O_CREAT, mode: 0o644, gid: 0 });
call({ type: Twrite, fid: FILE, offset: 0, data: new Uint8Array(SIZE) });

function call(t: Tmsg): Rmsg {
  const r = portal.call(t);
  if (r instanceof Promise) throw new Error(`a promise for a message of type ${t.type}`);
  if (r.type !== t.type + 1) throw new Error(`a reply of type ${r.type} to a message of type ${t.type}`);
  return r;
}

/** Each is one operation. */
const jobs: Readonly<Record<Job, () => boolean>> = {
  read() {
    const r = call({ type: Tread, fid: FILE, offset: 0, count: SIZE });
    return r.type === Rread && r.data.length === SIZE;
  },
  getattr: () => call({ type: Tgetattr, fid: FILE, request_mask: GETATTR_BASIC }).type === Rgetattr,
  walk() {
    const r = call({ type: Twalk, fid: 0, newfid: 2, wname: ["file"] });
    return r.type === Rwalk && r.wqid.length === 1 && call({ type: Tclunk, fid: 2 }).type === Rclunk;
  },
};

process.on("message", (order: Order) => {
  const job = jobs[order.job];
  const since = performance.now();
  const until = since + order.seconds * 1000;
  let ops = 0;
  let now = since;
  for (; now < until; now = performance.now()) {
    for (let i = 0; i < BATCH; i++) if (!job()) throw new Error(`${order.job}: not the reply that was wanted`);
    ops += BATCH;
  }
  process.send?.({ ops, seconds: (now - since) / 1000 } satisfies Result);
});
