/** A small booted kernel for tests: /tmp in memory, /n, /bin with given programs, and a host whose time is its own. */
import { boot, type Booted, type BootOptions, type Device, MCREATE, MREPL, type Program, type Sys } from "../../kernel/index.ts";
import {
  decodeUtf8, dial, dir, encode, Eintr, type Host, NineError, open, type OpenOptions, pair, type Portal, serve, type Server, type Transport,
} from "../../proto/index.ts";
import { bin, mntgen, pipe, ram, tree } from "../../servers/index.ts";

export const text = (b: Uint8Array): string => decodeUtf8(b, 0, b.length);
export const bytes: (s: string) => Uint8Array = encode;

/** A host whose clock moves only when somebody sleeps, at once but for sleeps of an hour and more, which end by their signal alone. */
export function testHost(log: string[] = []): Host {
  let ms = 1_700_000_000_000;
  let seed = 1;
  return {
    now: () => ms,
    random: () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0),
    sleep: (by, signal) => new Promise((resolve, reject) => {
      const done = (): void => {
        ms += by;
        resolve();
      };
      const t = by < 3_600_000 ? setTimeout(done, 0) : undefined;
      signal?.addEventListener("abort", () => {
        clearTimeout(t);
        reject(new NineError(Eintr));
      });
    }),
    yield: () => new Promise((resolve) => {
      setImmediate(resolve);
    }),
    log: (line) => log.push(line),
  };
}

export interface TestKernel extends Booted {
  readonly log: string[];
  /** A file's whole text, by sys. */
  cat(path: string, sys?: Sys): Promise<string>;
  /** Names in a directory. */
  ls(path: string, sys?: Sys): Promise<string[]>;
  put(path: string, body: string): Promise<void>;
}

/** name -> program, besides servers. more: boot's own options, a host among them. */
export async function testKernel(programs: Record<string, Program> = {}, servers: Record<string, Server | Device> = {}, more: Partial<BootOptions> = {}): Promise<TestKernel> {
  const log: string[] = [];
  const host = more.host ?? testHost(log);
  const root = dir(Object.fromEntries(["bin", "n", "tmp", "a", "b", "c", "dev"].map((name) => [name, dir({})])));
  const k = await boot({
    uname: "glenda", programs: new Map(Object.entries(programs)),
    servers: { root: tree("root", root), pipe: pipe(), tmp: ram({ now: host.now }), mntgen: mntgen(), bin: bin(Object.keys(programs)), ...servers },
    mounts: [
      { from: "#tmp", to: "/tmp", flag: MREPL | MCREATE }, { from: "#mntgen", to: "/n", flag: MREPL }, { from: "#bin", to: "/bin", flag: MREPL },
    ],
    ...more, host,
  });
  const cat = async (path: string, sys: Sys = k.sys): Promise<string> => {
    const fd = await sys.openRead(path);
    try {
      let all = "";
      for (;;) {
        const data = await sys.read(fd);
        if (data.length === 0) return all;
        all += text(data);
      }
    } finally {
      await sys.close(fd);
    }
  };
  return {
    ...k, log, cat, ls: async (path, sys = k.sys) => (await sys.readDir(path)).map((d) => d.name),
    put: (path, body) => k.sys.writeFile(path, bytes(body)),
  };
}

export interface Remote {
  readonly portal: Portal;
  /** The client's end of the wire. */
  readonly transport: Transport;
}

/** A server behind an in-memory wire. versions: what the client proposes; watch: put around the client's end. */
export async function remote(server: Server, versions?: readonly string[], watch: (t: Transport) => Transport = (t) => t, options: OpenOptions = {}): Promise<Remote> {
  const [a, b] = pair();
  serve(b, (s) => open(server, { ...options, ...s }));
  const transport = watch(a);
  return { transport, portal: await dial(transport, versions ? { versions } : {}) };
}

/** What a promise fails with. */
export async function failure(p: Promise<unknown>): Promise<string> {
  try {
    await p;
  } catch (e) {
    if (e instanceof NineError) return e.message;
    throw e;
  }
  return "no error";
}
