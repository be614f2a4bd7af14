/** The history's file, also when several shells have it at once. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { History, HISTORYMAX } from "../../../clients/edit/index.ts";
import { HistoryFile, historyPath } from "../../../clients/node/historyfile.ts";

const dir = mkdtempSync(join(tmpdir(), "nineplex-history-"));
afterAll(() => rmSync(dir, { recursive: true }));

it("is where the environment says", () => {
  expect(historyPath({}, "/cwd")).toBe(join(homedir(), ".local/state/nineplex/history"));
  expect(historyPath({ XDG_STATE_HOME: "/state" }, "/cwd")).toBe("/state/nineplex/history");
  expect(historyPath({ XDG_STATE_HOME: "relative" }, "/cwd")).toBe(join(homedir(), ".local/state/nineplex/history"));
  expect(historyPath({ NINEPLEX_HISTORY: "h", XDG_STATE_HOME: "/state" }, "/cwd")).toBe("/cwd/h");
  expect(historyPath({ NINEPLEX_HISTORY: "" }, "/cwd")).toBeUndefined();
});

it("is made when something is to be kept, for its owner alone, and read by the next session", () => {
  const path = join(dir, "a/b/history");
  const one = new History(new HistoryFile(path));
  expect(() => statSync(path)).toThrow("ENOENT");
  for (const entry of ["ls", "for(i in a){\n\techo $i\n}", " secret", "echo 'a\\nb'", "caf\u00e9 \udcff"]) one.add(entry);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(dir, "a/b")).mode & 0o777).toBe(0o700);
  expect(new HistoryFile(path).load()).toEqual(["ls", "for(i in a){\n\techo $i\n}", "echo 'a\\nb'", "caf\u00e9 \udcff"]);
  expect(readFileSync(path).includes(0xff)).toBe(true);
});

it("a file that cannot be read, or written, or is none, or is damaged, is no failure", () => {
  mkdirSync(join(dir, "directory"));
  writeFileSync(join(dir, "file"), "x\n");
  symlinkSync("nowhere/at/all", join(dir, "link"));
  for (const path of ["directory", "file/below", "link", "\0"]) {
    const history = new History(new HistoryFile(join(dir, path)));
    history.add("still here");
    expect(history.entries).toEqual(["still here"]);
  }
  writeFileSync(join(dir, "closed"), "x\n");
  chmodSync(join(dir, "closed"), 0);
  new History(new HistoryFile(join(dir, "closed"))).add("y");
  const damaged = join(dir, "damaged");
  writeFileSync(damaged, Buffer.concat([Buffer.from("good\n\0\0\0\n"), Buffer.alloc(300_000, 0x41), Buffer.from("\nhalf")]));
  const file = new HistoryFile(damaged);
  expect(file.load()).toEqual(["good", "half"]);
  file.append("next");
  expect(file.load()).toEqual(["good", "half", "next"]);
});

it("stays bounded, and what others append while it is shortened is not lost", () => {
  const path = join(dir, "long");
  writeFileSync(path, Array.from({ length: HISTORYMAX + 3000 }, (_, i) => `echo ${i}\n`).join(""));
  const shells = Array.from({ length: 5 }, () => new History(new HistoryFile(path)));
  expect(shells[0]!.entries.length).toBe(HISTORYMAX);
  for (let i = 0; i < 100; i++) for (const [k, shell] of shells.entries()) shell.add(`shell ${k} ${i}`);
  const kept = new HistoryFile(path).load();
  expect(kept.length).toBe(HISTORYMAX + 500);
  for (let i = 0; i < 100; i++) for (let k = 0; k < 5; k++) expect(kept).toContain(`shell ${k} ${i}`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
