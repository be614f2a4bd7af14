/** Name spaces from files: namespace(6), newns.c's words, and what ns prints read back. */
import { describe, expect, it } from "vitest";
import { MAFTER, MBEFORE, MCREATE, MREPL, nsCommand, nsFile, parseNs, type Sys } from "../../kernel/index.ts";
import { dir, NineError, open, type Portal, textFile } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { bytes, failure, testKernel, type TestKernel } from "../support/kernel.ts";
import { chance, seed } from "../support/random.ts";

const env: Readonly<Record<string, readonly string[]>> = { user: ["glenda"], list: ["a b", "c"], empty: [], quote: ["it's"] };
const words = (text: string): (readonly string[])[] => [...parseNs(text, (name) => env[name], "f")].map((l) => l.words);

describe("words", () => {
  const cases: [string, readonly (readonly string[])[]][] = [
    ["", []],
    ["\n  \t\n\r\n# comment\n  # another 'one\n", []],
    ["bind /a /b", [["bind", "/a", "/b"]]],
    ["\t bind\t/a   /b \r\ncd /", [["bind", "/a", "/b"], ["cd", "/"]]],
    ["bind #e /env # not a comment", [["bind", "#e", "/env", "#", "not", "a", "comment"]]],
    ["bind '#e' '/a b'/'c''d'''", [["bind", "#e", "/a b/c'd'"]]],
    ["bind /usr/$user/tmp /tmp", [["bind", "/usr/glenda/tmp", "/tmp"]]],
    ["x $user.old $user!x $user$user a$user'$user'", [["x", "glenda.old", "glenda!x", "glendaglenda", "aglenda$user"]]],
    ["x $list $empty $none a$none/b $quote $ $/", [["x", "a b", "", "", "a/b", "it's", "", "/"]]],
    ["cd '/a\n b'\nclear", [["cd", "/a\n b"], ["clear"]]],
    ["x ''", [["x", ""]]],
  ];
  it.each(cases)("%j", (text, want) => expect(words(text)).toEqual(want));

  it("know their lines; a quote that does not end is said after what comes before it", () => {
    const lines: number[] = [];
    expect(() => {
      for (const l of parseNs("# one\nbind a b\n\ncd 'x\ny'\nclear\nbind 'a b\n c\n", () => undefined, "f")) lines.push(l.line);
    }).toThrow("f:7: a quote does not end");
    expect(lines).toEqual([2, 4, 6]);
  });
});

/** A kernel that reaches ram servers by addresses, each always the same one. */
async function kernel(): Promise<TestKernel> {
  const there = new Map<string, ReturnType<typeof ram>>();
  return testKernel({}, { other: ram({ now: () => 0 }) }, { dial(addr): Promise<Portal> {
    if (addr.startsWith("tcp!no")) return Promise.reject(new NineError("connection refused"));
    const server = there.get(addr) ?? ram({ now: () => 0 });
    there.set(addr, server);
    return Promise.resolve(open(server));
  } });
}

