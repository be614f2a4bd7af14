/**
 * Paths: what a name means that a call is given, with the directory it is told from. A directory's fd
 * stands for the name it was opened by. Linux's own places that the name space has under another name, or
 * not at all, are found here: /proc/self is #linux/PID, /dev/fd is what the process has open. Used by
 * all calls on files.
 */
import { after, type Awaitable, errno, lastly, NineError, utf8Length } from "../../proto/index.ts";
import type { Chan } from "../chan.ts";
import { at, cleanPath } from "../namec.ts";
import type { Linux } from "./linux.ts";

export const AT = { fdcwd: -100, symlinkNofollow: 0x100, eaccess: 0x200, removedir: 0x200, symlinkFollow: 0x400, noAutomount: 0x800, emptyPath: 0x1000 } as const;

/** Bytes of an element of a name. */
const NAMEMAX = 255;

/** An error of Linux's own. */
export function fail(n: number): never {
  throw NineError.fromErrno(n);
}

/** The open file, not one of O_PATH. */
export function opened(l: Linux, fd: number): Chan {
  const c = l.proc.fgrp.get(fd);
  if (c.mode < 0) fail(errno.EBADF);
  return c;
}

/** The name that a call is given at an address, from that directory; ENOENT when it is empty. */
export function nameAt(l: Linux, fd: number, at: number): string {
  return nameFrom(l, fd, l.user.string(at));
}

export function nameFrom(l: Linux, fd: number, path: string): string {
  if (path === "") fail(errno.ENOENT);
  if (path.length > NAMEMAX) for (const part of path.split("/")) if (utf8Length(part) > NAMEMAX) fail(errno.ENAMETOOLONG);
  if (path.startsWith("/")) return placed(l, path);
  // What begins with '#' is Plan 9's, and a file's name here.
  const own = path.startsWith("#") ? `./${path}` : path;
  if (fd === AT.fdcwd) return own;
  const c = l.proc.fgrp.get(fd);
  if (!c.isDir) fail(errno.ENOTDIR);
  return `${c.path === "/" ? "" : c.path}/${own}`;
}

/** Where Linux's places are. */
function placed(l: Linux, path: string): string {
  if (!path.startsWith("/proc/") && !path.startsWith("/dev/")) return path;
  const clean = cleanPath(l.proc, path);
  const own = /^\/proc\/(?:self|thread-self|(\d+))(\/.*)?$/.exec(clean);
  if (own && (own[1] === undefined || Number(own[1]) === l.proc.pid)) return `#linux/${l.proc.pid}${own[2] ?? ""}`;
  if (/^\/proc\/(?:meminfo|cpuinfo|mounts|uptime|loadavg|stat|version|filesystems)$/.test(clean)) return `#linux${clean.slice(5)}`;
  return path;
}

/** The fd that a name is another name of: /dev/stdin, /dev/fd/N, /proc/self/fd/N. */
export function fdNamed(l: Linux, path: string): number | undefined {
  const std = /^\/dev\/std(in|out|err)$/.exec(path);
  if (std) {
    const fd = ["in", "out", "err"].indexOf(std[1] as string);
    return l.proc.fgrp.has(fd) ? fd : undefined;
  }
  const m = /^(?:\/dev\/fd|#linux\/\d+\/fd)\/(\d{1,9})$/.exec(path);
  return m ? Number(m[1]) : undefined;
}

/** f with the file that a name leads to: walked to, not open, the caller's while f takes. With AT_EMPTY_PATH and no name, the fd's own. */
export function onFile<T>(l: Linux, fd: number, name: number, flags: number, f: (c: Chan) => Awaitable<T>): Awaitable<T> {
  const path = l.user.string(name);
  if (path === "" && flags & AT.emptyPath) return fd === AT.fdcwd ? at(l.proc, ".", { walk: true }, (w) => f(w.c)) : onOpen(l, fd, f);
  return onPath(l, nameFrom(l, fd, path), (flags & AT.symlinkNofollow) !== 0, f);
}

export function onPath<T>(l: Linux, path: string, nofollow: boolean, f: (c: Chan) => Awaitable<T>): Awaitable<T> {
  const same = nofollow ? undefined : fdNamed(l, path);
  if (same !== undefined) return onOpen(l, same, f);
  return at(l.proc, path, { walk: true, nofollow }, (w) => f(w.c));
}

/** f with an open file, which is held meanwhile. */
export function onOpen<T>(l: Linux, fd: number, f: (c: Chan) => Awaitable<T>): Awaitable<T> {
  const c = l.proc.fgrp.get(fd).incref();
  return lastly(() => f(c), () => c.close());
}

/** The directory and the last element of a name; undefined where there is no such element to be made or taken away. */
export function parted(l: Linux, path: string): { readonly dir: string; readonly name: string } | undefined {
  const clean = cleanPath(l.proc, path);
  const slash = clean.lastIndexOf("/");
  const name = clean.slice(slash + 1);
  return slash < 0 || name === "" ? undefined : { dir: clean.slice(0, slash) || "/", name };
}

/** 0, when it is done. */
export function done(a: Awaitable<unknown>): Awaitable<number> {
  return after(a, () => 0);
}
