/** Rows: all lines of `npm run bench 9p`, each with what it should reach. */
import { join } from "node:path";
import { GETATTR_BASIC, IOHDRSZ, packMessage, Tgetattr, type Tmsg, Tread } from "../../proto/index.ts";
import { type Asked, inProcess, ourClient, wsEcho } from "./both.ts";
import type { Slot } from "./flood.ts";
import type { Row, Runner } from "./row.ts";
import { bare, type How, mounting, runner, type Side } from "./sides.ts";
import * as work from "./work.ts";

/** Who is measured. */
export interface Cast {
  /** What is exported. */
  readonly dir: string;
  readonly us: Side;
  /** diod, where it is installed, and the largest message it takes. */
  readonly them: Side | undefined;
  readonly msize: number | undefined;
  /** Our server on memory. */
  readonly onRam: Side;
  readonly limit: Side;
  readonly echo: Side;
}

type Make = () => Promise<Runner>;
const MB = 1e-6;

export function rows(cast: Cast): Row[] {
  return [...messages(cast), ...payloads(cast), ...connections(cast), ...webSockets(cast), ...portals()];
}

interface Job extends How {
  readonly name: string;
  readonly work: work.Work;
  readonly unit?: string;
  readonly scale?: number;
  /** At least so many times what diod does. */
  readonly times?: number;
  /** Other runners between ours and diod's. */
  readonly more?: readonly Make[];
}

/** The same on our server and on diod. */
function beside(cast: Cast, job: Job): Row {
  const { name, unit = "/s", scale = 1, times, more = [], work: what, ...how } = job;
  return {
    name, unit, scale, compared: cast.them !== undefined, profiled: true,
    runners: [
      runner(cast.us, what, { ...how, ...(times !== undefined && { target: { times } }) }),
      ...more,
      ...(cast.them ? [runner(cast.them, what, how)] : []),
    ],
  };
}

function messages(cast: Cast): Row[] {
  const { us } = cast;
  const all: Row[] = [];
  for (const [window, times] of [[1, 1], [16, 2], [64, 3]] as const) {
    all.push(beside(cast, {
      name: `getattr, window ${window}`, work: work.getattr, window, times,
      more: [runner(cast.onRam, work.getattr, { window }), bare(cast.limit, () => constant("getattr", window), { window })],
    }));
  }
  for (const window of [1, 16]) {
    all.push(beside(cast, {
      name: `walk-open-read-clunk of 4 KiB, window ${window}`, work: work.walkOpenReadClunk(), window, times: 1.5,
      more: [runner(us, work.walkOpenReadClunk(true), { window, version: "9P2000.L.x", name: "nineplex, .x, in one write" })],
    }));
  }
  for (const window of [1, 16]) {
    all.push(beside(cast, {
      name: `create-write-clunk-remove of 4 KiB, window ${window}`, work: work.createWriteClunkRemove(), window, times: 2,
      more: [runner(us, work.createWriteClunkRemove(true), { window, version: "9P2000.L.x", name: "nineplex, .x, one write, Tremove" })],
    }));
  }
  for (const window of [1, 16]) all.push(beside(cast, { name: `create, 8 x (write, read) 4 KiB, getattr, remove, window ${window}`, work: work.mix, window }));
  for (const window of [1, 16, 64]) {
    all.push(beside(cast, {
      name: `read 4 KiB, window ${window}`, work: work.readSmall, window,
      more: [runner(cast.onRam, work.readSmall, { window }), bare(cast.limit, () => constant("read", window), { window })],
    }));
  }
  return all;
}

function payloads(cast: Cast): Row[] {
  const all: Row[] = [];
  // 64 KiB is the message of whoever takes no larger: its payload is what fits.
  const count = Math.min(work.LARGE, (cast.msize ?? Infinity) - IOHDRSZ);
  const block = count === work.LARGE ? "64 KiB" : `64 KiB less ${work.LARGE - count}`;
  for (const window of [1, 8]) {
    const how = { unit: "MB/s", scale: count * MB, window, times: 1 };
    all.push(beside(cast, { name: `read ${block}, window ${window}`, work: work.readBig(count), ...how }));
    all.push(beside(cast, { name: `write ${block}, window ${window}`, work: work.writeBig(count), ...how }));
  }
  const mib = (1 << 20) - IOHDRSZ;
  const takes = cast.msize === undefined || cast.msize >= 1 << 20;
  const how = { unit: "MB/s", scale: mib * MB, window: 8, msize: 1 << 20 };
  for (const [name, what] of [["read", work.readBig(mib)], ["write", work.writeBig(mib)]] as const) {
    all.push(beside(takes ? cast : { ...cast, them: undefined }, { name: `${name} with msize 1 MiB, window 8`, work: what, ...how }));
  }
  all.push(beside(cast, { name: `readdir of ${work.ENTRIES} entries`, unit: "entries/s", work: work.listing(), window: 1, times: 1 }));
  all.push(beside(cast, {
    name: `readdir of ${work.ENTRIES} entries, changed before each listing`, unit: "entries/s", work: work.listing(join(cast.dir, "changing")), window: 1, times: 1,
  }));
  return all;
}

