/**
 * Io: read, write and directory reading of an open fid, and symbolic links. Invariant: no reply is
 * longer than msize. Handlers only.
 */
import { after, type Awaitable } from "../awaitable.ts";
import { Ebadusefd, Ecount, Einval, Enotdir, Eperm, NineError } from "../errors.ts";
import { IOHDRSZ, type Rmsg, Rread, Rreaddir, Rreadlink, Rwrite, type TreaddirMsg, type TreadMsg, type TwriteMsg } from "../fcall.ts";
import { OEXEC, OREAD, OWRITE } from "../perm.ts";
import { isLink } from "../server.ts";
import type { Session } from "../srv.ts";
import type { Fid } from "./fid.ts";
import type { Request } from "./request.ts";
import { placeOf } from "./walk.ts";
import { readXattr, writeXattr } from "./xattr.ts";

/** The data bytes one reply may carry. */
function clamp(s: Session, count: number): number {
  return Math.min(count, s.msize - IOHDRSZ);
}

export function read(s: Session, q: Request, t: TreadMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  const n = clamp(s, t.count);
  if (f.xattr) return { type: Rread, data: readXattr(f.xattr, t.offset, n) };
  if (f.mode < 0 || (f.mode & 3) === OWRITE) throw new NineError(Ebadusefd);
  if (f.dir) return after(f.dir.read(t.offset, n, q), (data) => ({ type: Rread, data }));
  const file = f.file;
  if (!file?.read) throw new NineError(Eperm);
  const data = file.read(t.offset, n, q, t.into);
  if (data instanceof Promise) return data.then((x) => given(x, n, file.lasting));
  return given(data, n, file.lasting);
}

function given(data: Uint8Array, n: number, lasting = false): Rmsg {
  const d = data.length > n ? data.subarray(0, n) : data;
  return lasting ? { type: Rread, data: d, lasting } : { type: Rread, data: d };
}

export function readdir(s: Session, q: Request, t: TreaddirMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  if (!f.dir) throw new NineError(f.mode >= 0 ? Enotdir : Ebadusefd);
  return after(f.dir.readdir(t.offset, clamp(s, t.count), q), (data) => ({ type: Rreaddir, data }));
}

export function write(s: Session, q: Request, t: TwriteMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  if (f.xattr) return { type: Rwrite, count: writeXattr(f.xattr, t.offset, t.data) };
  const acc = f.mode & 3;
  if (f.mode < 0 || acc === OREAD || acc === OEXEC) throw new NineError(Ebadusefd);
  const file = f.file;
  if (!file?.write) throw new NineError(Eperm);
  if (t.data.length > s.msize - IOHDRSZ) throw new NineError(Ecount);
  const count = file.write(t.offset, t.data, q);
  return count instanceof Promise ? count.then((n) => ({ type: Rwrite, count: n })) : { type: Rwrite, count };
}

export function readlink(q: Request, f: Fid): Awaitable<Rmsg> {
  const { node } = placeOf(f);
  if (!isLink(node)) throw new NineError(Einval);
  return after(node.readlink(q), (target) => ({ type: Rreadlink, target }));
}
