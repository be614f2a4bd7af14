/** man and help: pages found, as wide as the screen, a screenful at a time; plain where nobody sits. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parsePage, render } from "../../../clients/tools/lib/page.ts";
import { tools } from "../../../clients/tools/index.ts";
import { MREPL } from "../../../kernel/index.ts";
import { dir, encode, ORDWR } from "../../../proto/index.ts";
import { cons, pages, tree, type Console } from "../../../servers/index.ts";
import { testKernel, type TestKernel } from "../../support/kernel.ts";
import { run } from "../../support/toolbench.ts";

const page = (title: string, names: string, about: string, more: string): string =>
  `# ${title}\n\n## NAME\n\n${names} - ${about}\n\n## SYNOPSIS\n\n    ${names.split(",")[0]} [-x] file\n    more\n\n## DESCRIPTION\n${more}`;

const LONG = Array.from({ length: 60 }, (_, i) => `\nParagraph ${i + 1} has a few words in it, and \`code of some length\` and *stress* as well.\n`).join("");
const texts: Readonly<Record<string, string>> = {
  "1/long": page("long(1)", "long", "much to say", LONG),
  "1/short": page("short(1)", "short, brief, part", "little to say of a File", "\nIt does `-x`.\n\n- `part [of]`: one thing of\n  several\n- `parting`: another\n\n## EXAMPLES\n\n```rc\n% short x\n  x\n```\n"),
  "3/short": page("short(3)", "short, device", "a device", "\nText.\n\n## EXAMPLES\nSo:\n\n    cat x\n      y\n\nNo more.\n"),
};

/** A terminal of 24 lines and 60 columns; Enter is typed when it is read, so often. */
class Screen implements Console {
  isTTY = true;
  shown = "";
  turns = 0;
  readonly screens: string[] = [];

  read(): Promise<string> {
    this.screens.push(this.shown);
    this.shown = "";
    return Promise.resolve(this.turns-- > 0 ? "\n" : "q\n");
  }

  write(data: Uint8Array): void {
    this.shown += new TextDecoder().decode(data);
  }

  setRaw(): void {}

  size(): { rows: number; cols: number } {
    return { rows: 24, cols: 60 };
  }
}

let k: TestKernel;
let screen: Screen;
beforeEach(async () => {
  screen = new Screen();
  const source = { names: () => Object.keys(texts), read: (name: string) => encode(texts[name] ?? "") };
  const places = Object.fromEntries(["bin", "n", "tmp", "dev"].map((name) => [name, dir({})]));
  k = await testKernel(Object.fromEntries(tools), { cons: cons(screen), root: tree("root", dir({ ...places, lib: dir({ man: pages(source) }) })) });
  await k.sys.bind("#cons", "/dev", MREPL);
});
afterEach(() => k.shutdown());

const ESCAPE = "\u001b";
const plain = (text: string): string => text.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, "g"), "");

/** With its output on the terminal. */
async function atTerminal(...argv: string[]): Promise<string> {
  const out = await k.sys.open("/dev/cons", ORDWR);
  const pid = await k.sys.spawn({ argv, path: `/bin/${argv[0]}`, fds: new Map([[0, out], [1, out], [2, out]]) });
  const { status } = await k.sys.wait(pid);
  await k.sys.close(out);
  screen.screens.push(screen.shown);
  return status;
}

