/** pipe: order, boundaries of writes, bounds in bytes and in writes, who is served first, end of file (pipe(3)). */
import { expect, it } from "vitest";
import {
  Epipe, errno, errorOf, NOFID, NOU32, open, type Portal, Rread, type Rmsg, Rwrite, Tattach, Tclunk, type Tmsg, Topen, Tread, Twalk, Twrite,
} from "../../proto/index.ts";
import { pipe } from "../../servers/index.ts";
import { chance, seed } from "../support/random.ts";
import { serverSuite } from "../support/serversuite.ts";

serverSuite("pipe", () => pipe(), { write: false, sample: { file: "data" } });

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

it("a read ends with the write, or when it is full", async () => {
  const p = await ends();
  for (const bytes of [[1, 2, 3], [4], [5, 6], []]) await write(p, ...bytes);
  await p.call({ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(200_000).fill(9) });
  expect([await read(p, 2), await read(p, 2), await read(p, 100), await read(p, 100)]).toEqual([[1, 2], [3], [4], [5, 6]]);
  expect([(await read(p, 150_000)).length, (await read(p, 150_000)).length]).toEqual([150_000, 50_000]);
});

it("who waits is served in the order in which he came, and one who comes later waits too", async () => {
  const p = await ends();
  const reads = [1, 5, 1].map((count) => read(p, count));
  for (const b of [[1, 2], [3], [4]]) await write(p, ...b);
  expect(await Promise.all(reads)).toEqual([[1], [2], [3]]);
  expect(await read(p, 9)).toEqual([4]);
  await p.call({ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(1 << 18) });
  const done: number[] = [];
  for (const i of [1, 2, 3]) void Promise.resolve(p.call({ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(1 << 18).fill(i) })).then(() => done.push(i));
  const got = new Set<number>();
  for (let n = 0; n < 4; n++) for (const b of await read(p, 1 << 18)) got.add(b);
  expect([done, [...got]]).toEqual([[1, 2, 3], [0, 1, 2, 3]]);
});

it("a flushed read takes nothing, a flushed write gives nothing", async () => {
  const p = await ends();
  const given: Tmsg = { type: Tread, fid: 2, offset: 0, count: 5 };
  const lost = p.call(given);
  const next = read(p, 5);
  p.flush(given);
  expect(errorOf(await lost)?.errno).toBe(errno.EINTR);
  await write(p, 1);
  expect(await next).toEqual([1]);
  await p.call({ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(1 << 18) });
  const t: Tmsg = { type: Twrite, fid: 1, offset: 0, data: new Uint8Array([7]) };
  const refused = p.call(t);
  const after = write(p, 8);
  p.flush(t);
  expect(errorOf(await refused)?.errno).toBe(errno.EINTR);
  expect((await read(p, 1 << 18)).length).toBe(1 << 18);
  expect([await after, await read(p, 5)]).toEqual([{ type: Rwrite, count: 1 }, [8]]);
});

it("the end of an end: readers get the end of file, writers an error", async () => {
  const p = await ends();
  const waiting = [read(p, 1), read(p, 1)];
  await p.call({ type: Tclunk, fid: 1 });
  expect(await Promise.all(waiting)).toEqual([[], []]);
  const q = await ends();
  await q.call({ type: Twrite, fid: 1, offset: 0, data: new Uint8Array(1 << 18) });
  const stuck = [write(q, 1), write(q, 2)];
  await q.call({ type: Tclunk, fid: 2 });
  for (const r of [...stuck, write(q, 3)]) expect(errorOf(await r)?.message).toBe(Epipe);
});

it("what was read is the reader's, what was written is the writer's again", async () => {
  const rnd = chance(seed());
  const p = await ends();
  const model: number[] = [];
  const read: { data: Uint8Array; want: number[] }[] = [];
  for (let i = 0; i < 3000; i++) {
    if (rnd(2) === 0 && model.length < 200_000) {
      const data = new Uint8Array(1 + rnd(rnd(20) === 0 ? 40_000 : 300)).map(() => rnd(256));
      model.push(...data);
      await p.call({ type: Twrite, fid: 1, offset: 0, data });
      data.fill(0xee);
    } else if (model.length > 0) {
      const r = await p.call({ type: Tread, fid: 2, offset: 0, count: 1 + rnd(rnd(2) ? 60 : 50_000) });
      if (r.type !== Rread) throw new Error("no Rread");
      expect(r.lasting).toBe(true);
      const want = model.splice(0, r.data.length);
      // Some readers keep what they read, some write over it.
      if (rnd(2)) read.push({ data: r.data, want });
      else {
        expect([...r.data], `SEED=${seed()}`).toEqual(want);
        r.data.fill(0xdd);
      }
    }
  }
  for (const { data, want } of read) expect([...data], `SEED=${seed()}`).toEqual(want);
});
