/**
 * Redirections: what `<f >f >>f <>f <<EOF >[2=1] >[2=]` do to a shell's fds. Invariant: each fd
 * opened here is in `opened` before anything else can fail, and is closed by the caller.
 */
import { Enonexist, errno, NineError, ORDWR, OREAD, OWRITE } from "../../proto/index.ts";
import type { Sys } from "../../kernel/sys.ts";
import { encode } from "../tools/lib/bytes.ts";
import type { Redir } from "./ast.ts";
import { isFailure, RcError } from "./error.ts";
import type { Fds, Shell } from "./eval.ts";
import { spawn } from "./job.ts";
import { expandHere, words } from "./word.ts";

/** fds with one more, changed or (own undefined) closed. */
export function withFd(fds: Fds, fd: number, own: number | undefined): Fds {
  const changed = new Map(fds);
  if (own === undefined) changed.delete(fd);
  else changed.set(fd, own);
  return changed;
}

/** Does one redirection to sh.fds. */
export async function redirect(sh: Shell, redir: Redir, opened: number[]): Promise<void> {
  if (redir.kind === "dup") {
    const { from } = redir;
    const own = from === undefined ? undefined : sh.fds.get(from);
    // A copy of an fd that is not open is no copy, and no error either.
    if (from === undefined || own !== undefined) sh.fds = withFd(sh.fds, redir.to, own);
    return;
  }
  const own = redir.kind === "here" ? await hereDocument(sh, redir, opened) : await openFile(sh, redir, opened);
  sh.fds = withFd(sh.fds, redir.fd, own);
}

async function openFile(sh: Shell, redir: Redir & { kind: "open" }, opened: number[]): Promise<number> {
  const names = await words(sh, [redir.file]);
  if (names.length === 0) throw new RcError(`${redir.op} requires file`);
  if (names.length > 1) throw new RcError(`${redir.op} requires singleton`);
  const name = names[0]!;
  sh.export();
  const own = await openName(sh, name, () => sh.again(() => openers[redir.op](sh.sys, name)));
  opened.push(own);
  return own;
}

const openers: Readonly<Record<"<" | ">" | ">>" | "<>", (sys: Sys, name: string) => Promise<number>>> = {
  "<": (sys, name) => sys.open(name, OREAD),
  ">": (sys, name) => sys.create(name, OWRITE, 0o666),
  "<>": (sys, name) => sys.open(name, ORDWR),
  ">>": append,
};

async function append(sys: Sys, name: string): Promise<number> {
  let fd: number;
  try {
    fd = await sys.open(name, OWRITE);
  } catch (e) {
    if (!isFailure(e) || e.errno !== errno.ENOENT) throw e;
    return await sys.create(name, OWRITE, 0o666);
  }
  try {
    await sys.seek(fd, 0, 2);
  } catch (e) {
    // A pipe or a device has no end to go to.
    if (!isFailure(e)) throw e;
  }
  return fd;
}

/** Opens a file for the shell itself; /fd/N means the command fd, as it does to the shell's children: the shell's own are others. */
export async function openName(sh: Shell, name: string, open: () => Promise<number>): Promise<number> {
  const numbered = /^(?:#d|\/fd|\/dev\/fd)\/(\d{1,6})$/.exec(name);
  try {
    if (!numbered) return await open();
    const own = sh.fds.get(Number(numbered[1]));
    if (own === undefined) throw new NineError(Enonexist);
    return await sh.sys.dup(own);
  } catch (e) {
    throw isFailure(e) ? new RcError(`${name}: ${e.message}`) : e;
  }
}

/** A pipe that a process of its own fills: however long the text, nobody waits for the reader. */
async function hereDocument(sh: Shell, redir: Redir & { kind: "here" }, opened: number[]): Promise<number> {
  const { quoted, body, text } = redir.here;
  const data = encode(text ?? (quoted ? body : expandHere(sh, body)));
  const [read, write] = await sh.sys.pipe();
  opened.push(read);
  try {
    await spawn(sh, { argv: ["rc"], fds: new Map([[1, write]]), env: "share", main: (sys) => writeOut(sys, data) });
  } finally {
    await sh.close(write);
  }
  return read;
}

/** A process that writes this on fd 1. */
export async function writeOut(sys: Sys, data: Uint8Array): Promise<string> {
  try {
    if (data.length > 0) await sys.write(1, data);
    return "";
  } catch (e) {
    if (isFailure(e)) return e.message;
    throw e;
  }
}
