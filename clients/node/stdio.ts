/**
 * Stdio: this process's own standard input and output as a transport, for a server started by
 * exec:, inetd, ssh or 9pserve. Nothing else may read the one or write the other.
 */
import type { Transport } from "../../proto/index.ts";
import { StreamTransport } from "./stream.ts";

/** Writing to a pipe is synchronous in Node: a peer that does not read stops this process. */
export function stdio(peer = "stdio"): Transport {
  return new StreamTransport(process.stdin, process.stdout, peer);
}
