/**
 * Suites: a server in a dialect, and what the guest's checks say of it. One guest runs them all, one
 * after the other. Invariant: what was started here is stopped by stopAll() (support/children.ts) and
 * by what runSuites gives back to close.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen, nodeHost } from "../../../clients/node/index.ts";
import { attach, open } from "../../../proto/index.ts";
import { ram } from "../../../servers/index.ts";
import { run, startDiod, startServe } from "../../support/children.ts";
import { type GuestKernel, startGuest } from "../../support/guest.ts";
import { type Behind, control, local, remote } from "./behind.ts";

const HERE = new URL(".", import.meta.url).pathname;
/** Killed after so long; a quarter of it is usual. */
const SECONDS = 900;
const VERSIONS: Readonly<Record<string, string>> = { L: "9p2000.L", u: "9p2000.u", plain: "9p2000" };

/** What a suite's checks said. */
export interface Suite {
  /** Names of all checks, in order. */
  readonly checks: readonly string[];
  /** Of those that failed, why. */
  readonly failed: ReadonlyMap<string, string>;
}

/** Runs suites ("host.L", "ram.plain", "diod.L", ...) to the end; the console's text as well. */
export async function runSuites(kernel: GuestKernel, names: readonly string[]): Promise<{ suites: ReadonlyMap<string, Suite>; console: string }> {
  const dir = mkdtempSync(join(tmpdir(), "nineplex-v9fs-"));
  // rm goes deeper than Node, which wants the whole path to be short.
  const closers: (() => unknown)[] = [() => run("rm", ["-r", dir])];
  try {
    chmodSync(dir, 0o755);
    for (const d of ["host", "diod"]) mkdirSync(join(dir, d));
    const probe = join(dir, "probe");
    const built = await run("gcc", ["-O1", "-static", "-o", probe, join(HERE, "probe.c")]);
    if (built.status !== 0) throw new Error(`probe.c: ${built.stderr}`);

    const { now } = nodeHost();
    const tree = ram({ now, owner: "root", mode: 0o755 });
    const listener = await listen("tcp://127.0.0.1:0", (session) => open(tree, session));
    closers.push(() => listener.close());
    const served = { host: await startServe(join(dir, "host"), "--rw"), diod: await startDiod(["-N"], join(dir, "diod")) };
    closers.push(() => served.host.server.stop(), () => served.diod.server.stop());
    const servers: Readonly<Record<string, { at: string; aname: string; behind: Behind }>> = {
      host: { at: served.host.at, aname: "/", behind: local(join(dir, "host")) },
      ram: { at: listener.address, aname: "/", behind: remote(await attach(open(tree), { uname: "root" })) },
      diod: { at: served.diod.at, aname: join(dir, "diod"), behind: local(join(dir, "diod")) },
    };

    const lines: string[] = [];
    const behinds = new Map<string, Behind>();
    for (const name of names) {
      const [kind = "", dialect = ""] = name.split(".");
      const server = servers[kind];
      if (dialect === "local") {
        lines.push(`${name} local 0 /\n`);
        continue;
      }
      if (!server) throw new Error(`no server ${kind}`);
      behinds.set(name, server.behind);
      lines.push(`${name} ${VERSIONS[dialect]} ${server.at.split(":").at(-1)} ${server.aname}\n`);
    }
    const behind = await control(behinds);
    closers.push(() => behind.close());
    const address = behind.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const file = (path: string, data: string | Uint8Array): { path: string; mode: number; data: Uint8Array } => ({ path, mode: 0o100755, data: Buffer.from(data) });
    const guest = startGuest(kernel, {
      dir,
      seconds: SECONDS,
      files: [
        file("bin/probe", readFileSync(probe)), file("init", readFileSync(join(HERE, "init.sh"))), file("checks.sh", readFileSync(join(HERE, "checks.sh"))),
        file("servers", lines.join("")), file("control", `${port}\n`),
      ],
    });
    closers.push(() => guest.stop());
    while (guest.running()) await new Promise((resolve) => setTimeout(resolve, 100));
    const text = guest.out();
    if (!/ done\r?$/m.test(text)) throw new Error(`the guest did not come to its end: ${text.slice(-3000)} ${guest.err()}`);
    return { suites: new Map(names.map((name) => [name, suite(text, name)])), console: text };
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

/** The lines of one suite. */
function suite(text: string, name: string): Suite {
  const checks: string[] = [];
  const failed = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const m = /^\S+ (ok|not ok) (\S+) ([^\s:]+)(?:: (.*))?$/.exec(line);
    if (!m || m[2] !== name) continue;
    checks.push(m[3] ?? "");
    if (m[1] !== "ok") failed.set(m[3] ?? "", m[4] ?? "");
  }
  return { checks, failed };
}
