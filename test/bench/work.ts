/**
 * Work: what the bench has servers do, as slots for Flood: the same messages to whoever is measured.
 * Invariants: the slots of one session use fids and names of their own, and after a run nothing is
 * left of what they made. The files they want are made by makeTree().
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { userInfo } from "node:os";
import {
  type Fcall, GETATTR_BASIC, IOHDRSZ, NOFID, packMessage, Rversion, sizeAt, Tattach, Tclunk, Tgetattr, Tlcreate, Tlopen, Tread, Treaddir,
  Tremove, Tversion, Twalk, Twrite, unpack,
} from "../../proto/index.ts";
import { Flood, type Slot, type Step } from "./flood.ts";
import type { Link } from "./link.ts";

const SMALL = 4096;
export const LARGE: number = 1 << 16;
export const BIG: number = 64 << 20;
export const ENTRIES = 10_000;

const O_RDONLY = 0;
const O_RDWR = 2;
const O_CREAT = 0o100;

/** What is exported: `small` (4 KiB), `big` (64 MiB, no holes), `many` and `changing` (10,000 empty files), `new` for what is made. */
export function makeTree(dir: string): void {
  writeFileSync(join(dir, "small"), Buffer.alloc(SMALL, 0x61));
  const fd = openSync(join(dir, "big"), "w");
  const block = Buffer.alloc(1 << 20, 0x62);
  for (let at = 0; at < BIG; at += block.length) writeSync(fd, block);
  fsyncSync(fd);
  closeSync(fd);
  for (const many of ["many", "changing"]) {
    mkdirSync(join(dir, many));
    for (let i = 0; i < ENTRIES; i++) closeSync(openSync(join(dir, many, `file${String(i).padStart(5, "0")}`), "w"));
  }
  mkdirSync(join(dir, "new"));
}

/** A connection with a version agreed and fid 0 attached. */
export class Session {
  readonly flood: Flood;
  msize = 0;
  version = "";
  private last = 0;

  private constructor(link: Link) {
    this.flood = new Flood(link);
  }

  static async start(link: Link, version: string, aname: string, msize: number): Promise<Session> {
    const s = new Session(link);
    const r = await s.ask({ type: Tversion, msize, version });
    if (r.type !== Rversion || r.version !== version) throw new Error(`the server speaks ${r.type === Rversion ? r.version : "nothing"}, not ${version}`);
    s.msize = r.msize;
    s.version = r.version;
    const { username, uid } = userInfo();
    await s.ask({ type: Tattach, fid: 0, afid: NOFID, uname: username, aname, n_uname: uid });
    return s;
  }

  /** The reply to one message; an error reply rejects. */
  async ask(t: Fcall): Promise<Fcall> {
    let r: Fcall | undefined;
    const send = Buffer.from(packMessage(t, 0, "9P2000.L"));
    await this.flood.run([{
      steps: [{ send, expect: [t.type + 1], size: [0] }],
      got: (buf, at, end) => {
        r = unpack(Uint8Array.prototype.slice.call(buf, at, end), 0, end - at, "9P2000.L");
        return 1;
      },
    }], 0);
    if (!r) throw new Error("no reply");
    return r;
  }

  /** A fid number not used in this session. */
  fid(): number {
    return ++this.last;
  }

  /** A fid walked to a name of the root. */
  async walk(...wname: string[]): Promise<number> {
    const newfid = this.fid();
    await this.ask({ type: Twalk, fid: 0, newfid, wname });
    return newfid;
  }

  async open(flags: number, ...wname: string[]): Promise<number> {
    const fid = await this.walk(...wname);
    await this.ask({ type: Tlopen, fid, flags });
    return fid;
  }

  close(): void {
    this.flood.link.close();
  }
}

/** Slots for a window on a session. */
export type Work = (s: Session, window: number) => Promise<Slot[]>;

/** Messages that leave together, with the replies they must have. */
function step(...messages: Fcall[]): Step {
  return {
    send: Buffer.concat(messages.map((t) => packMessage(t, 0, "9P2000.L"))),
    expect: messages.map((t) => t.type + 1),
    size: messages.map(replySize),
  };
}

/** Bytes of the reply that says all went well. */
function replySize(t: Fcall): number {
  switch (t.type) {
    case Tgetattr: return 160;
    case Twalk: return 9 + 13 * t.wname.length;
    case Tlopen: case Tlcreate: return 24;
    case Tread: return 11 + t.count;
    case Twrite: return 11;
    case Tclunk: case Tremove: return 7;
    default: return 0;
  }
}

async function slots(window: number, make: (i: number) => Slot | Promise<Slot>): Promise<Slot[]> {
  const all: Slot[] = [];
  for (let i = 0; i < window; i++) all.push(await make(i));
  return all;
}

/** One after the other, or in one write as only an ordered server takes it. */
function sequence(together: boolean, messages: Fcall[]): Slot {
  return { steps: together ? [step(...messages)] : messages.map((t) => step(t)) };
}

export const getattr: Work = async (s, window) => {
  const fid = await s.walk("small");
  return slots(window, () => sequence(false, [{ type: Tgetattr, fid, request_mask: GETATTR_BASIC }]));
};

/** 4 KiB of an open file, over and over. */
export const readSmall: Work = async (s, window) => {
  const fid = await s.open(O_RDONLY, "small");
  return slots(window, () => sequence(false, [{ type: Tread, fid, offset: 0, count: SMALL }]));
};

