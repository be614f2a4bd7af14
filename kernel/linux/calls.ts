/** Calls: all of Linux's calls that are there, by number; their files are by subject. */
import type { Call, Calls } from "./call.ts";
import { changes } from "./change.ts";
import { dirs } from "./dirs.ts";
import { exec } from "./exec.ts";
import { ids } from "./ids.ts";
import { io } from "./io.ts";
import { memory } from "./memory.ts";
import { NAMES } from "./names.ts";
import { opens } from "./opens.ts";
import { ready } from "./ready.ts";
import { sigs } from "./sigs.ts";
import { stats } from "./stat.ts";
import { timers } from "./timers.ts";
import { times } from "./times.ts";
import { ttys } from "./tty.ts";
import { xattrs } from "./xattr.ts";

const ALL: Calls = { ...changes, ...dirs, ...exec, ...ids, ...io, ...memory, ...opens, ...ready, ...sigs, ...stats, ...timers, ...times, ...ttys, ...xattrs };

/** How much of a register an argument is: 64 bits with a sign, without one, 32 bits with a sign, without one. */
export const Width = { long: 0, size: 1, int: 2, unsigned: 3 } as const;
export type Width = (typeof Width)[keyof typeof Width];

/** A call that is there. */
export interface Known {
  readonly run: Call;
  readonly given: readonly Width[];
}

/** By number. */
export const CALLS: readonly (Known | undefined)[] = NAMES.map((named) => {
  const run = named && ALL[named.name];
  return run && { run, given: Array.from(named.args ?? "", widthOf) };
});

function widthOf(letter: string): Width {
  return "lpsbB".includes(letter) ? Width.long : letter === "n" ? Width.size : "ifFS".includes(letter) ? Width.int : Width.unsigned;
}
