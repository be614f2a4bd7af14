/** Round trips of file calls on a mounted server, at path depth 5, and where a mount point may lie on the way. */
import { afterEach, describe, expect, test } from "vitest";
import { MCREATE, MREPL, type Sys } from "../../kernel/index.ts";
import { attach, dial, OREAD, open, pair, serve } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { tools } from "../../clients/tools/index.ts";
import { bytes, testKernel, type TestKernel, text } from "../support/kernel.ts";
import { plain, type Turns, turns } from "../support/turns.ts";

const DIR = "/n/x/a/b/c/d";
let k: TestKernel;
afterEach(() => k.shutdown());

async function setup(version: string): Promise<{ wire: Turns; mount: number }> {
  const server = ram({ now: () => 0 });
  const local = await attach(open(server));
  for (const d of ["/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/b/c/d/dir"]) await local.mkdir(d);
  await local.writeFile("/a/b/c/d/file", "hello");
  for (let i = 0; i < 10; i++) await local.writeFile(`/a/b/c/d/dir/f${i}`, String(i));
  k = await testKernel(Object.fromEntries(tools));
  const [client, end] = pair();
  serve(end, (s) => (version.endsWith(".x") ? open(server, s) : plain(open(server, s))));
  const wire = turns(client);
  const { turns: mount } = await wire.during(async () =>
    k.sys.mount(await dial(wire.transport, { versions: [version] }), "/n/x", MREPL | MCREATE, "", "mem:x"));
  return { wire, mount };
}

/** A program of /bin run with its output in a string. */
async function run(sys: Sys, ...argv: string[]): Promise<string> {
  const [r, w] = await sys.pipe();
  const pid = await sys.spawn({ path: `/bin/${argv[0]}`, argv, fds: new Map([[1, w], [2, w]]) });
  await sys.close(w);
  let out = "";
  for (;;) {
    const data = await sys.read(r);
    if (data.length === 0) break;
    out += text(data);
  }
  await sys.close(r);
  await sys.wait(pid);
  return out;
}

describe.each([["9P2000.L.x"], ["9P2000.x"], ["9P2000.L"], ["9P2000"]])("%s", (version) => {
  test("file calls and tools", async () => {
    const { wire, mount } = await setup(version);
    const { sys } = k;
    const at = async (op: () => Promise<unknown>): Promise<number> => (await wire.during(op)).turns;
    const got = {
      mount,
      stat: await at(() => sys.stat(`${DIR}/file`)),
      read: await at(async () => expect(await k.cat(`${DIR}/file`)).toBe("hello")),
      list: await at(async () => expect(await k.ls(`${DIR}/dir`)).toHaveLength(10)),
      create: await at(() => sys.writeFile(`${DIR}/new`, bytes("data"))),
      open: await at(async () => sys.close(await sys.open(`${DIR}/file`, OREAD))),
      remove: await at(() => sys.remove(`${DIR}/new`)),
      cat: await at(async () => expect(await run(sys, "cat", `${DIR}/file`)).toBe("hello")),
      "ls -l": await at(async () => expect(await run(sys, "ls", "-l", `${DIR}/dir`)).toMatch(/^(--rw.*\n){10}$/)),
      mkdir: await at(() => sys.mkdir(`${DIR}/made`, 0o777)),
    };
    const ordered = { mount: 2, stat: 1, read: 1, list: 2, create: 1, open: 1, remove: 1, cat: 1, "ls -l": 3, mkdir: 1 };
    if (version.endsWith(".x")) expect(got).toEqual(ordered);
    else {
      // ls asks what the path is before it lists it.
      const most = { mount: 2, stat: 3, read: 4, list: version === "9P2000" ? 4 : 7, create: 4, open: 2, remove: 2, cat: 4, "ls -l": version === "9P2000" ? 6 : 9, mkdir: 2 };
      for (const [op, n] of Object.entries(most)) expect([op, got[op as keyof typeof got] <= n, got]).toEqual([op, true, got]);
    }
  });
});

test("a mount point on the server costs one walk more, wherever it lies", async () => {
  const { wire } = await setup("9P2000.L.x");
  const { sys } = k;
  await sys.bind("/tmp", "/n/x/a/b", MREPL);
  await k.put("/tmp/near", "near");
  expect((await wire.during(() => k.cat("/n/x/a/b/near"))).turns).toBe(1);
  await sys.unmount(undefined, "/n/x/a/b");
  await sys.bind("/tmp", `${DIR}/dir`, MREPL | MCREATE);
  expect((await wire.during(async () => expect(await k.cat(`${DIR}/file`)).toBe("hello"))).turns).toBe(2);
  // Nothing with an effect was sent across the mount: the file lands in /tmp.
  await k.put(`${DIR}/dir/made`, "here");
  expect(await k.cat("/tmp/made")).toBe("here");
  await sys.unmount(undefined, `${DIR}/dir`);
  expect(await k.ls(`${DIR}/dir`)).not.toContain("made");
});
