/** Awaitables: at once as long as nothing is a promise, and the same outcome when something is. */
import { describe, expect, it } from "vitest";
import { after, attempt, type Awaitable, got, type Steps, steps } from "../../proto/index.ts";

const now = <T>(v: T): Awaitable<T> => v;
const later = <T>(v: T): Awaitable<T> => Promise.resolve(v);

describe.each([["there", now], ["awaited", later]] as const)("a value that is %s", (how, give) => {
  it("goes through steps, in order", async () => {
    const seen: number[] = [];
    const r = steps(function* () {
      for (let i = 0; i < 3; i++) seen.push(yield* got(give(i)));
      return seen.length;
    });
    if (how === "there") expect(r).toBe(3);
    expect(await r).toBe(3);
    expect(seen).toEqual([0, 1, 2]);
  });

  it("may fail: steps catch it, clean up, and fail themselves", async () => {
    const log: string[] = [];
    const fail = (): Awaitable<number> => after(give(0), () => {
      throw new Error("broken");
    });
    const work = function* (): Steps<string> {
      try {
        yield* got(fail());
        return "not reached";
      } catch (e) {
        log.push(String(e));
        yield* got(give(1));
        throw new Error("given up", { cause: e });
      } finally {
        log.push(`last ${yield* got(give(2))}`);
      }
    };
    await expect((async () => steps(work))()).rejects.toThrow("given up");
    expect(log).toEqual(["Error: broken", "last 2"]);
    expect(await attempt<number | string>(fail, (e) => String(e))).toBe("Error: broken");
    if (how === "there") expect(() => steps(work)).toThrow("given up");
  });
});

it("steps that wait in between go on where they were", async () => {
  const r = steps(function* () {
    const a = yield* got(now(1));
    const b = yield* got(later(2));
    const c = yield* got(now(3));
    return [a, b, c];
  });
  expect(r).toBeInstanceOf(Promise);
  expect(await r).toEqual([1, 2, 3]);
});
