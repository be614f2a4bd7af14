/** What clients of an exported name space can do with the kernel behind it, with all rights that --rw gives. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { exportedSystem } from "../../../clients/node/exported.ts";
import { listen } from "../../../clients/node/index.ts";
import { parseCommandLine } from "../../../clients/node/commandline.ts";
import { attach, encode, type Fsys, open as openServer, textFile } from "../../../proto/index.ts";
import { ram } from "../../../servers/index.ts";
import { failure, text } from "../../support/kernel.ts";

const cwd = mkdtempSync(join(tmpdir(), "nineplex-exported-"));
const opened: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});
afterAll(() => rmSync(cwd, { recursive: true }));

async function client(...args: string[]): Promise<{ fs: Fsys; ended: Promise<void> | undefined }> {
  const { options } = parseCommandLine(["serve", "--rw", ...args]);
  const exported = await exportedSystem(options, cwd, textFile(() => ""), new AbortController().signal);
  opened.push(() => exported.close());
  return { fs: await attach(exported.session({ dialect: "9P2000.L", msize: 1 << 20 }), { uname: "eve" }), ended: exported.ended };
}

test("no command of the machine is run by a mount in /proc/1/ns; bind is theirs", async () => {
  const { fs } = await client();
  const made = join(cwd, "made");
  expect(await failure(fs.writeFile("/proc/1/ns", encode(`mount 'exec:touch ${made}' /n/x\n`)))).toMatch(/mount\/attach disallowed$/);
  expect(existsSync(made)).toBe(false);
  await fs.writeFile("/proc/1/ns", encode("bind /bin /n/x\n"));
  expect((await fs.readDir("/n/x")).map((d) => d.name)).toContain("cat");
});

test("the token of what is mounted is not told", async () => {
  const listener = await listen("ws://127.0.0.1:0", (s) => openServer(ram({ now: () => 0 }), s), { token: "secret" });
  opened.push(() => listener.close());
  expect(listener.address).toContain("secret");
  writeFileSync(join(cwd, "ns"), `. /lib/namespace\nmount -c '${listener.address}' /n/far\n`);
  for (const option of [["--mount", `${listener.address}:/n/far`], ["--ns", "ns"]]) {
    const { fs } = await client(...option);
    // What everybody reads and writes is nobody's of them.
    expect(await failure(fs.open("/dev/trace"))).toBe("file does not exist");
    expect(text(await fs.readFile("/proc/1/ns"))).toMatch(/^mount -c ws:\/\/127\.0\.0\.1:\d+\/ \/n\/far$/m);
  }
});

test("who kills its process ends it, and it says so", async () => {
  const { fs, ended } = await client();
  await fs.writeFile("/proc/1/ctl", encode("kill")).catch(() => undefined);
  await ended;
  expect(await failure(fs.readDir("/"))).toBe("i/o on hungup channel");
});