describe("commands", () => {
  it("build a name space from nothing; files call files, in the name space as it is by then", async () => {
    const k = await kernel();
    await k.put("/tmp/more", "# found where it is called\nbind -b '#other' /c\ncd /tmp\n");
    k.sys.setenv("d", ["a"]);
    expect(await nsFile(k.sys, [
      "clear", "bind -c '#tmp' /tmp", "bind '#mntgen' /n", "mount -c tcp!h!1 '/n/x y'", "mount tcp!h!2 /$d", "bind -a '/n/x y' /c", "bind -ac /tmp /c", ". /tmp/more", "unmount /tmp /c",
    ].join("\n"), "f")).toBe(true);
    expect(k.sys.ns()).toEqual([
      "bind -c '#tmp' /tmp", "bind '#mntgen' /n", "mount -c tcp!h!1 '/n/x y'", "mount tcp!h!2 /a", "bind -a '/n/x y' /c", "bind -b '#other' /c", "cd /tmp",
    ]);
    expect(await failure(k.sys.stat("/bin/x"))).toMatch(/file does not exist/);
    k.shutdown();
  });

  it("the flags are mount(2)'s, -C is nothing here; - and -- as in arg(2)", async () => {
    const asked: unknown[] = [];
    const sys = { bind: (...args: unknown[]) => Promise.resolve(void asked.push(args)), mount: (...args: unknown[]) => Promise.resolve(void asked.push(args)), getenv: () => undefined } as unknown as Sys;
    const line = (text: string): Promise<boolean> => nsCommand(sys, [...parseNs(text, () => undefined, "f")][0] ?? { words: [], line: 0 });
    for (const text of ["bind x y", "bind -a x y", "bind -bc x y", "bind -c -b x y", "bind -C -- -x y", "mount -ac - /y spec"]) expect(await line(text)).toBe(false);
    expect(asked).toEqual([["x", "y", MREPL], ["x", "y", MAFTER], ["x", "y", MBEFORE | MCREATE], ["x", "y", MBEFORE | MCREATE], ["-x", "y", MREPL], ["-", "/y", MAFTER | MCREATE, "spec"]]);
  });

  const wrong: [string, string | RegExp][] = [
    ["bind /none /a", "f:3: bind /none /a: file does not exist"],
    ["bind /a /none", "f:3: bind /a /none: file does not exist"],
    ["bind -ab /a /b", "f:3: bind -ab /a /b: inconsistent mount"],
    ["bind -x /a /b", "f:3: bind -x /a /b: usage: bind [-abcC] new old"],
    ["bind /a", "f:3: bind /a: usage: bind [-abcC] new old"],
    ["bind /a /b /c", "f:3: bind /a /b /c: usage: bind [-abcC] new old"],
    ["mount tcp!no!1 /a", "f:3: mount tcp!no!1 /a: connection refused"],
    ["mount -c 'tcp!no!1' '/a b'", "f:3: mount -c tcp!no!1 '/a b': connection refused"],
    ["unmount /a", "f:3: unmount /a: not mounted"],
    ["unmount", "f:3: unmount: usage: unmount [new] old"],
    ["cd /none", "f:3: cd /none: file does not exist"],
    ["clear all", "f:3: clear all: usage: clear"],
    [". /none", "f:3: . /none: file does not exist"],
    [". /tmp/bad", "f:3: /tmp/bad:2: bind x y: file does not exist"],
    [". /tmp/self", /^f:3: \/tmp\/self:1: (\/tmp\/self:1: )+\/tmp\/self: files call one another more than 16 deep$/],
    ["import h /a", "f:3: import h /a: unknown command; there are mount, bind, unmount, cd, clear and ."],
    ["bind 'a", "f:3: a quote does not end"],
  ];
  it.each(wrong)("%s", async (text, why) => {
    const k = await kernel();
    await k.put("/tmp/bad", "cd /\nbind x y\n");
    await k.put("/tmp/self", ". /tmp/self\n");
    const said = await failure(nsFile(k.sys, `cd /tmp\n\n${text}\nbind /c /b\n`, "f"));
    if (typeof why === "string") expect(said).toBe(why);
    else expect(said).toMatch(why);
    // What comes after is not done.
    expect(k.sys.ns()).not.toContain("bind /c /b");
    k.shutdown();
  });

  it("a note ends it, and is no error of the file's", async () => {
    const k = await testKernel({}, {}, { dial: (_addr, signal) => new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(new NineError("interrupted")))) });
    k.sys.notify(() => true);
    const reading = failure(nsFile(k.sys, "mount tcp!h!1 /a\n", "f"));
    await new Promise((resolve) => setImmediate(resolve));
    k.postNote(k.sys.pid, "interrupt");
    expect(await reading).toBe("interrupted");
    k.shutdown();
  });
});

