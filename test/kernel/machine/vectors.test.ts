/**
 * The vectors that were recorded from a processor, replayed: every form, with faults and sequences, on
 * any host. test/support/oracle/vectors.ts has the format, `npm run soak machine -- --record` the pen.
 */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { replayed } from "../../support/oracle/record.ts";
import { FILES, unpack, vectorFile } from "../../support/oracle/vectors.ts";

test.each(Object.keys(FILES).filter((name) => existsSync(vectorFile(name))))("%s", (name) => {
  const vectors = unpack(readFileSync(vectorFile(name)));
  expect(vectors.length).toBeGreaterThan(1000);
  expect(replayed(vectors).slice(0, 10)).toEqual([]);
}, 60_000);
