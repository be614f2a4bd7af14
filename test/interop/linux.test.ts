/**
 * Static Linux programs beside themselves: each job runs natively and as a guest, on trees that began the
 * same and see the same jobs; output, errors, status and what is in the trees afterwards are the same.
 * busybox's applets that make no process, e2fsck on an image, gpgv, the shells sash and mksh by their
 * built-in commands, and C programs of guests/, built with gcc and with musl-gcc. With NINEPLEX_TABLE=1 it
 * prints what became of each and how many instructions it took.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { system, type System } from "../../clients/node/system.ts";
import { exitCodeOf, type Kernel, MCREATE, MREPL } from "../../kernel/index.ts";
import { dir, open } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { describeWith, missing, type Needed, programPath } from "../support/need.ts";
import { chance } from "../support/random.ts";

const TIMEOUT = 120_000;
const WHEN = 1e9;
const GUESTS = new URL("linux/", import.meta.url).pathname;

let top = "";
/** The trees: one the host's programs work in, one that is / of the guests. */
const trees = { native: "", guest: "" };
let k: System;
let kernel: Kernel;
const table: string[] = [];

beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), "nineplex-linux-"));
  for (const which of ["native", "guest"] as const) {
    const at = join(top, which);
    trees[which] = at;
    fill(at);
  }
  k = await system({
    root: { dir: trees.guest, writable: true, first: true }, env: [["TZ", ["UTC"]], ["PATH", ["/bin"]]],
    servers: {
      spy: (of) => {
        kernel = of;
        const root = dir({});
        return { name: "spy", attach: () => root };
      },
    },
  });
  await k.sys.stat("#spy");
  await k.sys.chdir("/w");
});

afterAll(() => {
  k?.shutdown();
  rmSync(top, { recursive: true, force: true });
  if (process.env.NINEPLEX_TABLE === "1") process.stdout.write(`${table.join("\n")}\n${table.length} jobs\n`);
});

/** What jobs work on. */
function fill(at: string): void {
  const int = chance(1);
  const w = join(at, "w");
  mkdirSync(join(w, "d", "e"), { recursive: true });
  mkdirSync(join(at, "etc"));
  for (const name of ["passwd", "group"]) copyFileSync(`/etc/${name}`, join(at, "etc", name));
  const lines = Array.from({ length: 400 }, () => `${["alpha", "beta", "gamma", "delta"][int(4)]} ${int(1000)} ${"x".repeat(int(20))}\n`).join("");
  writeFileSync(join(w, "text"), lines);
  writeFileSync(join(w, "other"), lines.replaceAll("alpha", "omega"));
  writeFileSync(join(w, "bytes"), Uint8Array.from({ length: 70_000 }, () => int(256)));
  writeFileSync(join(w, "empty"), "");
  for (const name of ["a", "b c", "e/deep"]) writeFileSync(join(w, "d", name), `${name}\n`);
  symlinkSync("d/a", join(w, "link"));
  symlinkSync("nowhere", join(w, "dangling"));
  for (const [program, name] of PROGRAMS) {
    const from = programPath(program);
    if (from !== undefined) copyFileSync(from, join(at, name));
  }
  for (const name of ["text", "other", "bytes", "empty", "d/a", "d/b c", "d/e/deep", "d/e", "d"]) utimesSync(join(w, name), WHEN, WHEN);
}

const PROGRAMS: readonly (readonly [Needed, string])[] = [["busybox", "busybox"], ["sash", "sash"], ["/usr/lib/klibc/bin/mksh", "mksh"], ["gpgv-static", "gpgv"], ["e2fsck.static", "e2fsck"]];

/** A tree as text; times of what was made meanwhile are left out. */
function snapshot(at: string, under = ""): string[] {
  return readdirSync(join(at, under)).toSorted().flatMap((name) => {
    const path = join(under, name);
    const s = lstatSync(join(at, path));
    const what = s.isSymbolicLink() ? `-> ${readlinkSync(join(at, path))}` : s.isFile() ? `${s.size} ${readFileSync(join(at, path)).toString("latin1")}` : "";
    const time = Date.now() / 1000 - s.mtimeMs / 1000 > 86_400 ? s.mtimeMs : 0;
    return [`${path} ${s.mode.toString(8)} ${s.uid} ${s.gid} ${s.isDirectory() ? 0 : s.nlink} ${time} ${what}`, ...(s.isDirectory() ? snapshot(at, path) : [])];
  });
}