export const walkOpenReadClunk = (together = false): Work => (s, window) => slots(window, () => {
  const fid = s.fid();
  return sequence(together, [
    { type: Twalk, fid: 0, newfid: fid, wname: ["small"] },
    { type: Tlopen, fid, flags: O_RDONLY },
    { type: Tread, fid, offset: 0, count: SMALL },
    { type: Tclunk, fid },
  ]);
});

/**
 * Removed as Tremove does: diod knows no Tunlinkat. In one write the Tremove is that of the open fid,
 * which it clunks: messages on different fids have no order, also at an ordered server.
 */
export const createWriteClunkRemove = (together = false): Work => async (s, window) => {
  const dir = await s.walk("new");
  const data = Buffer.alloc(SMALL, 0x63);
  return slots(window, (i) => {
    const fid = s.fid();
    const name = `made${i}`;
    const made: Fcall[] = [...create(dir, fid, name), { type: Twrite, fid, offset: 0, data }];
    return sequence(together, [
      ...made,
      ...(together ? [] : [{ type: Tclunk, fid }, { type: Twalk, fid: dir, newfid: fid, wname: [name] }] as const),
      { type: Tremove, fid },
    ]);
  });
};

function create(dir: number, fid: number, name: string): Fcall[] {
  return [
    { type: Twalk, fid: dir, newfid: fid, wname: [] },
    { type: Tlcreate, fid, name, flags: O_RDWR | O_CREAT, mode: 0o644, gid: process.getgid?.() ?? 0 },
  ];
}

/** A bit of everything on an open file, as diodload and its like do. */
export const mix: Work = async (s, window) => {
  const dir = await s.walk("new");
  const data = Buffer.alloc(SMALL, 0x64);
  return slots(window, (i) => {
    const fid = s.fid();
    const name = `mix${i}`;
    const io: Fcall[] = [];
    for (let k = 0; k < 8; k++) io.push({ type: Twrite, fid, offset: k * SMALL, data }, { type: Tread, fid, offset: k * SMALL, count: SMALL });
    return sequence(false, [
      ...create(dir, fid, name),
      ...io,
      { type: Tgetattr, fid, request_mask: GETATTR_BASIC },
      { type: Tremove, fid },
    ]);
  });
};

/** Blocks of `big`, one behind the other, slots in turn; at its end from the start. */
export const readBig = (count: number): Work => async (s, window) => {
  const fid = await s.open(O_RDONLY, "big");
  return blocks(s, window, count, (offset) => ({ type: Tread, fid, offset, count }));
};

export const writeBig = (count: number): Work => async (s, window) => {
  const fid = await s.open(O_RDWR, "big");
  const data = Buffer.alloc(count, 0x65);
  return blocks(s, window, count, (offset) => ({ type: Twrite, fid, offset, data }));
};

async function blocks(s: Session, window: number, count: number, message: (offset: number) => Fcall): Promise<Slot[]> {
  if (count > s.msize - IOHDRSZ) throw new Error(`blocks of ${count} bytes do not fit msize ${s.msize}`);
  let next = 0;
  return slots(window, () => ({
    steps: [step(message(0))],
    ready({ send }) {
      // fid[4] is followed by offset[8] in both.
      send.writeUInt32LE(next, 11);
      next = next + 2 * count > BIG ? 0 : next + count;
    },
  }));
}

/**
 * Whole listings of a directory, here its path where it is to change: then a file comes or goes behind
 * the server's back before each, and the listing must tell. An operation is an entry. One slot.
 */
export const listing = (changing?: string): Work => async (s) => {
  const fid = await s.open(O_RDONLY, changing === undefined ? "many" : "changing");
  const cookie = Buffer.alloc(8);
  let entries = 0;
  let there = ENTRIES;
  let midway = false;
  return [{
    steps: [step({ type: Treaddir, fid, offset: 0, count: s.msize - IOHDRSZ })],
    ready({ send }) {
      if (!midway && changing !== undefined) there = ENTRIES + toggle(join(changing, "more"));
      midway = true;
      cookie.copy(send, 11);
    },
    got(buf, at, end) {
      let n = 0;
      let entry = at + 11;
      let last = -1;
      // qid[13] offset[8] type[1] name[s]
      for (; entry < end; n++) {
        last = entry;
        entry += 24 + (buf[entry + 22]! | (buf[entry + 23]! << 8));
      }
      if (entry !== end || sizeAt(buf, at) !== end - at) throw new Error("a listing that is cut in an entry");
      entries += n;
      if (last >= 0) {
        buf.copy(cookie, 0, last + 13, last + 21);
        return n;
      }
      // With `.` and `..`, or without.
      if (entries !== there && entries !== there + 2) throw new Error(`a listing of ${entries} entries, not ${there}`);
      entries = 0;
      midway = false;
      cookie.fill(0);
      return 0;
    },
    midway: () => midway,
  }];
};

/** Makes or removes a file; how many of it there are then. */
function toggle(path: string): number {
  if (existsSync(path)) {
    unlinkSync(path);
    return 0;
  }
  closeSync(openSync(path, "w"));
  return 1;
}

/** A further attach on the same connection, and its clunk. */
export const attachClunk = (aname: string): Work => (s, window) => slots(window, () => {
  const fid = s.fid();
  const { username, uid } = userInfo();
  return sequence(false, [{ type: Tattach, fid, afid: NOFID, uname: username, aname, n_uname: uid }, { type: Tclunk, fid }]);
});
