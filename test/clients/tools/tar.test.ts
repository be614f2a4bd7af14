/** tar: what is made is unpacked the same; names that lead elsewhere do not; archives that are damaged; streams held back. */
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tarInput } from "../../../clients/tools/lib/tarinput.ts";
import { decode, encode } from "../../../clients/tools/lib/bytes.ts";
import type { Sys } from "../../../kernel/sys.ts";
import { archive, member, pax, type Member } from "../../support/tarwriter.ts";
import { contents, pattern } from "../../support/toolbench.ts";
import { toolKernel, type ToolKernel } from "../../support/toolkernel.ts";

let k: ToolKernel;
beforeEach(async () => {
  k = await toolKernel();
  await k.sh("mkdir /tmp/out");
});
afterEach(() => k.shutdown());

const unpacked = async (members: readonly Member[] | Uint8Array, flags = "x", args = ""): Promise<string> => {
  await k.sys.writeFile("/tmp/a.tar", members instanceof Uint8Array ? members : archive(members));
  return k.sh(`cd /tmp/out; tar ${flags}f /tmp/a.tar ${args}`);
};

describe("made and unpacked", () => {
  test("trees, empty files, links, long names, large files, by every way", async () => {
    const long = "n".repeat(120), deep = Array.from({ length: 12 }, (_, i) => `directory-${i}`).join("/");
    await k.sh(`cd /tmp; mkdir -p t/sub t/empty 't/${deep}'; echo hello > t/f; touch t/none 't/it''s'; echo x > t/sub/${long}; echo deep > 't/${deep}/ü-file'; chmod 750 t/sub; chmod 400 t/f`);
    await k.sys.symlink("f", "/tmp/t/link");
    await k.sys.writeFile("/tmp/t/large", pattern(3_000_001));
    await k.sh("cd /tmp; for(f in `{walk t}) touch -t 1234567890 $f");
    for (const [make, take] of [
      ["tar cf /tmp/a t", "tar xTf /tmp/a"], ["tar c t > /tmp/a", "tar xT < /tmp/a"], ["tar czf /tmp/a t", "tar xTf /tmp/a"], ["tar cz t > /tmp/a", "cat /tmp/a | tar xzT"],
      ["tar cf /n/far/a t", "tar -xTf /n/far/a"], ["tar c t | cat > /tmp/a", "cd /n/far; mkdir out; cd out; tar xTf /tmp/a; cd ..; mv out /tmp/moved; rm -r /tmp/out; mv /tmp/moved /tmp/out"],
    ] as const) {
      expect(await k.sh(`cd /tmp; ${make}`), make).toBe("");
      expect(await k.sh(`rm -rf /tmp/out; mkdir /tmp/out; cd /tmp/out; ${take}`), take).toBe("");
      // A link's own time is nobody's.
      expect(await k.sh("cd /tmp; diff -r t out/t; @{cd t; walk -e pxm | grep -v '^link' | sort} > l1; @{cd out/t; walk -e pxm | grep -v '^link' | sort} > l2; diff l1 l2; ls -lQ out/t/link"), take).toMatch(
        /^l\S+ .*link -> f\n$/);
      expect(decode(await contents(k.sys, `/tmp/out/t/${deep}/ü-file`))).toBe("deep\n");
      expect(await k.sys.readlink("/tmp/out/t/link")).toBe("f");
      expect(await k.sys.stat("/tmp/out/t/sub")).toMatchObject({ mtime: 1234567890 });
    }
  });

  test("t, names, v, k, r, R, u and g", async () => {
    await k.sh("cd /tmp; mkdir d d/e; echo 1 > d/1; echo 2 > d/e/2; tar cf a.tar d");
    expect(await k.sh("tar tf /tmp/a.tar; tar tf /tmp/a.tar d/e d//1/")).toBe("d/\nd/e/\nd/e/2\nd/1\nd/e/\nd/e/2\nd/1\n");
    expect(await k.sh("tar tf /tmp/a.tar d/none")).toBe("tar: d/none: not in the archive\n");
    expect(await k.sh("tar tvf /tmp/a.tar d/1")).toMatch(/^--rw-[rw-]{6} glenda \S+ +2 \w{3} [ \d]\d \d\d:\d\d d\/1\n$/);
    expect(await k.sh("cd /tmp; tar cvf b.tar d/1; tar cv d/e >/dev/null")).toBe("d/1\nd/e/\nd/e/2\n");
    expect(await k.sh("cd /tmp/out; tar xvf /tmp/a.tar d/e; echo mine > d/e/2; tar xkf /tmp/a.tar; cat d/e/2 d/1; tar xf /tmp/a.tar; cat d/e/2")).toBe("d/e/\nd/e/2\nmine\n1\n2\n");
    expect(await k.sh("cd /tmp; echo more > m; tar rf a.tar m; tar rf new.tar m; tar tf a.tar; tar tf new.tar; tar rzf a.tar m; tar czf z m; tar rf z m")).toBe(
      "d/\nd/e/\nd/e/2\nd/1\nm\nm\ntar: a.tar: a compressed archive cannot be appended to\ntar: z: a compressed archive cannot be appended to\n");
    expect(await k.sh("cd /tmp; tar cugf 17 18 n.tar m; tar tvf n.tar; mkdir abs; tar cf abs.tar /tmp/m; cd out; tar xf ../abs.tar; cat tmp/m; rm ../m; tar xRf ../abs.tar; cat /tmp/m")).toMatch(/^\S+ 17 18 .* m\nmore\nmore\n$/s);
    for (const words of ["", "x y z", "cf", "cf a", "tx", "tq", "r m", "cu x f"]) expect(await k.sh(`tar ${words} </dev/null`), words).toMatch(words === "x y z" ? /^tar: / : /^usage: tar \{crtx\}\[RTfgkmpuvz\] \[archive\] \[file ...\]\n$/);
  });

  test("what cannot be read is told, the archive stays whole", async () => {
    await k.sh("cd /tmp; mkdir d; echo 1 > d/1; echo 2 > d/2; chmod 0 d/1");
    expect(await k.sh("cd /tmp; tar cf d/self d /none d/2; tar tf d/self")).toBe("d/\nd/2\nd/2\ntar: d/self: is the archive itself, and not in it\ntar: /none: file does not exist\ntar: d/1: permission denied\n");
    expect(await k.sh("tar cf /tmp/p /proc/self/status /env/user; tar tvf /tmp/p")).toMatch(/ [1-9]\d+ .* \/proc\/self\/status\n.* 6 .* \/env\/user\n/);
    await k.sys.writeFile("/tmp/bad\udcff", encode("x"));
    expect(await k.sh("cd /tmp; tar c bad* d/2 | tar t")).toMatch(/^d\/2\ntar: bad.*: its name is not UTF-8: not archived\n$/);
  });
});

