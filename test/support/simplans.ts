/**
 * Simplans: what the processes of a simulated run do, drawn from a seed: anything, one thing after the
 * other; a crowd's opening, closing and mounting of the same; mischief.
 */
import { MAFTER, MBEFORE, MCREATE, MREPL } from "../../kernel/index.ts";
import { DMDIR, OREAD, ORDWR, OTRUNC, OWRITE } from "../../proto/index.ts";
import type { Op } from "./simops.ts";

type Rnd = (n: number) => number;

const NAMES = ["f0", "f1", "f2", "d", "l"];
/** Where there are files from the start; what may be mounted on; what else there is. */
const FULL = ["/tmp/s", "/n/r/s", "/tmp/s/d", "/n/r/s/d", "/tmp/s/l"];
const OTHERS = [".", "..", "/n", "/a", "/b", "/n/m0", "/n/m1", "#tmp/s", "/n/r/s/l", "/env", "/fd", "/srv", "/proc", "/proc/self", "/n/x"];
const POINTS = ["/a", "/b", "/n/m0", "/n/m1", "/tmp/s/d", "/n/r/s/d", "/tmp/s/f0", "/n/x"];
const FLAGS = [MREPL, MREPL | MCREATE, MBEFORE, MAFTER, MBEFORE | MCREATE, MAFTER | MCREATE];
const SCRIPTS = [
  "seq 1 9 | grep 3 | wc -l", "for(i in a b c) echo $i > /tmp/s/f1", "ls /a /b >[2]/dev/null | sort | tail -1", "{ sleep 1; echo x } | cat & wait",
  "cd /n/r/s; echo text > f2; cat f2 f2 > /tmp/s/f2", "bind /tmp/s /b; mkdir /b/d; rm /b/d", "x=`{cat /tmp/s/f1}; if(~ $x *a*) echo yes", "rfork n; mount nowhere /n/m1",
];

const pick = <T>(rnd: Rnd, all: readonly T[]): T => {
  const one = all[rnd(all.length)];
  if (one === undefined) throw new Error("nothing to pick");
  return one;
};

/** What there is from the start in /tmp/s and /n/r/s: directories d, links l to d, and these files in both. */
export const FILES: readonly string[] = ["s/f0", "s/f1", "s/d/f0", "s/d/f2"];

/** Ops of one process. own: it has files of its own. */
export function someOps(rnd: Rnd, n: number, own: boolean, depth = 0): Op[] {
  const used: string[] = [];
  const ops: Op[] = depth === 0 ? [["open", pick(rnd, ["/tmp/s/f0", "/n/r/s/f0"]), ORDWR], ["open", pick(rnd, FULL), OREAD]] : [];
  while (ops.length < n) {
    const op = someOp(rnd, own, depth, used);
    if (op[0] === "bind" || op[0] === "server") used.push(String(op[op[0] === "bind" ? 2 : 1]));
    if (op[0] === "mount") used.push(String(op[1]));
    ops.push(op);
  }
  return ops;
}

/** Ops of one of a crowd that uses and changes the same few things. */
export function crowded(rnd: Rnd, n: number): Op[] {
  const places = ["/n/r/s", "/n/r/s/d", "/a", "/tmp/s/d", "/n/m0"];
  const points = ["/a", "/n/m0", "/n/r/s/d"];
  return Array.from({ length: n }, (): Op => {
    const place = pick(rnd, places);
    switch (rnd(22)) {
      case 0: case 1: return ["open", place, OREAD];
      case 2: case 3: return ["open", `${place}/f0`, ORDWR];
      case 4: return ["openRead", `${place}/f0`];
      case 5: case 6: return ["close", rnd(6)];
      case 7: case 8: return ["read", rnd(6), 1 + rnd(9)];
      case 9: return ["dirread", rnd(6)];
      case 10: return pick<Op>(rnd, [["dup", rnd(6)], ["fstat", rnd(6)], ["seek", rnd(6), 0], ["write", rnd(6), "x"]]);
      case 11: return ["readDir", place];
      case 12: return ["stat", `${place}/f2`];
      case 13: return ["bind", pick(rnd, places), pick(rnd, points), pick(rnd, FLAGS)];
      case 14: return ["mount", pick(rnd, points), pick(rnd, FLAGS)];
      case 15: return ["unmount", pick(rnd, points), ""];
      case 16: return ["fork", pick(rnd, ["share fds", "", "copy ns", "share fds, and wait"]), [["read", rnd(6), 3], ["close", rnd(6)], ["stat", place]]];
      case 17: return pick<Op>(rnd, [["rfork", "fds"], ["rfork", "ns"], ["chdir", place], ["pipe"], ["note", rnd(6), "kill"]]);
      case 18: return ["note", rnd(6), "interrupt"];
      case 19: return ["sleep", rnd(30)];
      default: return ["hop", rnd(40)];
    }
  });
}

/** What may be written to a file of somebody's directory of /proc. */
function control(rnd: Rnd): [file: string, text: string] {
  return pick<[string, string]>(rnd, [
    ["ctl", "kill"], ["ctl", "interrupt"], ["ctl", "start"], ["ctl", "close 0"], ["ctl", "closefiles"], ["note", "interrupt"], ["notepg", "interrupt"], ["note", "hangup"],
    ["ns", "bind /tmp/s /b\n"], ["ns", "unmount /a\nbind -a /n/r/s /a\n"], ["noteid", "3"], ["args", "another name"],
  ]);
}

