/**
 * Net errors: what the host says of a connection, as one sentence for a person. Callers put the
 * address in front; codes that are not listed keep the host's own words.
 */
import { asNineError, errno, NineError } from "../../proto/index.ts";

/** What was being done: a few codes mean different things. */
export type Doing = "connect" | "listen" | "talk";

interface HostError {
  code?: unknown;
  hostname?: unknown;
  port?: unknown;
  message: string;
}

const sentences: Record<string, readonly [string, number]> = {
  ECONNREFUSED: ["connection refused: no server listens there", errno.ECONNREFUSED],
  ENOTFOUND: ["host not found", errno.EHOSTUNREACH],
  EAI_AGAIN: ["host name lookup failed", errno.EHOSTUNREACH],
  EADDRINUSE: ["address in use: choose another with --listen", errno.EADDRINUSE],
  EADDRNOTAVAIL: ["this machine has no such address", errno.EINVAL],
  ECONNRESET: ["connection reset by peer", errno.ECONNRESET],
  ECONNABORTED: ["connection aborted", errno.ECONNABORTED],
  EPIPE: ["connection closed by peer", errno.EPIPE],
  ERR_STREAM_PREMATURE_CLOSE: ["connection closed by peer", errno.EPIPE],
  ETIMEDOUT: ["connection timed out", errno.ETIMEDOUT],
  EHOSTUNREACH: ["no route to host", errno.EHOSTUNREACH],
  ENETUNREACH: ["network is unreachable", errno.ENETUNREACH],
  ENOENT: ["file does not exist", errno.ENOENT],
  ENOTDIR: ["not a directory", errno.ENOTDIR],
  ENOTSOCK: ["not a socket", errno.ENOTSOCK],
  EACCES: ["permission denied", errno.EACCES],
  EPERM: ["permission denied", errno.EPERM],
  EMFILE: ["too many open files", errno.EMFILE],
};

// TLS errors come with OpenSSL's codes.
const tls = /CERT|SELF_SIGNED|VERIFY|SSL|TLS|^EPROTO$/;

/** A NineError for whatever the host threw or emitted. */
export function netError(e: unknown, doing: Doing): NineError {
  if (e instanceof NineError || !(e instanceof Error)) return asNineError(e);
  const { code, hostname, port, message }: HostError = e;
  if (typeof code !== "string") return new NineError(message, errno.EIO);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    const [sentence, n] = sentences[code] ?? [code, errno.EIO];
    return new NineError(typeof hostname === "string" ? `${sentence}: ${hostname}` : sentence, n);
  }
  if (code === "EACCES" && doing === "listen" && Number(port) > 0) {
    return new NineError("permission denied: choose another port with --listen (those below 1024 need privileges)", errno.EACCES);
  }
  const known = sentences[code];
  if (known) return new NineError(known[0], known[1]);
  if (code.startsWith("HPE_")) return new NineError("not a WebSocket server: it does not answer in HTTP (is it tcp://?)", errno.EPROTO);
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|^EPROTO$/.test(code)) return new NineError("TLS failed: the server does not speak TLS (is it ws://?)", errno.EPROTO);
  if (tls.test(code)) return new NineError(`TLS failed: ${message}`, errno.EPROTO);
  return new NineError(message, errno.EIO);
}
