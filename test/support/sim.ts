/**
 * Sim: a run of something that a seed decides: time, chance and the order of things. Invariant: what
 * runs in it waits for nothing from outside, so that nothing more happening with work left undone is
 * a deadlock, and a failure that tells what everybody waited for; so does a run that does not end.
 */
import { Seeded } from "../../clients/node/seeded.ts";
import { chaos, open, type OpenOptions, dial, pair, type Portal, print, serve, type Server, type Tmsg, trace, type Troubles } from "../../proto/index.ts";

/** Messages of one run, at most. */
const ENDLESS = 200_000;

export class Sim {
  readonly host: Seeded;
  /** What processes and servers say to whoever runs them. */
  readonly log: string[] = [];
  /** The messages of all portals watched, when they are traced. */
  readonly transcript: string[] = [];
  /** More to be told of a deadlock. */
  readonly states: (() => string)[] = [];
  private readonly traced: boolean;
  private readonly pending = new Map<Tmsg, string>();
  private messages = 0;
  private stuck: ((why: Error) => void) | undefined;

  constructor(seed: number, traced = false) {
    this.traced = traced;
    this.host = new Seeded(seed, { log: (line) => this.log.push(line), idle: () => this.fail("nobody can go on") });
  }

  /** Runs f to its end. */
  run<T>(f: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (g: () => void): void => {
        this.stuck = undefined;
        g();
      };
      this.stuck = (e) => end(() => reject(e));
      f().then((v) => end(() => resolve(v)), (e: unknown) => end(() => reject(e instanceof Error ? e : new Error(String(e)))));
      this.host.arm();
    });
  }

  /** Until all that can happen has happened. */
  async settled(): Promise<void> {
    for (let last = -1; last !== this.host.turns || this.host.armed;) {
      last = this.host.turns;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Calls that have not settled. */
  get unanswered(): string[] {
    return [...this.pending].map(([t, name]) => `${name}: ${print(t, 0, 32)}`);
  }

  /** A portal whose calls are counted until they settle, and traced when the run is: what boot's `wrap` wants. */
  readonly watch = (portal: Portal, name: string): Portal => {
    const inner = this.traced ? trace(portal, (line) => this.transcript.push(line), { name }) : portal;
    return {
      dialect: portal.dialect, msize: portal.msize, ordered: portal.ordered, lasting: portal.lasting ?? false,
      call: (t) => {
        if (++this.messages > ENDLESS) this.fail("it does not end");
        const r = inner.call(t);
        if (r instanceof Promise) {
          this.pending.set(t, name);
          void r.then(() => this.pending.delete(t));
        }
        return r;
      },
      flush: (t) => inner.flush(t),
      hangup: () => inner.hangup(),
    };
  };

  /** A portal behind a wire in memory, with troubles at the near end. */
  async link(portal: Portal, near: Troubles): Promise<Portal> {
    const [a, b] = pair();
    serve(b, () => portal);
    return chaos(await dial(a), this.host, near);
  }

  /** A server behind a wire in memory, with troubles at both ends. */
  async remote(server: Server, near: Troubles = {}, far: Troubles = {}, versions?: readonly string[]): Promise<Portal> {
    const [a, b] = pair();
    serve(b, (s: OpenOptions) => chaos(open(server, s), this.host, far));
    return chaos(await dial(a, versions ? { versions } : {}), this.host, near);
  }

  private fail(why: string): void {
    this.stuck?.(new Error([why, ...this.states.map((f) => f()), ...this.unanswered, ...this.log].join("\n")));
  }
}
