/**
 * Linux's own client: a Debian kernel in QEMU mounts `host` (nineplex serve), `ram` and diod over TCP,
 * and runs v9fs/checks.sh in each; one boot for all. What a dialect cannot express stands in LOST, with
 * the reason; whatever else fails there fails here, and so does what is in LOST and works.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { stopAll } from "../support/children.ts";
import { type GuestKernel, guestKernel } from "../support/guest.ts";
import { describeUnless, missing } from "../support/need.ts";
import { runSuites, type Suite } from "./v9fs/suites.ts";

const SUITES = ["host.L"];

let why = missing(["qemu-system-x86_64", "busybox", "gcc", "apt-get", "diod"]);
let kernel: GuestKernel | undefined;
if (why === undefined) {
  try {
    kernel = await guestKernel();
  } catch (e) {
    why = `no kernel for the guest: ${e instanceof Error ? e.message : "unknown"}`;
  }
}

afterAll(stopAll);

describeUnless(why, "Linux v9fs", () => {
  let results: ReadonlyMap<string, Suite> = new Map();

  beforeAll(async () => {
    if (kernel) ({ suites: results } = await runSuites(kernel, SUITES));
  }, 1000_000);

  for (const name of SUITES) {
    it(name, () => {
      const { checks, failed } = results.get(name) ?? { checks: [], failed: new Map() };
      expect(checks.length).toBeGreaterThanOrEqual(5);
      expect(Object.fromEntries(failed)).toEqual({});
    });
  }
});
