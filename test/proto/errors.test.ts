import { describe, expect, it } from "vitest";
import * as errors from "../../proto/errors.ts";
import { NineError, errno, errnoOf, sentenceOf } from "../../proto/errors.ts";

/** What v9fs makes of a sentence (Linux net/9p/error.c). */
const v9fs: Readonly<Record<string, readonly string[]>> = {
  EPERM: ["Operation not permitted", "wstat prohibited", "wstat can't convert between files and directories",
    "not a member of proposed group", "no access to special file", "only support truncation to zero length", "cannot remove root"],
  ENOENT: ["No such file or directory", "directory entry not found", "file not found", "file does not exist", "illegal path element",
    "directory entry is not allocated"],
  EINTR: ["Interrupted system call"],
  EIO: ["Input/output error", "i/o error", "corrupted directory entry", "corrupted file entry", "corrupted block label",
    "corrupted meta data", "root of file system is corrupted", "corrupted super block", "venti i/o error"],
  ENXIO: ["No such device or address"], E2BIG: ["Argument list too long"],
  EBADF: ["Bad file descriptor", "fid unknown or out of range", "bad use of fid", "fid already in use"],
  EAGAIN: ["Resource temporarily unavailable", "exclusive use file already open", "file is in use"],
  ENOMEM: ["Cannot allocate memory"],
  EACCES: ["Permission denied", "permission denied", "only owner can change group in wstat"],
  EFAULT: ["Bad address"], ENOTBLK: ["Block device required"], EBUSY: ["Device or resource busy"],
  EEXIST: ["File exists", "file exists", "file already exists", "file or directory already exists"],
  EXDEV: ["Invalid cross-device link"], ENODEV: ["No such device"], ENOTDIR: ["Not a directory", "not a directory"],
  EISDIR: ["Is a directory"],
  EINVAL: ["Invalid argument", "illegal mode", "unknown group", "unknown user", "illegal offset"],
  ENFILE: ["Too many open files in system"], EMFILE: ["Too many open files"],
  ETXTBSY: ["Text file busy", "file in use", "file already open for I/O"],
  EFBIG: ["File too large", "file too big"], ENOSPC: ["No space left on device", "file system is full"],
  ESPIPE: ["Illegal seek", "bad offset in directory read"], EROFS: ["Read-only file system", "read only file system", "file is read only"],
  EMLINK: ["Too many links"], EPIPE: ["Broken pipe"], EDOM: ["Numerical argument out of domain"], ERANGE: ["Numerical result out of range"],
  EDEADLK: ["Resource deadlock avoided"], ENAMETOOLONG: ["File name too long"], ENOLCK: ["No locks available"],
  ENOSYS: ["Function not implemented"], ENOTEMPTY: ["Directory not empty", "directory is not empty"],
  ELOOP: ["Too many levels of symbolic links"], ENOMSG: ["No message of desired type"],
  EIDRM: ["Identifier removed", "file has been removed"], ENODATA: ["No data available"], ENONET: ["Machine is not on the network"],
  ENOPKG: ["Package not installed"], EREMOTE: ["Object is remote"], ENOLINK: ["Link has been severed"],
  ECOMM: ["Communication error on send"], EPROTO: ["Protocol error", "bogus wstat buffer", "protocol botch"], EBADMSG: ["Bad message"],
  EBADFD: ["File descriptor in bad state"], ESTRPIPE: ["Streams pipe error"], EUSERS: ["Too many users"],
  ENOTSOCK: ["Socket operation on non-socket"], EMSGSIZE: ["Message too long"], ENOPROTOOPT: ["Protocol not available"],
  EPROTONOSUPPORT: ["Protocol not supported"], ESOCKTNOSUPPORT: ["Socket type not supported"], EOPNOTSUPP: ["Operation not supported"],
  EPFNOSUPPORT: ["Protocol family not supported"], ENETDOWN: ["Network is down"], ENETUNREACH: ["Network is unreachable"],
  ENETRESET: ["Network dropped connection on reset"], ECONNABORTED: ["Software caused connection abort"],
  ECONNRESET: ["Connection reset by peer"], ENOBUFS: ["No buffer space available"], EISCONN: ["Transport endpoint is already connected"],
  ENOTCONN: ["Transport endpoint is not connected"], ESHUTDOWN: ["Cannot send after transport endpoint shutdown"],
  ETIMEDOUT: ["Connection timed out"], ECONNREFUSED: ["Connection refused", "authentication failed"], EHOSTDOWN: ["Host is down"],
  EHOSTUNREACH: ["No route to host"], EALREADY: ["Operation already in progress"], EINPROGRESS: ["Operation now in progress"],
  EISNAM: ["Is a named type file"], EREMOTEIO: ["Remote I/O error"], EDQUOT: ["Disk quota exceeded"],
};

