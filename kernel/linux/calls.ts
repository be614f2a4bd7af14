/** Calls: all of Linux's calls that are there, by number; their files are by subject. */
import type { Call, Calls } from "./call.ts";
import { files } from "./files.ts";
import { ids } from "./ids.ts";
import { memory } from "./memory.ts";
import { NAMES } from "./names.ts";
import { sigs } from "./sigs.ts";
import { times } from "./times.ts";

const ALL: Calls = { ...files, ...ids, ...memory, ...sigs, ...times };

/** By number. */
export const CALLS: readonly (Call | undefined)[] = NAMES.map((named) => named && ALL[named.name]);
