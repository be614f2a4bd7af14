/**
 * Peer: a Mnt as exports use it, and Up, a fid of theirs there. Invariants: a Peer's portal keeps
 * order and speaks 9P2000.L, so that whatever comes can be sent on at once; a Mnt whose own does not
 * stands behind a relay. An Up's number is used again when nothing that can name it is under way; a
 * Mnt lives while an Up is on it.
 */
import { after, Client, Enoanswer, open, type Portal, Rerror, type Rmsg, Tattach, Tclunk, type Tmsg, NOFID, NOU32 } from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import type { Mnt } from "../mnt.ts";
import { marked } from "./laps.ts";
import { type Mask, maskOf } from "./qids.ts";
import { relay, type Relay, type RelayDeps } from "./relay.ts";

const peers = new WeakMap<Mnt, Peer>();

export class Peer {
  readonly mnt: Mnt;
  readonly mask: Mask;
  /** The Mnt's own client, or one of the relay. */
  readonly client: Client;
  /** Chans that the relay is about to be attached to, by aname. */
  private readonly roots: Map<string, Chan> | undefined;

  private readonly relay: Relay | undefined;

  private constructor(mnt: Mnt, deps: RelayDeps) {
    this.mnt = mnt;
    this.mask = maskOf(mnt.dev);
    const { portal } = mnt.client;
    if (portal.ordered && portal.dialect === "9P2000.L") this.client = mnt.client;
    else {
      this.roots = new Map();
      this.relay = relay(mnt.client, mnt.spec, deps, this.roots);
      this.client = new Client(open(this.relay, { msize: portal.msize }));
    }
  }

  /** The one of a Mnt. */
  static of(mnt: Mnt, deps: RelayDeps): Peer {
    let p = peers.get(mnt);
    if (!p) peers.set(mnt, (p = new Peer(mnt, deps)));
    return p;
  }

  get portal(): Portal {
    return this.client.portal;
  }

  /** An Up of it is gone. */
  left(): void {
    if (this.relay && this.client.fids === 0) this.relay.rest();
    this.mnt.decref();
  }

  /** A fid at the portal for a Chan of the Mnt: its own, or one of the relay's. leave() when it is not needed any more. */
  at(c: Chan): Stand {
    if (!this.roots) {
      c.incref();
      return { peer: this, fid: c.fid, chan: undefined, leave: () => c.close() };
    }
    const up = new Up(this, 0, c);
    const aname = String(up.fid);
    this.roots.set(aname, c);
    // A relay answers an attach at once, and always.
    void this.portal.call({ type: Tattach, fid: up.fid, afid: NOFID, uname: "", aname, n_uname: NOU32 });
    this.roots.delete(aname);
    return up;
  }
}

/** A fid that walks begin at. */
export interface Stand {
  readonly peer: Peer;
  readonly fid: number;
  /** Where the relay's tree begins. */
  readonly chan: Chan | undefined;
  leave(): void;
}

export class Up implements Stand {
  readonly peer: Peer;
  readonly fid: number;
  readonly chan: Chan | undefined;
  private readonly num: number;
  private calls = 0;
  private gone = false;
  /** Whether the peer has it is not known. */
  private lost = false;

  /** The fid comes to be by the message that names it first. laps: see laps.ts. */
  constructor(peer: Peer, laps: number, chan: Chan | undefined) {
    this.peer = peer;
    this.chan = chan;
    this.num = peer.client.alloc();
    this.fid = marked(this.num, laps);
    peer.mnt.incref();
    chan?.incref();
  }

  /** A message that names the fid. */
  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    this.calls++;
    const r = this.peer.portal.call(t);
    if (r instanceof Promise) {
      return r.then((x) => {
        this.done(x);
        return x;
      });
    }
    this.done(r);
    return r;
  }

  /** The fid is not there, or a message that was given ends it. */
  free(): void {
    if (this.gone) return;
    this.gone = true;
    if (this.calls === 0) this.release();
  }

  /** Clunks without waiting. */
  clunk(): void {
    if (this.gone) return;
    this.gone = true;
    void this.call({ type: Tclunk, fid: this.fid });
  }

  leave(): void {
    this.clunk();
  }

  private done(r: Rmsg): void {
    this.calls--;
    if (unanswered(r)) this.lost = true;
    if (this.gone && this.calls === 0) this.release();
  }

  /** The number of one that was lost is used again when a clunk is answered, whatever the answer: the peer keeps order. */
  private release(): void {
    const { client, portal } = this.peer;
    if (!this.lost) client.release(this.num);
    else void after(portal.call({ type: Tclunk, fid: this.fid }), (r) => unanswered(r) || client.release(this.num));
    this.chan?.close();
    this.peer.left();
  }
}

function unanswered(r: Rmsg): boolean {
  return r.type === Rerror && r.ename === Enoanswer;
}
