/**
 * Acts: what hostile and careless clients do, each a few messages that belong together and are well
 * formed; what is wrong with them is what they ask for, and when. Fids are few and shared, so that
 * acts meddle with each other's. Used by fuzz.ts.
 */
import {
  AT_REMOVEDIR, DMDIR, DMEXCL, type Fcall, L_O_CREAT, L_O_RDWR, LOCK_TYPE_UNLCK, LOCK_TYPE_WRLCK, NOFID, NOTAG, NOU32, OEXEC, ORCLOSE, ORDWR, OREAD, OTRUNC, OWRITE,
  SETATTR_MODE, SETATTR_SIZE, Tattach, Tauth, Tclunk, Tcreate, Tflush, Tfsync, Tgetattr, Tgetlock, Tlcreate, Tlink, Tlock, Tlopen, Tmkdir, Tmknod, Topen,
  Tread, Treaddir, Treadlink, Tremove, Trename, Trenameat, Tsetattr, Tstat, Tstatfs, Tsymlink, Tunlinkat, Tversion, Twalk, Twrite, Twstat, Txattrcreate,
  Txattrwalk, untouched,
} from "../../../proto/index.ts";
import { allReplies, allRequests, anyMessage, MSIZES, pick, type Rnd, U32, U53, VERSIONS, type Vocabulary } from "./fields.ts";

/** Who acts: chance, words, and whether the messages of .L are at hand. */
export interface Actor {
  readonly rnd: Rnd;
  readonly words: Vocabulary;
  readonly linux: boolean;
  /** The tag that the k-th message of this act will have. */
  tag(k: number): number;
}

export type Act = (a: Actor) => Fcall[];

const FIDS = 9;
/** Fids of the pipe that blocks: its root and its end. */
export const PIPEROOT = 20;
export const PIPEEND = 21;

const fid = (a: Actor): number => 1 + a.rnd(FIDS);
const name = (a: Actor): string => pick(a.rnd, a.rnd(3) === 0 ? a.words.names : ["a", "b", "c", "d"]);
const u32 = (a: Actor): number => (a.rnd(3) > 0 ? a.rnd(5000) : pick(a.rnd, U32));
const u53 = (a: Actor): number => (a.rnd(3) > 0 ? a.rnd(5000) : pick(a.rnd, U53));
const data = (a: Actor, most = 300): Uint8Array => new Uint8Array(a.rnd(most)).fill(97 + a.rnd(26));
const clunk = (f: number): Fcall => ({ type: Tclunk, fid: f });
const walk = (from: number, newfid: number, ...wname: string[]): Fcall => ({ type: Twalk, fid: from, newfid, wname });
const attach = (f: number, aname: string, uname = "glenda", n_uname = NOU32): Fcall => ({ type: Tattach, fid: f, afid: NOFID, uname, aname, n_uname });
const times = (n: number, f: (i: number) => Fcall): Fcall[] => Array.from({ length: n }, (_, i) => f(i));

function open(a: Actor, f: number, mode: number): Fcall {
  return a.linux && a.rnd(2) === 0 ? { type: Tlopen, fid: f, flags: (mode & 3) | (mode & OTRUNC ? 0o1000 : 0) } : { type: Topen, fid: f, mode };
}

function create(a: Actor, f: number, n: string): Fcall {
  if (a.linux && a.rnd(2) === 0) return { type: Tlcreate, fid: f, name: n, flags: L_O_RDWR | L_O_CREAT | (a.rnd(3) << 6), mode: 0o666, gid: NOU32 };
  return { type: Tcreate, fid: f, name: n, perm: pick(a.rnd, [0o666, 0o600, DMEXCL | 0o666]) >>> 0, mode: pick(a.rnd, [OREAD, ORDWR, ORDWR | ORCLOSE, OWRITE | OTRUNC]), extension: "" };
}

function mkdir(a: Actor, dfid: number, n: string): Fcall[] {
  if (a.linux) return [{ type: Tmkdir, dfid, name: n, mode: 0o777, gid: NOU32 }];
  return [clunk(FIDS), walk(dfid, FIDS), { type: Tcreate, fid: FIDS, name: n, perm: (DMDIR | 0o777) >>> 0, mode: OREAD, extension: "" }];
}

const wstat = (f: number, change: Partial<ReturnType<typeof untouched>>): Fcall => ({ type: Twstat, fid: f, stat: { ...untouched(), ...change } });

