/**
 * Layout: the name and the fields of every message as data, for whoever must treat all messages
 * alike: print.ts and tests. Fields stand in the order people read them, the payload last. The
 * bytes are pack.ts's business.
 */
import * as fcall from "./fcall.ts";

/**
 * What a field holds: numbers of 1, 2, 4 and 8 bytes ("i8" signed), "cookie", "mask" (printed in
 * hex), "octal" (Linux modes), "perm" (Plan 9 modes), "fid", "tag", "errno" (printed by name),
 * "length" (8 bytes, NOLENGTH is ~0), "string", "qid"; and what comes bare at the end of a line:
 * "names", "qids", "data", "dirents".
 */
export type Kind =
  | "u1" | "u2" | "u4" | "u8" | "i8" | "cookie" | "mask" | "octal" | "perm" | "fid" | "tag" | "errno" | "length" | "string" | "qid"
  | "names" | "qids" | "data" | "dirents";

export interface Field {
  readonly name: string;
  readonly kind: Kind;
  /** Value of a field that the text form leaves out; undefined: it is always there. */
  readonly absent: fcall.Dir[keyof fcall.Dir] | undefined;
  /** The field is one of Fcall.stat, not of the message itself. */
  readonly inStat: boolean;
}

export interface Layout {
  readonly type: number;
  readonly name: string;
  readonly fields: readonly Field[];
}

/** Is it one that stands bare at the end of a line? */
export function isBare(kind: Kind): boolean {
  return kind === "names" || kind === "qids" || kind === "data" || kind === "dirents";
}

const kinds: ReadonlySet<string> = new Set<Kind>([
  "u1", "u2", "u4", "u8", "i8", "cookie", "mask", "octal", "perm", "fid", "tag", "errno", "length", "string", "qid",
  "names", "qids", "data", "dirents",
]);

function isKind(s: string): s is Kind {
  return kinds.has(s);
}

/** "name:kind", with "?" or "=number" when the text form may leave it out. */
function fields(spec: string, inStat = false): Field[] {
  return spec.split(" ").filter((s) => s !== "").map((s) => {
    const [, name = "", kind = "", opt = ""] = /^(\w+):(\w+)(.*)$/.exec(s) ?? [];
    if (!isKind(kind)) throw new Error(`layout: ${s}`);
    const absent = opt === "" ? undefined : opt === "?" ? "" : Number(opt.slice(1));
    return { name, kind, absent, inStat };
  });
}

const statFields = fields("name:string uid:string gid:string muid:string qid:qid mode:perm atime:u4 mtime:u4 length:length type:u2 dev:u4 "
  + `extension:string? n_uid:u4=${fcall.NOU32} n_gid:u4=${fcall.NOU32} n_muid:u4=${fcall.NOU32}`, true);
const none: Readonly<Record<string, fcall.Dir[keyof fcall.Dir]>> = { ...fcall.untouched() };
/** Of a Twstat's stat, what is not touched is left out. */
const wstatFields = statFields.map((f) => ({ ...f, absent: none[f.name] }));

const n_uname = `n_uname:u4=${fcall.NOU32}`;
const opened = "qid:qid iounit:u4";

