/**
 * Errors: sentences on the wire of 9P2000 and .u, Linux error numbers on .L, one table between
 * them. NineError is the only error a server or the kernel reports to a client; anything else
 * that is thrown is a bug and reaches the peer as "i/o error".
 */

/** Linux errno values of x86-64 that 9P2000.L and 9P2000.u carry (errno(3)). */
export const errno = {
  EPERM: 1, ENOENT: 2, ESRCH: 3, EINTR: 4, EIO: 5, ENXIO: 6, E2BIG: 7, ENOEXEC: 8, EBADF: 9, ECHILD: 10, EAGAIN: 11, ENOMEM: 12,
  EACCES: 13, EFAULT: 14, ENOTBLK: 15, EBUSY: 16, EEXIST: 17, EXDEV: 18, ENODEV: 19, ENOTDIR: 20, EISDIR: 21, EINVAL: 22,
  ENFILE: 23, EMFILE: 24, ENOTTY: 25, ETXTBSY: 26, EFBIG: 27, ENOSPC: 28, ESPIPE: 29, EROFS: 30, EMLINK: 31,
  EPIPE: 32, EDOM: 33, ERANGE: 34, EDEADLK: 35, ENAMETOOLONG: 36, ENOLCK: 37, ENOSYS: 38, ENOTEMPTY: 39, ELOOP: 40,
  ENOMSG: 42, EIDRM: 43, ENODATA: 61, ETIME: 62, ENONET: 64, ENOPKG: 65, EREMOTE: 66, ENOLINK: 67, ECOMM: 70, EPROTO: 71,
  EBADMSG: 74, EOVERFLOW: 75, EBADFD: 77, ESTRPIPE: 86, EUSERS: 87, ENOTSOCK: 88, EMSGSIZE: 90, ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93, ESOCKTNOSUPPORT: 94, EOPNOTSUPP: 95, EPFNOSUPPORT: 96, EADDRINUSE: 98, ENETDOWN: 100, ENETUNREACH: 101,
  ENETRESET: 102, ECONNABORTED: 103, ECONNRESET: 104, ENOBUFS: 105, EISCONN: 106, ENOTCONN: 107, ESHUTDOWN: 108, ETIMEDOUT: 110,
  ECONNREFUSED: 111, EHOSTDOWN: 112, EHOSTUNREACH: 113, EALREADY: 114, EINPROGRESS: 115, ESTALE: 116, EISNAM: 120, EREMOTEIO: 121,
  EDQUOT: 122, ECANCELED: 125,
} as const;

// Plan 9's sentences (9front port/error.h, lib9p, fossil); where Plan 9 has none, Linux v9fs's own
// table (net/9p/error.c), so that a v9fs client gets the exact number back from the sentence.
export const Enonexist = "file does not exist";
export const Eexist = "file already exists";
export const Eperm = "permission denied";
export const Enotowner = "not owner";
export const Enotdir = "not a directory";
export const Eisdir = "file is a directory";
export const Enotempty = "directory is not empty";
export const Ebadname = "illegal name";
export const Ebadarg = "bad arg in system call";
export const Ebadfd = "fd out of range or not open";
export const Ebadusefd = "inappropriate use of fd";
export const Eunknownfid = "fid unknown or out of range";
export const Efidinuse = "fid already in use";
export const Ebadfid = "bad use of fid";
export const Einuse = "device or object already in use";
export const Eexclusive = "exclusive use file already open";
export const Eio = "i/o error";
export const Ehungup = "i/o on hungup channel";
export const Eintr = "interrupted";
/** A call that was flushed twice and has no answer: what became of it is not known. */
export const Enoanswer = "interrupted: the server does not answer";
export const Ereadonly = "read only file system";
export const Efull = "file system is full";
export const Efbig = "file too big";
export const Eoffset = "bad offset in directory read";
export const Ebadoffset = "illegal offset";
export const Ecount = "i/o count too large";
export const Ebadmode = "illegal mode";
export const Enoauth = "authentication not required";
export const Eauth = "authentication failed";
export const Ebotch = "protocol botch";
export const Ebadwstat = "bogus wstat buffer";
export const Ewstat = "wstat prohibited";
export const Eloop = "Too many levels of symbolic links";
export const Exdev = "Invalid cross-device link";
export const Enotsup = "Operation not supported";
export const Enosys = "Function not implemented";
export const Einval = "Invalid argument";
export const Enametoolong = "File name too long";
export const Emlink = "Too many links";
export const Eagain = "Resource temporarily unavailable";
export const Enodata = "No data available";
export const Erange = "Numerical result out of range";
export const Epipe = "Broken pipe";
export const Etoomany = "Too many open files";
export const Enomem = "Cannot allocate memory";
export const Enocreate = "mounted directory forbids creation";
export const Emount = "inconsistent mount";
export const Enotmounted = "not mounted";
export const Enotunion = "not in union";
export const Enochild = "no living children";
export const Enoproc = "no free processes";
export const Enoattach = "mount/attach disallowed";
export const Eremoved = "file has been removed";
export const Enoexec = "exec header invalid";