describe("what ns prints makes the same name space", () => {
  it("over random name spaces", async () => {
    const first = seed();
    let made = 0;
    for (let s = first; s < first + (process.env["SEED"] === undefined ? 60 : 1); s++) {
      const from = await kernel();
      const to = await kernel();
      try {
        for (const k of [from, to]) {
          for (const d of ["/tmp/a b", "/tmp/it's", "/tmp/$x", "/tmp/-a", "/tmp/é\n#"]) await k.sys.mkdir(d, 0o777);
          for (const [i, addr] of ["tcp!h!1", "tcp://h:2?token=a&b"].entries()) {
            await k.sys.mount(addr, "/b", MREPL | MCREATE, "");
            for (const d of ["sub", "d e"]) await k.sys.mkdir(`/b/${d}`, 0o777).catch(() => undefined);
            await k.sys.writeFile(`/b/only${i}`, bytes("x")).catch(() => undefined);
            await k.sys.unmount(undefined, "/b");
          }
        }
        made += await change(from.sys, chance(s));
        const lines = from.sys.ns();
        await nsFile(to.sys, `clear\n${lines.join("\n")}\n`, "ns").catch((e: unknown) => {
          throw new Error(`SEED=${s}: ${String(e)}\n${lines.join("\n")}`);
        });
        expect(to.sys.ns(), `SEED=${s}`).toEqual(lines);
        expect(await seen(to.sys), `SEED=${s}\n${lines.join("\n")}`).toEqual(await seen(from.sys));
      } finally {
        from.shutdown();
        to.shutdown();
      }
    }
    expect(made).toBeGreaterThan(0);
  });
});

const PLACES = ["/a", "/b", "/c", "/n/x", "/n/y z", "/tmp", "/tmp/a b", "/tmp/it's", "/tmp/$x", "/tmp/-a", "/tmp/é\n#", "/b/sub", "/c/d e", "/dev"];

/**
 * A few dozen changes of the name space; those the kernel refuses are none. What ns prints are names as
 * they were when each bind was made, as in Plan 9: so nothing is changed any more that another bind
 * goes through or was made from, and no element is taken out of a union that was bound as a whole.
 */
async function change(sys: Sys, pick: (n: number) => number): Promise<number> {
  const one = (): string => PLACES[pick(PLACES.length)] ?? "/a";
  const used = new Set<string>();
  let made = 0;
  for (let i = 0; i < 30; i++) {
    const flag = ([MREPL, MBEFORE, MAFTER][pick(3)] ?? MREPL) | (pick(2) ? MCREATE : 0);
    const what = pick(10);
    const old = one();
    if ([...used].some((u) => u === old || u.startsWith(`${old}/`))) continue;
    const name = pick(3) ? one() : ["#tmp", "#other"][pick(2)] ?? "#tmp";
    if (name === old || name.startsWith(`${old}/`)) continue;
    try {
      if (what < 3) await sys.mount(pick(2) ? "tcp!h!1" : "tcp://h:2?token=a&b", old, flag, "");
      else if (what < 8) await sys.bind(name, old, flag);
      else await sys.unmount(undefined, old);
      used.add(old.slice(0, old.lastIndexOf("/")) || "/");
      if (what < 8) made++;
      if (what >= 3 && what < 8) used.add(name);
    } catch (e) {
      if (!(e instanceof NineError)) throw e;
    }
  }
  await sys.chdir(one()).catch(() => undefined);
  return made;
}

/** What each place leads to. */
async function seen(sys: Sys): Promise<string[]> {
  const all: string[] = [sys.getwd()];
  for (const place of [...PLACES, "/", "."]) {
    const names = await sys.readDir(place).then((d) => d.map((x) => x.name), (e: unknown) => [String(e)]);
    all.push(`${place}: ${names.join(" ")}`);
  }
  return all;
}

it("the environment of the one who reads it", async () => {
  const k = await testKernel({}, { files: { name: "files", attach: () => dir({ glenda: dir({ f: textFile(() => "hers") }) }) } });
  k.sys.setenv("user", ["glenda", "other"]);
  await nsFile(k.sys, "bind '#files/'$user /a\n", "f");
  expect(await k.cat("/a/f")).toBe("hers");
  k.shutdown();
});
