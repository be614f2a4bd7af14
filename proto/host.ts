/**
 * Host: time, chance and the event loop, received and never taken. Nothing in proto, servers or
 * kernel calls Date, Math.random or setTimeout; a seeded Host therefore replays a run.
 */
export interface Host {
  /** Wall time in milliseconds since the epoch, fractions allowed. */
  readonly now: () => number;
  /** A random uint32. */
  readonly random: () => number;
  /** Settles after ms; rejects with Eintr as soon as signal aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Lets sockets, timers and other processes run once. */
  readonly yield: () => Promise<void>;
  /** One diagnostic line, without newline, for the person who runs the program. */
  readonly log: (line: string) => void;
}
