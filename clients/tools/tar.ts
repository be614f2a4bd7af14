/**
 * tar(1): archives of file trees: made, lengthened, listed, unpacked. The format is POSIX's, written and read
 * by a library's headers; compressed ones are those of gzip. Files of any size in constant memory.
 */
import { NineError, OREAD, ORDWR, OWRITE, type Dir } from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { tarMembers, type TarEntry, type TarFormat } from "../../servers/index.ts";
import { Usage } from "./lib/args.ts";
import { Archiver, type TarEncoder } from "./lib/archiver.ts";
import { statIfAny } from "./lib/copy.ts";
import { localZone, shortTime } from "./lib/ctime.ts";
import { Extractor } from "./lib/extractor.ts";
import { modeText } from "./lib/listing.ts";
import { cleanName } from "./lib/names.ts";
import { Out } from "./lib/out.ts";
import { tarInput } from "./lib/tarinput.ts";
import { about, tool, type Tool } from "./lib/tool.ts";
import { ZCHUNK, zstream } from "./lib/zstream.ts";

export interface TarDeps {
  /** How headers are read and written. */
  format(): Promise<TarFormat & TarEncoder>;
}

interface Key {
  readonly verb: string;
  readonly flags: ReadonlySet<string>;
  /** "": standard input or output. */
  readonly archive: string;
  readonly uid: string | undefined;
  readonly gid: string | undefined;
  readonly files: readonly string[];
}

export const tar = (deps: TarDeps): Program => tool("tar", "{crtx}[RTfgkmpuvz] [archive] [file ...]", async (t, words) => {
  const key = parsed(words);
  if (key.verb === "c") await create(t, key, await deps.format());
  else if (key.verb === "r") await append(t, key, await deps.format());
  else await read(t, key, await deps.format());
});

/** One function letter and modifiers; those that want a word take the next one each, in their order. */
function parsed([letters = "", ...words]: readonly string[]): Key {
  let verb = "";
  const flags = new Set<string>(), values = new Map<string, string>();
  for (const letter of letters.replace(/^-/, "")) {
    if ("crtx".includes(letter)) {
      if (verb !== "") throw new Usage();
      verb = letter;
    } else if (!"RTfgkmpuvz".includes(letter)) throw new Usage();
    flags.add(letter);
    if (!"fgu".includes(letter)) continue;
    const value = words.shift();
    if (value === undefined || value === "" || (letter !== "f" && !/^\d{1,9}$/.test(value))) throw new Usage();
    values.set(letter, value);
  }
  if (verb === "" || ("cr".includes(verb) && words.length === 0) || (verb === "r" && !values.has("f"))) throw new Usage();
  return { verb, flags, archive: values.get("f") ?? "", uid: values.get("u"), gid: values.get("g"), files: words };
}

async function create(t: Tool, key: Key, format: TarEncoder): Promise<void> {
  const { sys } = t;
  const { archive } = key;
  if (archive === "") return archived(t, key, format, t.out, undefined);
  const fd = await about(archive, () => sys.create(archive, OWRITE, 0o666));
  await archived(t, key, format, new Out(sys, fd), await sys.fstat(fd));
  await sys.close(fd);
}

/** Behind the last member of a plain archive. */
async function append(t: Tool, key: Key, format: TarFormat & TarEncoder): Promise<void> {
  const { sys } = t;
  const { archive } = key;
  if (key.flags.has("z")) throw new NineError(`${archive}: a compressed archive cannot be appended to`);
  if (!(await statIfAny(t, archive))) return create(t, key, format);
  const fd = await about(archive, () => sys.open(archive, ORDWR));
  let end = 0;
  await about(archive, async () => {
    const input = await tarInput(sys, fd, archive);
    if (!input.seekable) throw new NineError("a compressed archive cannot be appended to");
    for await (const e of tarMembers(input, format)) end = e.at + Math.ceil(e.size / 512) * 512;
  });
  await sys.seek(fd, end, 0);
  await archived(t, key, format, new Out(sys, fd), await sys.fstat(fd));
  await sys.close(fd);
}

async function archived(t: Tool, key: Key, format: TarEncoder, out: Out, self: Dir | undefined): Promise<void> {
  const write = async (put: (data: Uint8Array) => Promise<unknown>): Promise<void> => {
    const a = new Archiver(t, format, { verbose: key.flags.has("v"), uid: key.uid, gid: key.gid, self }, put);
    for (const file of key.files) await a.add(cleanName(file));
    await a.end();
  };
  const put = async (data: Uint8Array): Promise<void> => out.put(data);
  if (key.flags.has("z")) {
    const { createGzip } = await import("node:zlib");
    await zstream(createGzip({ chunkSize: ZCHUNK }), write, put);
  } else await write(put);
  await out.flush();
}

async function read(t: Tool, key: Key, format: TarFormat): Promise<void> {
  const { sys } = t;
  const { archive, flags } = key;
  const fd = archive === "" ? 0 : await about(archive, () => sys.open(archive, OREAD));
  const named = new Map(key.files.map((file) => [bare(file), false]));
  await about(archive || "standard input", async () => {
    const input = await tarInput(sys, fd, archive);
    const extractor = key.verb === "x" ? new Extractor(t, input, { keep: flags.has("k"), times: flags.has("T"), rooted: flags.has("R") }) : undefined;
    try {
      for await (const e of tarMembers(input, format)) {
        if (!wanted(named, bare(e.path))) continue;
        if (!extractor || flags.has("v")) await t.out.put(`${t.shown(!extractor && flags.has("v") ? long(t, e) : e.path)}\n`);
        await extractor?.member(e);
      }
    } finally {
      input.close();
      await extractor?.end();
    }
  });
  for (const [name, found] of named) if (!found) await t.warn(`${name}: not in the archive`);
}

/** A name without what does not matter when names are compared. */
function bare(name: string): string {
  return cleanName(name.replace(/^\/+/, ""));
}

/** Whether the member is one of those, or below; all are, when none is named. */
function wanted(named: Map<string, boolean>, path: string): boolean {
  if (named.size === 0) return true;
  for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1)) {
    const above = path.slice(0, at);
    if (!named.has(above)) continue;
    named.set(above, true);
    return true;
  }
  if (!named.has(".")) return false;
  named.set(".", true);
  return true;
}

function long(t: Tool, e: TarEntry): string {
  const kind = e.type === "5" ? 0x8000_0000 : e.type === "2" ? 0x0200_0000 : 0;
  const link = e.type === "2" ? ` -> ${e.linkpath}` : e.type === "1" ? ` link to ${e.linkpath}` : "";
  return `${modeText(kind | (e.mode & 0o777))} ${e.uid} ${e.gid} ${String(e.size).padStart(9)} ${shortTime(Math.floor(e.mtime), t.sys.now() / 1000, localZone(t.sys))} ${e.path}${link}`;
}