/** 9front sys/src/9/port/error.h. */
const plan9 = ["inconsistent mount", "not mounted", "is a mount point", "not in union", "mount rpc error", "device shut down",
  "mounted directory forbids creation", "file does not exist", "file already exists", "unknown device in # filename", "not a directory",
  "file is a directory", "bad character in file name", "file name syntax", "permission denied", "inappropriate use of fd",
  "bad arg in system call", "device or object already in use", "read or write too large", "read or write too small",
  "network port not available", "i/o on hungup channel", "bad process or channel control request", "no free devices", "process exited",
  "no living children", "virtual memory allocation failed", "fd out of range or not open", "no free file descriptors", "seek on a stream",
  "exec header invalid", "connection timed out", "connection refused", "connection in use", "interrupted", "kernel allocate failed",
  "swap space full", "segments overlap", "i/o count too small", "bad attach specifier", "mount/attach disallowed", "stat buffer too small",
  "malformed stat buffer", "negative i/o offset", "wrong #args in control message", "bad ip address syntax", "seek in directory",
  "name too long"];

const numbers: Readonly<Record<string, number>> = errno;

describe("sentences", () => {
  it("have the numbers v9fs gives them", () => {
    for (const [name, sentences] of Object.entries(v9fs)) for (const s of sentences) expect([s, errnoOf(s)]).toEqual([s, numbers[name]]);
    expect([errnoOf("not owner"), errnoOf("illegal name"), errnoOf("i/o count too large")]).toEqual([errno.EPERM, errno.EINVAL, errno.EINVAL]);
  });

  it("of Plan 9 are all known", () => {
    for (const s of plan9) expect([s, errnoOf(s) === errno.EIO]).toEqual([s, s === "mount rpc error" || s === "device shut down"]);
  });

  it("of ours are all in the table", () => {
    for (const [name, s] of Object.entries(errors)) {
      if (/^E[a-z]/.test(name) && typeof s === "string" && s !== errors.Eio) expect([name, errnoOf(s)]).not.toEqual([name, errno.EIO]);
    }
  });

  it("are found before a colon", () => {
    expect(errnoOf("file does not exist: '/x: y'")).toBe(errno.ENOENT);
    expect([errnoOf("never heard"), errnoOf(": x"), errnoOf("")]).toEqual([errno.EIO, errno.EIO, errno.EIO]);
  });
});

describe("numbers", () => {
  it("become a sentence that v9fs turns back into them", () => {
    const known = new Map(Object.entries(v9fs).flatMap(([name, list]) => list.map((s) => [s, numbers[name]] as const)));
    for (const [name, list] of Object.entries(v9fs)) {
      const n = numbers[name]!;
      const s = sentenceOf(n);
      expect([name, s, errnoOf(s)]).toEqual([name, s, n]);
      if (!["interrupted", "i/o on hungup channel", "file is a directory"].includes(s)) expect([list[0], s, known.get(s)]).toEqual([list[0], s, n]);
    }
    expect(sentenceOf(999)).toBe("error 999");
    for (const n of Object.values(errno)) expect(errnoOf(sentenceOf(n)), sentenceOf(n)).toBe(n);
  });

  it("make a NineError both ways", () => {
    expect(new NineError("file is a directory").errno).toBe(errno.EISDIR);
    expect(new NineError("whatever", 7).errno).toBe(7);
    expect(NineError.fromErrno(errno.ENOTEMPTY).message).toBe("directory is not empty");
    expect(errors.asNineError(new RangeError("x")).message).toBe("i/o error");
    expect(errors.isInterrupted(new NineError("interrupted"))).toBe(true);
  });
});
