/** pipe: order, bounds in bytes and in writes, end of file (pipe(3)). */
import { expect, it } from "vitest";
import { NOFID, NOU32, open, type Portal, Rread, type Rmsg, Rwrite, Tattach, Tclunk, Topen, Tread, Twalk, Twrite } from "../../proto/index.ts";
import { pipe } from "../../servers/index.ts";

/** Fid 1 writes what fid 2 reads. */
async function ends(): Promise<Portal> {
  const p = open(pipe());
  await p.call({ type: Tattach, fid: 0, afid: NOFID, uname: "glenda", aname: "", n_uname: NOU32 });
  for (const [fid, name] of [[1, "data"], [2, "data1"]] as const) {
    await p.call({ type: Twalk, fid: 0, newfid: fid, wname: [name] });
    await p.call({ type: Topen, fid, mode: 2 });
  }
  return p;
}

const write = (p: Portal, ...bytes: number[]): Rmsg | Promise<Rmsg> => p.call({ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(bytes) });

async function read(p: Portal, count: number): Promise<number[]> {
  const r = await p.call({ type: Tread, fid: 2, offset: 0, count });
  return r.type === Rread ? [...r.data] : [];
}

it("bytes come in order, at most as many as are asked for, then the end of file", async () => {
  const p = await ends();
  for (let i = 0; i < 3000; i++) await write(p, i & 255, i >> 8);
  const got: number[] = [];
  while (got.length < 6000) got.push(...await read(p, 1 + (got.length % 3)));
  expect(got.every((b, i) => b === (i % 2 === 0 ? (i >> 1) & 255 : i >> 9))).toBe(true);
  await write(p, 7);
  await p.call({ type: Tclunk, fid: 1 });
  expect([await read(p, 10), await read(p, 10)]).toEqual([[7], []]);
});

it("small writes wait too, long before their bytes are many; a read lets the next pass", async () => {
  const p = await ends();
  let n = 0;
  let last: Rmsg | Promise<Rmsg> = { type: Rwrite, count: 0 };
  for (; !(last instanceof Promise) && n < 300_000; n++) last = write(p, n & 255);
  expect(n).toBeLessThan(10_000);
  expect(last).toBeInstanceOf(Promise);
  expect(await read(p, 1)).toEqual([0]);
  expect(await last).toEqual({ type: Rwrite, count: 1 });
});
