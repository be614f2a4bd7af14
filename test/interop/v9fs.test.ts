/**
 * Linux's own client: a Debian kernel in QEMU mounts `host` (nineplex serve) and `ram` over TCP in all
 * three dialects, and diod in .L for comparison, and runs v9fs/checks.sh in each; one boot for all. What
 * may fail stands in LOST with the reason; anything else that fails there fails here. The same checks
 * on a file system of the guest's own show that it is the servers they measure.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { stopAll } from "../support/children.ts";
import { type GuestKernel, guestKernel } from "../support/guest.ts";
import { describeUnless, missing } from "../support/need.ts";
import { runSuites, type Suite } from "./v9fs/suites.ts";

/** Checks that may fail, by the reason. */
type Lost = Readonly<Record<string, string>>;

const XATTR = "xattr xattr-replace xattr-remove xattr-flags xattr-big xattr-dir xattr-refused";
const MKNOD = "fifo fifo-use device device-use socket";

/** What only .L has. */
const BASE: Lost = {
  "locks are .L's; v9fs grants them without asking, even between processes of one mount":
    "lock-write lock-read lock-overlap lock-split lock-upgrade lock-unlock lock-close lock-killed lock-waits lock-interrupted lock-far lock-same-mount "
    + "getlock getlock-read flock flock-shared flock-waits",
  "extended attributes are .L's": XATTR,
  "statfs is .L's": "statfs statfs-df",
  "fsync of a directory is .L's": "fsync-dir",
  "a stat has no number of blocks": "sparse-blocks",
  "a stat has seconds, and no time of change": "times-fine times-change times-change-link",
  "Twstat cannot set a time to now": "user-times-now",
  "a directory's entries are its files": "readdir-dots",
  "a directory is read on from where it was left, or from the start": "readdir-seek",
  "a symbolic link has no number of links": "link-symlink",
  "v9fs since 6.12 maps no file for writing": "map-write cached-map",
  "Tcreate names no group": "user-owner-group",
  "v9fs renames within a directory only": "rename-other-dir rename-over-other-dir rename-dir-deeper link-other-dir",
  "Twstat renames the file that the fid is on, whoever has renamed it meanwhile": "race-rename",
};

const PLAIN: Lost = {
  ...BASE,
  "links and symbolic links are .u's and .L's":
    "link link-unlink link-other-dir link-rename link-rename-over link-seen link-symlink unlinked-linked race-link ln-sf cp-a-links user-owner-symlink "
    + "symlink symlink-follow symlink-absolute symlink-dangling symlink-loop symlink-dir symlink-unlink symlink-long symlink-odd symlink-seen symlink-nofollow-times",
  "nodes are .u's and .L's": MKNOD,
  "a stat has no number of links": "mkdir-nlink unlinked-fstat unlinked-behind",
  "Twstat replaces no file": "rename-over rename-over-fstat rename-dir-over-empty rename-dir-over-full sed-i",
  "users have no numbers: v9fs attaches once, and shows everything as root's":
    "chown chown-big user-owner user-zero-mode user-chown-refused user-times-refused user-setgid-chmod user-unlinked cp-a",
  "modes have no set-ID and sticky bits": "chmod chmod-dir user-sticky user-suid-kept user-suid-chown user-setgid-dir behind-chmod",
  "a file cannot be opened to append; v9fs writes where it believes the end is": "append-behind append-writers",
};

/** What Node cannot do on the host's files. */
const HOST: Lost = { "Node makes no nodes": MKNOD };

const LOST: Readonly<Record<string, Lost>> = {
  "host.L": { ...HOST, "Node sees no extended attributes": XATTR },
  "ram.L": {},
  "host.u": { ...BASE, ...HOST },
  "ram.u": BASE,
  "host.plain": PLAIN,
  "ram.plain": PLAIN,
  "tmpfs.local": { "tmpfs has no extended attributes before Linux 6.6": XATTR, "nor unbuffered reads and writes": "direct" },
};

const SUITES: readonly string[] = [...Object.keys(LOST), "diod.L"];

let why = missing(["qemu-system-x86_64", "busybox", "gcc", "apt-get", "diod"]);
let kernel: GuestKernel | undefined;
if (why === undefined) {
  try {
    kernel = await guestKernel();
  } catch (e) {
    why = `no kernel for the guest: ${e instanceof Error ? e.message : "unknown"}`;
  }
}

afterAll(stopAll);

describeUnless(why, "Linux v9fs", () => {
  let suites: ReadonlyMap<string, Suite> = new Map();
  let console = "";
  const of = (name: string): Suite => suites.get(name) ?? { checks: [], failed: new Map() };

  beforeAll(async () => {
    if (!kernel) return;
    const begin = Date.now();
    ({ suites, console } = await runSuites(kernel, SUITES));
    const lines = SUITES.map((name) => {
      const { checks, failed } = of(name);
      return `${name.padEnd(12)} ${checks.length} checks, ${failed.size} failed${name === "diod.L" ? `: ${[...failed.keys()].join(" ")}` : ""}\n`;
    });
    process.stderr.write(`${lines.join("")}v9fs: ${Math.round((Date.now() - begin) / 1000)} s\n`);
  }, 1000_000);

  for (const [name, lost] of Object.entries(LOST)) {
    it(`${name}: at least 100 checks, and only what it cannot do fails`, () => {
      const { checks, failed } = of(name);
      expect(checks.length).toBeGreaterThanOrEqual(100);
      expect(checks).toEqual(of("diod.L").checks);
      const known = new Set(Object.values(lost).flatMap((names) => names.split(" ")));
      expect(Object.fromEntries([...failed].filter(([check]) => !known.has(check)))).toEqual({});
    });
  }

  it("in .L no more fails than with diod", () => {
    const diod = of("diod.L").failed.size;
    expect(of("host.L").failed.size).toBeLessThanOrEqual(diod);
    expect(of("ram.L").failed.size).toBeLessThanOrEqual(diod);
  });

  it("what may fail is a check", () => {
    const { checks } = of("diod.L");
    for (const lost of Object.values(LOST)) {
      for (const names of Object.values(lost)) expect(checks).toEqual(expect.arrayContaining(names.split(" ")));
    }
  });

  it("the guest's kernel has nothing to complain of", () => {
    expect(console).not.toMatch(/BUG:|WARNING:|Oops|blocked for more than/);
  });
});
