/** --seed: a run of the command in real processes that is the same twice, and another with another seed; the Host behind it. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Seeded, SEEDEDSTARTMS } from "../../clients/node/seeded.ts";
import { Eintr } from "../../proto/index.ts";
import { bundle } from "../support/bundle.ts";
import { run } from "../support/children.ts";
import { failure } from "../support/kernel.ts";

describe("the command", () => {
  const cwd = mkdtempSync(join(tmpdir(), "nineplex-seed-"));
  let main: readonly string[] = [];
  let removeBundle = (): void => undefined;
  beforeAll(async () => {
    const bundled = await bundle();
    main = bundled.main;
    removeBundle = () => bundled.remove();
  });
  afterAll(() => {
    rmSync(cwd, { recursive: true });
    removeBundle();
  });

  const script = `
    date; cat /dev/time; xd /dev/urandom | head -3
    sleep 100000; date
    for(i in a b c d e f g h) { { sleep 1; echo $i; echo $i >/tmp/$i } & }
    wait
    ls -l /tmp; seq 1 200 | grep 7 | sort -rn | tail -3
    echo x >/host/made; echo done $pid`;
  const ran = async (seed: number): Promise<string> => {
    const r = await run(process.execPath, [...main, "--seed", String(seed), "-c", script], { cwd });
    expect({ status: r.status, err: r.stderr }).toEqual({ status: 0, err: "" });
    return r.stdout.toString();
  };

  it("prints the same with the same seed, sleeps take no time, and what is written to the host has the time of the host", async () => {
    const begun = Date.now();
    const [a, b, c] = await Promise.all([ran(7), ran(7), ran(8)]);
    expect(a).toBe(b);
    expect(c).not.toBe(a);
    expect(a).toMatch(/^Sun Sep {2}9 .* 2001\n/);
    expect(a).toMatch(/done \d+\n$/);
    // A second less: file systems round.
    expect(statSync(join(cwd, "made")).mtimeMs).toBeGreaterThan(begun - 1000);
  });
});

describe("a seeded host", () => {
  /** Who goes on when, of some who yield and sleep. */
  const order = async (n: number): Promise<string> => {
    const host = new Seeded(n);
    const said: string[] = [];
    await Promise.all(["a", "b", "c", "d", "e", "f"].map(async (name, i) => {
      for (let k = 0; k < 3; k++) {
        if (i % 2) await host.yield();
        else await host.sleep(10 * k);
        said.push(name);
      }
    }));
    return said.join("");
  };

  it("orders those who wait by its seed", async () => {
    const all = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(order));
    expect(new Set(all).size).toBe(8);
    expect(await order(3)).toBe(all[2]);
  });

  it("sleeps in virtual time, in order, and not beyond a signal", async () => {
    const host = new Seeded(1);
    const woken: number[] = [];
    const stop = new AbortController();
    const aborted = failure(host.sleep(5e9, stop.signal));
    await Promise.all([3e9, 1e9, 2e9].map((ms) => host.sleep(ms).then(() => woken.push(ms))));
    expect(woken).toEqual([1e9, 2e9, 3e9]);
    expect(host.now() - SEEDEDSTARTMS).toBeGreaterThanOrEqual(3e9);
    expect(host.now() - SEEDEDSTARTMS).toBeLessThan(3e9 + 1000);
    stop.abort();
    expect(await aborted).toBe(Eintr);
    expect(await failure(host.sleep(1, stop.signal))).toBe(Eintr);
  });

  it("has a clock that goes on when it is looked at, now and then by more than a slice of time", () => {
    const host = new Seeded(1);
    let jumps = 0;
    for (let i = 0, last = host.now(); i < 1000; i++) {
      const now = host.now();
      expect(now).toBeGreaterThanOrEqual(last);
      if (now - last >= 8) jumps++;
      last = now;
    }
    expect(jumps).toBeGreaterThan(10);
    expect(jumps).toBeLessThan(100);
  });

  it("tells when nobody waits any more", async () => {
    let idle = 0;
    const host = new Seeded(1, { idle: () => idle++ });
    await host.sleep(5);
    await host.yield();
    expect(idle).toBe(0);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(idle).toBe(1);
  });
});
