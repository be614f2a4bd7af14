/** 9P on an open file: what a transport of one leaves to others. */
import { afterEach, expect, test } from "vitest";
import type { Booted } from "../../kernel/index.ts";
import { bytes, testKernel, text } from "../support/kernel.ts";

const kernels: Booted[] = [];
afterEach(() => {
  for (const k of kernels.splice(0)) k.shutdown();
});

test("a transport that was paused and closed reads nothing more: that is the fd's", async () => {
  const k = await testKernel({});
  kernels.push(k);
  const { sys } = k;
  const [ours, theirs] = await sys.pipe();
  const wire = sys.transport(ours);
  const first = new Promise<string>((resolve) => {
    wire.start({
      recv: (chunk) => {
        wire.pause();
        resolve(text(chunk));
      },
      closed: () => undefined,
    });
  });
  await sys.write(theirs, bytes("for the wire"));
  expect(await first).toBe("for the wire");
  await sys.write(theirs, bytes("for the fd"));
  wire.close();
  for (let i = 0; i < 10; i++) await Promise.resolve();
  await sys.close(theirs);
  expect(text(await sys.read(ours))).toBe("for the fd");
});
