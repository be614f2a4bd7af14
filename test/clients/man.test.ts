/**
 * The manual: every program of /bin and every server has a page, in the form that man(1) knows, with
 * the synopsis that the program itself prints and every flag of it explained; what a page shows as a
 * session comes out as it is shown.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, test } from "vitest";
import { dashed } from "../../clients/node/commandline.ts";
import { OPTIONS } from "../../clients/node/options.ts";
import { system } from "../../clients/node/index.ts";
import { linesOf, type Page, parsePage } from "../../clients/tools/lib/page.ts";
import { tools } from "../../clients/tools/index.ts";
import { session, shown, turns } from "../support/session.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAN = join(ROOT, "clients/man");
/** Pages of section 1 about the shell as a whole. */
const ABOUT = ["1/intro", "1/editing", "1/jobs"];
/** Programs that are made with something of the client's. */
const MADE = ["rc", "tar", "tarfs"];
const HEADINGS = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "SEE ALSO", "SOURCE"];

interface Written extends Page {
  /** SECTION/NAME. */
  readonly id: string;
  readonly text: string;
}

const pages: Written[] = readdirSync(MAN).flatMap((section) =>
  readdirSync(join(MAN, section)).map((file) => {
    const text = readFileSync(join(MAN, section, file), "utf8");
    return { ...parsePage(text), id: `${section}/${file.replace(/\.md$/, "")}`, text };
  }));

const pageOf = (name: string, sections: RegExp): Written | undefined => pages.find((p) => sections.test(p.id) && p.names.includes(name));

/** NAME, SYNOPSIS as on its page, continued lines joined. */
const synopsis = (page: Page): string[] => linesOf(page, "SYNOPSIS").join("\n").replace(/\n +/g, " ").split("\n");

/** What each tool prints behind "usage:". */
function usages(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(join(ROOT, "clients/tools"))) {
    if (!file.endsWith(".ts")) continue;
    const text = readFileSync(join(ROOT, "clients/tools", file), "utf8");
    for (const [, name = "", usage = ""] of text.matchAll(/\btool\(\s*"([^"]+)",\s*"([^"]*)"/g)) found.set(name, `${name} ${usage}`.trim());
  }
  return found;
}

describe("pages", () => {
  it.each(pages.map((p) => [p.id, p] as const))("%s", (id, page) => {
    const [section = "", name = ""] = id.split("/");
    expect(page.title).toBe(`${name}(${section})`);
    expect(page.names).toContain(name);
    expect(page.about).toMatch(/^\S.{3,}[^.]$/);
    const headings = page.sections.map((s) => s.heading);
    expect(headings.filter((h) => HEADINGS.includes(h))).toEqual(HEADINGS.filter((h) => headings.includes(h)));
    for (const needed of ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES"]) expect(headings).toContain(needed);
    const lines = page.text.split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.length).toBeLessThan(name === "rc" ? 180 : 100);
    for (const [, other = "", where = ""] of page.text.matchAll(/(?<![\w`$])([\w.]+)\((\d)\)/g)) {
      if (!/^\d+$/.test(other)) expect(pages.some((p) => p.id === `${where}/${other}`), `${other}(${where})`).toBe(true);
    }
    for (const path of linesOf(page, "SOURCE").join(" ").split(/, | /)) if (path !== "") expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  it("every program has one, and every page of commands a program", () => {
    const programs = [...tools.keys(), ...MADE];
    expect(programs.filter((name) => !pageOf(name, /^[14]\//))).toEqual([]);
    for (const page of pages.filter((p) => p.id.startsWith("1/") && !ABOUT.includes(p.id))) expect(programs, page.id).toContain(page.names[0]);
  });

  it("SYNOPSIS is what the program says itself, and every flag of it is explained", () => {
    for (const [name, usage] of usages()) {
      const page = pageOf(name, /^[14]\//);
      if (!page) continue;
      const mine = synopsis(page).filter((line) => line.split(" ")[0] === name);
      expect(mine.join(" or "), page.id).toBe(usage);
      const letters = [...usage.matchAll(/\[-([A-Za-z\d]+)(?:\]| )/g)].flatMap(([, group = ""]) => (group.length > 1 && /^(number|num)$/.test(group) ? [] : Array.from(group)));
      const told = page.text.slice(page.text.indexOf("## DESCRIPTION"));
      for (const letter of letters) expect(new RegExp(`\`-(\\w*${letter}\\w*|\\d-\\d)[\` =]`).test(told), `${page.id}: -${letter}`).toBe(true);
    }
  });

  it.each(["nineplex", "run", "serve", "9p"] as const)("%s has every option of the command line, with its value", (name) => {
    const page = pages.find((p) => p.id === `8/${name}`);
    for (const [option, { value, optional, told }] of Object.entries(OPTIONS)) {
      if (told[name === "nineplex" ? "shell" : name] === undefined) continue;
      const form = `${dashed(option)}${value === undefined ? "" : optional ? `[=${value}]` : ` ${value.replace(/\|.*/, "")}`}`;
      expect(page?.text).toContain(`\`${form}\``);
    }
  });

  it("editing has every key of the line editor", () => {
    const page = pages.find((p) => p.id === "1/editing");
    const source = ["draft", "editor"].map((name) => readFileSync(join(ROOT, `clients/edit/${name}.ts`), "utf8")).join("");
    const keys = new Set([...source.matchAll(/(?:case |key\.name === |^ *|, )"?((?:C-|M-)+[^"\s]+|Home|End|Left|Right|Up|Down|Enter|Tab|Backspace|Delete)"?(?=:| *[)&|{])/gm)].map((m) => m[1] ?? ""));
    expect(keys.size).toBeGreaterThan(40);
    for (const key of keys) expect(page?.text).toContain(`\`${key}\``);
  });

  it("servers and devices of the kernel have one", async () => {
    const k = await system({ seed: 1, uname: "glenda", host: ROOT });
    const lines = k.sys.ns();
    k.shutdown();
    const names: Readonly<Record<string, string>> = { "#e": "env", "#d": "dup", "#s": "srv", "#p": "proc", "#tmp": "ram", "#bin": "intro" };
    for (const line of lines) {
      const server = /#\w+/.exec(line)?.[0];
      if (server) expect(pageOf(names[server] ?? server.slice(1), /^[134]\//), line).toBeDefined();
    }
  });
});

describe("sessions", () => {
  const sessions = pages.map((p) => ({ id: p.id, turns: [...p.text.matchAll(/^```rc\n(.*?)^```$/gms)].flatMap(([, body = ""]) => turns(body)) }));
  test.each(sessions.filter((s) => s.turns.length > 0).map((s) => [s.id, s.turns] as const))("%s", async (_id, all) => {
    const k = await system({ seed: 1, uname: "glenda", cwd: ROOT, env: [["timezone", ["GMT", "0"]]] });
    try {
      const got = await session(k.sys, all.map((t) => t.typed));
      expect(shown(all, got)).toBe(shown(all, all.map((t) => t.expected)));
    } finally {
      k.shutdown();
    }
  });
});
