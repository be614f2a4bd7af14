/**
 * Seat: a person at an interactive rc in a booted system, whose terminal is in memory: the line discipline
 * of clients/tty.ts, a screen that is a string, and keys. What is shown is waited for, never a time.
 */
import { system, type System, type SystemOptions } from "../../clients/node/system.ts";
import { Tty, type TtyNote } from "../../clients/tty.ts";
import type { Stats } from "../../kernel/index.ts";
import { decodeUtf8, encode, ORDWR } from "../../proto/index.ts";

export const CTRL_C = "\x03";
export const CTRL_D = "\x04";
export const CTRL_Z = "\x1a";
export const CTRL_BACKSLASH = "\x1c";

export class Seat {
  readonly system: System;
  /** Of the shell. */
  readonly pid: number;
  /** Settles with the shell's status. */
  readonly ended: Promise<string>;
  /** What is alive at the first prompt. */
  before: Stats;
  private readonly screen: Screen;

  private constructor(sys: System, pid: number, screen: Screen) {
    this.system = sys;
    this.pid = pid;
    this.screen = screen;
    this.ended = sys.sys.wait(pid).then((w) => w.status, () => "shut down");
    this.before = sys.stats();
  }

  /** Boots, and waits for the first prompt. */
  static async at(options: SystemOptions = {}): Promise<Seat> {
    const screen = new Screen();
    const key = (note: TtyNote): void => {
      const group = booted.cons.foreground;
      if (group !== undefined) booted.postNoteGroup(group, note);
    };
    const tty = new Tty({ write: (data) => screen.show(data), note: key });
    screen.tty = tty;
    const read = (signal: AbortSignal): Promise<Uint8Array> => tty.read(signal);
    const write = (data: Uint8Array): void => screen.show(data);
    const booted = await system({
      ...options,
      streams: {
        stdin: { read: (_n, signal) => read(signal) }, stdout: { write }, stderr: { write }, close: () => undefined,
        console: { read, write, setRaw: (on) => tty.setRaw(on), size: () => ({ rows: 24, cols: 80 }), isTTY: true },
      },
    });
    const { sys } = booted;
    sys.notify(() => true);
    for (let fd = 0; fd < 3; fd++) await sys.open("/dev/cons", ORDWR);
    const pid = await sys.spawn({ path: "/bin/rc", argv: ["rc", "-i"], noteGroup: "new" });
    const seat = new Seat(booted, pid, screen);
    await seat.shows(/% $/);
    // What is made at first use stays: the servers of all devices.
    await seat.line("echo x | cat >/tmp/x; rm /tmp/x; sleep 0; echo rc >/proc/$pid/args; x=`{cat /dev/null /fd/0 </dev/null}; ls /n /env /srv /proc >/dev/null");
    seat.before = booted.stats();
    return seat;
  }

  /** Keys; what was shown until now is not looked at any more. */
  type(keys: string): void {
    this.screen.text = "";
    this.screen.tty?.type(encode(keys));
  }

  /** What is shown since the last keys began. */
  get shown(): string {
    return this.screen.text;
  }

  /** The same, once it matches. */
  shows(what: RegExp): Promise<string> {
    return this.screen.until(what);
  }

  /** Types a line at the prompt; what is shown until the next. */
  async line(text: string): Promise<string> {
    this.type(`${text}\n`);
    const shown = await this.shows(/(^|\n)% $/);
    return shown.slice(text.length + 1).replace(/% $/, "");
  }

  /** Lets everybody come to a wait. */
  async hops(n = 300): Promise<void> {
    for (let i = 0; i < n; i++) {
      await this.system.sys.stat("/tmp");
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Of what is alive, what was not at the first prompt. */
  async left(): Promise<object> {
    await this.hops();
    const now = this.system.stats();
    const { procs, fids, chans, noteGroups } = this.before;
    return { procs: now.procs - procs, fids: now.fids - fids, chans: now.chans - chans, noteGroups: now.noteGroups - noteGroups };
  }

  /** Whose keys the terminal's are. */
  get foreground(): number | undefined {
    return this.system.cons.foreground;
  }

  close(): void {
    this.system.shutdown();
  }
}

/** Nothing more than there was. */
export const NOTHING = { procs: 0, fids: 0, chans: 0, noteGroups: 0 };

class Screen {
  text = "";
  tty: Tty | undefined;
  private waiting: { what: RegExp; resolve: (text: string) => void }[] = [];

  show(data: Uint8Array): void {
    this.text += decodeUtf8(data, 0, data.length);
    this.waiting = this.waiting.filter(({ what, resolve }) => {
      const found = what.test(this.text);
      if (found) resolve(this.text);
      return !found;
    });
  }

  until(what: RegExp): Promise<string> {
    if (what.test(this.text)) return Promise.resolve(this.text);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`not shown: ${what}, but ${JSON.stringify(this.text.slice(-2000))}`)), 10_000);
      this.waiting.push({
        what, resolve: (text) => {
          clearTimeout(late);
          resolve(text);
        },
      });
    });
  }
}
