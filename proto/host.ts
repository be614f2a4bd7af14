/**
 * Host: time, chance and the event loop, received and never taken. Nothing in proto, servers or
 * kernel calls Date, Math.random or setTimeout; a seeded Host therefore replays a run.
 */
export interface Host {
  /** Wall time in milliseconds since the epoch, fractions allowed. */
  now(): number;
  /** A random uint32. */
  random(): number;
  /** Settles after ms; rejects with Eintr as soon as signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lets sockets, timers and other processes run once. */
  yield(): Promise<void>;
  /** One diagnostic line, without newline, for the person who runs the program. */
  log(line: string): void;
}