/**
 * Sentence to errno; the first sentence listed for a number is the one that number becomes. Every
 * sentence of 9front's error.h and of net/9p/error.c is here, with v9fs's number but for three:
 * "not owner" is EPERM, as chmod(2) has it, not EACCES; "illegal name" and "i/o count too large" are
 * EINVAL, not ENAMETOOLONG and EIO.
 */
const table: readonly (readonly [string, number])[] = [
  ["Operation not permitted", 1], [Enotowner, 1], [Ewstat, 1], ["not a member of proposed group", 1],
  ["wstat can't convert between files and directories", 1], ["cannot remove root", 1], ["no access to special file", 1],
  ["only support truncation to zero length", 1],
  [Enonexist, 2], ["No such file or directory", 2], ["directory entry not found", 2], ["file not found", 2],
  [Enoauth, 2], ["illegal path element", 2], ["directory entry is not allocated", 2], ["bad attach specifier", 2],
  ["process exited", 3],
  [Eintr, 4], ["Interrupted system call", 4],
  [Eio, 5], ["Input/output error", 5], ["venti i/o error", 5], ["corrupted directory entry", 5], ["corrupted file entry", 5],
  ["corrupted block label", 5], ["corrupted meta data", 5], ["corrupted super block", 5], ["root of file system is corrupted", 5],
  ["mount rpc error", 5], ["device shut down", 5], ["i/o error in demand load", 5],
  ["No such device or address", 6], ["Argument list too long", 7], [Enoexec, 8],
  ["Bad file descriptor", 9], [Eunknownfid, 9], [Efidinuse, 9], [Ebadfid, 9], [Ebadfd, 9], [Ebadusefd, 9], ["unknown fid", 9],
  [Enochild, 10],
  [Eagain, 11], [Eexclusive, 11], ["file is in use", 11], [Enoproc, 11],
  [Enomem, 12], ["kernel allocate failed", 12], ["virtual memory allocation failed", 12], ["swap space full", 12],
  [Eperm, 13], ["Permission denied", 13], [Enocreate, 13], ["only owner can change group in wstat", 13], [Enoattach, 13],
  ["Bad address", 14], ["Block device required", 15],
  ["Device or resource busy", 16], [Einuse, 16], ["is a mount point", 16],
  [Eexist, 17], ["File exists", 17], ["file exists", 17], ["file or directory already exists", 17],
  [Exdev, 18], ["No such device", 19], ["unknown device in # filename", 19], ["no free devices", 19],
  [Enotdir, 20], ["Not a directory", 20],
  [Eisdir, 21], ["Is a directory", 21],
  [Einval, 22], [Ebadarg, 22], [Ebadmode, 22], [Ebadoffset, 22], [Ebadname, 22], [Emount, 22], [Enotmounted, 22], [Enotunion, 22],
  ["unknown group", 22], ["unknown user", 22], [Ecount, 22],
  ["bad character in file name", 22], ["file name syntax", 22], ["read or write too large", 22], ["read or write too small", 22],
  ["i/o count too small", 22], ["negative i/o offset", 22], ["stat buffer too small", 22], ["malformed stat buffer", 22],
  ["bad process or channel control request", 22], ["wrong #args in control message", 22], ["bad ip address syntax", 22],
  ["segments overlap", 22],
  ["Too many open files in system", 23], [Etoomany, 24], ["no free file descriptors", 24], ["Inappropriate ioctl for device", 25],
  ["Text file busy", 26], ["file in use", 26], ["file already open for I/O", 26],
  [Efbig, 27], ["File too large", 27],
  [Efull, 28], ["No space left on device", 28],
  ["Illegal seek", 29], [Eoffset, 29], ["seek on a stream", 29], ["seek in directory", 29],
  [Ereadonly, 30], ["Read-only file system", 30], ["file is read only", 30],
  [Emlink, 31], [Epipe, 32], ["Numerical argument out of domain", 33], [Erange, 34], ["Resource deadlock avoided", 35],
  [Enametoolong, 36], ["name too long", 36], ["No locks available", 37], [Enosys, 38],
  [Enotempty, 39], ["Directory not empty", 39],
  [Eloop, 40], ["No message of desired type", 42], ["Identifier removed", 43], [Eremoved, 43],
  [Enodata, 61], ["Timer expired", 62], ["Machine is not on the network", 64], ["Package not installed", 65],
  ["Object is remote", 66], ["Link has been severed", 67], ["Communication error on send", 70],
  ["Protocol error", 71], [Ebotch, 71], [Ebadwstat, 71], ["Bad message", 74], ["Value too large for defined data type", 75],
  ["File descriptor in bad state", 77], ["Streams pipe error", 86],
  ["Too many users", 87], ["Socket operation on non-socket", 88], ["Message too long", 90], ["Protocol not available", 92],
  ["Protocol not supported", 93], ["Socket type not supported", 94], [Enotsup, 95], ["Protocol family not supported", 96],
  ["Address already in use", 98], ["network port not available", 98], ["connection in use", 98], ["Network is down", 100],
  ["Network is unreachable", 101], ["Network dropped connection on reset", 102], ["Software caused connection abort", 103],
  [Ehungup, 104], ["Connection reset by peer", 104], ["No buffer space available", 105],
  ["Transport endpoint is already connected", 106], ["Transport endpoint is not connected", 107],
  ["Cannot send after transport endpoint shutdown", 108], ["Connection timed out", 110], ["connection timed out", 110],
  ["Connection refused", 111], ["connection refused", 111], [Eauth, 111], ["Host is down", 112], ["No route to host", 113], ["Operation already in progress", 114],
  ["Operation now in progress", 115], ["Stale file handle", 116], ["Is a named type file", 120], ["Remote I/O error", 121], ["Disk quota exceeded", 122],
  ["Operation canceled", 125],
];