const specs: Readonly<Record<string, string>> = {
  Tversion: "msize:u4 version:string", Rversion: "msize:u4 version:string",
  Tauth: `afid:fid uname:string aname:string ${n_uname}`, Rauth: "aqid:qid",
  Tattach: `fid:fid afid:fid uname:string aname:string ${n_uname}`, Rattach: "qid:qid",
  Rerror: "ename:string errno:errno=0", Rlerror: "ecode:errno",
  Tflush: "oldtag:tag", Rflush: "",
  Twalk: "fid:fid newfid:fid wname:names", Rwalk: "wqid:qids",
  Topen: "fid:fid mode:mask", Ropen: opened,
  Tcreate: "fid:fid name:string perm:perm mode:mask extension:string?", Rcreate: opened,
  Tread: "fid:fid offset:u8 count:u4", Rread: "data:data",
  Twrite: "fid:fid offset:u8 data:data", Rwrite: "count:u4",
  Tclunk: "fid:fid", Rclunk: "", Tremove: "fid:fid", Rremove: "",
  Tstat: "fid:fid", Rstat: "", Twstat: "fid:fid", Rwstat: "",
  Tstatfs: "fid:fid",
  Rstatfs: "fstype:mask bsize:u4 blocks:u8 bfree:u8 bavail:u8 files:u8 ffree:u8 fsid:cookie namelen:u4",
  Tlopen: "fid:fid flags:mask", Rlopen: opened,
  Tlcreate: "fid:fid name:string flags:mask mode:octal gid:u4", Rlcreate: opened,
  Tsymlink: "fid:fid name:string symtgt:string gid:u4", Rsymlink: "qid:qid",
  Tmknod: "dfid:fid name:string mode:octal major:u4 minor:u4 gid:u4", Rmknod: "qid:qid",
  Trename: "fid:fid dfid:fid name:string", Rrename: "",
  Treadlink: "fid:fid", Rreadlink: "target:string",
  Tgetattr: "fid:fid request_mask:mask",
  Rgetattr: "valid:mask qid:qid mode:octal=0 uid:u4=0 gid:u4=0 nlink:u8=0 rdev:u8=0 size:u8=0 blksize:u8=0 blocks:u8=0 "
    + "atime_sec:i8=0 atime_nsec:u8=0 mtime_sec:i8=0 mtime_nsec:u8=0 ctime_sec:i8=0 ctime_nsec:u8=0 btime_sec:i8=0 btime_nsec:u8=0 "
    + "gen:cookie=0 data_version:cookie=0",
  Tsetattr: "fid:fid valid:mask mode:octal=0 uid:u4=0 gid:u4=0 size:u8=0 atime_sec:i8=0 atime_nsec:u8=0 mtime_sec:i8=0 mtime_nsec:u8=0",
  Rsetattr: "",
  Txattrwalk: "fid:fid newfid:fid name:string", Rxattrwalk: "size:u8",
  Txattrcreate: "fid:fid name:string attr_size:u8 flags:mask", Rxattrcreate: "",
  Treaddir: "fid:fid offset:cookie count:u4", Rreaddir: "data:dirents",
  Tfsync: "fid:fid datasync:u4=0", Rfsync: "",
  Tlock: "fid:fid ltype:u1 flags:mask start:u8 length:u8 proc_id:u4 client_id:string", Rlock: "status:u1",
  Tgetlock: "fid:fid ltype:u1 start:u8 length:u8 proc_id:u4 client_id:string",
  Rgetlock: "ltype:u1 start:u8 length:u8 proc_id:u4 client_id:string",
  Tlink: "dfid:fid fid:fid name:string", Rlink: "",
  Tmkdir: "dfid:fid name:string mode:octal gid:u4", Rmkdir: "qid:qid",
  Trenameat: "olddirfid:fid oldname:string newdirfid:fid newname:string", Rrenameat: "",
  Tunlinkat: "dirfid:fid name:string flags:mask", Runlinkat: "",
};

const numbers: Readonly<Record<string, unknown>> = fcall;

/** Every message by its type number. */
export const layouts: ReadonlyMap<number, Layout> = new Map(Object.entries(specs).map(([name, spec]): [number, Layout] => {
  const type = numbers[name];
  if (typeof type !== "number") throw new Error(`layout: ${name}`);
  const stat = name === "Rstat" ? statFields : name === "Twstat" ? wstatFields : [];
  return [type, { type, name, fields: [...fields(spec), ...stat] }];
}));

/** Every message by its name. */
export const layoutsByName: ReadonlyMap<string, Layout> = new Map([...layouts.values()].map((l) => [l.name, l]));
