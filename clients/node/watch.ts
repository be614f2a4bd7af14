/**
 * Watch: the connections that are being served at the moment, and how long each may be silent. Its
 * bounds are those that need a clock, the rest is proto's (limit, serve). Invariant: a connection
 * that never begins, that has nothing under way for too long, or whose peer takes no replies, is
 * ended, with the reason. Used by listen; `text` and `line` are what --stats shows.
 */
import { Budget, type Served, type Use } from "../../proto/index.ts";

export interface WatchLimits {
  /** Connections of one listener; more are hung up on at once. Default 1024. */
  readonly connections?: number;
  /** Seconds until a connection must have agreed on a version; 0: for ever. Default 30. */
  readonly hello?: number;
  /** Seconds without a request and with none under way; 0: for ever, which is the default. */
  readonly idle?: number;
  /** Seconds in which a peer with replies waiting takes none of them, or sends nothing of a message it has begun; 0: for ever. Default 60. */
  readonly stall?: number;
}

export interface WatchOptions extends WatchLimits {
  /** Bytes under way on all connections together. */
  readonly budget?: Budget;
  /** Monotonic time in ms. */
  readonly now?: () => number;
}

interface Seen {
  readonly sinceMs: number;
  bytesIn: number;
  cameMs: number;
  quietMs: number;
  taken: number;
  stuckMs: number;
}

const TICKMS = 1000;
const DEFAULTS: Required<WatchLimits> = { connections: 1024, hello: 30, idle: 0, stall: 60 };

export class Watch {
  readonly limits: Required<WatchLimits>;
  readonly budget: Budget;
  private readonly now: () => number;
  private readonly seen = new Map<Served, Seen>();
  private timer: NodeJS.Timeout | undefined;
  private connections = 0;
  private ended = 0;
  /** Of connections that are over. */
  private requests = 0;
  private bytesIn = 0;
  private bytesOut = 0;

  constructor(options: WatchOptions = {}) {
    const { budget, now, ...limits } = options;
    this.limits = { ...DEFAULTS, ...limits };
    this.budget = budget ?? new Budget();
    this.now = now ?? (() => performance.now());
  }

  add(s: Served): void {
    const now = this.now();
    this.connections++;
    this.seen.set(s, { sinceMs: now, bytesIn: 0, cameMs: now, quietMs: now, taken: 0, stuckMs: now });
    this.timer ??= setInterval(() => this.tick(), TICKMS).unref();
  }

  remove(s: Served): void {
    if (!this.seen.delete(s)) return;
    this.requests += s.requests;
    this.bytesIn += s.bytesIn;
    this.bytesOut += s.bytesOut;
    if (this.seen.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Ends the connections that have waited too long; called every second. */
  tick(): void {
    const now = this.now();
    for (const [s, seen] of this.seen) {
      const why = this.overdue(s, seen, now);
      if (why === undefined) continue;
      this.ended++;
      s.hangup(why);
    }
  }

  /** One line: all connections together, since the start. */
  line(): string {
    const n = this.sums();
    return `${this.seen.size} connections, ${n.fids} fids (${n.opens} open), ${n.calls} calls with ${size(n.bytes)} under way, ${size(n.unread)} not taken; `
      + `so far ${this.connections} connections (${this.ended} hung up on), ${n.requests} requests, ${size(n.bytesIn)} in, ${size(n.bytesOut)} out`;
  }

  /** The bounds, the sums, and a line for each connection. */
  text(bounds: Readonly<Record<string, number>>): string {
    const { hello, idle, stall, connections } = this.limits;
    const all = { ...bounds, budget: this.budget.most, connections, hello, idle, stall };
    const rows = [["peer", "version", "msize", "fids", "opens", "calls", "bytes", "unread", "requests", "in", "out", "refused", "seconds"]];
    const now = this.now();
    for (const [s, { sinceMs }] of this.seen) {
      const u: Use = s.use ?? { fids: 0, opens: 0, calls: 0, bytes: 0, refused: 0 };
      rows.push([
        s.peer, s.version || "-", size(s.msize), String(u.fids), String(u.opens), String(u.calls), size(u.bytes), size(s.unread), String(s.requests),
        size(s.bytesIn), size(s.bytesOut), String(u.refused), String(Math.floor((now - sinceMs) / 1000)),
      ]);
    }
    const wide = rows[0]?.map((_, i) => Math.max(...rows.map((r) => r[i]?.length ?? 0))) ?? [];
    const table = rows.map((r) => r.map((w, i) => (i < 2 ? w.padEnd(wide[i] ?? 0) : w.padStart(wide[i] ?? 0))).join(" ").trimEnd());
    return `${Object.entries(all).map(([k, n]) => `${k}=${size(n)}`).join(" ")}\n${this.line()}\n${table.join("\n")}\n`;
  }

  private overdue(s: Served, seen: Seen, now: number): string | undefined {
    const { hello, idle, stall } = this.limits;
    if (s.bytesIn !== seen.bytesIn) seen.cameMs = now;
    if (s.bytesIn !== seen.bytesIn || (s.use?.calls ?? 0) > 0) {
      seen.bytesIn = s.bytesIn;
      seen.quietMs = now;
    }
    const taken = s.bytesOut - s.unread;
    if (s.unread === 0 || taken !== seen.taken) {
      seen.taken = taken;
      seen.stuckMs = now;
    }
    if (hello > 0 && s.use === undefined && now - seen.sinceMs >= hello * 1000) return `no 9P version agreed in ${hello} s`;
    if (stall > 0 && now - seen.stuckMs >= stall * 1000) return `no reply was taken for ${stall} s`;
    if (stall > 0 && s.partial > 0 && now - seen.cameMs >= stall * 1000) return `nothing came for ${stall} s in the middle of a message`;
    if (idle > 0 && now - seen.quietMs >= idle * 1000) return `idle for ${idle} s`;
    return undefined;
  }

  private sums(): Use & Pick<Served, "requests" | "bytesIn" | "bytesOut" | "unread"> {
    const n = { fids: 0, opens: 0, calls: 0, bytes: 0, refused: 0, requests: this.requests, bytesIn: this.bytesIn, bytesOut: this.bytesOut, unread: 0 };
    for (const s of this.seen.keys()) {
      n.requests += s.requests;
      n.bytesIn += s.bytesIn;
      n.bytesOut += s.bytesOut;
      n.unread += s.unread;
      if (!s.use) continue;
      n.fids += s.use.fids;
      n.opens += s.use.opens;
      n.calls += s.use.calls;
      n.bytes += s.use.bytes;
      n.refused += s.use.refused;
    }
    return n;
  }
}

/** A number of bytes, or any other, with K, M, G or T when it is large. */
function size(n: number): string {
  let unit = 0;
  let x = n;
  for (; x >= 10_000 && unit < 4; unit++) x /= 1024;
  return unit === 0 ? String(n) : `${Math.round(x)}${" KMGT"[unit]}`;
}
