/** What the word at the cursor could become. The cursor is at "|", or at the end. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { complete } from "../../../clients/rc/complete.ts";
import { Shell } from "../../../clients/rc/eval.ts";
import { parseLine, textSource } from "../../../clients/rc/parse.ts";
import { Vars } from "../../../clients/rc/vars.ts";
import { system, type System } from "../../../clients/node/index.ts";
import { errno } from "../../../proto/index.ts";
import { tarpit } from "../../support/tarpit.ts";

const never = new AbortController().signal;
let k: System;
let sh: Shell;
const pit = tarpit();

beforeAll(async () => {
  k = await system({ servers: { pit: pit.server } });
  const { sys } = k;
  for (const name of ["file", "filled", "it's a", "it's b", "one word", ".hidden", "esc\x1b[2Jx", "日本語", "日本海", "a=b", "dir/inner", "dir/sub dir/deep", "only dir/x"]) {
    const path = `/tmp/${name}`;
    for (let at = path.indexOf("/", 5); at > 0; at = path.indexOf("/", at + 1)) await sys.mkdir(path.slice(0, at), 0o777).catch(() => undefined);
    await sys.writeFile(path, new Uint8Array(0));
  }
  await sys.mkdir("/tmp/programs", 0o777);
  await sys.writeFile("/tmp/programs/mytool", new Uint8Array(0), 0o755);
  await sys.writeFile("/tmp/programs/mydata", new Uint8Array(0), 0o644);
  await sys.symlink("/tmp/dir", "/tmp/link").catch(() => undefined);
  await sys.chdir("/tmp");
  const vars = new Vars(new Map(Object.entries({ path: [".", "/bin", "/tmp/programs"], home: ["/tmp"], two: ["a", "b"], longname: ["x"] })));
  sh = new Shell(sys, new Map(), { vars, fns: new Map(), flags: new Set(), status: [""], exitOnError: false, ifNot: false });
  sh.setFn("myfunction", parseLine(textSource("{}\n"))?.cmd);
});
afterAll(() => k.shutdown());

/** The line with what is completed in it, and the candidates if there are several. */
async function completed(line: string): Promise<string | [string, readonly string[]] | undefined> {
  const cursor = line.includes("|C") ? line.indexOf("|C") : line.length;
  const text = line.replace("|C", "");
  const c = await complete(sh, text, cursor, never);
  if (!c) return undefined;
  const whole = text.slice(0, c.start) + c.insert + text.slice(cursor);
  return c.names.length === 1 ? whole : [whole, c.names];
}

describe("where a command may stand", () => {
  it.each([
    ["whati", "whatis "], ["seq 1; mytoo", "seq 1; mytool "], ["myf", "myfunction "], ["myd", undefined],
    ["a | mytoo", "a | mytool "], ["a && mytoo", "a && mytool "], ["a || mytoo", "a || mytool "], ["a & mytoo", "a & mytool "], ["{ mytoo", "{ mytool "],
    ["x=`{mytoo", "x=`{mytool "], ["if(mytoo", "if(mytool "], ["if(a) mytoo", "if(a) mytool "], ["while(a) {\nmytoo", "while(a) {\nmytool "],
    ["for(i in a) mytoo", "for(i in a) mytool "], ["! mytoo", "! mytool "], ["@ mytoo", "@ mytool "], ["a\nmytoo", "a\nmytool "], [">file mytoo", ">file mytool "],
    ["cmp <{mytoo", "cmp <{mytool "], ["x=1 mytoo", "x=1 mytool "], ["fn f { mytoo", "fn f { mytool "], ["switch(x){\ncase a\nmytoo", "switch(x){\ncase a\nmytool "],
    // A path is one here too.
    ["/tmp/programs/myt", "/tmp/programs/mytool "], ["./fil", ["./fil", ["file", "filled"]]],
  ])("%j: %j", async (line, result) => expect(await completed(line)).toEqual(result));

  it("the empty word is any of them", async () => {
    const [line, names] = await completed("") as [string, string[]];
    expect(line).toBe("");
    expect(names).toEqual(expect.arrayContaining(["cat", "cd", "ls", "myfunction", "mytool", "whatis"]));
    expect(names).not.toContain("mydata");
  });
});

