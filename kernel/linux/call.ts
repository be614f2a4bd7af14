/**
 * Call: how one of Linux's calls is written. It is given its arguments as numbers, by the letters of
 * names.ts: a pointer or a size as it is, a 32-bit one as such; and gives what the program gets, a number
 * or, in its own time, a promise of one. What it throws becomes the error number. It may be made from
 * its beginning again (user.ts): nothing it does before its first message, or before it has read what it
 * needs of the program's memory, may matter the second time.
 */
import type { Awaitable } from "../../proto/index.ts";
import type { Linux } from "./linux.ts";

export type Call = (l: Linux, a: number, b: number, c: number, d: number, e: number, f: number) => Awaitable<number>;

/** Calls by name. */
export type Calls = Readonly<Record<string, Call>>;
