/**
 * Need: what a test of test/interop wants from the machine, as Debian packages. Without it the tests
 * are skipped and say what to install; NINEPLEX_REQUIRE_ALL=1 (as .ci/run sets) makes that a failure.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";

/** A program: its name or path, and the package that has it. */
const PACKAGES = {
  diod: "diod", diodls: "diod", diodcat: "diod", diodload: "diod", busybox: "busybox-static", "/usr/lib/plan9/bin/rc": "9base", "/usr/lib/plan9/bin/sed": "9base", "/usr/lib/plan9/bin/tr": "9base", "/usr/lib/plan9/bin/uniq": "9base", "/usr/lib/plan9/bin/strings": "9base",
  chromium: "chromium", python3: "python3", "qemu-system-x86_64": "qemu-system-x86", gcc: "gcc libc6-dev", "apt-get": "apt", tar: "tar", patch: "patch",
  "/usr/lib/plan9/bin/diff": "9base", "/usr/lib/plan9/bin/du": "9base", "/usr/lib/plan9/bin/ed": "9base", "/usr/lib/plan9/bin/sha1sum": "9base", "/usr/lib/plan9/bin/mtime": "9base", gzip: "gzip", sha256sum: "coreutils",
  sash: "sash", "/usr/lib/klibc/bin/mksh": "mksh", "gpgv-static": "gpgv-static", "e2fsck.static": "e2fsck-static", "mkfs.ext2": "e2fsprogs", "musl-gcc": "musl-tools",
} as const;

export type Needed = keyof typeof PACKAGES;

/** Where Debian keeps servers, whether or not the user's PATH has it. */
const PLACES = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];

/** The program's path, or undefined. */
export function programPath(name: string): string | undefined {
  for (const path of name.startsWith("/") ? [name] : PLACES.map((place) => join(place, name))) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // In another place, or nowhere.
    }
  }
  return undefined;
}

/** describe(), when the machine has these programs. */
export function describeWith(programs: readonly Needed[], name: string, body: () => void): void {
  describeUnless(missing(programs), name, body);
}

/** What is missing of these programs and how to get it, or undefined. */
export function missing(programs: readonly Needed[]): string | undefined {
  const none = programs.filter((p) => programPath(p) === undefined);
  return none.length === 0 ? undefined : `needs ${none.join(", ")}: apt-get install ${[...new Set(none.map((p) => PACKAGES[p]))].join(" ")}`;
}

/** describe(), unless there is a reason why these tests cannot be. */
export function describeUnless(why: string | undefined, name: string, body: () => void): void {
  if (why === undefined) {
    describe(name, body);
    return;
  }
  if (process.env.NINEPLEX_REQUIRE_ALL === "1") {
    describe(name, () => it("has what it needs", () => expect.fail(why)));
    return;
  }
  process.stderr.write(`skipped: ${name}: ${why}\n`);
  describe.skip(`${name} (${why})`, body);
}
