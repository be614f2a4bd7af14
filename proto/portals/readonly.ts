/**
 * readonly: a portal through which nothing changes. Invariant: no message that changes a file or a
 * directory reaches the server, nor an open by which one could. Locks pass (they change no file, and
 * readers take them), so does a Twstat of nothing, which asks for sync.
 */
import { Ereadonly, NineError } from "../errors.ts";
import {
  type Dialect, NOLENGTH, NOU32, type Rmsg, Tclunk, Tcreate, Tlcreate, Tlink, Tlopen, Tmkdir, Tmknod, type Tmsg, Topen, Tremove, Trename, Trenameat,
  Tsetattr, Tsymlink, Tunlinkat, Twrite, Twstat, Txattrcreate,
} from "../fcall.ts";
import { L_O_ACCMODE, L_O_TRUNC, ORCLOSE, OREAD, OEXEC, OTRUNC } from "../perm.ts";
import type { Portal } from "../portal.ts";
import { rerror } from "../reply.ts";

export function readonly(portal: Portal): Portal {
  return new ReadOnly(portal);
}

class ReadOnly implements Portal {
  readonly dialect: Dialect;
  readonly msize: number;
  readonly ordered: boolean;
  readonly lasting: boolean;
  private readonly portal: Portal;

  constructor(portal: Portal) {
    this.portal = portal;
    this.dialect = portal.dialect;
    this.msize = portal.msize;
    this.ordered = portal.ordered;
    this.lasting = portal.lasting ?? false;
  }

  get lingering(): number {
    return this.portal.lingering ?? 0;
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    if (!changes(t)) return this.portal.call(t);
    const no = rerror(new NineError(Ereadonly));
    if (t.type !== Tremove) return no;
    // Tremove frees the fid whatever comes of it (remove(5)).
    const r = this.portal.call({ type: Tclunk, fid: t.fid });
    return r instanceof Promise ? r.then(() => no) : no;
  }

  flush(t: Tmsg): void {
    this.portal.flush(t);
  }

  hangup(): void {
    this.portal.hangup();
  }
}

/** Whether the message is one that readonly refuses. */
export function changes(t: Tmsg): boolean {
  switch (t.type) {
    case Topen: return ((t.mode & 3) !== OREAD && (t.mode & 3) !== OEXEC) || (t.mode & (OTRUNC | ORCLOSE)) !== 0;
    case Tlopen: return (t.flags & L_O_ACCMODE) !== 0 || (t.flags & L_O_TRUNC) !== 0;
    case Twstat: {
      const d = t.stat;
      return d.name !== "" || d.uid !== "" || d.gid !== "" || d.muid !== "" || d.length !== NOLENGTH
        || [d.mode, d.atime, d.mtime, d.n_uid, d.n_gid].some((n) => n !== NOU32);
    }
    case Tcreate: case Tlcreate: case Tsymlink: case Tmknod: case Trename: case Tsetattr: case Txattrcreate: case Tlink: case Tmkdir:
    case Trenameat: case Tunlinkat: case Twrite: case Tremove: return true;
    default: return false;
  }
}
