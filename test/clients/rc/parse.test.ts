/** The grammar: what is taken, what it is printed as, what is refused and where. */
import { describe, expect, it } from "vitest";
import { Incomplete, RcSyntax } from "../../../clients/rc/lex.ts";
import { parseLine, type Source, textSource } from "../../../clients/rc/parse.ts";
import { printFn } from "../../../clients/rc/print.ts";

/** A function body as whatis prints it. */
function printed(body: string): string {
  const cmd = parseLine(textSource(`fn f {${body}}\n`))?.cmd;
  if (cmd?.kind !== "fn" || !cmd.body) throw new Error("no function");
  return printFn("f", cmd.body).slice("fn f {".length, -1);
}

function refused(text: string): string {
  const source = textSource(text);
  try {
    while (parseLine(source));
  } catch (e) {
    if (e instanceof RcSyntax) return `${e.line}: ${e.message}`;
    throw e;
  }
  return "taken";
}

describe("printing", () => {
  // Left what is typed, right what 9base's whatis prints.
  const same: readonly (readonly [string, string])[] = [
    ["echo hi|cat", "echo hi|cat"],
    ["a & b; c", "a&;b;c"],
    ["a;b &", "a;b&"],
    ["{a;b}&", "{a;b}&"],
    ["if(a)b; c", "if(a)b;c"],
    ["!{a;b};c||d&&e|f", "! {a;b};c || d && e|f"],
    ["@ a b;c;@{d}", "@ a b;c;@ {d}"],
    ["{a && b} | c; ! a && b; ! {a && b}; if(x) a && b", "{a && b}|c;! a && b;! {a && b};if(x)a && b"],
    ["a=b c=d e f; a=b {c}; for(i in a) {b;c}>d; >x {a}", "a=b c=d e f;a=b {c};for(i in a)>d {b;c};>x {a}"],
    ["a=(1 2) echo $a(1) $#a $\"a $$a 'x''y' a^b >f <g >>h >[2]j >[2=1] <[3=]",
      "a=(1 2) >f <g >>h >[2]j >[2=1]>[3=]echo $a(1) $#a $\"a $$a 'x''y' a^b"],
    ["while(~ 1 2) z; switch($x){case a b; echo q\ncase *\necho r }", "while (~ 1 2)z;switch ($x) {case a b;echo q;case *;echo r}"],
    ["cat <{ls} >{a;b} `{x} ; fn g h {i}; fn k; <>[4]file zz", "cat <{ls} >{a;b} `{x};fn g h {i};fn k ;<>[4]file zz"],
    ["if(x)y\nif not z", "if(x)y;if not z"],
    ["x=() y; x=`{z}; $x; $x^y.z; $x.c; a$b'c'd; $a'b'; >x", "x=() y;x=`{z};$x;$x^y.z;$x^.c;a^$b^'c'^d;$a^'b';>x"],
    ["echo 'abc' '' ( a b ) $'a b' $x^(1 2); ~ $x *a b; 'if' x; f='='", "echo 'abc' '' (a b) $'a b' $x^(1 2);~ $x *a b;'if' x;f='='"],
    ["for(i) echo a\\\n b", "for(i)echo a b"],
  ];
  for (const [text, out] of same) it(text, () => expect(printed(text)).toBe(out));

  it("is the same again when parsed and printed", () => {
    for (const [, out] of same) expect(printed(out)).toBe(out);
    for (const text of ["a >x | b <y | c >z", "{a} >x | @ b >y | cat |[2] d |[3=4] e", "`:{a}", "! ! @ a | b && c", "x=a >f y=b c | d"]) {
      expect(printed(printed(text))).toBe(printed(text));
    }
  });

  it("keeps redirections beside a pipe with their own command", () => {
    expect(printed("a >x | b <y | c >z")).toBe("a >x|b <y|>z c");
  });

  it("puts the bodies of here documents after the definition", () => {
    const cmd = parseLine(textSource("fn f {cat <<EOF | sort <<'E F'; x}\n$1\nEOF\n$2\nE F\n"))?.cmd;
    if (cmd?.kind !== "fn" || !cmd.body) throw new Error("no function");
    const text = printFn("f", cmd.body);
    expect(text).toBe("fn f {cat <<EOF|<<'E F' sort;x}\n$1\nEOF\n$2\nE F\n");
    const again = parseLine(textSource(text))?.cmd;
    expect(again?.kind === "fn" && again.body && printFn("f", again.body)).toBe(text);
  });
});

