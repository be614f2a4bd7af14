/** dev: null(4), full(4), random(4), time of cons(3), and the standard streams. */
import { describe, expect, it } from "vitest";
import * as p from "../../proto/index.ts";
import { errno } from "../../proto/index.ts";
import { open } from "../../proto/srv.ts";
import { dev, devFiles, type DevDeps } from "../../servers/dev.ts";
import { Nine, refused } from "../support/nine.ts";
import { serverSuite } from "../support/serversuite.ts";

function deps(more: Partial<DevDeps> = {}): DevDeps {
  let x = 1;
  return { now: () => 1_700_000_000_123.25, random: () => (x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0), ...more };
}

serverSuite("dev", () => dev(deps()), { write: false, sample: { file: "null" } });

function attach(more: Partial<DevDeps> = {}): Promise<Nine> {
  return Nine.attach(open(dev(deps(more))), { uname: "alice" });
}

describe("dev", () => {
  it("lists its devices, and streams only when they are given", async () => {
    expect(await (await attach()).names("")).toEqual(["full", "null", "random", "time", "urandom", "zero"]);
    expect(Object.keys(devFiles(deps({ stdout: { write: () => undefined } })))).toContain("stdout");
  });

  it("null is empty and takes everything", async () => {
    const n = await attach();
    const f = await n.open("null", p.ORDWR | p.OTRUNC);
    await n.write(f, 0, "gone");
    await n.write(f, 2 ** 40, "gone");
    expect(await n.read(f, 0, 100)).toHaveLength(0);
  });

  it("zero and full give zeros, full takes nothing", async () => {
    const n = await attach();
    const z = await n.open("zero", p.ORDWR);
    const f = await n.open("full", p.ORDWR);
    for (const fid of [z, f]) {
      expect(await n.read(fid, 12_345, 1000)).toEqual(new Uint8Array(1000));
      const into = new Uint8Array(50).fill(7);
      const { data } = await n.rpc({ type: p.Tread, fid, offset: 0, count: 50, into });
      expect([...data].every((b) => b === 0)).toBe(true);
    }
    await n.write(z, 0, "x");
    await refused(n.rpc({ type: p.Twrite, fid: f, offset: 0, data: new Uint8Array(1) }), errno.ENOSPC);
  });

  it("random gives other bytes each time, all of its source's", async () => {
    const n = await attach();
    const f = await n.open("random");
    const a = await n.read(f, 0, 4096);
    const b = await n.read(f, 0, 4096);
    expect(a).toHaveLength(4096);
    expect(Buffer.from(a).equals(Buffer.from(b))).toBe(false);
    expect(new Set(a).size).toBeGreaterThan(200);
    expect(await n.read(f, 0, 7)).toHaveLength(7);
    const fixed = await attach({ random: () => 0x04030201 });
    expect([...(await fixed.read(await fixed.open("urandom"), 0, 6))]).toEqual([1, 2, 3, 4, 1, 2]);
  });

  it("time is cons(3)'s: seconds in 12 columns, then four numbers in 22", async () => {
    let now = 1_700_000_000_123.25;
    const n = await attach({ now: () => now });
    const f = await n.open("time");
    const text = await n.readText(f);
    expect(text).toHaveLength(12 + 4 * 22);
    expect(text.slice(0, 12)).toBe(" 1700000000 ");
    expect(text.trim().split(/ +/)).toEqual(["1700000000", "1700000000123250000", "0", "1000000000", "0"]);
    now += 1500;
    expect(await n.readText(f, 12, 22)).toBe("  1700000000123250000 ");
    expect((await n.readText(f)).trim().split(/ +/)).toEqual(["1700000001", "1700000001623250000", "1500000000", "1000000000", "1500000000"]);
    now -= 1000;
    expect((await n.readText(f)).trim().split(/ +/)[4]).toBe("1500000000");
    expect(await n.readText(f, 100)).toBe("");
    await refused(n.open("time", p.OWRITE), errno.EACCES);
  });

  it("streams: what comes is read once, what is written goes out in order", async () => {
    const input = ["one", "two\nthree\n", ""].map((s) => p.encode(s));
    const asked: number[] = [];
    const out: string[] = [];
    const n = await attach({
      stdin: {
        async read(count) {
          asked.push(count);
          return input.shift() ?? new Uint8Array(0);
        },
      },
      stdout: {
        write(data) {
          out.push(new TextDecoder().decode(data));
        },
      },
    });
    const i = await n.open("stdin");
    expect(await n.readText(i, 0, 100)).toBe("one");
    expect(await n.readText(i, 3, 5)).toBe("two\nt");
    expect(await n.readText(i, 3, 100)).toBe("hree\n");
    expect(await n.readText(i, 0, 100)).toBe("");
    expect(asked).toEqual([100, 5, 100]);
    const o = await n.open("stdout", p.OWRITE);
    const data = p.encode("hello");
    await n.rpc({ type: p.Twrite, fid: o, offset: 0, data });
    await n.write(o, 5, "again");
    expect(out).toEqual(["hello", "again"]);
    await refused(n.open("stdin", p.OWRITE), errno.EACCES);
    await refused(n.open("stdout", p.OREAD), errno.EACCES);
    await refused(n.open("stderr", p.OWRITE), errno.ENOENT);
  });
});
