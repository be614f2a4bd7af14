/**
 * Name spaces as their users see them: sessions of rc in test/transcripts/names, each line after "% "
 * typed at a prompt, what follows it the output of both kinds. What is expected is from bind(2),
 * chan.c and "The Use of Name Spaces in Plan 9", not from what this system printed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { boot, type Booted, MCREATE, MREPL, type Program, type Sys } from "../../kernel/index.ts";
import { DMDIR, errno, NineError, open, type Portal } from "../../proto/index.ts";
import { bin, dev, mntgen, pipe, ram } from "../../servers/index.ts";
import { nodeHost } from "../../clients/node/index.ts";
import { rc } from "../../clients/rc/index.ts";
import { tools } from "../../clients/tools/index.ts";
import { bytes } from "../support/kernel.ts";
import { session, shown, turns } from "../support/session.ts";

const dir = new URL("../transcripts/names/", import.meta.url);
/** ram:NAME is a server with a file `hello` that says so; it is anew with each dial. ns:PATH is what the first process has there. */
async function dial(addr: string, sys: Sys): Promise<Portal> {
  const [kind, name = ""] = addr.split(":");
  if (kind === "ns") return sys.export(name);
  if (kind !== "ram" || !["east", "west", "south"].includes(name)) throw new NineError("connection refused", errno.ECONNREFUSED);
  const server = ram({ now: () => 0 });
  const k = await boot({ host: nodeHost(), servers: { root: server, pipe: pipe() } });
  await k.sys.writeFile("/hello", bytes(`${name}\n`));
  await k.sys.writeFile(`/${name}`, bytes(`${name}\n`));
  k.shutdown();
  return open(server);
}

async function world(): Promise<Booted> {
  const host = nodeHost();
  const programs = new Map<string, Program>([...tools, ["rc", rc({})]]);
  const now = (): number => host.now();
  const k: Booted = await boot({
    host, programs, uname: "glenda", dial: (addr) => dial(addr, k.sys),
    servers: {
      root: ram({ now, owner: "glenda" }), tmp: ram({ now, owner: "glenda" }), pipe: pipe(), bin: bin(programs.keys()), mntgen: mntgen(),
      dev: dev({ now, random: () => host.random() }),
    },
  });
  const { sys } = k;
  for (const d of ["bin", "dev", "one", "two", "three", "m", "n"]) await sys.mkdir(`/${d}`, 0o777);
  await sys.mkdir("/locked", 0o555);
  await sys.bind("#bin", "/bin", MREPL);
  await sys.bind("#dev", "/dev", MREPL | MCREATE);
  for (const d of ["one", "two", "three"]) {
    await sys.writeFile(`/${d}/${d}`, bytes(`${d}\n`));
    await sys.writeFile(`/${d}/both`, bytes(`both of ${d}\n`));
  }
  expect((await sys.stat("/one")).mode & DMDIR).not.toBe(0);
  return k;
}

test.each(readdirSync(dir).filter((f) => f.endsWith(".txt")))("%s", async (file) => {
  const k = await world();
  try {
    const all = turns(readFileSync(new URL(file, dir), "utf8").replace(/^#.*\n/gm, ""));
    const got = await session(k.sys, all.map((t) => t.typed));
    expect(shown(all, got)).toBe(shown(all, all.map((t) => t.expected)));
  } finally {
    k.shutdown();
  }
});
