/** A transport's end as an open file: bytes in order, and nobody who waits for room waits longer than he likes. */
import { expect, test } from "vitest";
import { pair, type OpenFile } from "../../proto/index.ts";
import { wireFile } from "../../servers/wirefile.ts";

const call = (signal: AbortSignal = new AbortController().signal): Parameters<NonNullable<OpenFile["write"]>>[2] => ({ uname: "glenda", uid: 1000, signal });

test("a write that waits for room is flushed, and has sent nothing", async () => {
  const [ours, theirs] = pair();
  const file = wireFile(ours);
  expect(await file.write?.(0, new Uint8Array(1 << 20).fill(1), call())).toBe(1 << 20);
  const flush = new AbortController();
  const waiting = file.write?.(0, Uint8Array.of(2), call(flush.signal));
  const next = file.write?.(0, Uint8Array.of(3), call());
  flush.abort();
  await expect(waiting).rejects.toThrow("interrupted");
  const got: number[] = [];
  theirs.start({ recv: (chunk) => got.push(chunk[0] ?? 0), closed: () => undefined });
  expect(await next).toBe(1);
  await file.write?.(0, Uint8Array.of(4), call());
  await new Promise((resolve) => setImmediate(resolve));
  expect(got).toEqual([1, 3, 4]);
});

test("who waits for room when the other side goes is told", async () => {
  const [ours, theirs] = pair();
  const file = wireFile(ours);
  await file.write?.(0, new Uint8Array(1 << 20), call());
  const waiting = file.write?.(0, Uint8Array.of(2), call());
  theirs.close();
  await expect(waiting).rejects.toThrow("i/o on hungup channel");
});
