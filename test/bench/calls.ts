/**
 * Calls: kernel calls on in-process servers, each beside the very T messages it makes, given straight
 * to the servers' portals: what a call costs beyond them is the kernel's own. Time is the process's CPU
 * time. Invariant: a call leaves its files as they were, so that its messages can be given again and again.
 */
import { boot, type Booted, MCREATE, MREPL, type Program, type Sys } from "../../kernel/index.ts";
import { dir, encode, type Dialect, errorOf, OREAD, ORDWR, type Portal, type Rmsg, type Tmsg } from "../../proto/index.ts";
import { bin, devFiles, mntgen, pipe, ram, tree } from "../../servers/index.ts";
import { nodeHost } from "../../clients/node/host.ts";
import type { Result } from "./flood.ts";
import type { Row } from "./row.ts";

/** What a call may cost over its messages, in microseconds. */
export const TARGET_US = 1;

/** Calls between two looks at the clock. */
const BATCH = 500;

/** A row of two runners, the call and its messages, and how many these are. */
export interface CallRow extends Row {
  readonly messages: number;
}

/** Everything that went through the portals of a kernel. */
class Tap implements Portal {
  readonly dialect: Dialect;
  readonly msize: number;
  readonly ordered: boolean;
  readonly lasting: boolean;
  private readonly portal: Portal;
  private readonly tape: Tape;

  constructor(portal: Portal, tape: Tape) {
    this.portal = portal;
    this.tape = tape;
    this.dialect = portal.dialect;
    this.msize = portal.msize;
    this.ordered = portal.ordered;
    this.lasting = portal.lasting ?? false;
  }

  call(t: Tmsg): Rmsg | Promise<Rmsg> {
    this.tape.on?.push({ portal: this, t });
    return this.portal.call(t);
  }

  flush(t: Tmsg): void {
    this.portal.flush(t);
  }

  hangup(): void {
    this.portal.hangup();
  }
}

interface Tape {
  on: { portal: Portal; t: Tmsg }[] | undefined;
}

export interface Bench {
  readonly kernel: Booted;
  readonly rows: readonly CallRow[];
}

/** /tmp in memory with files at several depths, two more servers mounted one in the other on /n, /dev with null, programs in /bin. */
export async function calls(programs: ReadonlyMap<string, Program>): Promise<Bench> {
  const tape: Tape = { on: undefined };
  const now = (): number => Date.now();
  const root = dir(Object.fromEntries(["bin", "dev", "n", "tmp"].map((name) => [name, dir({})])));
  const host = nodeHost();
  const kernel = await boot({
    host, uname: "glenda", programs, wrap: (portal) => new Tap(portal, tape), env: new Map([["path", ["/bin"]]]),
    servers: {
      root: tree("root", root), pipe: pipe(), tmp: ram({ now }), one: ram({ now }), two: ram({ now }), mntgen: mntgen(), bin: bin(programs.keys()),
      dev: tree("dev", dir(devFiles({ now, random: host.random }))),
    },
    mounts: [
      { from: "#tmp", to: "/tmp", flag: MREPL | MCREATE }, { from: "#mntgen", to: "/n", flag: MREPL }, { from: "#bin", to: "/bin", flag: MREPL },
      { from: "#dev", to: "/dev", flag: MREPL }, { from: "#one", to: "/n/one", flag: MREPL | MCREATE },
    ],
  });
  const { sys } = kernel;
  await sys.writeFile("/tmp/file", new Uint8Array(1 << 16));
  let path = "/tmp";
  for (const name of ["a", "b", "c", "d"]) await sys.mkdir(path += `/${name}`, 0o777);
  await sys.writeFile(`${path}/file`, encode("deep"));
  await sys.mkdir("/n/one/two", 0o777);
  await sys.bind("#two", "/n/one/two", MREPL | MCREATE);
  await sys.writeFile("/n/one/two/file", encode("behind three mounts"));
  const fd = await sys.open("/tmp/file", ORDWR);
  const page = new Uint8Array(4096);
  const rows: CallRow[] = [];
  const all: [name: string, call: (s: Sys) => Promise<unknown>][] = [
    ["read 1 byte", (s) => s.read(fd, 1, 0)],
    ["read 4 KiB", (s) => s.read(fd, 4096, 8192)],
    ["read 4 KiB, with into", (s) => s.read(fd, 4096, 8192, page)],
    ["write 4 KiB", (s) => s.write(fd, page, 8192)],
    ["fstat", (s) => s.fstat(fd)],
    ["stat, below a mount", (s) => s.stat("/tmp/file")],
    ["stat, five below a mount", (s) => s.stat("/tmp/a/b/c/d/file")],
    ["open and close", async (s) => s.close(await s.open("/tmp/file", OREAD))],
    ["stat, across three mounts", (s) => s.stat("/n/one/two/file")],
    ["dup and close", async (s) => s.close(await s.dup(fd))],
  ];
  for (const [name, call] of all) rows.push(await row(name, () => call(sys), tape));
  return { kernel, rows };
}

/** What this process has used, so that what else the machine does is not counted. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** What one call sends is taken down once, and given again as often as wanted. */
async function row(name: string, call: () => Promise<unknown>, tape: Tape): Promise<CallRow> {
  await call();
  const sent: { portal: Portal; t: Tmsg }[] = tape.on = [];
  await call();
  tape.on = undefined;
  const again = (): void => {
    for (const { portal, t } of sent) {
      const r = portal.call(t);
      if (r instanceof Promise || errorOf(r)) throw new Error(`${name}: a message of type ${t.type} is not answered at once, and well`);
    }
  };
  const runner = (what: string, batch: () => Promise<void> | void) => () => Promise.resolve({
    name: what,
    run: async (seconds: number): Promise<Result> => {
      const since = cpuSeconds();
      let ops = 0;
      let spent = 0;
      for (; spent < seconds; spent = cpuSeconds() - since) {
        await batch();
        ops += BATCH;
      }
      return { ops, seconds: spent };
    },
    close: () => undefined,
  });
  return {
    name, unit: "/s", scale: 1, compared: true, profiled: false, messages: sent.length,
    runners: [
      runner("call", async () => {
        for (let i = 0; i < BATCH; i++) await call();
      }),
      runner("its messages", () => {
        for (let i = 0; i < BATCH; i++) again();
      }),
    ],
  };
}