/** By dialect: in plain 9P2000 and .u only those without .L's messages. */
export const acts: Readonly<Record<string, Act>> = {
  file(a) {
    const f = fid(a);
    return [
      clunk(f), walk(0, f), create(a, f, name(a)), { type: Twrite, fid: f, offset: u53(a), data: data(a) }, { type: Tread, fid: f, offset: u53(a), count: u32(a) },
      { type: Tstat, fid: f }, wstat(f, { length: u53(a) }), wstat(f, {}), a.rnd(3) === 0 ? { type: Tremove, fid: f } : clunk(f), { type: Tread, fid: f, offset: 0, count: 9 },
    ];
  },
  chain(a) {
    const n = name(a);
    const step = (i: number): Fcall[] => [walk(i, i + 1, ...(i === 0 ? [n] : [])), open(a, i + 1, OREAD), { type: Tread, fid: i + 1, offset: 0, count: 4000 }, ...(i > 0 ? [clunk(i)] : [])];
    return Array.from({ length: 2 + a.rnd(6) }, (_, i) => step(i)).flat();
  },
  overlap(a) {
    // Of one fid everything at once: open, move, read, free, and again.
    const f = fid(a);
    return times(12, () => pick<Fcall>(a.rnd, [
      walk(0, f, name(a)), walk(f, f, name(a)), walk(f, fid(a)), open(a, f, a.rnd(4)), { type: Tread, fid: f, offset: 0, count: 100 }, { type: Twrite, fid: f, offset: 3, data: data(a) },
      { type: Tstat, fid: f }, clunk(f), { type: Tremove, fid: f },
    ]));
  },
  flushes(a) {
    // Each message has the tag of its place: flushed are earlier ones, later ones, itself, flushes, and nobody's.
    const n = 20 + a.rnd(40);
    return times(n, (k) => {
      const oldtag = pick(a.rnd, [a.tag(k), a.tag(Math.max(0, k - 1)), a.tag(a.rnd(n)), a.tag(0), NOTAG, 60_000]);
      return a.rnd(4) === 0 ? { type: Tread, fid: fid(a), offset: 0, count: 50 } : { type: Tflush, oldtag };
    });
  },
  pipe(a) {
    const n = 3 + a.rnd(6);
    return [
      attach(PIPEROOT, "pipe"), walk(PIPEROOT, PIPEEND, "data"), open(a, PIPEEND, ORDWR), ...times(n, () => ({ type: Tread, fid: PIPEEND, offset: 0, count: 100 })),
      pick<Fcall>(a.rnd, [clunk(PIPEEND), walk(PIPEEND, PIPEEND), { type: Tstat, fid: PIPEEND }, { type: Twrite, fid: PIPEEND, offset: 0, data: data(a) }]),
      ...times(a.rnd(2 * n), (i) => ({ type: Tflush, oldtag: a.tag(3 + (i % (n + 1))) })), ...(a.rnd(3) > 0 ? [clunk(PIPEEND), clunk(PIPEROOT)] : []),
    ];
  },
  version(a) {
    const again: Fcall = { type: Tversion, msize: pick(a.rnd, a.rnd(6) === 0 ? [0, 6, 255] : MSIZES), version: pick(a.rnd, a.rnd(2) === 0 ? VERSIONS.slice(0, 6) : VERSIONS) };
    const under = times(a.rnd(6), (): Fcall => ({ type: Tread, fid: fid(a), offset: 0, count: 100 }));
    return [...under, again, attach(0, "", pick(a.rnd, ["glenda", "none"]), pick(a.rnd, [NOU32, 1000, 0]))];
  },
  attaches(a) {
    const f = fid(a);
    return [
      { type: Tauth, afid: f, uname: "glenda", aname: "", n_uname: NOU32 }, attach(f, pick(a.rnd, a.words.anames), pick(a.rnd, ["", "u".repeat(300), "bob"]), pick(a.rnd, [NOU32, 0, 1000])),
      { type: Tattach, fid: fid(a), afid: f, uname: "x", aname: "", n_uname: NOU32 }, attach(0, ""), attach(NOFID, ""), walk(f, f, ".."), { type: Tstat, fid: f },
    ];
  },
  fids(a) {
    const f = fid(a);
    const to = pick(a.rnd, [f, 0, NOFID, fid(a)]);
    return [
      walk(0, f, name(a)), walk(f, to, name(a)), walk(f, to), walk(NOFID, f), walk(0, f, ...Array.from({ length: a.rnd(17) }, () => name(a))), clunk(f), clunk(f), clunk(NOFID),
      { type: Tremove, fid: NOFID }, ...(a.rnd(9) === 0 ? [clunk(0), attach(0, "")] : []),
    ];
  },
  deep(a) {
    const f = fid(a);
    return [clunk(f), walk(0, f), ...mkdir(a, 0, "a"), ...Array.from({ length: 2 + a.rnd(4) }, () => [walk(f, f, "a"), ...mkdir(a, f, "a")]).flat(), walk(f, f, ...Array<string>(16).fill("..")), { type: Tstat, fid: f }];
  },
  remove(a) {
    const f = fid(a);
    const g = fid(a);
    const n = name(a);
    return [clunk(f), clunk(g), walk(0, f, n), walk(0, g, n), open(a, f, pick(a.rnd, [ORDWR, OREAD, ORDWR | ORCLOSE])), { type: Tremove, fid: g }, { type: Tread, fid: f, offset: 0, count: 99 }, { type: Tstat, fid: f }, clunk(f)];
  },
  directory(a) {
    const f = fid(a);
    const at = (): number => pick(a.rnd, [0, 0, 1, 60, 2 ** 31, 2 ** 53 - 1]);
    const read = (): Fcall => (a.linux && a.rnd(2) === 0 ? { type: Treaddir, fid: f, offset: at(), count: u32(a) } : { type: Tread, fid: f, offset: at(), count: u32(a) });
    return [clunk(f), walk(0, f, ...(a.rnd(2) === 0 ? [name(a)] : [])), open(a, f, pick(a.rnd, [OREAD, OREAD, OEXEC, OWRITE, OREAD | OTRUNC])), ...times(5, read), wstat(f, { name: name(a) }), read()];
  },
  rename(a) {
    const f = fid(a);
    const under: Fcall[] = [clunk(f), walk(0, f, "a"), wstat(f, { name: name(a) }), wstat(f, { name: name(a), mode: 0o600, length: 5 })];
    if (!a.linux) return under;
    const g = fid(a);
    return [
      ...mkdir(a, 0, "a"), ...under, clunk(g), walk(f, g), { type: Tmkdir, dfid: f, name: "b", mode: 0o777, gid: NOU32 }, { type: Trename, fid: f, dfid: g, name: "b" }, walk(g, g, "b"),
      // Into its own child, over its own parent, the root.
      { type: Trename, fid: f, dfid: g, name: "x" }, { type: Trenameat, olddirfid: 0, oldname: "a", newdirfid: g, newname: "a" }, { type: Trename, fid: g, dfid: 0, name: "a" },
      { type: Trename, fid: 0, dfid: f, name: "r" }, { type: Trenameat, olddirfid: 0, oldname: name(a), newdirfid: f, newname: name(a) }, { type: Tunlinkat, dirfid: 0, name: name(a), flags: pick(a.rnd, [0, AT_REMOVEDIR]) },
    ];
  },
  special(a) {
    // .u's links, devices, pipes and sockets; a plain 9P2000 server must not make anything of them.
    const f = fid(a);
    return [clunk(f), walk(0, f), {
      type: Tcreate, fid: f, name: name(a), perm: pick(a.rnd, [0x02000000, 0x01000000, 0x00800000, 0x00200000, 0x00100000, 0x40000000, 0x0c000000]) | 0o777, mode: a.rnd(256),
      extension: pick(a.rnd, [...a.words.targets, "c 1 3", "b 8 0", "c 99999999999 1", String(f), "0", "NaN", "-1"]),
    }, { type: Tread, fid: f, offset: 0, count: 10 }, walk(0, fid(a), "out", "secret"), walk(0, fid(a), "up", "..", "..", "etc")];
  },
  any: (a) => times(1 + a.rnd(12), () => anyMessage(a.rnd, a.words)),
  each: (a) => allRequests(a.rnd, a.words),
  replies: (a) => allReplies(a.rnd, a.words),
  large(a) {
    const f = fid(a);
    return [walk(0, f), create(a, f, "c"), ...times(2, () => ({ type: Twrite, fid: f, offset: u53(a), data: data(a, 9000) })), ...times(4, () => ({ type: Tread, fid: f, offset: a.rnd(9) * 1000, count: pick(a.rnd, U32) })), clunk(f)];
  },
};

