/** Locks: how many there can be. */
import { expect, it } from "vitest";
import { LOCK_SUCCESS, LOCK_TYPE_UNLCK, LOCK_TYPE_WRLCK } from "../../proto/index.ts";
import { Locks } from "../../proto/srv/lock.ts";

const owner = (session: object): { session: object; client_id: string; proc_id: number } => ({ session, client_id: "c", proc_id: 1 });

it("letting go in the midst of a range is bounded too", () => {
  const locks = new Locks();
  const o = owner({});
  locks.lock("f", o, o, LOCK_TYPE_WRLCK, 0, 0);
  const punch = (n: number): void => {
    for (let i = 0; i < n; i++) locks.lock("f", o, o, LOCK_TYPE_UNLCK, 2 * i + 1, 1);
  };
  expect(() => punch(5000)).toThrow("No locks available");
});

it("a session has 16384 at most, and those it lets go again", () => {
  const locks = new Locks();
  const o = owner({});
  const take = (file: string): number[] => Array.from({ length: 4096 }, (_, i) => locks.lock(file, o, o, LOCK_TYPE_WRLCK, 2 * i, 1));
  for (const f of ["a", "b", "c", "d"]) take(f);
  expect(() => locks.lock("e", o, o, LOCK_TYPE_WRLCK, 0, 1)).toThrow("No locks available");
  const other = owner({});
  expect(locks.lock("e", other, other, LOCK_TYPE_WRLCK, 0, 1)).toBe(LOCK_SUCCESS);
  locks.release("a", o);
  expect(locks.lock("f", o, o, LOCK_TYPE_WRLCK, 0, 1)).toBe(LOCK_SUCCESS);
});
