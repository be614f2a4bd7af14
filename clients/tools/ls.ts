/** ls(1): names of files and what stat says of them. */
import {
  AEXEC, AREAD, AWRITE, DMAPPEND, DMAUTH, DMDEVICE, DMDIR, DMEXCL, DMNAMEDPIPE, DMSOCKET, DMSYMLINK, DMTMP, qidPath, type Dir,
} from "../../proto/index.ts";
import type { Program } from "../../kernel/sys.ts";
import { parseArgs, type Args } from "./lib/args.ts";
import { ahead } from "./lib/crew.ts";
import { localZone, shortTime, type Zone } from "./lib/ctime.ts";
import { compareNames, joinName, quote, trimSlashes } from "./lib/names.ts";
import { tool, type Tool } from "./lib/tool.ts";

interface Entry {
  /** As printed, without quotes. */
  readonly name: string;
  readonly dir: Dir;
}

export const ls: Program = tool("ls", "[-dlmnpqrstuFQT] [file ...]", async (t, words) => {
  const args = parseArgs(words, "dlmnpqrstuFQT");
  const zone = localZone(t.sys);
  let files: Entry[] = [];
  const print = async (): Promise<void> => {
    await list(t, args, zone, files);
    files = [];
  };
  const paths = args.operands.length > 0 ? args.operands : ["."];
  // -l and -d speak of a link itself; otherwise a link to a directory is its contents.
  const nofollow = args.has("d") || args.has("l");
  for await (const { item: path, result } of ahead(paths, (p) => t.sys.stat(p, nofollow))) {
    try {
      const dir = await result;
      if (args.has("d") || !(dir.mode & DMDIR)) {
        files.push({ name: args.has("p") ? dir.name : path, dir });
        continue;
      }
      const here = trimSlashes(path);
      const found = await t.sys.readDir(path);
      await print();
      files = found.map((d) => ({ name: here === "." || args.has("p") ? d.name : joinName(here, d.name), dir: d }));
      await print();
    } catch (e) {
      await t.fail(path, e);
    }
  }
  await print();
});

async function list(t: Tool, args: Args, zone: Zone, entries: Entry[]): Promise<void> {
  const time = (d: Dir): number => (args.has("u") ? d.atime : d.mtime);
  if (!args.has("n")) {
    entries.sort((a, b) => (args.has("t") ? time(b.dir) - time(a.dir) : 0) || compareNames(a.name, b.name));
    if (args.has("r")) entries.reverse();
  }
  // Columns are as wide as their widest field, over this group.
  const width = (text: (d: Dir) => string): number => entries.reduce((w, e) => Math.max(w, text(e.dir).length), 0);
  const column = (text: (d: Dir) => string, left = false): ((d: Dir) => string) => {
    const w = width(text);
    return (d) => (left ? text(d).padEnd(w) : text(d).padStart(w));
  };
  const fields: ((d: Dir) => string)[] = [];
  if (args.has("s")) fields.push(column((d) => String(Math.ceil(d.length / 1024))));
  if (args.has("m")) fields.push(((muid) => (d: Dir) => `[${muid(d)}]`)(column((d) => d.muid, true)));
  if (args.has("q")) {
    const vers = column((d) => String(d.qid.vers));
    fields.push((d) => `(${qidPath(d.qid).toString(16).padStart(16, "0")} ${vers(d)} ${d.qid.type.toString(16).padStart(2, "0")})`);
  }
  if (args.has("T")) fields.push((d) => (d.mode & DMTMP ? "t" : "-"));
  if (args.has("l")) {
    const nowSec = t.sys.now() / 1000;
    fields.push(
      (d) => modeText(d.mode), (d) => deviceText(d.type), column((d) => String(d.dev)), column((d) => d.uid, true), column((d) => d.gid, true),
      column((d) => String(d.length)), (d) => shortTime(time(d), nowSec, zone),
    );
  }
  for (const { name, dir } of entries) {
    let line = "";
    for (const field of fields) line += `${field(dir)} `;
    line += args.has("Q") ? name : quote(name);
    if (args.has("F")) line += dir.mode & DMDIR ? "/" : dir.mode & 0o111 ? "*" : "";
    if (args.has("l") && dir.mode & DMSYMLINK && dir.extension !== "") line += ` -> ${args.has("Q") ? dir.extension : quote(dir.extension)}`;
    await t.out.put(`${line}\n`);
  }
}

/** The letter of the device, M for what is mounted (intro(3)). */
function deviceText(type: number): string {
  return type > 0x20 && type < 0x7f ? String.fromCharCode(type) : "-";
}

/** Eleven characters: kind, exclusive use, three times rwx. */
function modeText(mode: number): string {
  const kind = mode & DMDIR ? "d" : mode & DMSYMLINK ? "l" : mode & DMAPPEND ? "a" : mode & DMAUTH ? "A"
    : mode & DMDEVICE ? "D" : mode & DMNAMEDPIPE ? "P" : mode & DMSOCKET ? "S" : "-";
  let text = kind + (mode & DMEXCL ? "l" : "-");
  for (const shift of [6, 3, 0]) {
    const bits = mode >>> shift;
    text += (bits & AREAD ? "r" : "-") + (bits & AWRITE ? "w" : "-") + (bits & AEXEC ? "x" : "-");
  }
  return text;
}
