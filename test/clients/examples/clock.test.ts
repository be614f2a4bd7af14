/** The example over the wire, with a clock of the test's own. */
import { beforeEach, expect, it } from "vitest";
import clock from "../../../clients/examples/clock.ts";
import { attach, dial, Eintr, type Fsys, Interrupt, NineError, open, OREAD, pair, serve } from "../../../proto/index.ts";
import { settle } from "../../support/peer.ts";

interface Sleeper { readonly ms: number; wake(): void }

let fs: Fsys;
let sleepers: Sleeper[];
const text = (b: Uint8Array): string => new TextDecoder().decode(b);

beforeEach(async () => {
  sleepers = [];
  const server = clock({
    now: () => 1234,
    sleep: (ms, signal) => new Promise((resolve, reject) => {
      const s: Sleeper = { ms, wake: resolve };
      sleepers.push(s);
      signal?.addEventListener("abort", () => {
        sleepers.splice(sleepers.indexOf(s), 1);
        reject(new NineError(Eintr));
      });
    }),
  });
  const [a, b] = pair();
  serve(b, (s) => open(server, s));
  fs = await attach(await dial(a));
});

it("tells the time, and its rate, which can be set", async () => {
  expect((await fs.readDir("/")).map((d) => d.name)).toEqual(["time", "tick", "ctl"]);
  expect(text(await fs.readFile("/time"))).toBe("1234\n");
  expect(text(await fs.readFile("/ctl"))).toBe("rate 1000\n");
  const ctl = await fs.open("/ctl", 1);
  const write = (s: string): Promise<number> => ctl.write(new TextEncoder().encode(s));
  await write("rate 250\n");
  await expect(write("faster")).rejects.toThrow("bad ctl: faster");
  await expect(write("rate 0")).rejects.toThrow("bad ctl: rate 0");
  expect(text(await fs.readFile("/ctl"))).toBe("rate 250\n");
});

it("ticks, and a blocked read can be flushed", async () => {
  const tick = await fs.open("/tick", OREAD);
  const first = tick.read();
  await settle();
  expect(sleepers.map((s) => s.ms)).toEqual([1000]);
  sleepers.splice(0).forEach((s) => s.wake());
  expect(text(await first)).toBe("1\n");

  const { client } = fs;
  const { fid } = await client.walk(0, ["tick"]);
  await client.openFid(fid, OREAD);
  const intr = new Interrupt();
  const second = client.read(fid, 0, 100, intr);
  await settle();
  expect(sleepers.length).toBe(1);
  intr.raise();
  await expect(second).rejects.toMatchObject({ message: Eintr });
  expect(sleepers).toEqual([]);

  // Nobody has missed a tick, and the file goes on.
  const third = client.read(fid, 0, 100);
  await settle();
  sleepers.splice(0).forEach((s) => s.wake());
  expect(text(await third)).toBe("2\n");
});

it("hang-up ends a blocked read", async () => {
  const tick = await fs.open("/tick", OREAD);
  const read = tick.read();
  await settle();
  fs.close();
  await expect(read).rejects.toThrow("hungup");
  await settle();
  expect(sleepers).toEqual([]);
});