const toErrno = new Map<string, number>(table.map(([sentence, n]) => [sentence, n]));
const toSentence = new Map<number, string>();
for (const [sentence, n] of table) if (!toSentence.has(n)) toSentence.set(n, sentence);

/** The errno of a sentence: exact match, then the text before the first colon, then EIO. */
export function errnoOf(sentence: string): number {
  const exact = toErrno.get(sentence);
  if (exact !== undefined) return exact;
  const colon = sentence.indexOf(":");
  return (colon > 0 ? toErrno.get(sentence.slice(0, colon)) : undefined) ?? errno.EIO;
}

/** The sentence a bare errno becomes. */
export function sentenceOf(n: number): string {
  return toSentence.get(n) ?? `error ${n}`;
}

/** An error that is a reply: `message` is the sentence (ename), `errno` the Linux number (ecode). */
export class NineError extends Error {
  readonly errno: number;
  override readonly name = "NineError";

  constructor(sentence: string, n: number = errnoOf(sentence)) {
    // A reply has no use for a stack, and taking one costs more than the call that failed.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(sentence);
    Error.stackTraceLimit = limit;
    this.errno = n;
  }

  /** From Rlerror. */
  static fromErrno(n: number): NineError {
    return new NineError(sentenceOf(n), n);
  }
}

/** What a peer is told of anything thrown: a NineError as it is, a bug as "i/o error". */
export function asNineError(e: unknown): NineError {
  return e instanceof NineError ? e : new NineError(Eio);
}

/** True for the error of a call that was flushed. */
export function isInterrupted(e: unknown): boolean {
  return e instanceof NineError && e.errno === errno.EINTR;
}