describe("man", () => {
  it("in a pipe: 80 columns, no escapes, all of it", async () => {
    const { out, err, status } = await run(k.sys, ["man", "long"]);
    expect({ err, status }).toEqual({ err: "", status: "" });
    expect(out).toMatch(/^long\(1\)\n\nNAME\n {4}long - much to say\n\nSYNOPSIS\n {4}long \[-x\] file\n {4}more\n\nDESCRIPTION\n/);
    expect(out).toContain("    Paragraph 60 has a few words in it, and code of some length and stress as\n    well.\n");
    expect(out).not.toContain(ESCAPE);
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("on a terminal: as wide as it is, in bold and underlined, a screen at a time", async () => {
    screen.turns = 1;
    expect(await atTerminal("man", "long")).toBe("");
    const [first = "", second = ""] = screen.screens;
    expect(screen.screens).toHaveLength(3);
    expect(first).toContain(`${ESCAPE}[1mNAME${ESCAPE}[0m\n`);
    expect(first).toContain(`${ESCAPE}[4mstress${ESCAPE}[0m`);
    for (const text of [first, second]) {
      // The newline of the last line is the one that is typed.
      expect(text.split("\n").length).toBe(23);
      for (const line of plain(text).split("\n")) expect(line.length).toBeLessThanOrEqual(60);
    }
  });

  it("on a terminal that knows no escapes: none; what fits needs no pager", async () => {
    k.sys.setenv("TERM", ["dumb"]);
    expect(await atTerminal("man", "1", "short")).toBe("");
    expect(screen.screens).toEqual(["short(1)\n\nNAME\n    short, brief, part - little to say of a File\n\nSYNOPSIS\n    short [-x] file\n    more\n\nDESCRIPTION\n    It does -x.\n\n    part [of]\n            one thing of several\n    parting another\n\nEXAMPLES\n    % short x\n      x\n"]);
  });

  it("finds pages by name, by what they are about, in a section, by words", async () => {
    const out = async (...words: string[]): Promise<string> => {
      const r = await run(k.sys, ["man", ...words]);
      return r.out + r.err + (r.status && `[${r.status}]`);
    };
    expect(await out("-w", "short", "brief")).toBe("/lib/man/1/short\n/lib/man/3/short\n/lib/man/1/short\n");
    expect(await out("-w", "3", "short")).toBe("/lib/man/3/short\n");
    expect(await out("-w", "3", "brief")).toBe("man: brief: no manual page in section 3; man -k finds words\n[errors]");
    expect(await out("9", "short")).toContain("no manual page in section 9");
    expect(await out("1/short")).toBe("man: 1/short: no manual page; man -k finds words\n[errors]");
    expect(await out("..")).toContain("..: no manual page");
    expect(await out("-k", "say", "FILE")).toBe("short, brief, part (1) - little to say of a File\n");
    expect(await out("-k", "nothing of the kind")).toBe("[no manual page]");
    expect(await out()).toBe("usage: man [-w] [section] name ... or man -k word ...\n[usage]");
    expect((await out("short")).match(/^short\(\d\)$/gm)).toEqual(["short(1)", "short(3)"]);
  });
});

describe("help", () => {
  it("is a screenful", async () => {
    const { out, err, status } = await run(k.sys, ["help"]);
    expect({ err, status }).toEqual({ err: "", status: "" });
    const lines = out.split("\n");
    expect(lines.length).toBeLessThanOrEqual(24);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("of a command: what it is for, how it is called, an example", async () => {
    expect((await run(k.sys, ["help", "brief"])).out).toBe("short, brief, part - little to say of a File\n\n    short [-x] file\n    more\n\n    % short x\n      x\n\nman short tells the rest\n");
    expect((await run(k.sys, ["help", "part"])).out).toBe("part: in short(1)\n\n    part [of]\n            one thing of several\n\nman short tells the rest\n");
    expect((await run(k.sys, ["help", "device"])).out).toBe("short, device - a device\n\n    short [-x] file\n    more\n\n    cat x\n      y\n\nman short tells the rest\n");
    expect(await run(k.sys, ["help", "none"])).toMatchObject({ err: "help: none: no manual page; help alone says how to look around\n", status: "errors" });
  });
});

describe("a page", () => {
  const body = (text: string, width = 40): string =>
    render(parsePage(`# x(1)\n\n## D\n\n${text}\n`), { width, styled: false }).split("\n").slice(3).join("\n");

  it("fills lines, and leaves what is indented or fenced as it is", () => {
    expect(body("one two three four five six seven eight nine\nten")).toBe("    one two three four five six seven\n    eight nine ten\n");
    expect(body("    a  b\n      c")).toBe("    a  b\n      c\n");
    expect(body("```rc\n% a  b\n\nc\n```\ntext")).toBe("    % a  b\n\n    c\n    text\n");
    expect(body(`${"x".repeat(50)} y`)).toBe(`    ${"x".repeat(50)}\n    y\n`);
  });

  it("sets items beside what they are about, or below where that is long", () => {
    expect(body("- `-l`: a long\n  line of text that goes on\n- `--option NAME`: the text\n- no name")).toBe(
      "    -l      a long line of text that\n            goes on\n    --option NAME\n            the text\n    - no name\n",
    );
    expect(body("- `a`, `b`: both")).toBe("    a, b    both\n");
    expect(body("- `` `{x} ``: quoted")).toBe("    `{x}    quoted\n");
  });

  it("keeps code whole, and what looks like marks in it", () => {
    expect(body("say `a *b* c` and `` ` `` and *d*, 2*3*4")).toBe("    say a *b* c and ` and d, 2*3*4\n");
    expect(body("words before it and `code with a few words`")).toBe("    words before it and\n    code with a few words\n");
  });

  it("takes what is no page for what it can", () => {
    expect(parsePage("")).toEqual({ title: "", names: [""], about: "", sections: [] });
    expect(render(parsePage("nothing\n"), { width: 80, styled: false })).toBe("\n");
  });
});