/** Runs a job both ways; `program` is in the root of the trees. */
async function both(program: string, args: readonly string[], input = "", same: (text: string) => string = (text) => text): Promise<void> {
  const label = `${program} ${args.map((a) => JSON.stringify(a).slice(1, -1)).join(" ")}`.slice(0, 90);
  table.push(`      failed  ${label}`);
  const native = spawnSync(join(trees.native, program), args, { cwd: join(trees.native, "w"), input, env: { PATH: "/bin", TZ: "UTC" }, maxBuffer: 1 << 26 });
  const before = kernel.guests.machine.instructions;
  const guest = await k.run([`/${program}`, ...args], { input });
  const plain = (data: Uint8Array | string): string => same(data.toString().replaceAll(trees.native, ""));
  const status = native.status ?? 128 + (native.signal ? constants.signals[native.signal] : 0);
  expect({ status: exitCodeOf(guest.status), out: same(guest.out), err: same(guest.err) }).toEqual({ status, out: plain(native.stdout), err: plain(native.stderr) });
  expect(snapshot(join(trees.guest, "w"))).toEqual(snapshot(join(trees.native, "w")));
  table[table.length - 1] = `${String(kernel.guests.machine.instructions - before).padStart(12)}  ${label}`;
}

/** Words; \x20 is a blank in one. */
function words(line: string): string[] {
  return line.split(" ").map((w) => w.replaceAll("\\x20", " ").replaceAll("\\n", "\n"));
}

