/**
 * zstream: bytes through one of node:zlib's streams, in constant memory: what is read waits for what is
 * written. Invariants: the first failure, of the input, of the data or of the output, is the one that is
 * thrown; when it returns or throws nobody reads or writes any more. For gzip and gunzip.
 */
import type { Gunzip, Gzip } from "node:zlib";
import { NineError, errno } from "../../../proto/index.ts";

type Put = (data: Uint8Array) => Promise<unknown>;

/** The output and the input buffer of a stream: a few round trips a megabyte. */
export const ZCHUNK = 262_144;

/** The other half has failed: nothing more to do here. */
class Stopped extends Error {}

/**
 * `feed` gives the input, in order; `put` takes the output. Data that make no sense, or that stop short, are
 * a NineError. Zeros after the end of the data are padding, other bytes an error.
 */
export async function zstream(z: Gzip | Gunzip, feed: (put: Put) => Promise<void>, put: Put): Promise<void> {
  let failure: { why: unknown } | undefined;
  // Where the data are bad, a write's callback never comes.
  let wake = (): void => {};
  z.once("close", () => wake());
  // Told by the loop below, or after it has ended by nobody.
  z.on("error", () => {});
  let fed = 0;
  // The data have ended before the input.
  let over = false;
  const write = async (data: Uint8Array): Promise<void> => {
    fed += data.length;
    if (!over && !z.destroyed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        z.write(data, () => resolve());
      });
    }
    if (failure || isDataError(z.errored)) throw new Stopped();
    const left = Math.min(data.length, fed - z.bytesWritten);
    over = left > 0;
    if (over && data.subarray(data.length - left).some((byte) => byte !== 0)) throw new NineError("bad gzip data: garbage at the end", errno.EIO);
  };
  const input = async (): Promise<void> => {
    try {
      await feed(write);
      if (!z.destroyed) z.end();
    } catch (why) {
      if (!(why instanceof Stopped)) failure ??= { why };
      z.destroy();
    }
  };
  const output = async (): Promise<void> => {
    try {
      for await (const part of z as AsyncIterable<Uint8Array>) {
        try {
          await put(part);
        } catch (why) {
          failure ??= { why };
          throw why;
        }
      }
    } catch (why) {
      failure ??= { why: isDataError(why) ? new NineError(`bad gzip data: ${why.message}`, errno.EIO) : why };
    }
  };
  await Promise.all([input(), output()]);
  if (failure) throw failure.why;
}

/** What zlib says of the data; else a stream that was written to as it ended. */
function isDataError(e: unknown): e is Error {
  return e instanceof Error && "code" in e && typeof e.code === "string" && e.code.startsWith("Z_");
}
