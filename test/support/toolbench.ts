/**
 * Toolbench: a kernel for the tests of clients/tools to run on, and a way to run a Program as a
 * process with its standard input given and its output collected.
 */
import { spawnSync } from "node:child_process";
import { nodeHost } from "../../clients/node/host.ts";
import { boot, type Dial, type Program, type Sys } from "../../kernel/index.ts";
import { decode, encode, join } from "../../clients/tools/lib/bytes.ts";
import { tools } from "../../clients/tools/index.ts";
import { NineError, type Server } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { pipe } from "../../servers/pipe.ts";

/** A process of a new kernel, with a ram server as its root and, as user glenda, all permissions in it. */
export async function make(dial: Dial = () => Promise.reject(new NineError("connection refused"))): Promise<Sys> {
  const host = nodeHost();
  const other = (): Server => ram({ now: () => host.now() });
  return (await boot({ host, servers: { root: other(), other: other(), pipe: pipe() }, uname: "glenda", dial })).sys;
}

export interface Ran {
  readonly out: string;
  readonly bytes: Uint8Array;
  readonly err: string;
  readonly status: string;
}


/** Runs argv, whose first word is a tool or a Program's name, until it ends. */
export async function run(sys: Sys, argv: readonly string[], stdin: string | Uint8Array = "", main: Program | undefined = tools.get(argv[0] ?? "")): Promise<Ran> {
  if (!main) throw new Error(`no tool ${argv[0]}`);
  const [in0, in1] = await sys.pipe();
  const [out0, out1] = await sys.pipe();
  const [err0, err1] = await sys.pipe();
  const pid = await sys.spawn({ argv, main, fds: new Map([[0, in0], [1, out1], [2, err1]]) });
  for (const fd of [in0, out1, err1]) await sys.close(fd);
  const feed = async (): Promise<void> => {
    try {
      await sys.write(in1, typeof stdin === "string" ? encode(stdin) : stdin);
    } catch (e) {
      if (!(e instanceof NineError)) throw e; // It need not read its input.
    }
    await sys.close(in1);
  };
  const collect = async (fd: number): Promise<Uint8Array> => {
    const parts: Uint8Array[] = [];
    for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) parts.push(data.slice());
    await sys.close(fd);
    return join(parts);
  };
  const [bytes, err] = await Promise.all([collect(out0), collect(err0), feed()]);
  const { status } = await sys.wait(pid);
  return {
    bytes, err: decode(err), status,
    get out() {
      return decode(bytes);
    },
  };
}

/** The host's own tool on the same input, bytes in order. */
export function host(argv: readonly string[], stdin: string | Uint8Array = ""): string {
  const [name = "", ...args] = argv;
  const r = spawnSync(name, args, { input: stdin, env: { PATH: process.env["PATH"], LC_ALL: "C" }, maxBuffer: 1 << 28 });
  // A tool that has seen enough closes its input; its output is complete.
  if (r.error && !("code" in r.error && r.error.code === "EPIPE")) throw r.error;
  return decode(r.stdout);
}

/** What was under way, when calls of these names were counted. */
export interface Watch {
  most: number;
  calls: number;
}

/** The program with its calls of these names counted. */
export function watched(main: Program, names: readonly (keyof Sys)[], watch: Watch): Program {
  return (sys, argv) => {
    let now = 0;
    const seen: Sys = new Proxy(sys, {
      get(target, key): unknown {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        if (!names.some((name) => name === key)) return member.bind(target);
        return async (...args: unknown[]): Promise<unknown> => {
          watch.calls++;
          watch.most = Math.max(watch.most, ++now);
          try {
            return await Reflect.apply(member, target, args);
          } finally {
            now--;
          }
        };
      },
    });
    return main(seen, argv);
  };
}

/** n bytes without a short period. */
export function pattern(n: number): Uint8Array {
  const b = new Uint8Array(n);
  for (let i = 0; i < n; i++) b[i] = i * 7 + (i >> 8) + (i >> 17);
  return b;
}

/** Everything in the file. */
export async function contents(sys: Sys, path: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const fd = await sys.openRead(path);
  for (let data = await sys.read(fd); data.length > 0; data = await sys.read(fd)) parts.push(data.slice());
  await sys.close(fd);
  return join(parts);
}
