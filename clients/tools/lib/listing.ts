/**
 * Listing: directory entries as the lines that ls prints. Pure; ls and the one-shot client use it.
 */
import {
  AEXEC, AREAD, AWRITE, type Dir, DMAPPEND, DMAUTH, DMDEVICE, DMDIR, DMEXCL, DMNAMEDPIPE, DMSOCKET, DMSYMLINK, DMTMP, qidPath,
} from "../../../proto/index.ts";
import { quote } from "../../../kernel/index.ts";
import { shortTime, type Zone } from "./ctime.ts";
import { compareNames } from "./names.ts";

export interface Entry {
  /** As printed, without quotes. */
  readonly name: string;
  readonly dir: Dir;
}

/** Flags of ls(1): letters of lmnqrstuFQT. */
export interface Flags {
  has(letter: string): boolean;
}

/** One line an entry, with its newline, sorted as the flags say (ls(1)); entries is sorted in place. */
export function listing(entries: Entry[], args: Flags, nowSec: number, zone: Zone): string[] {
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
    fields.push(
      (d) => modeText(d.mode), (d) => deviceText(d.type), column((d) => String(d.dev)), column((d) => d.uid, true), column((d) => d.gid, true),
      column((d) => String(d.length)), (d) => shortTime(time(d), nowSec, zone),
    );
  }
  return entries.map(({ name, dir }) => {
    let line = "";
    for (const field of fields) line += `${field(dir)} `;
    line += args.has("Q") ? name : quote(name);
    if (args.has("F")) line += dir.mode & DMDIR ? "/" : dir.mode & 0o111 ? "*" : "";
    if (args.has("l") && dir.mode & DMSYMLINK && dir.extension !== "") line += ` -> ${args.has("Q") ? dir.extension : quote(dir.extension)}`;
    return `${line}\n`;
  });
}

/** The letter of the device, M for what is mounted (intro(3)). */
function deviceText(type: number): string {
  return type > 0x20 && type < 0x7f ? String.fromCharCode(type) : "-";
}

/** Eleven characters: kind, exclusive use, three times rwx. */
export function modeText(mode: number): string {
  const kind = mode & DMDIR ? "d" : mode & DMSYMLINK ? "l" : mode & DMAPPEND ? "a" : mode & DMAUTH ? "A"
    : mode & DMDEVICE ? "D" : mode & DMNAMEDPIPE ? "P" : mode & DMSOCKET ? "S" : "-";
  let text = kind + (mode & DMEXCL ? "l" : "-");
  for (const shift of [6, 3, 0]) {
    const bits = mode >>> shift;
    text += (bits & AREAD ? "r" : "-") + (bits & AWRITE ? "w" : "-") + (bits & AEXEC ? "x" : "-");
  }
  return text;
}