function connections(cast: Cast): Row[] {
  const { us, them } = cast;
  const both = them ? [us, them] : [us];
  return [
    beside(cast, { name: "getattr, 16 connections, window 16", work: work.getattr, window: 16, connections: 16, times: 2 }),
    {
      name: "attach and clunk on one connection, window 1", unit: "/s", scale: 1, compared: them !== undefined, profiled: false,
      runners: both.map((side) => runner(side, work.attachClunk(side.aname), { window: 1 })),
    },
    {
      name: "mount: connect, version, attach, hang up", unit: "/s", scale: 1, compared: them !== undefined, profiled: true,
      runners: both.map((side) => mounting(side, { window: 1 })),
    },
    {
      name: "our client, getattr over TCP, window 64", unit: "/s", scale: 1, compared: them !== undefined, profiled: false,
      runners: [ourClient(us, "getattr", { window: 64, version: "9P2000.L.x" }), ...(them ? [ourClient(them, "getattr", { window: 64 })] : [])],
    },
  ];
}

const X = { version: "9P2000.L.x", framing: "joined", target: { times: 3 } } as const;
const PLAIN = { framing: "message a frame", target: { times: 0.8 } } as const;

/** The echo does nothing for its replies, as ram does next to nothing; host asks the system for each. */
function webSockets({ us, onRam, echo }: Cast): Row[] {
  return ([["getattr", work.getattr], ["read", work.readSmall]] as const).flatMap(([asked, what]) => {
    const name = asked === "getattr" ? "getattr" : "read 4 KiB";
    const window = 64;
    const common = { unit: "/s", scale: 1, compared: true };
    return [
      {
        ...common, name: `WebSocket, ${name}, window ${window}`, profiled: true,
        runners: [
          runner(us, what, { ...X, window, name: "nineplex, .x, joined frames" }),
          runner(us, what, { ...PLAIN, window, name: "nineplex, a message a frame" }),
          runner(onRam, what, { ...X, window, name: "nineplex, ram, .x, joined" }),
          runner(onRam, what, { ...PLAIN, window, name: "nineplex, ram, a message a frame" }),
          bare(echo, () => constant(asked, window), { framing: "message a frame", window }),
        ],
      },
      {
        ...common, name: `WebSocket, ${name}, window ${window}, client of its kind`, profiled: false,
        runners: [
          ourClient(us, asked, { ...X, window, name: "nineplex at both ends, .x" }),
          ourClient(us, asked, { ...PLAIN, window, name: "nineplex at both ends, no .x" }),
          ourClient(onRam, asked, { ...X, window, name: "nineplex at both ends, ram, .x" }),
          ourClient(onRam, asked, { ...PLAIN, window, name: "nineplex at both ends, ram" }),
          wsEcho(echo, asked, { window, name: "ws at both ends" }),
        ],
      },
    ];
  });
}

function portals(): Row[] {
  return ([["read", "read 4 KiB", { rate: 2e6 }], ["getattr", "getattr", undefined], ["walk", "walk and clunk", undefined]] as const).map(([job, name, target]) => ({
    name: `in process, ram: ${name}`, unit: "/s", scale: 1, compared: false, profiled: false, runners: [inProcess(job, target)],
  }));
}

/** Messages to a server that looks at nothing but their size and type. */
function constant(asked: Asked, window: number): Slot[] {
  const t: Tmsg = asked === "getattr" ? { type: Tgetattr, fid: 1, request_mask: GETATTR_BASIC } : { type: Tread, fid: 1, offset: 0, count: 4096 };
  return Array.from({ length: window }, () => ({
    steps: [{ send: Buffer.from(packMessage(t, 0, "9P2000.L")), expect: [t.type + 1], size: [asked === "getattr" ? 160 : 11 + 4096] }],
  }));
}
