/**
 * Request: one T message under way in a session, which is what the server sees as its Call.
 * Invariant: `settled` once the caller has his reply; the lanes it was granted are held until the
 * server has answered, which may be later.
 */
import type { NineError } from "../errors.ts";
import { type Rmsg, type Tmsg, Tread, Twalk } from "../fcall.ts";
import type { Call } from "../server.ts";
import { EXCLUSIVE, type Fid, type Lane, type Op, type User } from "./fid.ts";

const NONE: readonly string[] = [];

/** Who starts it when its fids are granted. */
export interface Starter {
  begin(q: Request): void;
}

export class Request implements Call, Op {
  readonly t: Tmsg;
  user: User;
  waits = 0;
  /** The fids it holds or waits for, with the lanes. */
  fid: Fid | undefined;
  lane: Lane = EXCLUSIVE;
  fid2: Fid | undefined;
  lane2: Lane = EXCLUSIVE;
  started = false;
  settled = false;
  /** Of a Twalk: how many names have been walked. */
  walked = 0;
  /** Bytes of data it may still hold after it has settled. */
  held = 0;
  resolve: ((r: Rmsg) => void) | undefined;
  private readonly starter: Starter;
  private controller: AbortController | undefined;
  private aborted: NineError | undefined;

  constructor(starter: Starter, t: Tmsg, user: User) {
    this.starter = starter;
    this.t = t;
    this.user = user;
  }

  get uname(): string {
    return this.user.uname;
  }

  get uid(): number {
    return this.user.uid;
  }

  get ahead(): readonly string[] {
    return this.t.type === Twalk ? this.t.wname.slice(this.walked + 1) : NONE;
  }

  get by(): number | undefined {
    return this.t.type === Tread ? this.t.by : undefined;
  }

  /** Made when it is asked for: most servers never do. */
  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.aborted) this.controller.abort(this.aborted);
    }
    return this.controller.signal;
  }

  abort(why: NineError): void {
    this.aborted = why;
    this.controller?.abort(why);
  }

  start(): void {
    this.starter.begin(this);
  }
}

/** The Call of what happens at a clunk: nobody can interrupt it. */
export class Closing implements Call {
  readonly uname: string;
  readonly uid: number;

  constructor(user: User) {
    this.uname = user.uname;
    this.uid = user.uid;
  }

  get signal(): AbortSignal {
    return new AbortController().signal;
  }
}
