/** Linux's calls with arguments by chance, and what their table says of them: an error or success each time, and nothing is left behind. */
import { expect, test } from "vitest";
import { CALLS } from "../../../kernel/linux/calls.ts";
import { NAMES } from "../../../kernel/linux/names.ts";
import { Callers } from "../../support/linuxcalls.ts";
import { chance, seed } from "../../support/random.ts";

test("of each call that is there it is known what it is given", () => {
  const short = CALLS.map((known, nr) => [NAMES[nr]?.name, known ? Math.min(6, known.run.length - 1) - known.given.length : 0] as const).filter(([, n]) => n > 0);
  expect(short).toEqual([]);
});

test("ten thousand calls with arguments by chance", { timeout: 120_000 }, async () => {
  const all = await Callers.boot(chance(seed()));
  await all.stats();
  const before = await all.stats();
  for (let n = 0; n < 10_000; n++) await all.next(n);
  expect(await all.stats()).toBe(before);
  expect(all.ends.get("success")).toBeGreaterThan(500);
  expect(all.ends.size).toBeGreaterThan(15);
  await all.over();
});
