/** Listings in the making cost memory that no client may multiply by opening one directory again and again. */
import { describe, expect, it } from "vitest";
import { type DirNode, type FileNode, NOFID, NOU32, open, type Portal, type Rmsg, Rreaddir, type Server, Tattach, Tlopen, type Tmsg, Treaddir, Twalk, unpackDirents } from "../../proto/index.ts";
import { Listings } from "../../proto/srv/listing.ts";

const qid = { type: 0, vers: 0, pathlo: 1, pathhi: 0 };

describe("listings in the making", () => {
  it("are so many: the oldest is given up", () => {
    const all = new Listings();
    const many = Array.from({ length: 40 }, () => all.begin("1"));
    expect(many.map((l) => l.add(qid, 5, 8, "a"))).toEqual([...Array<boolean>(24).fill(false), ...Array<boolean>(16).fill(true)]);
    expect(many[0]?.cost).toBe(0);
    // One that is left, or kept, makes room.
    all.leave(many[24]!);
    all.keep("k", many[25]!);
    all.begin("1");
    all.begin("1");
    expect(many.slice(26).every((l) => l.add(qid, 6, 8, "b"))).toBe(true);
    expect(all.get("k", "1")).toBe(many[25]);
  });

  it("given up or not, every reader gets every entry once", async () => {
    const leaf: FileNode = { open: () => ({}) };
    const names = Array.from({ length: 300 }, (_, i) => `name${i}`);
    const root: DirNode = { walk: (name) => (names.includes(name) ? leaf : undefined), list: () => names.map((name) => [name, leaf] as const), version: () => "1" };
    const server: Server = { name: "large", attach: () => root };
    const p: Portal = open(server);
    const call = async (t: Tmsg): Promise<Rmsg> => p.call(t);
    await call({ type: Tattach, fid: 0, afid: NOFID, uname: "u", aname: "", n_uname: NOU32 });
    const readers = Array.from({ length: 50 }, (_, i) => ({ fid: i + 1, cookie: 0 as number | bigint, got: [] as string[] }));
    for (const { fid } of readers) {
      await call({ type: Twalk, fid: 0, newfid: fid, wname: [] });
      await call({ type: Tlopen, fid, flags: 0 });
    }
    for (let left = readers; left.length > 0;) {
      const next: typeof readers = [];
      for (const r of left) {
        const reply = await call({ type: Treaddir, fid: r.fid, offset: r.cookie, count: 2000 });
        if (reply.type !== Rreaddir) throw new Error(`type ${reply.type}`);
        const entries = unpackDirents(reply.data);
        r.got.push(...entries.map((e) => e.name));
        r.cookie = entries.at(-1)?.offset ?? 0;
        if (entries.length > 0) next.push(r);
      }
      left = next;
    }
    for (const { got } of readers) expect(got).toEqual([".", "..", ...names]);
    p.hangup();
  });
});
