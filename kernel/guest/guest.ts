/**
 * Guest: a process whose program runs on the machine: its memory, its registers, and who answers its
 * traps. Invariants: between two slices all it is stands in `context` and in its segments; what it waits
 * for is one promise, after which it is asked again what to do; a note is looked at before each slice and
 * after each call; when its Proc ends, by whatever, it has given back its memory before that returns.
 */
import { after, attempt, type Awaitable, encode, isInterrupted, NineError } from "../../proto/index.ts";
import { FileCalls } from "../filecalls.ts";
import { type Context, type Cpu, type Exit, type Machine, R, Trap } from "../machine/index.ts";
import type { Proc } from "../proc.ts";
import type { Program } from "../sys.ts";
import type { Guests } from "./guests.ts";
import type { Ram } from "./ram.ts";
import type { Fault, Segments } from "./segments.ts";
import { User } from "./user.ts";

/** After so many traps the clock is looked at. */
const TRAPS = 32;

/** Runs a host program in a process. */
export type RunHost = (proc: Proc, main: Program, argv: readonly string[]) => void;

/** What answers a guest's traps: an operating system's calls, as its programs know them. */
export interface Personality {
  /** The guest has made a call: a promise when it must wait. */
  call(): Awaitable<void>;
  /** It has done what cannot be done. */
  fault(trap: Trap, why: Fault | undefined): Awaitable<void>;
  /** A note has come; true when it has been dealt with, or will be. */
  note(note: string): boolean;
  /** Before it goes on: notes that are waiting. */
  deliver(): Awaitable<void>;
}

export class Guest {
  readonly proc: Proc;
  readonly calls: FileCalls;
  readonly user: User;
  readonly context: Context;
  readonly segments: Segments;
  readonly personality: Personality;
  /** Its process has ended, or runs another program. */
  over = false;
  readonly runHost: RunHost;
  private readonly guests: Guests;

  /** Takes the segments over. `runHost` is for a program that makes way for a host's. */
  constructor(proc: Proc, guests: Guests, segments: Segments, runHost: RunHost, personality: (g: Guest) => Personality) {
    this.proc = proc;
    this.runHost = runHost;
    this.guests = guests;
    this.segments = segments;
    this.calls = new FileCalls(proc);
    this.user = new User(this);
    this.context = guests.machine.newContext();
    this.personality = personality(this);
  }

  /** It is whole: from now on it is the process's program, instead of who was, takes its notes, ends with it, and runs. */
  start(): void {
    const { proc } = this;
    if (proc.guest instanceof Guest) proc.guest.end();
    proc.segments = this.segments.list;
    proc.guest = this;
    proc.handler = (note) => this.personality.note(note);
    proc.atExit.add(this.end);
    this.guests.ready(this);
  }

  /** Gives back its memory; it does nothing more. */
  readonly end = (): void => {
    const { proc } = this;
    this.over = true;
    proc.atExit.delete(this.end);
    if (proc.guest === this) {
      proc.guest = undefined;
      proc.handler = undefined;
      proc.segments = [];
    }
    this.guests.leave(this);
    this.segments.free();
  };

  /** Frames of the machine: all, those in use, those set aside. */
  get ramUsage(): Ram["usage"] {
    return this.guests.ram.usage;
  }

  get machine(): Machine {
    return this.guests.machine;
  }

  /** Its registers, which are the machine's while it is. */
  get cpu(): Cpu {
    this.use();
    return this.guests.machine.cpu;
  }

  /** Makes it the one whose registers and memory the machine has. */
  use(): void {
    this.guests.use(this);
  }

  /** A page that an access missed. */
  fault(va: number, code: number): Awaitable<Fault | undefined> {
    return this.segments.fault(va, code, this.proc.intr);
  }

  /** Runs it, at most so many instructions and until `over`; a promise is what it waits for, false says that it has ended. */
  slice(budget: number, over: () => boolean): Awaitable<unknown> {
    const { proc, machine, personality } = this;
    let left = budget;
    for (let traps = 1; ; traps++) {
      if (this.over) return false;
      if (proc.killed !== undefined) {
        proc.exit(proc.killed);
        return false;
      }
      // A note that has come is what is to be looked at; it does not end the wait of who is stopped.
      proc.intr.lower();
      const held = proc.held() ?? personality.deliver();
      if (held instanceof Promise) return held;
      if (this.over) return false;
      if (left <= 0 || (traps % TRAPS === 0 && over())) return undefined;
      this.use();
      const before = machine.instructions;
      const exit = machine.run(left);
      left -= machine.instructions - before;
      const wait = this.trapped(exit);
      if (wait instanceof Promise) return wait;
    }
  }

  private trapped({ trap, address, code }: Exit): Awaitable<void> {
    switch (trap) {
      case Trap.Budget: return undefined;
      case Trap.Syscall: return this.personality.call();
      case Trap.PF: {
        this.proc.intr.lower();
        return after(this.fault(address, code), (why) => (why ? this.personality.fault(trap, why) : undefined));
      }
      default: return this.personality.fault(trap, undefined);
    }
  }

  /** What it waited for has failed: an interruption is looked at in its next slice, anything else is a mistake of ours. */
  failed(e: unknown): void {
    if (isInterrupted(e)) return;
    this.proc.kernel.host.log(`guest ${this.proc.pid}: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
    this.proc.exit("sys: bug");
  }

  /** Ends it by its own fault, which is told on its fd 2: what happened, the instruction, the registers. */
  crash(status: string, what: string): Awaitable<void> {
    const text = encode(`${this.proc.name} ${this.proc.pid}: ${what}\n${this.registers()}`);
    return after(attempt<unknown>(() => this.calls.write(2, text), (e) => {
      if (!(e instanceof NineError)) throw e;
    }), () => this.proc.exit(this.proc.killed ?? status));
  }

  /** The next instruction and the registers, as lines. */
  registers(): string {
    const { cpu, machine } = this;
    const hex = (n: bigint): string => n.toString(16).padStart(16, "0");
    const all: [string, bigint][] = [["rip", BigInt(cpu.rip)], ...Object.entries(R).map(([name, n]): [string, bigint] => [name, cpu.big(n)])];
    all.push(["rflags", BigInt(cpu.rflags)], ["fs", BigInt(cpu.fsbase)], ["gs", BigInt(cpu.gsbase)]);
    const lines = [`${cpu.rip.toString(16)}: ${machine.disassemble(cpu.rip)}`];
    for (let k = 0; k < all.length; k += 4) lines.push(all.slice(k, k + 4).map(([name, n]) => `${name.padEnd(6)} ${hex(n)}`).join("  "));
    return lines.map((line) => `${line}\n`).join("");
  }
}
