/** The budget of round trips: the two right-hand columns of the table in ARCHITECTURE.md, at path depth 5. */
import { describe, expect, it } from "vitest";
import {
  attach, dial, type Dialect, DMDIR, type Fsys, open, pair, serve, type ServeOptions,
} from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { plain, type Turns, turns } from "../support/turns.ts";

const DIR = "/a/b/c/d";

interface Mounted {
  readonly fs: Fsys;
  readonly wire: Turns;
  readonly mount: number;
}

/** A tree with DIR/file and ten more files, on a server that keeps order or not. */
async function mounted(dialect: Dialect, ordered: boolean, options: ServeOptions = {}): Promise<Mounted> {
  const server = ram({ now: () => 0 });
  const local = await attach(open(server));
  for (const d of ["/a", "/a/b", "/a/b/c", DIR]) await local.mkdir(d);
  await local.writeFile(`${DIR}/file`, "hello");
  await local.mkdir(`${DIR}/dir`);
  for (let i = 0; i < 10; i++) await local.writeFile(`${DIR}/dir/f${i}`, String(i));
  const [client, end] = pair();
  serve(end, (s) => {
    const portal = open(server, s);
    return ordered ? portal : plain(portal);
  }, options);
  const wire = turns(client);
  const versions = dialect === "9P2000.u" ? ["9P2000.u"] : dialect === "9P2000" ? [ordered ? "9P2000.x" : "9P2000"] : [`${dialect}.x`];
  const { value: fs, turns: mount } = await wire.during(async () => attach(await dial(wire.transport, { versions })));
  expect(fs.client.portal.dialect).toBe(dialect);
  expect(fs.client.portal.ordered).toBe(ordered);
  return { fs, wire, mount };
}

/** No fid is left but the root's, once the last replies are in. */
async function none(fs: Fsys): Promise<void> {
  for (let i = 0; i < 20 && fs.client.fids > 1; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(fs.client.fids).toBe(1);
}

async function count(m: Mounted): Promise<Record<string, number>> {
  const { fs, wire } = m;
  const at = async (op: () => Promise<unknown>): Promise<number> => (await wire.during(op)).turns;
  const counts = {
    stat: await at(async () => expect((await fs.stat(`${DIR}/file`)).length).toBe(5)),
    read: await at(async () => expect(new TextDecoder().decode(await fs.readFile(`${DIR}/file`))).toBe("hello")),
    list: await at(async () => expect((await fs.readDir(`${DIR}/dir`)).map((d) => d.length)).toEqual(Array(10).fill(1))),
    createAndWrite: await at(() => fs.writeFile(`${DIR}/new`, "data")),
    mount: m.mount,
  };
  expect(new TextDecoder().decode(await fs.readFile(`${DIR}/new`))).toBe("data");
  return counts;
}

describe("round trips", () => {
  it.each(["9P2000.L", "9P2000"] as const)("%s, with .x", async (dialect) => {
    const m = await mounted(dialect, true);
    expect(await count(m)).toEqual({ stat: 1, read: 1, list: 2, createAndWrite: 1, mount: 2 });
    const one = async (op: () => Promise<unknown>): Promise<void> => expect((await m.wire.during(op)).turns).toBe(1);
    await one(() => m.fs.mkdir(`${DIR}/more`));
    // Whether the name is a symbolic link must be known before it is changed.
    const links = m.fs.client.portal.dialect === "9P2000" ? 1 : 2;
    expect((await m.wire.during(() => m.fs.wstat(`${DIR}/new`, { mode: 0o600 }))).turns).toBe(links);
    await one(() => m.fs.wstat(`${DIR}/new`, { name: "newer" }));
    await one(() => m.fs.remove(`${DIR}/newer`));
    await one(() => m.fs.stat(`${DIR}/newer`).catch(() => undefined));
    await none(m.fs);
  });

  it.each(["9P2000", "9P2000.u"] as const)("%s, plain peer", async (dialect) => {
    const m = await mounted(dialect, false);
    expect(await count(m)).toEqual({ stat: 2, read: 4, list: 4, createAndWrite: 3, mount: 2 });
    await none(m.fs);
  });

  it("9P2000.L, plain peer: listing adds a round of Twalk and one of Tgetattr", async () => {
    const m = await mounted("9P2000.L", false);
    expect(await count(m)).toEqual({ stat: 2, read: 4, list: 4 + 2, createAndWrite: 3, mount: 2 });
    await none(m.fs);
  });

  it("deep paths: 40 elements are still one round trip", async () => {
    const { fs, wire } = await mounted("9P2000.L", true);
    let path = "";
    for (let i = 0; i < 40; i++) {
      path += `/d${i}`;
      await fs.mkdir(path);
    }
    const { turns: n, value } = await wire.during(() => fs.stat(path));
    expect([n, value.name, (value.mode & DMDIR) !== 0]).toEqual([1, "d39", true]);
    await none(fs);
  });

  it("a version that is refused costs one more", async () => {
    const server = ram({ now: () => 0 });
    const [client, end] = pair();
    serve(end, (s) => plain(open(server, { ...s, dialect: "9P2000" })));
    const wire = turns(client);
    const { turns: n } = await wire.during(async () => attach(await dial(wire.transport, { versions: ["other", "9P2000.L"] })));
    expect(n).toBe(3);
  });
});
