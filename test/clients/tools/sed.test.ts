/** sed: against the manual; scripts over generated texts are in test/interop. */
import { describe, expect, test } from "vitest";
import { encode } from "../../../clients/tools/lib/bytes.ts";
import { tools } from "../../../clients/tools/index.ts";
import { make, run, watched } from "../../support/toolbench.ts";

const sys = await make();

async function sed(text: string | Uint8Array, ...argv: string[]): Promise<string> {
  const r = await run(sys, ["sed", ...argv], text);
  return r.err + r.out + (r.status === "" ? "" : `[${r.status}]`);
}

describe("sed", () => {
  test("addresses", async () => {
    const five = "a\nb\nc\nd\ne\n";
    expect(await sed(five, "-n", "2p")).toBe("b\n");
    expect(await sed(five, "-n", "2,4p")).toBe("b\nc\nd\n");
    expect(await sed(five, "-n", "$p")).toBe("e\n");
    expect(await sed(five, "-n", "4,$p")).toBe("d\ne\n");
    expect(await sed(five, "-n", "/b/,/d/p")).toBe("b\nc\nd\n");
    expect(await sed(five, "-n", "2!p")).toBe("a\nc\nd\ne\n");
    expect(await sed(five, "-n", "/b/,/d/ ! p")).toBe("a\ne\n");
    expect(await sed(five, "-n", "/c/,1p")).toBe("c\n");
    expect(await sed("a\na\na\n", "-n", "/a/,1p")).toBe("a\na\na\n");
    expect(await sed(five, "-n", "$,2p")).toBe("e\n");
    expect(await sed("x1\nx2\ny\nx3\nx4\n", "-n", "/x/,/x/p")).toBe("x1\nx2\nx3\nx4\n");
    // The second address is not looked at on the line of the first.
    expect(await sed("ab\nc\nb\nd\n", "-n", "/a/,/b/p")).toBe("ab\nc\nb\n");
    expect(await sed("1\n2\n3\n4\n5\n6\n", "-n", "2,3{n\nn\n}\n2,3p\n4=")).toBe("4\n");
    expect(await sed("a\nb\n", "-n", "/b/{//p\n}")).toBe("b\n");
  });

  test("lines and files", async () => {
    await sys.writeFile("/one", encode("1\n2"));
    await sys.writeFile("/none", new Uint8Array(0));
    await sys.writeFile("/two", encode("3\n"));
    expect(await sed("", "=", "/one", "/none", "/two")).toBe("1\n1\n2\n2\n3\n3\n");
    expect(await sed("", "$d", "/one", "/two", "/none")).toBe("1\n2\n");
    expect(await sed("", "-n", "$p", "/two", "/one")).toBe("2\n");
    expect(await sed("", "p", "/nine", "/two")).toBe("sed: /nine: file does not exist\n3\n3\n[errors]");
    expect(await sed("", "$p", "/two", "/nine")).toBe("sed: /nine: file does not exist\n3\n3\n[errors]");
    expect(await sed("", "p")).toBe("");
    expect(await sed("a\0b\n", "s/b/c/")).toBe("a\0c\n");
    const broken = Uint8Array.of(97, 0xff, 98, 10);
    expect((await run(sys, ["sed", "s/a./&&/"], broken)).bytes).toEqual(Uint8Array.of(97, 0xff, 97, 0xff, 98, 10));
    const long = "x".repeat(300_000);
    expect(await sed(`${long}\n${long}y\n`, "s/x*/z/")).toBe("z\nzy\n");
  });

  test("substitution", async () => {
    expect(await sed("abc\n", "s/b/[&]/")).toBe("a[b]c\n");
    expect(await sed("aXbX\n", "s/X/-/g")).toBe("a-b-\n");
    expect(await sed("aXbX\n", "-g", "s/X/-/")).toBe("a-b-\n");
    expect(await sed("abc\n", "s/b*/x/g")).toBe("xaxxc\n");
    expect(await sed("aaa\n", "s/^a/b/g")).toBe("baa\n");
    expect(await sed("one two\n", String.raw`s/([a-z]+) ([a-z]+)/\2 \1/`)).toBe("two one\n");
    expect(await sed("abcd\n", String.raw`s/(a|ab)(c|bcd)/<\1,\2>/`)).toBe("<a,bcd>\n");
    expect(await sed("aaab\n", String.raw`s/(a*)(a*)b?/<\1,\2>/`)).toBe("<aaa,>\n");
    expect(await sed("a\n", String.raw`s/(b)?a/<\1>/`)).toBe("<>\n");
    expect(await sed("abcdefghijk\n", String.raw`s/(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)/\9\1\0/`)).toBe("ia0k\n");
    expect(await sed("a&b\n", String.raw`s/&/\&\&/`)).toBe("a&&b\n");
    expect(await sed("a b\n", "s/ /\\\n/")).toBe("a\nb\n");
    expect(await sed("a b\n", String.raw`s/ /\n/`)).toBe("a\nb\n");
    expect(await sed("/usr/glenda\n", String.raw`s/\/usr\//~/`)).toBe("~glenda\n");
    expect(await sed("/usr/glenda\n", "s,/usr/,~,")).toBe("~glenda\n");
    expect(await sed("xéy\n", "s€éy€z&€P")).toBe("xzéy\nxzéy\n");
    expect(await sed("a\nb\n", "-n", "s/a/x/p")).toBe("x\n");
    expect(await sed("a\nb\n", "-n", "N\ns/\\n/-/p")).toBe("a-b\n");
    // ^ and $ match at newlines within the pattern space, . does not match them.
    expect(await sed("a\nb\n", "N\ns/^/>/g\ns/$/</g")).toBe(">a<\n>b<\n");
    expect(await sed("a\nb\n", "N\ns/.*/x/")).toBe("x\nb\n");
    expect(await sed("a\nb\n", String.raw`N;s/[^a]/x/g`)).toBe("a\nx\n");
  });

  test("texts", async () => {
    expect(await sed("1\n2\n", "1a\\\n  two\\\n  \\  three \\\\ \\n\n1i\\\nzero")).toBe("zero\n1\ntwo\n  three \\ n\n2\n");
    expect(await sed("1\n2\n3\n4\n", "2,3c\\\nx")).toBe("1\nx\n4\n");
    expect(await sed("1\n2\n3\n", "2!c\\\nx")).toBe("x\n2\nx\n");
    expect(await sed("1\n2\n", "$c\\\nx")).toBe("1\nx\n");
    expect(await sed("1\n2\n", "c\\\nx")).toBe("x\nx\n");
    expect(await sed("1\n2\n3\n", "2,$c\\\nx")).toBe("1\nx\n");
    expect(await sed("1\n2\n", "-e", "1a\\", "-e", "x")).toBe("1\nx\n2\n");
    // Before the next line is read, by whatever command.
    expect(await sed("1\n2\n", "1a\\\nx\nn")).toBe("1\nx\n2\n");
    expect(await sed("1\n2\n", "1a\\\nx\nN")).toBe("x\n1\n2\n");
    expect(await sed("1\n2\n", "1a\\\nx\nq")).toBe("1\nx\n");
  });

  test("files of r and w", async () => {
    await sys.writeFile("/r", encode("read"));
    expect(await sed("1\n2\n", "1r /r")).toBe("1\nread2\n");
    expect(await sed("1\n", "r /nine")).toBe("1\n");
    await sys.writeFile("/w", encode("old\n"));
    expect(await sed("1\n2\n3\n", "-n", "/1/w /w\ns/3/three/w /w\n2w /w2")).toBe("");
    expect(await sed("", "p", "/w", "/w2")).toBe("old\nold\n1\n1\nthree\nthree\n2\n2\n");
    expect(await sed("1\n", "-n", "/x/w /made")).toBe("");
    expect((await sys.stat("/made")).length).toBe(0);
    expect(await sed("1\n", "w /nine/x")).toContain("sed: /nine/x: ");
  });

  test("spaces, cycles and branches", async () => {
    expect(await sed("1\n2\n3\n", "-n", "1!G;h;$p")).toBe("3\n2\n1\n");
    expect(await sed("1\n2\n", "x")).toBe("\n1\n");
    expect(await sed("1\n2\n3\n", "H;$!d;g;s/\\n/,/g")).toBe(",1,2,3\n");
    expect(await sed("1\n2\n3\n", "N")).toBe("1\n2\n");
    expect(await sed("1\n2\n3\n", "$!N;P;D")).toBe("1\n2\n3\n");
    expect(await sed("1\n2\n3\n", "n;d")).toBe("1\n3\n");
    expect(await sed("aaaa\n", ":x;s/aa/a/;tx")).toBe("a\n");
    expect(await sed("ab\n", "s/a/x/;t;s/b/y/")).toBe("xb\n");
    expect(await sed("1\n2\n", "1b end;s/^/-/\n: end # that is all\ns/$/./")).toBe("1.\n-2.\n");
    expect(await sed("1\n2\n3\n", "2{s/2/two/;q}")).toBe("1\ntwo\n");
    expect(await sed("1\n2\n3\n", "2!{\n/1/{s/1/one/\n}\n/3/d\n}")).toBe("one\n2\n");
    expect(await sed("", "$!N\n/^$/p")).toBe("");
    // The manual's: all but one of each group of empty lines.
    expect(await sed("a\n\n\n\nb\n\nc\n\n", "${\n\t/^$/p\n}\n//N\n/^\\n$/D")).toBe("a\n\nb\n\nc\n\n");
    expect(await sed("abc é\n", "y/aéb/é\\nx/")).toBe("éxc \n\n");
    expect(await sed("a/b\\\n", "y/\\/\\\\/\\\\x/")).toBe("a\\bx\n");
    expect(await sed("\t\\é \n", "-n", "l")).toBe("\\t\\\\\\x00e9 \\n\n");
    expect(await sed(`${"x".repeat(80)}\n`, "-n", "l")).toBe(`${"x".repeat(73)}\\\n${"x".repeat(7)}\n`);
  });

  test("scripts that make no sense", async () => {
    const wrong = async (script: string): Promise<string | undefined> => /^sed: (.*)\n\[(.*)\]$/s.exec(await sed("a\n", script))?.[1];
    expect(await wrong("k")).toBe("Unrecognized command: k");
    expect(await wrong("p x")).toBe("p command garbled: p x");
    expect(await wrong("s/a/b")).toBe("s command garbled: s/a/b");
    expect(await wrong("s/a/b/2")).toBe("s command garbled: s/a/b/2");
    expect(await wrong("s/(a/b/")).toBe("malformed expression: unmatched '('");
    expect(await wrong("s/a/\\1/")).toBe("Invalid back reference \\1");
    expect(await wrong("y/ab/x/")).toBe("y command garbled: y/ab/x/");
    expect(await wrong("//p")).toBe("First RE may not be null");
    expect(await wrong("b x")).toBe("Undefined label: x");
    expect(await wrong(":x\n:x")).toBe("Duplicate labels: :x");
    expect(await wrong("1:x")).toBe("No addresses allowed: 1:x");
    expect(await wrong("1,2q")).toBe("Only one address allowed: 1,2q");
    expect(await wrong("0p")).toBe("line number 0 is illegal");
    expect(await wrong("{p")).toBe("Too many {'s");
    expect(await wrong("p;}")).toBe("Too many }'s");
    expect(await wrong("a text")).toBe("a command garbled: a text");
    expect(await wrong("w")).toBe("w command garbled: w");
    expect(await sed("")).toBe("usage: sed [-n] [-g] [-u] [-e script] [-f sfile] [file ...]\n[usage]");
    expect(await sed("", "-z", "p")).toContain("[usage]");
  });

  test("scripts from files", async () => {
    await sys.writeFile("/s", encode("# a comment\n  s/a/b/ ; p\n\n;;d\n"));
    expect(await sed("a\n", "-f", "/s")).toBe("b\n");
    expect(await sed("a\n", "-f", "/s", "-e", "1s/a/c/")).toBe("c\n");
    expect(await sed("a\n", "-f", "/nine")).toContain("sed: /nine: file does not exist\n");
  });

  test("writes what it has before it waits, and a note ends a script that reads nothing", async () => {
    const main = tools.get("sed");
    if (!main) throw new Error("no sed");
    const [in0, in1] = await sys.pipe();
    const [out0, out1] = await sys.pipe();
    const watch = { most: 0, calls: 0 };
    const pid = await sys.spawn({ argv: ["sed", "s/x/y/;/stop/{:l\nbl\n}"], main: watched(main, ["sleep"], watch), fds: new Map([[0, in0], [1, out1]]) });
    await sys.close(in0);
    await sys.close(out1);
    await sys.write(in1, encode("ax\n"));
    expect(await sys.read(out0)).toEqual(encode("ay\n"));
    await sys.write(in1, encode("stop\n"));
    while (watch.calls === 0) await sys.sleep(0);
    sys.postNote(pid, "interrupt");
    expect((await sys.wait(pid)).status).toContain("interrupt");
    await sys.close(in1);
    await sys.close(out0);
  });

  test("q ends it while its input is still open, $ waits for the end", async () => {
    const main = tools.get("sed");
    if (!main) throw new Error("no sed");
    const [in0, in1] = await sys.pipe();
    const [out0, out1] = await sys.pipe();
    const pid = await sys.spawn({ argv: ["sed", "2q"], main, fds: new Map([[0, in0], [1, out1]]) });
    await sys.write(in1, encode("1\n2\n3\n"));
    expect((await sys.wait(pid)).status).toBe("");
    expect(await sys.read(out0)).toEqual(encode("1\n2\n"));
    const other = await sys.spawn({ argv: ["sed", "$s/$/./"], main, fds: new Map([[0, in0], [1, out1]]) });
    await sys.close(in0);
    await sys.close(out1);
    await sys.write(in1, encode("4\n5\n"));
    expect(await sys.read(out0)).toEqual(encode("4\n"));
    await sys.close(in1);
    expect(await sys.read(out0)).toEqual(encode("5.\n"));
    expect((await sys.wait(other)).status).toBe("");
    await sys.close(out0);
  });

  test("reads a large file in pieces, one at a time", async () => {
    const main = tools.get("sed");
    if (!main) throw new Error("no sed");
    const line = `${"some words on a line ".repeat(4)}\n`;
    const text = encode(line.repeat(60_000));
    await sys.writeFile("/large", text);
    const watch = { most: 0, calls: 0 };
    const r = await run(sys, ["sed", "-n", "s/words/&/p", "/large"], "", watched(main, ["read"], watch));
    expect(r.bytes.length).toBe(text.length);
    expect(watch.calls).toBeGreaterThan(4);
    expect(watch.most).toBe(1);
  });
});