/** With .L's messages. */
export const linuxActs: Readonly<Record<string, Act>> = {
  xattrs(a) {
    const f = fid(a);
    const g = fid(a);
    const n = pick(a.rnd, ["user.a", "user.b", "", "trusted.x", "user." + "x".repeat(300)]);
    const size = pick(a.rnd, [0, 5, 5, 65536, 65537, 2 ** 32, 2 ** 53 - 1]);
    return [
      clunk(f), walk(0, f, ...(a.rnd(2) === 0 ? ["c"] : [])), { type: Txattrcreate, fid: f, name: n, attr_size: size, flags: a.rnd(4) }, { type: Twrite, fid: f, offset: 0, data: new Uint8Array(5) },
      { type: Twrite, fid: f, offset: pick(a.rnd, [5, 2, 2 ** 40]), data: new Uint8Array(a.rnd(9)) }, pick<Fcall>(a.rnd, [clunk(f), { type: Tremove, fid: f }, walk(f, g), open(a, f, OREAD)]), clunk(g), walk(0, f),
      { type: Txattrwalk, fid: f, newfid: pick(a.rnd, [g, f, 0, NOFID]), name: a.rnd(2) === 0 ? "" : n }, { type: Tread, fid: g, offset: u53(a), count: u32(a) }, walk(g, g, ".."), { type: Txattrcreate, fid: g, name: n, attr_size: 1, flags: 0 }, clunk(g),
    ];
  },
  locks(a) {
    const f = fid(a);
    const range = (): { start: number; length: number; proc_id: number; client_id: string } => ({ start: u53(a), length: u53(a), proc_id: a.rnd(3), client_id: pick(a.rnd, ["me", "you", "", "x".repeat(300)]) });
    return [
      clunk(f), walk(0, f), create(a, f, "d"), ...times(8, () => ({ type: Tlock, fid: f, ltype: a.rnd(9) === 0 ? 9 : a.rnd(LOCK_TYPE_UNLCK + 1), flags: a.rnd(4), ...range() })),
      ...times(3, () => ({ type: Tgetlock, fid: f, ltype: LOCK_TYPE_WRLCK, ...range() })), ...(a.rnd(2) === 0 ? [clunk(f)] : []),
    ];
  },
  links(a) {
    const f = fid(a);
    const g = fid(a);
    const n = name(a);
    return [
      { type: Tsymlink, fid: 0, name: n, symtgt: pick(a.rnd, a.words.targets), gid: NOU32 }, clunk(f), walk(0, f, n), { type: Treadlink, fid: f }, open(a, f, ORDWR), walk(0, g, n, "secret"),
      { type: Tlcreate, fid: f, name: "x", flags: L_O_RDWR, mode: 0o666, gid: 0 }, { type: Tlink, dfid: 0, fid: f, name: name(a) }, { type: Tlink, dfid: g, fid: 0, name: name(a) }, walk(0, g, "out"),
      { type: Tsetattr, fid: g, valid: SETATTR_MODE | SETATTR_SIZE, mode: 0o777, uid: 0, gid: 0, size: 0, atime_sec: 0, atime_nsec: 0, mtime_sec: 0, mtime_nsec: 0 }, { type: Tlopen, fid: g, flags: 0o1001 },
      { type: Tmknod, dfid: 0, name: name(a), mode: pick(a.rnd, [0o100666, 0o010666, 0o020666, 0o060666, 0o040777, 0o120777, 0o170000]), major: u32(a), minor: u32(a), gid: NOU32 },
      { type: Tunlinkat, dirfid: 0, name: n, flags: pick(a.rnd, [0, AT_REMOVEDIR, NOU32]) },
    ];
  },
  attributes(a) {
    const f = fid(a);
    return [
      clunk(f), walk(0, f, name(a)), { type: Tgetattr, fid: f, request_mask: u32(a) }, { type: Tstatfs, fid: f }, { type: Tfsync, fid: f, datasync: u32(a) }, open(a, f, ORDWR),
      {
        type: Tsetattr, fid: f, valid: a.rnd(0x400), mode: a.rnd(0o200000), uid: pick(a.rnd, [0, 1000, NOU32]), gid: pick(a.rnd, [0, 1000, NOU32]), size: u53(a), atime_sec: u53(a), atime_nsec: u53(a),
        mtime_sec: -u53(a), mtime_nsec: u53(a),
      }, { type: Tgetattr, fid: f, request_mask: NOU32 }, { type: Tfsync, fid: f, datasync: 0 },
    ];
  },
};
