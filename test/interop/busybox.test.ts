/**
 * Real programs: applets of Debian's busybox-static, each run natively and as a guest on the same files:
 * output, errors and status are the same. Prints how many instructions each took with NINEPLEX_TABLE=1.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { system, type System } from "../../clients/node/system.ts";
import type { Kernel } from "../../kernel/index.ts";
import { dir } from "../../proto/index.ts";
import { describeWith, programPath } from "../support/need.ts";
import { chance } from "../support/random.ts";

let top = "";
let k: System;
let kernel: Kernel;
const table: string[] = [];

beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), "nineplex-busybox-"));
  const busybox = programPath("busybox");
  if (busybox === undefined) return;
  copyFileSync(busybox, join(top, "busybox"));
  const int = chance(1);
  const lines = Array.from({ length: 500 }, () => `${["alpha", "beta", "gamma", "ä"][int(4)]} ${int(1000)} ${"x".repeat(int(30))}\n`).join("");
  writeFileSync(join(top, "text"), lines);
  writeFileSync(join(top, "sorted"), `${lines.split("\n").toSorted().join("\n").trim()}\n`);
  writeFileSync(join(top, "bytes"), Uint8Array.from({ length: 100_000 }, () => int(256)));
  writeFileSync(join(top, "empty"), "");
  mkdirSync(join(top, "d"));
  for (const name of ["a", "b c", "ü"]) writeFileSync(join(top, "d", name), name);
  symlinkSync("d/a", join(top, "link"));
  for (const name of ["text", "sorted", "bytes", "empty", "busybox", "d/a", "d/b c", "d/ü", "d"]) utimesSync(join(top, name), 1e9, 1e9);
  k = await system({
    host: top, env: [["TZ", ["UTC"]]],
    servers: {
      spy: (of) => {
        kernel = of;
        const root = dir({});
        return { name: "spy", attach: () => root };
      },
    },
  });
  await k.sys.stat("#spy");
});

afterAll(() => {
  k?.shutdown();
  rmSync(top, { recursive: true, force: true });
  if (process.env.NINEPLEX_TABLE === "1") process.stdout.write(`${table.join("\n")}\n`);
});

describeWith(["busybox"], "busybox", () => {
  const jobs: readonly (readonly [string, string?])[] = [
    ["echo hi"], ["echo -n -e a\\tb\\n"], ["cat text"], ["cat text nothing d"], ["cat", "typed\n"], ["cat -n text"], ["ls"], ["ls -1F"], ["ls nothing"],
    ["head -n 3 text"], ["head -c 100 bytes"], ["tail -n 3 text"], ["tail -c 50 bytes"], ["tail -n +490 text"], ["wc text bytes empty"], ["wc", "one two\nthree"],
    ["md5sum text bytes empty"], ["sha1sum text bytes"], ["sha256sum bytes"], ["sha512sum bytes"], ["cksum text bytes empty"], ["sum text"], ["crc32 bytes"],
    ["cut -d \\x20 -f 2 text"], ["cut -c 1-4 text"], ["tr a-z A-Z", "shout\n"], ["rev text"], ["tac text"], ["nl text"], ["fold -w 20 text"], ["expand text"], ["uniq -c sorted"],
    ["sort text"], ["sort -u -r text"], ["comm text sorted"], ["expr 6 * 7"],
    ["basename /a/b.c .c"], ["dirname /a/b/c"], ["readlink link"], ["true"], ["false"], ["test -f text"], ["test -d text"], ["grep alpha text"], ["grep -c beta text"],
    ["grep -v x text"], ["grep -E (al|be)[a-z]*.9 text"], ["sed s/alpha/omega/g text"], ["sed -n 5,9p text"], ["sed -e /beta/d -e y/abc/xyz/ text"],
    ["od -A d -t x1 -N 64 bytes"], 
    ["base64 bytes"], ["base64 -d", "aGVsbG8K\n"], ["gzip -c text"], ["bzip2 -c text"], ["strings -n 6 bytes"], ["cmp text sorted"], ["cmp text text"],
    ["diff text sorted"], ["find d"], ["find . -name b*"], ["find d -type f"], ["stat -c %n:%s:%F text link"], ["stat -c %n:%F d"], ["dd if=bytes bs=1000 count=3 skip=2"], ["date -u -d @1000000000"],
    ["ls -a d"], ["sort -n -k 2 text"], ["seq 1 20"], ["seq 1 0.5 4"], ["printf %5.2f|%x|%s\\n 3.14159 255 str"], ["uuencode name", "data"],
    ["hexdump -C -n 64 bytes"], ["xxd -l 64 bytes"], ["awk {s+=$2}END{print\\x20s,s/7,NR} text"], ["awk length($0)>20{print\\x20NR\":\"$1} text"],
    ["awk {n[$1]++}END{for(k\\x20in\\x20n)print\\x20k,n[k],sqrt(n[k]),exp(1)} text"], ["dc -e 2\\x2064^p"], ["bc", "2^64/3\n"], ["tar -cf - --mtime=1 d"], ["env -i A=b ./busybox printenv"],
    ["nice ./busybox echo nice"], ["ash -c echo\\x20$((6*7));cd\\x20d;echo\\x20*;exit\\x207"], ["ed -s text", "1,3p\nq\n"], ["unix2dos", "a\nb\n"], ["split -l 100 nothing"],
    ["cal 9 1752"], ["factor 123456789 97"], ["env -i"], ["tee /dev/null", "through\n"], ["nosuchapplet"],
  ];
  it.each(jobs)("%s", { timeout: 60_000 }, async (command = "", input = "") => {
    const args = command.split(" ").map((w) => w.replaceAll("\\x20", " "));
    const native = spawnSync(join(top, "busybox"), args, { cwd: top, input, env: { PATH: "/bin", TZ: "UTC" }, maxBuffer: 1 << 26 });
    const before = kernel.guests.machine.instructions;
    const guest = await k.run(["./busybox", ...args], { input });
    table.push(`${String(kernel.guests.machine.instructions - before).padStart(12)}  ${command}`);
    expect({ status: guest.status, out: guest.out, err: guest.err }).toEqual({ status: native.status === 0 ? "" : String(native.status), out: native.stdout.toString(), err: native.stderr.toString() });
  });
});
