/**
 * Linuxcalls: a process that makes any of Linux's calls with any arguments, no program behind it: its
 * registers are set and the call is made as if a syscall instruction had. What does not answer is
 * interrupted by a note, as often as it takes. A process that has ended makes way for a fresh one.
 */
import { type Kernel, MCREATE, MREPL, type Sys } from "../../kernel/index.ts";
import { Guest } from "../../kernel/guest/guest.ts";
import { Segments } from "../../kernel/guest/segments.ts";
import { CALLS } from "../../kernel/linux/calls.ts";
import { Linux } from "../../kernel/linux/linux.ts";
import { NAMES, numberOf } from "../../kernel/linux/names.ts";
import { R } from "../../kernel/machine/index.ts";
import type { Proc } from "../../kernel/proc.ts";
import { type Dialect, dir, errno, open, ORDWR, OREAD, type Server } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { guestKernel, type GuestKernel } from "./guests.ts";
import { seed } from "./random.ts";

/** Memory: to be read and written, to be read; where names are; where nothing is. */
export const RW = 0x1000_0000;
export const RO = 0x2000_0000;
export const TEXTS = 0x3000_0000;
export const NOTHING = 0x4000_0000;
const PAGES = 4;
const PAGE = 4096;
const RIP = 0x40_0002;
const SYSCALL = 2;
const ARGS = [R.rdi, R.rsi, R.rdx, R.r10, R.r8, R.r9] as const;
/** Turns of the event loop that a call may take before a note, and notes. */
const TURNS = 3;
const NOTES = 40;
/** What the server of a process's files speaks, in turn. */
const DIALECTS: readonly Dialect[] = ["9P2000.L", "9P2000", "9P2000.u"];
/** The numbers there are. */
export const NUMBERS = 461;
const HERE: readonly number[] = CALLS.flatMap((known, nr) => (known ? [nr] : []));
/** Calls that tell others something: they are told of numbers that nobody has. */
const TELLING: ReadonlySet<number> = new Set(["kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "setpgid"].map(numberOf));

const WORDS = ["f", "d", "d/g", "none", "d/none/x", "/", ".", "..", "", "link", "loop", "/dev/null", "/dev/zero", "/dev/stdin", "/proc/self/maps", "/proc/self/fd/0", "/proc/self/exe",
  "x".repeat(300), "d/", "f/", "#linux", "new1", "new2", "user.x"];

/** A system in which such processes live. */
export class Callers {
  readonly ends: Map<string, number> = new Map();
  private readonly k: GuestKernel;
  private readonly kernel: Kernel;
  private readonly int: (n: number) => number;
  private caller: Caller | undefined;

  private constructor(k: GuestKernel, kernel: Kernel, int: (n: number) => number) {
    this.k = k;
    this.kernel = kernel;
    this.int = int;
  }

  /** `int` is chance. */
  static async boot(int: (n: number) => number): Promise<Callers> {
    let kernel: Kernel | undefined;
    const spy = (of: Kernel): Server => {
      kernel = of;
      const root = dir({});
      return { name: "spy", attach: () => root };
    };
    const k = await guestKernel({}, { seed: 1, servers: { spy } });
    for (const name of ["#spy", "#linux", "#pipe"]) await k.sys.stat(name);
    if (!kernel) throw new Error("no kernel");
    return new Callers(k, kernel, int);
  }

  /** Ends; throws when anything is left behind. */
  async over(): Promise<void> {
    await this.caller?.end();
    this.k.shutdown();
  }

  /** What there is besides a process that calls. */
  async stats(): Promise<string> {
    await this.caller?.end();
    this.caller = undefined;
    return JSON.stringify(this.k.stats());
  }

  /** One by chance; what is wrong is told with the number n and the call. */
  async next(n: number): Promise<void> {
    const { nr, args } = this.chosen();
    await this.call(nr, args).catch((e: unknown) => {
      throw new Error(`SEED=${seed()}, call ${n}: ${NAMES[nr]?.name ?? nr}(${args.map((a) => `0x${BigInt.asUintN(64, a).toString(16)}`).join(", ")})`, { cause: e });
    });
  }

  /** One call, its result counted under its name. */
  async call(nr: number, args: readonly bigint[]): Promise<void> {
    if (!this.caller || this.caller.proc.ended || this.caller.made > 300) {
      await this.caller?.end();
      this.caller = await Caller.make(this.k.sys, this.kernel);
    }
    const r = await this.caller.call(nr, args);
    const name = NAMES[nr]?.name ?? String(nr);
    const key = r === undefined ? "ended" : r < 0n && r > -4096n ? nameOf(Number(-r)) : "success";
    if (key === undefined) throw new Error(`${name} gives ${r}, which is no error`);
    this.ends.set(key, (this.ends.get(key) ?? 0) + 1);
  }

  /** A number, and arguments for it, by chance: what they are meant to be, and what they are not. */
  chosen(): { nr: number; args: bigint[] } {
    // Half of the numbers are of calls that are there.
    const nr = this.int(2) === 0 ? this.int(NUMBERS) : (HERE[this.int(HERE.length)] as number);
    const letters = NAMES[nr]?.args ?? "";
    const args = Array.from({ length: 6 }, (_, k) => (this.int(4) === 0 ? this.anything() : this.meant(letters[k])));
    if (TELLING.has(nr)) {
      const own = this.caller?.proc.pid ?? 99_999;
      for (const k of [0, 1]) if (!"S".includes(letters[k] ?? "")) args[k] = BigInt([own, 99_999, -99_999, 0][this.int(4)] as number);
    }
    return { nr, args };
  }

  private meant(letter: string | undefined): bigint {
    const { int } = this;
    switch (letter) {
      case "s": return BigInt(TEXTS + 512 * int(WORDS.length));
      case "p": case "b": case "B": return BigInt([RW, RW + 8 * int(64), RO, RW + PAGES * PAGE - int(40), 0][int(5)] as number);
      case "f": return BigInt(int(8));
      case "F": return int(3) === 0 ? BigInt(int(8)) : -100n;
      case "n": return BigInt([0, 1, 8, 16, 24, 144, 4096, 65536][int(8)] as number);
      case "S": return BigInt(int(66));
      default: return BigInt([0, 1, 2, 3, 4, 5, 8, 0o644, 0x1000, 1 << int(24), int(100), -1][int(12)] as number);
    }
  }

  private anything(): bigint {
    const { int } = this;
    switch (int(6)) {
      case 0: return BigInt(int(2 ** 31));
      case 1: return 1n << BigInt(int(64));
      case 2: return (1n << BigInt(int(64))) - 1n;
      case 3: return -BigInt(int(5000));
      case 4: return BigInt([NOTHING, 0xffff_8000_0000, RW - 1, RW + PAGES * PAGE - 1][int(4)] as number);
      default: return 0x7fff_ffff_ffff_ffffn - BigInt(int(2));
    }
  }
}

const ERRNO: ReadonlyMap<number, string> = new Map([...Object.entries(errno).map(([name, n]): [number, string] => [n, name]), [97, "EAFNOSUPPORT"]]);

function nameOf(n: number): string {
  const name = ERRNO.get(n);
  if (name === undefined) throw new Error(`no error has the number ${n}`);
  return name;
}

class Caller {
  readonly proc: Proc;
  made = 0;
  private readonly sys: Sys;
  private readonly guest: Guest;
  private readonly linux: Linux;
  private readonly finish: () => void;

  private constructor(sys: Sys, proc: Proc, guest: Guest, linux: Linux, finish: () => void) {
    this.sys = sys;
    this.proc = proc;
    this.guest = guest;
    this.linux = linux;
    this.finish = finish;
  }

  /** A process with a few files open: a file, a directory, a pipe, the console. */
  static async make(sys: Sys, kernel: Kernel): Promise<Caller> {
    let finish = (): void => undefined;
    let started = (_pid: number): void => undefined;
    const pid = new Promise<number>((resolve) => (started = resolve));
    const over = new Promise<void>((resolve) => (finish = resolve));
    await sys.spawn({
      argv: ["caller"], fds: "clean", noteGroup: "new",
      main: async (own) => {
        own.rfork({ ns: "copy" });
        // Of its own: what another has left may be nobody's any more.
        await own.mount(open(ram({ now: kernel.host.now, owner: own.user }), { dialect: DIALECTS[own.pid % DIALECTS.length] as Dialect }), "/tmp", MREPL | MCREATE, "");
        await own.mkdir("/tmp/w", 0o755);
        await own.chdir("/tmp/w");
        await own.mkdir("d", 0o755);
        await own.writeFile("f", new Uint8Array(5000).fill(65));
        await own.writeFile("d/g", new Uint8Array(10));
        // Plain 9P2000 has none.
        for (const [to, name] of [["f", "link"], ["loop", "loop"]] as const) await own.symlink(to, name).catch(() => undefined);
        for (const [path, mode] of [["/dev/cons", ORDWR], ["f", ORDWR], ["d", OREAD], ["/dev/null", ORDWR]] as const) await own.open(path, mode);
        await own.pipe();
        started(own.pid);
        await over;
      },
    });
    const proc = kernel.procs.get(await pid) as Proc;
    const segments = new Segments(kernel.guests.ram);
    for (const [base, prot] of [[RW, 3], [RO, 1], [TEXTS, 3]] as const) segments.map({ type: "Data", base, top: base + PAGES * PAGE, prot });
    let linux: Linux | undefined;
    const guest = new Guest(proc, kernel.guests, segments, () => undefined, (g) => (linux = new Linux(g, { entry: RIP, phdr: 0, brk: 0x5000_0000 })));
    guest.cpu.reset();
    proc.handler = (note) => guest.personality.note(note);
    proc.guest = guest;
    proc.segments = segments.list;
    proc.atExit.add(guest.end);
    WORDS.forEach((word, k) => guest.user.put(TEXTS + 512 * k, new TextEncoder().encode(`${word}\0`)));
    return new Caller(sys, proc, guest, linux as unknown as Linux, finish);
  }

  /** Ends it, if it has not yet. */
  async end(): Promise<void> {
    this.finish();
    this.proc.note("kill");
    await this.sys.wait(this.proc.pid).catch(() => undefined);
  }

  /** The result; undefined when it has ended the process. */
  async call(nr: number, args: readonly bigint[]): Promise<bigint | undefined> {
    const { guest, linux, proc } = this;
    this.made++;
    const { cpu } = guest;
    cpu.rip = RIP;
    cpu.setNumber(R.rax, nr);
    cpu.setNumber(R.rsp, RW + 2 * PAGE);
    args.forEach((a, k) => cpu.setBig(ARGS[k] as number, BigInt.asUintN(64, a)));
    for (let tries = 0; tries < NOTES; tries++) {
      const wait = linux.call();
      if (wait instanceof Promise) await this.settled(wait);
      if (guest.over || proc.ended) return undefined;
      // Made again from its beginning, it would be by the program.
      if (guest.cpu.rip !== RIP - SYSCALL) return this.result();
      guest.cpu.rip = RIP;
    }
    return -4n;
  }

  private async result(): Promise<bigint | undefined> {
    const { guest, linux, proc } = this;
    const rax = BigInt.asIntN(64, guest.cpu.big(R.rax));
    const wait = linux.deliver();
    if (wait instanceof Promise) proc.start();
    await wait;
    return guest.over || proc.ended ? undefined : rax;
  }

  private async settled(wait: Promise<void>): Promise<void> {
    const call = { over: false };
    const end = wait.finally(() => (call.over = true));
    const { host } = this.proc.kernel;
    for (let k = 0; !call.over && k < TURNS; k++) await Promise.race([end, host.yield()]);
    for (let k = 0; !call.over && k < NOTES; k++) {
      this.proc.start();
      this.proc.interrupt();
      await Promise.race([end, host.yield()]);
    }
    if (!call.over) throw new Error("a call cannot be interrupted");
    await end;
  }
}
