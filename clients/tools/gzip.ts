/**
 * gzip, gunzip (gzip(1)): compress and expand, in constant memory; the compression is node:zlib's. An
 * output file is made in the current directory when there is something to put into it, and removed again
 * when that fails; the input stays.
 */
import { DMDIR, NineError, OWRITE, isInterrupted, type Dir } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { parseArgs, type Args } from "./lib/args.ts";
import { join } from "./lib/bytes.ts";
import { sameDir, statIfAny } from "./lib/copy.ts";
import { localZone, longTime } from "./lib/ctime.ts";
import { FIXED, parseHead, withName, type GzHead } from "./lib/gzhead.ts";
import { baseName } from "./lib/names.ts";
import { pour } from "./lib/pump.ts";
import { about, eachInput, tool, type Tool } from "./lib/tool.ts";
import { ZCHUNK, zstream } from "./lib/zstream.ts";

export const gzip: Program = tool("gzip", "[-cvn] [-1-9] [file ...]", async (t, words) => {
  const args = parseArgs(words, "cvn123456789");
  const { createGzip } = await import("node:zlib");
  const level = Number(["9", "8", "7", "6", "5", "4", "3", "2", "1"].find((flag) => args.has(flag)) ?? 6);
  await eachInput(t, args.operands, async (fd, name) => {
    const src = name === "" ? undefined : await t.sys.fstat(fd);
    if (src && src.mode & DMDIR) throw new NineError("is a directory");
    t.progress.expect(src?.length ?? Infinity);
    const mtime = args.has("n") ? 0 : (src?.mtime ?? Math.floor(t.sys.now() / 1000));
    const target = new Target(t, args, src, zippedName(name));
    if (args.has("v") && src) await t.say(`compressing ${name} to ${target.name}\n`);
    let head: Uint8Array | undefined = new Uint8Array(0);
    await target.filled(() => zstream(createGzip({ level, chunkSize: ZCHUNK }), (put) => pour(t.sys, fd, name, async (data) => {
      await put(data);
      t.progress.add(data.length);
    }), async (part) => {
      if (!head) return target.put(part);
      head = join([head, part]);
      if (head.length < FIXED) return;
      const [fixed, rest] = [head.subarray(0, FIXED), head.subarray(FIXED)];
      head = undefined;
      await target.put(join([withName(fixed, { name: src ? baseName(name) : "", mtime }), rest]));
    }));
  });
});

export const gunzip: Program = tool("gunzip", "[-ctTv] [file ...]", async (t, words) => {
  const args = parseArgs(words, "ctTv");
  const { createGunzip } = await import("node:zlib");
  await eachInput(t, args.operands, async (fd, name) => {
    const src = name === "" ? undefined : await t.sys.fstat(fd);
    t.progress.expect(src?.length ?? Infinity);
    const target = new Target(t, args, src, unzippedName(name));
    let begun: Uint8Array | undefined = new Uint8Array(0);
    let head: GzHead = { name: "", mtime: 0 };
    let length = 0;
    const feed = async (put: (data: Uint8Array) => Promise<unknown>): Promise<void> => pour(t.sys, fd, name, async (data) => {
      if (begun) {
        begun = join([begun, data]);
        const found = parseHead(begun);
        if (found) {
          head = found;
          begun = undefined;
          if (args.has("v") && !args.has("t")) await t.say(`extracting ${head.name || "<unnamed file>"} to ${target.name}\n`);
        }
      }
      await put(data);
      t.progress.add(data.length);
    });
    await target.filled(() => zstream(createGunzip({ chunkSize: ZCHUNK }), feed, async (part) => {
      length += part.length;
      if (!args.has("t")) await target.put(part);
    }), args.has("T") ? () => head.mtime : undefined);
    if (!args.has("t")) return;
    const listed = head.name || "<unnamed file>";
    await t.out.put(args.has("v") ? `${listed.padEnd(32)} ${String(length).padStart(10)} ${longTime(head.mtime, localZone(t.sys))}\n` : `${listed}\n`);
  });
});

/** Where the output of one input goes: standard output, or a file. */
class Target {
  /** As -v has it. */
  readonly name: string;
  readonly #t: Tool;
  /** undefined: standard output. */
  readonly #path: string | undefined;
  readonly #src: Dir | undefined;
  readonly #listing: boolean;
  #fd: number | undefined;

  constructor(t: Tool, args: Args, src: Dir | undefined, path: string) {
    this.#t = t;
    this.#src = src;
    this.#listing = args.has("t");
    this.#path = src && !args.has("c") ? path : undefined;
    this.name = this.#path ?? "<stdout>";
  }

  async put(part: Uint8Array): Promise<void> {
    const path = this.#path;
    if (path === undefined) return this.#t.out.put(part);
    await about(path, async () => {
      await this.#t.sys.write(this.#fd ??= await this.#create(path), part);
    });
  }

  /** Does the work that puts; mtime, if it gives one, is what the file has then. */
  async filled(work: () => Promise<void>, mtime?: () => number): Promise<void> {
    const { sys } = this.#t;
    try {
      await work();
    } catch (e) {
      if (this.#fd !== undefined && this.#path !== undefined && e instanceof NineError && !isInterrupted(e)) {
        await sys.close(this.#fd);
        await sys.remove(this.#path);
      }
      throw e;
    }
    const path = this.#path;
    if (path === undefined || this.#listing) return;
    const fd = this.#fd ?? (await about(path, () => this.#create(path)));
    if (mtime?.()) await about(path, () => sys.fwstat(fd, { mtime: mtime() }));
    await sys.close(fd);
  }

  /** The file that is read must not be written. */
  async #create(path: string): Promise<number> {
    const there = await statIfAny(this.#t, path);
    if (there && this.#src && sameDir(there, this.#src)) throw new NineError("cannot be written over itself");
    return this.#t.sys.create(path, OWRITE, 0o666);
  }
}

function zippedName(path: string): string {
  return `${baseName(path)}.gz`.replace(/\.tar\.gz$/, ".tgz");
}

function unzippedName(path: string): string {
  return baseName(path).replace(/\.tgz$/, ".tar").replace(/(.)\.gz$/s, "$1");
}
