/** Lines for a reader who may be slow: in order, whole, and with a word for those that are missing where they are. */
import { expect, test } from "vitest";
import { Lines } from "../../servers/lines.ts";
import { text } from "../support/kernel.ts";

const call = { uname: "glenda", uid: 1000, signal: new AbortController().signal };

test("what was lost is told of before what came after it", async () => {
  const lines = new Lines();
  for (let i = 0; i < 1100; i++) lines.put(`${i} ${"x".repeat(1000)}`);
  const first = text(await lines.read(10_000, call));
  lines.put("after");
  lines.put("the end");
  lines.end();
  let all = first;
  for (let data = text(await lines.read(65_536, call)); data !== ""; data = text(await lines.read(65_536, call))) all += data;
  const got = all.trimEnd().split("\n").map((line) => line.replace(/ x+$/, ""));
  const kept = got.length - 3;
  expect(got).toEqual([...Array.from({ length: kept }, (_, i) => String(i)), `# ${1100 - kept} lines lost`, "after", "the end"]);
});

test("a reader waits for the first, and sleeps no longer once it is flushed", async () => {
  const lines = new Lines();
  const flush = new AbortController();
  const flushed = lines.read(100, { ...call, signal: flush.signal });
  const read = lines.read(100, call);
  flush.abort();
  await expect(flushed).rejects.toThrow("interrupted");
  lines.put("one");
  expect(text(await read)).toBe("one\n");
  await expect(lines.read(100, { ...call, signal: flush.signal })).rejects.toThrow("interrupted");
});