describe("syntax errors", () => {
  it.each([
    ["echo )\n", "1: token ')': syntax error"],
    ["echo a\necho b\n{echo c\n", "4: token EOF: syntax error"],
    ["echo 'abc\ndef\n", "1: token EOF: syntax error"],
    ["echo a=b\n", "1: token '=': syntax error"],
    ["x=\n", "1: syntax error"],
    ["echo {a}\n", "1: token '{': syntax error"],
    ["{a} x\n", "1: token 'x': syntax error"],
    ["echo a(b)\n", "1: token '(': syntax error"],
    ["echo $\"x(1)\n", "1: token '(': syntax error"],
    ["fn f {a} >x\n", "1: token '>': syntax error"],
    ["for(i in a b; x\n", "1: token ';': syntax error"],
    ["~ ; x\n", "1: token ';': syntax error"],
    ["~ a b >f\n", "1: token '>': syntax error"],
    ["echo (a\nb)\n", "1: syntax error"],
    ["cat <<$x\na\n", "1: Bad here tag"],
    ["cat <<'a'b\n", "1: Bad here tag"],
    ["cat <<(a)\n", "1: Bad here tag"],
    ["switch(x){ a; case b }\n", "1: case missing in switch"],
    ["\n\nif not a\n", "3: `if not' does not follow `if(...)'"],
    ["if(a) b; c; if not d\n", "1: `if not' does not follow `if(...)'"],
    ["if(a) b\nif not c\nif not d\n", "3: `if not' does not follow `if(...)'"],
    ["in x\n", "1: token 'in': syntax error"],
    ["a >[1=2=3] b\n", "1: token '[': redirection syntax"],
    ["a |[1=] b\n", "1: token '|': redirection syntax"],
    [`${"{".repeat(1000)}\n`, "1: nested too deeply"],
    [`echo ${"(".repeat(1000)}\n`, "1: nested too deeply"],
    [`${"! ".repeat(1000)}\n`, "1: nested too deeply"],
  ])("%j", (text, error) => expect(refused(text)).toBe(error));

  it.each([
    "if(a) b; if not c\n", "if(a) b\n\n# comment\nif not if(c) d\nif not e\n", "a &&\nb ||\n\nc |\nd\n", ";\n;;a;;b\n", "a & ; b\n", "&& a\n",
    "if(a)\nb\n", "for(i in a)\nb\n", "while(a\nb)\n\nc\n", "{;a;\n;b;}\n", "{}\n", "echo if for while not fn ~ ! @\n", "a no newline",
    "switch(x)\n{\ncase a\n}\n", "x = 3\n", "echo ^a a ^b a^ c\n", "echo $ x ` {y}\n", "fn a{b}\n", "x=a{b}\n", "echo `$x{a}\n", "~ () ()\n",
  ])("takes %j", (text) => expect(refused(text)).toBe("taken"));
});

describe("lines that come one by one", () => {
  /** Where each command was complete. */
  function lines(...text: string[]): string[] {
    const source: Source = { ...textSource(""), final: false };
    const seen: string[] = [];
    for (const line of text) {
      source.text += line;
      try {
        const { kind } = parseLine(source)?.cmd ?? { kind: "end" };
        seen.push(kind);
      } catch (e) {
        if (!(e instanceof Incomplete)) throw e;
        seen.push("...");
      }
    }
    return seen;
  }

  it("asks for more exactly when more is needed", () => {
    expect(lines("{a\n", "b\n", "}\n")).toEqual(["...", "...", "brace"]);
    expect(lines("a |\n", "b\n")).toEqual(["...", "pipe"]);
    expect(lines("echo 'x\n", "y'\n", "z\n")).toEqual(["...", "simple", "simple"]);
    expect(lines("echo x\\\n", "y\n")).toEqual(["...", "simple"]);
    expect(lines("if(a)\n", "b\n", "if not\n", "c\n")).toEqual(["...", "if", "...", "ifnot"]);
    expect(lines("cat <<E\n", "x\n", "E\n", "\n")).toEqual(["...", "...", "redir", "nil"]);
    expect(lines("{cat <<E\n", "}\n", "E\n", "}\n")).toEqual(["...", "...", "...", "brace"]);
    expect(lines("echo ''\n", "echo it''s\n")).toEqual(["simple", "simple"]);
  });
});