describe("hostile archives", () => {
  test("names that lead out are told and left", async () => {
    await k.sys.writeFile("/tmp/victim", encode("safe\n"));
    expect(await unpacked([{ name: "../victim", data: "bad" }, { name: "a/../../victim", data: "bad" }, { name: "..", type: "5" }, { name: "/tmp/victim", data: "below" }, { name: "good", data: "1" }])).toBe(
      ["../victim", "a/../../victim", ".."].map((name) => `tar: ${name}: leads out of the directory: not extracted\n`).join(""));
    expect(await k.sh("cat /tmp/victim; cat /tmp/out/tmp/victim; ls -p /tmp /tmp/out")).toBe("safe\nbelowa.tar\nout\nvictim\ngood\ntmp\n");
  });

  test("links are not gone through, whoever made them", async () => {
    await k.sh("mkdir /tmp/other; echo safe > /tmp/other/f");
    await k.sys.symlink("/tmp/other", "/tmp/out/was");
    expect(await unpacked([
      { name: "way", type: "2", link: "/tmp/other" }, { name: "way/f", data: "bad" }, { name: "way/sub", type: "5" }, { name: "was/f", data: "bad" }, { name: "was", type: "5" },
      { name: "up", type: "2", link: ".." }, { name: "up/x", data: "bad" },
      { name: "file", type: "2", link: "/tmp/other/f" }, { name: "file", data: "instead" },
      { name: "h1", type: "1", link: "../other/f" }, { name: "h2", type: "1", link: "way/f" }, { name: "h3", type: "1", link: "none" },
      { name: "d", type: "5", mode: 0o755 }, { name: "d/in", data: "1" }, { name: "d", type: "2", link: "/tmp/other" }, { name: "d/f", data: "fine" },
    ])).toBe([
      "way/f: way: is a symbolic link, which is not followed", "way/sub: way: is a symbolic link, which is not followed", "was/f: was: is a symbolic link, which is not followed", "was: is a symbolic link, which is not followed",
      "up/x: up: is a symbolic link, which is not followed", "h1: leads out of the directory: not extracted", "h2: a link through way, which is a symbolic link", "h3: none: file does not exist",
      "d: file already exists: file is a directory",
    ].map((line) => `tar: ${line}\n`).join(""));
    expect(await k.sh("cat /tmp/other/f; ls -p /tmp/other; cat /tmp/out/file /tmp/out/d/f")).toBe("safe\nf\ninsteadfine");
  });

  test("hard links, devices, sparse files, unknown types", async () => {
    expect(await unpacked([
      { name: "a", data: "1" }, { name: "b", type: "1", link: "a" }, { name: "null", type: "3", major: 1, minor: 3 }, { name: "pipe", type: "6" }, pax({ "GNU.sparse.major": "1", "GNU.sparse.name": "s" }), { name: "s0", data: "" }, { name: "odd", type: "Z", data: "2" }, { name: "V", type: "V" },
    ])).toBe("tar: null: a device or pipe: not extracted\ntar: pipe: a device or pipe: not extracted\ntar: s: sparse files are not supported\n");
    expect(await k.sh("cd /tmp/out; cat a b odd; echo x >> a; cat b; ls -p")).toBe("1121x\na\nb\nodd\n");
    expect((await k.sys.stat("/tmp/out/a")).mode & 0o7777777).toBe(0o644);
  });

  test("set-user-id is not restored; directories without permission are filled and then so", async () => {
    expect(await unpacked([{ name: "s", mode: 0o4755, data: "1" }, { name: "shut", type: "5", mode: 0 }, { name: "shut/f", data: "in\n" }])).toBe("");
    expect((await k.sys.stat("/tmp/out/s")).mode).toBe(0o755);
    expect((await k.sys.stat("/tmp/out/shut")).mode & 0o777).toBe(0);
    expect(await k.sh("chmod 700 /tmp/out/shut; cat /tmp/out/shut/f")).toBe("in\n");
  });

  test("cut anywhere, from a file and from a stream: an error with its place, what was whole is there", async () => {
    const whole = Buffer.concat([member({ name: "first", data: "1\n" }), member({ name: "second", data: "x".repeat(2000) })]);
    for (const n of [1, 511, 513, 1000, 1024, 1025, 1535, 1536, 2000, 3535, whole.length]) {
      const damaged = whole.subarray(0, n);
      const why = n < 512 ? "at byte 0: it ends within a header" : n < 514 ? "at byte 0: it ends within first" : n <= 1024 ? "" : n < 1536 ? "at byte 1024: it ends within a header" : n < 3536 ? "at byte 1024: it ends within second" : "";
      const told = why === "" ? "" : `bad tar archive: ${why}\n`;
      expect(await unpacked(damaged), `${n}`).toBe(told && `tar: /tmp/a.tar: ${told}`);
      expect(await k.sh("cd /tmp/out; tar t < /tmp/a.tar > /dev/null; cat /tmp/a.tar | tar x"), `${n}`).toBe(told && `tar: standard input: ${told}`.repeat(2));
    }
    expect(await unpacked(gzipSync(whole).subarray(0, 60))).toBe("tar: /tmp/a.tar: bad gzip data: unexpected end of file\n");
  });

  test("no archive, a bad checksum, another compressor", async () => {
    const bad = archive([{ name: "a", data: "1" }, { name: "b", data: "2" }]);
    bad[1024 + 150] = 0x39;
    expect(await unpacked(bad)).toBe("tar: /tmp/a.tar: bad tar archive: at byte 1024: no tar header, or a damaged one (bad checksum)\n");
    expect(await unpacked(encode("some text\n".repeat(100)))).toBe("tar: /tmp/a.tar: bad tar archive: at byte 0: no tar header, or a damaged one (bad checksum)\n");
    expect(await unpacked(Uint8Array.of(0x42, 0x5a, 0x68, 0x39, 0, 0, 0))).toBe("tar: /tmp/a.tar: compressed by bzip2: only gzip is unpacked here\n");
    expect(await k.sh("tar t </dev/null; tar tf /tmp/none; tar tf /tmp")).toBe("tar: /tmp/none: file does not exist\ntar: /tmp: file is a directory\n");
  });
});

test("a stream is not read further ahead than a megabyte", async () => {
  let given = 0;
  const data = new Uint8Array(65_536);
  const sys = { read: () => Promise.resolve((given += data.length) > 64 << 20 ? new Uint8Array(0) : data) } as unknown as Sys;
  const input = await tarInput(sys, 0, "");
  for (let at = 0; at < 32 << 20; at += 1 << 20) {
    expect(await input.bytes(at, 512)).toHaveLength(512);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(given - at).toBeLessThan(2.5 * (1 << 20));
  }
  input.close();
});
