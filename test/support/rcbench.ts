/**
 * Rcbench: a booted kernel with the tools in /bin, /env, /fd and rc, for tests of clients/rc.
 */
import { type Booted, boot, MCREATE, MREPL, type Program, type Sys } from "../../kernel/index.ts";
import { nodeHost } from "../../clients/node/host.ts";
import { rc, type RcOptions } from "../../clients/rc/index.ts";
import { tools } from "../../clients/tools/index.ts";
import { decode, encode, join } from "../../clients/tools/lib/bytes.ts";
import { NineError } from "../../proto/index.ts";
import { dev, dup, env as envServer, ram } from "../../servers/index.ts";
import { pipe } from "../../servers/pipe.ts";

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly status: string;
}

export interface RunOptions {
  /** Words after the script's name. */
  readonly args?: readonly string[];
  readonly stdin?: string;
  /** The whole argv; the script is then not written anywhere. */
  readonly argv?: readonly string[];
  readonly rc?: RcOptions;
}

/** Commands the tests need and clients/tools may not have, as small as will do. */
export const standIns: ReadonlyMap<string, Program> = new Map<string, Program>(Object.entries({
  async touch(sys: Sys, argv: readonly string[]) {
    for (const name of argv.slice(1)) await sys.close(await sys.create(name, 1, 0o666));
  },
  sleep: (sys: Sys, argv: readonly string[]) => sys.sleep(Number(argv[1]) * 1000),
  async pwd(sys: Sys) {
    await sys.write(1, encode(`${sys.getwd()}\n`));
  },
  async tr(sys: Sys) {
    for (let data = await sys.read(0); data.length > 0; data = await sys.read(0)) await sys.write(1, encode(decode(data).toUpperCase()));
  },
  async sed(sys: Sys, argv: readonly string[]) {
    const [, from = "", to = ""] = (argv[1] ?? "").split("/");
    const parts: Uint8Array[] = [];
    for (let data = await sys.read(0); data.length > 0; data = await sys.read(0)) parts.push(data.slice());
    await sys.write(1, encode(decode(join(parts)).split("\n").map((line) => line.replace(new RegExp(from), to)).join("\n")));
  },
  /** Prints a variable of its environment, elements separated by |. */
  async getenv(sys: Sys, argv: readonly string[]) {
    await sys.write(1, encode(`${(sys.getenv(argv[1] ?? "") ?? ["unset"]).join("|")}\n`));
  },
  /** note PID NOTE [group] */
  async note(sys: Sys, argv: readonly string[]) {
    sys.postNote(Number(argv[1]), argv[2] ?? "", argv[3] !== undefined);
  },
}));

export class RcBench {
  readonly booted: Booted;
  readonly sys: Sys;

  constructor(booted: Booted) {
    this.booted = booted;
    this.sys = booted.sys;
  }

  /** `extra` programs hide those of the same name in clients/tools. */
  static async boot(extra: Readonly<Record<string, Program>> = {}, env?: ReadonlyMap<string, readonly string[]>): Promise<RcBench> {
    const host = nodeHost();
    const all = [...standIns, ...tools, ["rc", rc({})] as const, ...Object.entries(extra)];
    const programs = new Map(all);
    const booted = await boot({
      host, programs, uname: "glenda", dial: () => Promise.reject(new NineError("connection refused")), ...(env && { env }),
      servers: { root: ram({ now: () => host.now() }), pipe: pipe(), dev: dev({ now: () => host.now(), random: () => host.random() }), env: envServer, dup },
    });
    const { sys } = booted;
    for (const dir of ["/bin", "/dev", "/env", "/fd", "/tmp", "/w"]) await sys.mkdir(dir, 0o777);
    await sys.bind("#dev", "/dev", MCREATE);
    await sys.bind("#e", "/env", MCREATE);
    await sys.bind("#d", "/fd", MREPL);
    for (const name of programs.keys()) await sys.writeFile(`/bin/${name}`, encode(`#!host ${name}\n`), 0o755);
    await sys.chdir("/w");
    return new RcBench(booted);
  }

  /** Runs rc on a script in the current directory; out and err are complete when it and its children are done. */
  async run(script: string, options: RunOptions = {}): Promise<Ran> {
    return (await this.start(script, options)).ended;
  }

  /** The same, without waiting. rc is in a note group of its own. */
  async start(script: string, options: RunOptions = {}): Promise<{ pid: number; ended: Promise<Ran> }> {
    const { sys } = this;
    const argv = options.argv ?? ["rc", "./t.rc", ...(options.args ?? [])];
    if (!options.argv) await sys.writeFile("t.rc", encode(script));
    const [in0, in1] = await sys.pipe();
    const [out0, out1] = await sys.pipe();
    const [err0, err1] = await sys.pipe();
    const pid = await sys.spawn({ argv, main: rc(options.rc ?? {}), fds: new Map([[0, in0], [1, out1], [2, err1]]), env: "copy", noteGroup: "new" });
    for (const fd of [in0, out1, err1]) await sys.close(fd);
    const ended = async (): Promise<Ran> => {
      const [out, err] = await Promise.all([this.collect(out0), this.collect(err0), this.feed(in1, options.stdin ?? "")]);
      const { status } = await sys.wait(pid);
      return { out, err, status };
    };
    return { pid, ended: ended() };
  }

  private async feed(fd: number, text: string): Promise<void> {
    try {
      // A line at a time, as a console gives it.
      for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) await this.sys.write(fd, encode(line));
    } catch (e) {
      if (!(e instanceof NineError)) throw e; // It need not read its input.
    }
    await this.sys.close(fd);
  }

  private async collect(fd: number): Promise<string> {
    const parts: Uint8Array[] = [];
    for (let data = await this.sys.read(fd); data.length > 0; data = await this.sys.read(fd)) parts.push(data.slice());
    await this.sys.close(fd);
    return decode(join(parts));
  }
}
