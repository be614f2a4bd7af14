/**
 * Messages: a T message as it goes on to where its fid is, and the R that comes back as the client is
 * to see it. Pure: fid numbers, qids and sizes are exchanged, nothing else.
 */
import {
  IOHDRSZ, QTDIR, Rcreate, Rgetattr, Rlcreate, Rlopen, Rmkdir, Rmknod, type Rmsg, Ropen, Rread, Rreaddir, Rstat, Rsymlink, Tclunk, Tgetattr, Tlink, Tlopen,
  type Tmsg, Topen, Tread, Treaddir, Trename, Trenameat, Tstat, type TauthMsg, Twrite,
} from "../../proto/index.ts";
import type { Peer } from "./peer.ts";
import { direntsOf, dirsOf, qidOf } from "./qids.ts";

/** The message as its fid's portal gets it; fid2 stands for the second fid it names. */
export function onward(t: Exclude<Tmsg, TauthMsg>, fid: number, most: number, fid2: number = fid): Tmsg {
  switch (t.type) {
    case Tread: {
      const count = Math.min(t.count, most);
      return t.into ? { type: Tread, fid, offset: t.offset, count, into: t.into, forfeit: t.forfeit ?? false } : { type: Tread, fid, offset: t.offset, count };
    }
    case Twrite: return { type: Twrite, fid, offset: t.offset, data: t.data };
    case Treaddir: return { type: Treaddir, fid, offset: t.offset, count: Math.min(t.count, most) };
    case Tclunk: return { type: Tclunk, fid };
    case Tstat: return { type: Tstat, fid };
    case Topen: return { type: Topen, fid, mode: t.mode };
    case Tlopen: return { type: Tlopen, fid, flags: t.flags };
    case Tgetattr: return { type: Tgetattr, fid, request_mask: t.request_mask };
    case Tlink: return { ...t, dfid: fid, fid: fid2 };
    case Trename: return { ...t, fid, dfid: fid2 };
    case Trenameat: return { ...t, olddirfid: fid, newdirfid: fid2 };
    default: return "dfid" in t ? { ...t, dfid: fid } : "dirfid" in t ? { ...t, dirfid: fid } : { ...t, fid };
  }
}

/** The reply as the client sees it. dir: what was read is a directory. name: instead of the one in a stat. most: payload of one message of the export's. */
export function backward(r: Rmsg, peer: Peer, t: Tmsg, dir: boolean, name: string | undefined, most: number): Rmsg {
  const { mask } = peer;
  switch (r.type) {
    case Rread: return dir && t.type === Tread ? { type: Rread, data: dirsOf(mask, r.data), lasting: true } : r;
    case Rreaddir: return { type: Rreaddir, data: direntsOf(mask, r.data) };
    case Rstat: return { type: Rstat, stat: { ...r.stat, qid: qidOf(mask, r.stat.qid), name: name ?? r.stat.name } };
    case Rgetattr: return { ...r, qid: qidOf(mask, r.qid) };
    case Ropen: case Rlopen: case Rcreate: case Rlcreate: {
      const room = peer.portal.msize - IOHDRSZ;
      const iounit = r.qid.type & QTDIR || room >= most ? r.iounit : Math.min(r.iounit || room, room);
      return { type: r.type, qid: qidOf(mask, r.qid), iounit };
    }
    case Rmkdir: case Rsymlink: case Rmknod: return { type: r.type, qid: qidOf(mask, r.qid) };
    default: return r;
  }
}
