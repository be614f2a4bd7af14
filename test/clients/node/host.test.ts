import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../clients/node/host.ts";
import { errno } from "../../../proto/index.ts";

describe("nodeHost", () => {
  const lines: string[] = [];
  const host = nodeHost((line) => lines.push(line));

  it("has the time and uint32 chance", () => {
    expect(Math.abs(host.now() - Date.now())).toBeLessThan(1000);
    const some = Array.from({ length: 600 }, () => host.random());
    expect(some.every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32)).toBe(true);
    expect(new Set(some).size).toBeGreaterThan(590);
    expect(Math.max(...some)).toBeGreaterThan(2 ** 31);
  });

  it("sleeps, and wakes with Eintr when told to", async () => {
    await host.sleep(5);
    const controller = new AbortController();
    const long = host.sleep(2 ** 40, controller.signal);
    const after = host.sleep(1, controller.signal);
    await after;
    controller.abort();
    await expect(long).rejects.toMatchObject({ message: "interrupted", errno: errno.EINTR });
    await expect(host.sleep(1, AbortSignal.abort())).rejects.toMatchObject({ errno: errno.EINTR });
  });

  it("yields to the event loop, and logs lines", async () => {
    let ran = false;
    setImmediate(() => (ran = true));
    await host.yield();
    expect(ran).toBe(true);
    host.log("a line");
    expect(lines).toEqual(["a line"]);
  });
});
