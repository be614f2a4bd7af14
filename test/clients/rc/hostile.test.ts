/** What no person types: rc says one line about it, in its own words, and soon. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cmd } from "../../../clients/rc/ast.ts";
import { RcSyntax } from "../../../clients/rc/lex.ts";
import { parseLine, textSource } from "../../../clients/rc/parse.ts";
import { printFn } from "../../../clients/rc/print.ts";
import { chance, seed } from "../../support/random.ts";
import { RcBench } from "../../support/rcbench.ts";
import { print, script } from "../../support/rcgen.ts";
import { soup } from "../../support/rcsoup.ts";

const DEEP = 100_000;
const LONG = "x".repeat(10_000_000);
const deep = "nested too deeply";

let bench: RcBench;
beforeEach(async () => {
  bench = await RcBench.boot();
});
afterEach(() => bench.booted.shutdown());

function nested(open: string, inside: string, close = ""): string {
  return open.repeat(DEEP) + inside + close.repeat(DEEP);
}

describe("one line about", () => {
  it.each([
    ["parentheses", `echo ${nested("(", "a", ")")}`, deep], ["braces", nested("{", "echo a", "}"), deep], ["open parentheses", `echo ${nested("(", "")}`, deep],
    ["open braces", nested("{", ""), deep], ["if", nested("if(true) ", "true"), deep], ["while", nested("while(false) ", "true"), deep],
    ["for", nested("for(i in a) ", "true"), deep], ["switch", nested("switch(a){case a;", "", "}"), deep], ["fn", nested("fn f {", "", "}"), deep],
    ["!", nested("! ", "true"), deep], ["@", nested("@ ", "true"), deep], ["assignments", nested("x=1 ", "true"), deep], ["redirections", nested(">f ", "true"), deep],
    ["dollars", `echo ${nested("$", "a")}`, deep], ["`{}", `echo ${nested("`{", "")}`, deep], 
    ["a function that calls itself", "fn f {f}; f", deep], ["in blocks with redirections", "fn f {{x=1 {f}}}; f", deep], ["in a condition", "fn f {if(f) true}; f", deep],
    ["in a loop", "fn f {for(i in 1) f}; f", deep], ["in switch", "fn f {switch(a){case a; f}}; f", deep], ["in eval", "fn f {eval f}; f", deep],
    ["eval of itself", "x='eval $x'; eval $x", deep], [". of itself", "echo '. ./s' >s; . ./s", deep], ["redirections of itself", "fn f {{f} >x}; f", "x: Too many open files"],
    ["a word without end", "x=aaaaaaaa; while() x=$x^$x", "word or list too long"], ["what the environment cannot hold", `x=${LONG}; x=$x^$x; true`, "environment"],
    ["an open quote", `echo 'a\n\n`, "./t.rc:1: token EOF: syntax error"], ["a long open quote", `x='${LONG}`, "./t.rc:1: token EOF: syntax error"],
    ["an open brace", "\n{ echo a\n\n", "./t.rc:4: token EOF: syntax error"], ["an open parenthesis", "\necho (a\n\n", "./t.rc:2: syntax error"],
    ["an open if", "if(true", "./t.rc:1: token EOF: syntax error"], ["a marker of two lines", "cat <<'a\nb'\n", "Bad here tag"],
    ["fds too great", "echo a >[1000000]f", "./t.rc:1: token '[': redirection syntax"], ["a name with NUL", "echo >a\0b", "illegal name"],
  ])("%s", async (_, text, why) => {
    const { err, out, status } = await bench.run(text);
    expect(err).toMatch(/^rc: [^\n]*\n$/);
    expect(err).toContain(why);
    expect(err.length).toBeLessThan(200);
    expect({ out, ok: status === "" }).toEqual({ out: "", ok: false });
  });
});

describe("no trouble with", () => {
  it.each([
    ["words of ten megabytes", `x='${LONG}'; y=$#x; x=''; echo $y`, "1\n"], ["a million quotes", `x='${"''".repeat(1_000_000)}'; x=''; echo a`, "a\n"],
    ["a hundred thousand &&, and carets", `${nested("~ a a && ", `x=${nested("a^", "a")}`)} && ~ $x aa*a && echo yes; x=()`, "yes\n"],
    ["a comment of ten megabytes", `# ${LONG}\necho a`, "a\n"], ["a here document of ten megabytes", `wc -c <<E\n${`${"x".repeat(99)}\n`.repeat(100_000)}E\n`, /^\s*10000000\n$/],
    ["a million elements", `x=(${"a ".repeat(1_000_000)}); for(i in $x) y=$i; *=$x; shift 999999; echo $#x $*; x=() *=()`, "1000000 a\n"],
    ["a list that doubles", "x=a; while(! ~ $#x 1048576) x=($x $x); echo $#x; x=()", "1048576\n"],
    ["a pipeline of a thousand", `${"true | ".repeat(1000)} echo a`, "a\n"], ["hundreds of here documents", `cat ${"<<E ".repeat(400)}\n${"E\n".repeat(399)}last\nE\n`, "last\n"],
    ["20,000 functions", `${Array.from({ length: 20_000 }, (_, i) => `fn f${i} {echo ${i}}\n`).join("")}f19999`, "19999\n"],
    ["20,000 cases", `switch(z){\n${Array.from({ length: 20_000 }, (_, i) => `case ${i}\necho ${i}\n`).join("")}case z\necho z\n}`, "z\n"],
    ["patterns that go back", `~ ${"a".repeat(100_000)} ${"*a".repeat(2000)}b || echo no`, "no\n"], ["great subscripts", "x=(a b); echo $x(1-999999999999999999999) $x(99999999999999999999)", "a b\n"],
    ["NUL, and bytes that are not UTF-8", "echo a\0b 'c\udc80'; x=\udcff; whatis x", "a\0b c\udc80\nx=\udcff\n"],
  ])("%s", async (_, text, said) => {
    const { out, err } = await bench.run(text);
    expect(err).toBe("");
    if (typeof said === "string") expect(out).toBe(said);
    else expect(out).toMatch(said);
  });

  it("patterns over 20,000 files", async () => {
    await bench.sys.mkdir("d", 0o777);
    for (let i = 0; i < 20_000; i++) await bench.sys.close(await bench.sys.create(`d/${i}`, 1, 0o666));
    expect(await bench.run("x=d/*; echo $#x; x=d/1*9; echo $#x $x(1); x=()")).toEqual({ out: "20000\n1111 d/10009\n", err: "", status: "" });
  });
});

describe("tokens in any order", () => {
  /** The commands of a text, as far as it can be parsed. */
  function commands(text: string): Cmd[] {
    const source = textSource(text);
    const found: Cmd[] = [];
    try {
      for (let line = parseLine(source); line; line = parseLine(source)) found.push(line.cmd);
    } catch (e) {
      if (!(e instanceof RcSyntax)) throw e;
    }
    return found;
  }

  function stable(text: string): void {
    for (const cmd of commands(text)) {
      const printed = printFn("f", cmd);
      // Its `if` was another line.
      if (cmd.kind === "ifnot" || (cmd.kind === "list" && cmd.items[0]?.kind === "ifnot")) continue;
      const [again, ...rest] = commands(`${printed}\n`);
      const body = again?.kind === "fn" ? again.body : undefined;
      expect(body && printFn("f", body), `SEED=${seed()}: ${JSON.stringify(text)}`).toBe(printed);
      expect(body).toEqual(cmd);
      expect(rest.filter(({ kind }) => kind !== "nil")).toEqual([]);
    }
  }

  it("are parsed or refused, and what is parsed is printed as what is parsed", () => {
    const below = chance(seed());
    for (let i = 0; i < 20_000; i++) stable(soup(below));
  });

  it("so are whole scripts", () => {
    for (let i = 0; i < 200; i++) stable(print(script(seed() * 7919 + i), false));
  });

  it("end, run by a shell with nothing to run", async () => {
    const below = chance(seed() + 1);
    for (let i = 0; i < 300; i++) {
      const text = soup(below);
      const { pid, ended } = await bench.start("", { argv: ["rc", "-c", `path=/none\n${text}`] });
      // Nothing it may do is without end but reading a pipe it holds itself, or a loop.
      const timer = setTimeout(() => bench.booted.postNote(pid, "kill"), 2000);
      const { err, status } = await ended;
      clearTimeout(timer);
      expect(err, `SEED=${seed()}: ${JSON.stringify(text)}`).not.toMatch(/\bat .*:\d+|TypeError|RangeError|undefined is|\[object/);
      expect(status, text).not.toContain("bug");
    }
  });
});