/** Ops of one who disturbs the others: notes, and name spaces that change under their feet. */
export function mischief(rnd: Rnd, n: number): Op[] {
  return Array.from({ length: n }, (): Op => {
    const point = pick(rnd, POINTS);
    switch (rnd(8)) {
      case 0: return ["note", rnd(8), "kill"];
      case 1: case 2: return ["note", rnd(8), pick(rnd, ["interrupt", "hangup"])];
      case 3: return ["bind", pick(rnd, FULL), point, pick(rnd, FLAGS)];
      case 4: return ["unmount", point, ""];
      case 5: return rnd(2) ? ["close", rnd(8)] : ["ctl", rnd(8), ...control(rnd)];
      default: return rnd(2) ? ["sleep", rnd(60)] : ["hop", rnd(60)];
    }
  });
}

/** used: what has been mounted on. */
function someOp(rnd: Rnd, own: boolean, depth: number, used: readonly string[]): Op {
  const point = (): string => (used.length > 0 && rnd(3) > 0 ? pick(rnd, used) : pick(rnd, POINTS));
  const dir = (): string => (rnd(3) > 0 ? pick(rnd, FULL) : rnd(3) > 0 ? pick(rnd, OTHERS) : point());
  const file = (): string => `${dir()}/${pick(rnd, NAMES)}`;
  const mine = (): [number, string] => [rnd(2), pick(rnd, ["x", "y"])];
  const word = (): string => "word ".repeat(1 + rnd(rnd(8) === 0 ? 3000 : 4)) + rnd(100);
  const r = rnd(own ? 120 : 96);
  if (r >= 112) return ["put", ...mine(), word()];
  if (r >= 107) return ["rewrite", ...mine(), word()];
  if (r >= 99) return ["get", ...mine()];
  if (r >= 96) return ["drop", ...mine()];
  if (r < 8) return ["open", file(), pick(rnd, [OREAD, OREAD, OWRITE, ORDWR, OWRITE | OTRUNC])];
  if (r < 11) return ["open", dir(), OREAD];
  if (r < 14) return ["openRead", file()];
  if (r < 18) return ["create", file(), pick(rnd, [OWRITE, ORDWR]), 0o666];
  if (r < 19) return ["create", file(), OREAD, (DMDIR | 0o777) >>> 0];
  if (r < 24) return ["read", rnd(8), 1 + rnd(100)];
  if (r < 27) return ["write", rnd(8), word()];
  if (r < 29) return ["seek", rnd(8), rnd(20)];
  if (r < 33) return ["close", rnd(8)];
  if (r < 34) return ["dup", rnd(8)];
  if (r < 35) return ["fstat", rnd(8)];
  if (r < 38) return ["dirread", rnd(8)];
  if (r < 39) return ["pipe"];
  if (r < 42) return ["stat", file()];
  if (r < 46) return ["readDir", dir()];
  if (r < 50) return ["writeFile", file(), word()];
  if (r < 53) return ["mkdir", file()];
  if (r < 56) return ["remove", file()];
  if (r < 60) return ["rename", file(), file()];
  if (r < 62) return ["symlink", pick(rnd, ["f0", "d", "../s/f1", "/tmp/s/f2", "l", "/n/r/s", "none"]), file()];
  if (r < 63) return ["link", file(), file()];
  if (r < 64) return ["readlink", file()];
  if (r < 65) return ["chmod", file(), pick(rnd, [0o666, 0o777, 0o444])];
  if (r < 67) return ["chdir", dir()];
  if (r < 72) return ["bind", dir(), point(), pick(rnd, FLAGS)];
  if (r < 75) return ["mount", point(), pick(rnd, FLAGS)];
  if (r < 79) return ["unmount", point(), rnd(3) === 0 ? dir() : ""];
  if (r < 80) return ["rfork", pick(rnd, own ? ["env", "noteGroup", "rend", "ns"] : ["ns", "fds", "env", "noteGroup", "rend"])];
  if (r < 81) return ["env", pick(rnd, ["v", "w"]), pick(rnd, ["", "x"])];
  if (r < 84) return ["sleep", rnd(50)];
  if (r < 86) return ["rendezvous", pick(rnd, ["t", "u"])];
  if (r < 87) return ["wait"];
  if (r < 89) return ["note", rnd(6), pick(rnd, ["interrupt", "interrupt", "kill", "hangup"])];
  if (r < 90) return ["server", pick(rnd, POINTS), rnd(400)];
  if (r < 91) return ["pipeline", rnd(20), 1 + rnd(30)];
  if (r < 92) return rnd(3) === 0 ? ["rc", pick(rnd, SCRIPTS)] : ["sleep", 1];
  if (r < 93) return ["export", pick(rnd, ["/", "/tmp/s", "/n/r", "/n", "/a", "/env"]), pick(rnd, ["/n/x", "/n/x", "/a", "/tmp/s/d"]), rnd(2)];
  if (r < 94) return rnd(2) ? ["post", pick(rnd, NAMES), rnd(4)] : ["mountName", `/srv/${pick(rnd, NAMES)}`, point()];
  if (r < 95) return rnd(2) ? ["proc", rnd(5), pick(rnd, ["status", "args", "ns", "fd", "noteid", "ppid"])] : ["ctl", rnd(5), ...control(rnd)];
  if (depth > 1) return ["sleep", 0];
  return ["fork", pick(rnd, ["", "share fds", "copy ns", "share fds, notes", "nowait", "copy ns, and wait", "and wait"]), someOps(rnd, 1 + rnd(5), false, depth + 1)];
}