describe("names of files", () => {
  it.each([
    ["cat fil", ["cat fil", ["file", "filled"]]], ["cat fille", "cat filled "], ["cat <fille", "cat <filled "], ["cat < fille", "cat < filled "], ["echo >fille", "echo >filled "],
    ["echo >> fille", "echo >> filled "], ["cat mytoo", undefined], ["for(i in fille", "for(i in filled "], ["x=fille", "x=filled "], ["x=(a fille", "x=(a filled "], ["~ $x fille", "~ $x filled "],
    ["cat dir/", ["cat dir/", ["inner", "sub dir/"]]], ["cat di", "cat dir/"], ["cat dir/i", "cat dir/inner "], ["cat /tmp/dir/i", "cat /tmp/dir/inner "], ["cat on", ["cat on", ["one word", "only dir/"]]],
    ["cat 'one", "cat 'one word' "], ["cat one", "cat 'one word' "], ["cat onl", "cat 'only dir/"], ["cat 'only dir/", "cat 'only dir/x' "], ["cat dir/s", "cat 'dir/sub dir/"],
    ["cat it", ["cat 'it''s ", ["it's a", "it's b"]]], ["cat 'it''s a", "cat 'it''s a' "], ["cat it''''s' 'a", "cat it''''s' 'a "],
    ["cat 'a=", "cat 'a=b' "], ["cat a", "cat 'a=b' "],
    ["cat 日", ["cat 日本", ["日本海", "日本語"]]], ["cat 日本語", "cat 日本語 "],
    ["cat .h", "cat .hidden "], ["cat esc", "cat 'esc\x1b[2Jx' "],
    ["cat $home/fille", "cat $home/filled "], ["cat $home^/fille", "cat $home^/filled "], ["cat /tmp/^fille", "cat /tmp/^filled "], ["cat $two/fil", undefined], ["cat fil*", undefined],
    ["cat fille|C x", "cat filled x"], ["cat fille|C\nx", "cat filled \nx"], ["cat nosuch", undefined], ["cat nosuch/a", undefined], ["cat file/a", undefined],
    ["# cat fille", undefined], ["cat <<end\nfille", undefined],
  ])("%j: %j", async (line, result) => expect(await completed(line)).toEqual(result));

  it("no hidden ones unless asked for", async () => {
    const [, names] = await completed("cat ") as [string, string[]];
    expect(names).not.toContain(".hidden");
    expect(names).toContain("dir/");
  });
});

describe("variables", () => {
  it.each([
    ["echo $long", "echo $longname"], ["echo $#long", "echo $#longname"], ['echo $"long', 'echo $"longname'], ["echo a$long", "echo a$longname"], ["$long", "$longname"],
    ["echo '$long", undefined], ["echo $nosuch", undefined],
  ])("%j: %j", async (line, result) => expect(await completed(line)).toEqual(result));

  it("all of them", async () => {
    const [, names] = await completed("echo $") as [string, string[]];
    expect(names).toEqual(expect.arrayContaining(["home", "longname", "path", "status", "two"]));
    expect(names.some((name) => name.startsWith("fn#"))).toBe(false);
  });
});

it("given up, the reading of a directory is flushed", async () => {
  await k.sys.bind("#pit", "/n/pit", 0);
  const stop = new AbortController();
  const asked = complete(sh, "cat /n/pit/slow/", 16, stop.signal);
  await expect.poll(pit.waiting).toBe(1);
  stop.abort();
  await expect(asked).rejects.toMatchObject({ errno: errno.EINTR });
  await expect.poll(pit.interrupted).toBe(1);
  expect(pit.waiting()).toBe(0);
});
