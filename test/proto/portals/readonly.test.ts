/** readonly: every message that changes something is refused, in all its forms, and nothing else. */
import { beforeEach, describe, expect, it } from "vitest";
import {
  attach, errno, type Fsys, L_O_APPEND, L_O_CREAT, L_O_RDWR, L_O_TRUNC, L_O_WRONLY, NOFID, NOU32, open, type Portal, Rclunk, readonly, Tattach, Tclunk, Tcreate, Tfsync,
  Tgetattr, Tlcreate, Tlink, Tlock, Tlopen, Tmkdir, Tmknod, type Tmsg, Topen, Tread, Treaddir, Tremove, Trename, Trenameat, Tsetattr, Tstat, Tstatfs,
  Tsymlink, Tunlinkat, Twalk, Twrite, Twstat, Txattrcreate, Txattrwalk, untouched,
} from "../../../proto/index.ts";
import { ram } from "../../../servers/index.ts";

let all: Fsys;
let portal: Portal;

beforeEach(async () => {
  const server = ram({ now: () => 0 });
  all = await attach(open(server), { uname: "glenda" });
  await all.mkdir("/d");
  await all.writeFile("/d/f", "text");
  portal = readonly(open(server));
  await portal.call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
  await portal.call({ type: Twalk, fid: 0, newfid: 1, wname: ["d"] });
  await portal.call({ type: Twalk, fid: 0, newfid: 2, wname: ["d", "f"] });
});

const refused: readonly (readonly [string, Tmsg])[] = [
  ...[1, 2, 0x10, 0x11, 0x40, 0x13, 0x43].map((mode) => [`Topen ${mode}`, { type: Topen, fid: 2, mode }] as const),
  ...[L_O_WRONLY, L_O_RDWR, L_O_TRUNC, 3, L_O_WRONLY | L_O_APPEND].map((flags) => [`Tlopen ${flags}`, { type: Tlopen, fid: 2, flags }] as const),
  ["Tcreate", { type: Tcreate, fid: 1, name: "x", perm: 0o644, mode: 0, extension: "" }],
  ["Tcreate of a directory", { type: Tcreate, fid: 1, name: "x", perm: 0x800001ed, mode: 0, extension: "" }],
  ["Tlcreate", { type: Tlcreate, fid: 1, name: "x", flags: L_O_CREAT, mode: 0o644, gid: 0 }],
  ["Twrite", { type: Twrite, fid: 2, offset: 0, data: new Uint8Array(1) }],
  ["Tremove", { type: Tremove, fid: 2 }],
  ["Twstat", { type: Twstat, fid: 2, stat: { ...untouched(), mode: 0o600 } }],
  ["Twstat of a name", { type: Twstat, fid: 2, stat: { ...untouched(), name: "g" } }],
  ["Twstat of a length", { type: Twstat, fid: 2, stat: { ...untouched(), length: 0 } }],
  ["Tsetattr", { type: Tsetattr, fid: 2, valid: 8, mode: 0, uid: 0, gid: 0, size: 0, atime_sec: 0, atime_nsec: 0, mtime_sec: 0, mtime_nsec: 0 }],
  ["Tsymlink", { type: Tsymlink, fid: 1, name: "x", symtgt: "f", gid: 0 }],
  ["Tmknod", { type: Tmknod, dfid: 1, name: "x", mode: 0o10644, major: 0, minor: 0, gid: 0 }],
  ["Tmkdir", { type: Tmkdir, dfid: 1, name: "x", mode: 0o755, gid: 0 }],
  ["Tlink", { type: Tlink, dfid: 1, fid: 2, name: "x" }],
  ["Trename", { type: Trename, fid: 2, dfid: 1, name: "x" }],
  ["Trenameat", { type: Trenameat, olddirfid: 1, oldname: "f", newdirfid: 1, newname: "x" }],
  ["Tunlinkat", { type: Tunlinkat, dirfid: 1, name: "f", flags: 0 }],
  ["Txattrcreate", { type: Txattrcreate, fid: 2, name: "user.x", attr_size: 1, flags: 0 }],
];

describe("readonly", () => {
  it.each(refused)("refuses %s", async (_what, t) => {
    expect(await portal.call(t)).toMatchObject({ ename: "read only file system", errno: errno.EROFS });
    expect((await all.readDir("/d")).map((d) => [d.name, d.length])).toEqual([["f", 4]]);
  });

  it("a Tremove still frees the fid", async () => {
    await portal.call({ type: Tremove, fid: 2 });
    expect(await portal.call({ type: Tstat, fid: 2 })).toMatchObject({ ename: "fid unknown or out of range" });
  });

  it("lets everything else pass", async () => {
    const lock: Tmsg = { type: Tlock, fid: 2, ltype: 0, flags: 0, start: 0, length: 0, proc_id: 1, client_id: "c" };
    const pass: Tmsg[] = [
      { type: Tstat, fid: 2 }, { type: Tgetattr, fid: 2, request_mask: 1 }, { type: Tstatfs, fid: 2 }, { type: Tlopen, fid: 1, flags: 0 },
      { type: Treaddir, fid: 1, offset: 0, count: 1000 }, { type: Topen, fid: 2, mode: 0 }, { type: Tread, fid: 2, offset: 0, count: 10 }, lock,
      { type: Tfsync, fid: 2, datasync: 0 }, { type: Twstat, fid: 2, stat: untouched() }, { type: Txattrwalk, fid: 2, newfid: 3, name: "" },
      { type: Tclunk, fid: 2 },
    ];
    for (const t of pass) expect((await portal.call(t)).type).toBe(t.type + 1);
    expect(await portal.call({ type: Tclunk, fid: 1 })).toEqual({ type: Rclunk });
  });
});