describeWith(["busybox"], "busybox", () => {
  const jobs: readonly (readonly [string, string?])[] = [
    ["ls -lan d"], ["ls -laR d"], ["ls -li nothing"], ["find . -type f -newer d/a"], ["find . -name *e* -size +0"], ["find d -perm 644 -mtime +100"], ["grep -rn deep d"], ["grep -c x text other"],
    ["sed -i s/omega/OMEGA/ other"], ["sed -n /alpha/,+2p text"], ["sort -k2n text"], ["sort -o sorted text"], ["awk {n[$1]+=$2}END{for(k\\x20in\\x20n)print\\x20k,n[k]|\"cat\"}", ""],
    ["awk {s+=$2}END{print\\x20s,s/NR,sqrt(s)} text"], ["awk BEGIN{printf\\x20\"%.6f\\x20%e\\x20%g\\n\",3.14159,1e100,1/3}"],
    ["tar -cf a.tar d link text"], ["tar -tvf a.tar"], ["mkdir out"], ["tar -xf a.tar -C out"], ["rm a.tar"], ["gzip -k text"], ["gzip -l text.gz"], ["gunzip -c text.gz"], ["bzip2 -k bytes"], ["bunzip2 -t bytes.bz2"],
    ["rm text.gz bytes.bz2"], ["md5sum text bytes"], ["sha256sum -c -", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty\n"], ["sha3sum bytes"],
    ["diff -u text other"], ["cmp -l text other"], ["od -c -N 100 bytes"], ["hexdump -C -n 200 bytes"], ["xxd -l 64 bytes"], ["dd if=bytes of=part bs=512 skip=3 count=5 status=none"], ["dd if=text of=part bs=10 seek=100 conv=notrunc status=none"],
    ["stat -c %n:%s:%a:%F:%h:%Y text d link empty"], ["stat -L -c %F link"], ["wc -lwc text"], ["cut -d \\x20 -f 2- text"], ["tr -d aeiou", "vowels are gone\n"], ["head -c 100 text"], ["tail -n 2 text"],
    ["cp -a d copy"], ["cp -r d/. copy2"], ["cp text text2"], ["mv text2 copy/moved"], ["mv nothing there"], ["rm -r copy2"], ["rm copy"], ["rm -rf copy out"], ["mkdir -p m/n/o"], ["mkdir m"], ["rmdir m"], ["rmdir -p m/n/o"],
    ["ln -s text sym"], ["ln text hard"], ["ln text hard"], ["ln -sf other sym"], ["readlink sym"], ["readlink -f link"], ["realpath d/../d/a"], ["touch -d @1000000000 hard"], ["touch -d 2001-02-03\\x2004:05 new"], ["touch -c none"],
    ["chmod 640 new"], ["chmod -R u+x,g-r d"], ["chown 0:0 new"], ["chgrp 0 none"], ["truncate -s 12345 new"], ["truncate -s 10 new"], ["rm hard sym new part sorted"], ["date -u -d @1234567890 +%F\\x20%T\\x20%j"], ["expr 7 * ( 3 + 4 )"],
    ["printf %5d|%-5s|%x|%.3f\\n 42 ab 255 2.5"], ["seq 1 3 20"], ["seq -w 8 11"], ["sleep 0"], ["usleep 1000"], ["test -e dangling"], ["test -L dangling"], ["[ text -nt d ]"], ["base64 -w 20", "some bytes\n"], ["base64 -d", "c29tZSBieXRlcwo=\n"],
    ["bc", "scale=30; 2^100; 4*a(1); sqrt(2); 10/7\n"], ["dc", "2 200 ^ p 17 3 / p\n"], ["comm text other"], ["factor 1000000007 999999000001"], ["fold -s -w 30 text"], ["nl -b a text"], ["paste text other"], ["sum -s bytes"], ["cksum bytes"], ["tac text"],
    ["tee one two", "for both\n"], ["rm one two"], ["uniq -c", "a\na\nb\n"], ["uuencode name", "to be encoded\n"], ["uudecode -o -", "begin 644 x\n#0V%T\n`\nend\n"], ["shuf -i 1-1"], ["split -l 100 text part."], ["rm part.aa part.ab part.ac part.ad"],
    ["vi -c s/alpha/first/ -c wq d/a"], ["ed d/a", "p\ns/a/b/\nw\nq\n"], ["patch -p0", "--- d/a\n+++ d/a\n@@ -1 +1,2 @@\n b\n+more\n"], ["expand", "a\tb\n"], ["unexpand -a", "a       b\n"], ["rev", "desserts\n"], ["strings bytes"], ["cat -A d/a"], ["dirname a/b"],
    ["id -u"], ["whoami"], ["pwd"], ["uname -s -m"], ["env -i"], ["tty"], ["du -a d"], ["ash -c echo\\x20$((6*7));x=5;while\\x20[\\x20$x\\x20-gt\\x200\\x20];do\\x20x=$((x-1));printf\\x20$x;done"], ["ash -c trap\\x20'echo\\x20caught'\\x20USR1;kill\\x20-USR1\\x20$$;echo\\x20after"], ["ash -c read\\x20x;echo\\x20got\\x20$x", "a line\n"],
    ["ash -c kill\\x20-TERM\\x20$$"], ["crc32 bytes"], ["lzop -c text"], ["unlzma -c empty"], ["ipcalc -n 10.1.2.3/20"], ["mktemp -u x.XXXXXX -p nothing/"], ["sync"], ["fallocate -l 5000 fa"], ["rm fa"], ["timeout 1"],
  ];
  it.each(jobs)("%s", { timeout: TIMEOUT }, (line = "", input = "") => both("busybox", words(line), input, (text) => text.replaceAll(/x\.[A-Za-z0-9]{6}/g, "x.XXXXXX")));
});

describeWith(["e2fsck.static", "mkfs.ext2"], "e2fsck on an image", () => {
  beforeAll(() => {
    const image = join(top, "image");
    execFileSync("mkfs.ext2", ["-q", "-F", "-U", "00000000-0000-0000-0000-000000000001", image, "512k"]);
    const damaged = readFileSync(image);
    // Blocks free, as the superblock tells it.
    damaged.writeUInt32LE(7, 1024 + 12);
    for (const which of ["native", "guest"] as const) {
      copyFileSync(image, join(trees[which], "w", "image"));
      writeFileSync(join(trees[which], "w", "damaged"), damaged);
    }
  });
  const stamps = (text: string): string => text.replaceAll(/\d+\.\d+\/\d+\.\d+|time: .*/g, "");
  it("a whole one", { timeout: TIMEOUT }, () => both("e2fsck", ["-fn", "image"], "", stamps));
  it("a damaged one, looked at", { timeout: TIMEOUT }, () => both("e2fsck", ["-fn", "damaged"], "", stamps));
});

describeWith(["gpgv-static"], "gpgv", () => {
  it("no such keyring", { timeout: TIMEOUT }, () => both("gpgv", ["--keyring", "/w/none", "text"], "", (text) => text.replaceAll(/^.*created.*$/gm, "")));
  it("not signed", { timeout: TIMEOUT }, () => both("gpgv", ["--keyring", "./bytes", "text"]));
  it("its version", { timeout: TIMEOUT }, () => both("gpgv", ["--version"]));
});

describeWith(["sash"], "sash", () => {
  const scripts = ["-echo hello", "-pwd", "-ls d", "-mkdir s1\n-touch s1/x\n-ls -l s1/y\n-rm s1/x\n-rmdir s1", "-sum text bytes", "-grep alpha text", "-cmp text other", "-cp text cp1\n-chmod 600 cp1\n-mv cp1 cp2\n-rm cp2", "-printenv TZ", "-dd if=bytes of=dd1 bs=1k count=3\n-rm dd1", "-file text d", "-find d -type f -print"];
  it.each(scripts)("%s", { timeout: TIMEOUT }, (script) => both("sash", ["-c", script]));
});

describeWith(["/usr/lib/klibc/bin/mksh"], "mksh", () => {
  const scripts = ["echo $((2**10)) ${#PATH}", "for f in d/*; do print -r -- \"$f\"; done", "set -A a one two three; echo ${a[1]} ${#a[@]}", "x=hello; echo ${x%lo} ${x#he} ${x/l/L}", "read -r l <text; echo \"$l\"", "echo new >made; echo more >>made; while read l; do echo \"[$l]\"; done <made; : >made; [[ -s made ]] || echo empty",
    "trap 'echo bye' EXIT; exit 3", "f() { local i=$1; [[ $i -le 1 ]] && REPLY=1 && return; f $((i-1)); REPLY=$((REPLY*i)); }; f 10; echo $REPLY", "cd d && pwd && test -e a && echo there", "typeset -i16 n=255; echo $n; printf=1; echo ${n}", "kill -l 15", "ulimit -n >/dev/null; umask; umask 077; umask", "cat <text | true; echo no"];
  it.each(scripts.slice(0, -1))("%s", { timeout: TIMEOUT }, (script) => both("mksh", ["-c", script]));
});

describeWith(["busybox"], "busybox on a server of plain 9P2000", () => {
  const jobs: readonly (readonly [string, string?])[] = [
    ["mkdir -p x/y"], ["cp ../text x/t"], ["wc x/t"], ["dd of=x/u seek=3 bs=4", "some words"], ["od -c x/u"], ["mv x/u x/v"], ["mv -f x/t x/v"], ["ls x"], ["md5sum x/v"], ["sed -i s/alpha/beta/ x/v"], ["head -n 2 x/v"],
    ["touch -d @1000000000 x/v"], ["stat -c %n:%s:%Y:%F x/v"], ["chmod 600 x/v"], ["stat -c %a x/v"], ["truncate -s 7 x/v"], ["cat x/v"], ["tee -a x/v", "more"], ["cat x/v"], ["ls x/none"], ["rmdir x"], ["rm x"], ["rm x/y"], ["find . -type f"], ["ln -s a b"], ["rm -r x"], ["ls"],
  ];
  const own = new Set(["ln -s a b"]);
  beforeAll(async () => {
    mkdirSync(join(trees.native, "w", "p"));
    mkdirSync(join(trees.guest, "w", "p"));
    await k.sys.mount(open(ram({ now: () => WHEN * 1000, owner: k.sys.user }), { dialect: "9P2000" }), "/w/p", MREPL | MCREATE, "");
  });
  it.each(jobs)("%s", { timeout: TIMEOUT }, async (line = "", input = "") => {
    const native = spawnSync(join(trees.native, "busybox"), words(line), { cwd: join(trees.native, "w", "p"), input, env: { PATH: "/bin", TZ: "UTC" } });
    await k.sys.chdir("/w/p");
    const guest = await k.run(["/busybox", ...words(line)], { input }).finally(() => k.sys.chdir("/w"));
    if (own.has(line)) {
      // It has no links.
      spawnSync("rm", [join(trees.native, "w", "p", "b")]);
      expect(guest).toMatchObject({ status: "1", err: "ln: b: Operation not supported\n" });
      return;
    }
    table.push(`plain 9P2000  ${line}`);
    expect({ ...guest, status: exitCodeOf(guest.status) }).toEqual({ status: native.status, out: native.stdout.toString(), err: native.stderr.toString() });
  });
});

const COMPILERS: readonly Needed[] = ["gcc", "musl-gcc"];
const SOURCES = readdirSync(GUESTS).filter((name) => name.endsWith(".c"));

describeWith(COMPILERS, "C programs", () => {
  const all = COMPILERS.flatMap((cc) => SOURCES.map((source) => [cc, source] as const));
  it.each(all)("%s %s", { timeout: TIMEOUT }, (cc, source) => {
    const name = `${source.slice(0, -2)}-${cc}`;
    const out = join(top, name);
    execFileSync(cc, ["-O1", "-w", "-static", "-o", out, join(GUESTS, source), "-lm"]);
    for (const tree of Object.values(trees)) copyFileSync(out, join(tree, name));
    return both(name, ["one", "two"], "typed\n");
  });
});

it("at least 40 jobs", () => {
  if (missing(["busybox"]) === undefined) expect(table.length).toBeGreaterThan(40);
});
