/**
 * Xattr: extended attributes in the manner of .L: Txattrwalk makes a fid to read a value from,
 * Txattrcreate turns one into a place to write it to; it is set when that is clunked. Invariant: the
 * values that the fids of a session hold stay below SESSIONMAX bytes. Handlers only.
 */
import { after, type Awaitable } from "../awaitable.ts";
import { Ebadfid, Ebadusefd, Einval, Enodata, Enomem, Enotsup, Erange, NineError } from "../errors.ts";
import { type Rmsg, Rxattrcreate, Rxattrwalk, type TxattrcreateMsg, type TxattrwalkMsg, XATTR_REPLACE } from "../fcall.ts";
import { AREAD, AWRITE } from "../perm.ts";
import type { Call, Node } from "../server.ts";
import type { Session } from "../srv.ts";
import { encodeUtf8, utf8Length } from "../utf8.ts";
import { mayAccess } from "./attr.ts";
import type { XattrIo } from "./fid.ts";
import type { Request } from "./request.ts";
import { made, placeOf } from "./walk.ts";

/** Linux XATTR_SIZE_MAX. */
const XATTRMAX = 65536;
const SESSIONMAX = 16 << 20;

export function xattrwalk(s: Session, q: Request, t: TxattrwalkMsg): Awaitable<Rmsg> {
  const from = s.fidOf(q, t.fid);
  if (from.xattr) throw new NineError(Ebadfid);
  const place = placeOf(from);
  const { xattrs } = place.node;
  const to = made(q, t.newfid);
  if (!xattrs) throw new NineError(Enotsup);
  const value = t.name === "" ? after(xattrs.list(q), namesList) : after(mayAccess(place.node, AREAD, q, s.users), () => xattrs.get(t.name, q));
  return after(value, (v) => {
    if (!v) throw new NineError(Enodata);
    hold(s, v.length);
    to.adopt(q.user, place);
    to.xattr = { name: t.name, value: v, flags: undefined, written: 0 };
    return { type: Rxattrwalk, size: v.length };
  });
}

/** listxattr(2): each name with a NUL behind it. */
function namesList(names: string[]): Uint8Array {
  const all = names.map((n) => `${n}\0`).join("");
  const out = new Uint8Array(utf8Length(all));
  encodeUtf8(all, out, 0);
  return out;
}

export function xattrcreate(s: Session, q: Request, t: TxattrcreateMsg): Awaitable<Rmsg> {
  const f = s.fidOf(q, t.fid);
  if (f.mode >= 0 || f.xattr) throw new NineError(Ebadfid);
  const { node } = placeOf(f);
  if (!node.xattrs) throw new NineError(Enotsup);
  if (t.attr_size > XATTRMAX) throw new NineError(Erange);
  return after(mayAccess(node, AWRITE, q, s.users), () => {
    hold(s, t.attr_size);
    f.xattr = { name: t.name, value: new Uint8Array(t.attr_size), flags: t.flags, written: 0 };
    return { type: Rxattrcreate };
  });
}

function hold(s: Session, bytes: number): void {
  if (s.xattrBytes + bytes > SESSIONMAX) throw new NineError(Enomem);
  s.xattrBytes += bytes;
}

export function readXattr(x: XattrIo, at: number, n: number): Uint8Array {
  if (x.flags !== undefined) throw new NineError(Ebadusefd);
  return x.value.subarray(at, at + n);
}

export function writeXattr(x: XattrIo, at: number, data: Uint8Array): number {
  if (x.flags === undefined) throw new NineError(Ebadusefd);
  if (at !== x.written || at + data.length > x.value.length) throw new NineError(Erange);
  x.value.set(data, at);
  x.written += data.length;
  return data.length;
}

/** At the clunk: set what was written; size 0 with XATTR_REPLACE removes, as Linux asks for removexattr(2). */
export function setXattr(s: Session, x: XattrIo, node: Node, q: Call): Awaitable<void> {
  s.xattrBytes -= x.value.length;
  if (x.flags === undefined) return undefined;
  if (x.written !== x.value.length) throw new NineError(Einval);
  if (x.value.length === 0 && x.flags === XATTR_REPLACE) return node.xattrs?.remove(x.name, q);
  return node.xattrs?.set(x.name, x.value, x.flags, q);
}
