/**
 * Strace: one line a call, as strace(1) prints them: PID NAME(ARGUMENTS) = RESULT. What a call is given
 * is looked at before it, what it fills behind it; a look never brings a page.
 */
import { decodeUtf8, errno, sentenceOf } from "../../proto/index.ts";
import type { Linux } from "./linux.ts";
import { NAMES } from "./names.ts";
import { noteOf, SIG } from "./signals.ts";

/** Bytes of a text or a buffer that are shown. */
const SHOWN = 32;
const AT_FDCWD = -100;

/** A call under way. */
export interface Shown {
  /** Its line. */
  done(result: number): string;
}

const ERRNO: ReadonlyMap<number, string> = new Map(Object.entries(errno).map(([name, n]) => [n, name]));
const SIGNALS: ReadonlyMap<number, string> = new Map(Object.entries(SIG).map(([name, n]) => [n, `SIG${name}`]));

const PROTS: Flags = [[1, "PROT_READ"], [2, "PROT_WRITE"], [4, "PROT_EXEC"]];
const MAPS: Flags = [
  [1, "MAP_SHARED"], [2, "MAP_PRIVATE"], [0x10, "MAP_FIXED"], [0x20, "MAP_ANONYMOUS"], [0x100, "MAP_GROWSDOWN"], [0x800, "MAP_DENYWRITE"],
  [0x4000, "MAP_NORESERVE"], [0x8000, "MAP_POPULATE"], [0x20000, "MAP_STACK"], [0x100000, "MAP_FIXED_NOREPLACE"],
];
const OPENS: Flags = [
  [0o100, "O_CREAT"], [0o200, "O_EXCL"], [0o400, "O_NOCTTY"], [0o1000, "O_TRUNC"], [0o2000, "O_APPEND"], [0o4000, "O_NONBLOCK"], [0o4010000, "O_SYNC"],
  [0o10000, "O_DSYNC"], [0o100000, "O_LARGEFILE"], [0o200000, "O_DIRECTORY"], [0o400000, "O_NOFOLLOW"], [0o1000000, "O_NOATIME"], [0o2000000, "O_CLOEXEC"], [0o10000000, "O_PATH"],
];
const ATS: Flags = [
  [0x100, "AT_SYMLINK_NOFOLLOW"], [0x200, "AT_REMOVEDIR"], [0x400, "AT_SYMLINK_FOLLOW"], [0x800, "AT_NO_AUTOMOUNT"], [0x1000, "AT_EMPTY_PATH"], [0x2000, "AT_STATX_FORCE_SYNC"],
  [0x4000, "AT_STATX_DONT_SYNC"],
];
type Flags = readonly (readonly [bits: number, name: string])[];

/** The line of a call, whose result is still to come. */
export function shown(l: Linux, nr: number, given: readonly number[]): Shown {
  const { name, args } = NAMES[nr] ?? { name: `syscall ${nr}`, args: undefined };
  const values = given.slice();
  const letters = args ?? "";
  const texts = Array.from(letters, (letter, k) => argument(l, letter, values[k] ?? 0, values[k + 1] ?? 0));
  return {
    done(result) {
      const all = texts.map((text, k) => text ?? buffer(l, values[k] ?? 0, result));
      return `${l.proc.pid} ${name}(${args === undefined ? "" : all.join(", ")}) = ${outcome(letters, name, result)}`;
    },
  };
}

/** Undefined for a buffer that is to be filled. */
function argument(l: Linux, letter: string, value: number, next: number): string | undefined {
  switch (letter) {
    case "p": return value === 0 ? "NULL" : hex(value);
    case "x": return value === 0 ? "0" : hex(value);
    case "o": return `0${value === 0 ? "" : value.toString(8)}`;
    case "F": return value === AT_FDCWD ? "AT_FDCWD" : String(value);
    case "s": return text(l, value);
    case "b": return buffer(l, value, next);
    case "B": return undefined;
    case "P": return flags(PROTS, value) || "PROT_NONE";
    case "a": return flags(ATS, value) || "0";
    case "M": return flags(MAPS, value);
    case "O": return ["O_RDONLY", "O_WRONLY", "O_RDWR", "3"][value & 3] + [flags(OPENS, value & ~3)].filter((x) => x !== "").map((x) => `|${x}`).join("");
    case "S": return value === 0 ? "0" : (SIGNALS.get(value) ?? noteOf(value));
    default: return String(value);
  }
}

function hex(n: number): string {
  return `0x${(n < 0 ? BigInt.asUintN(64, BigInt(n)) : n).toString(16)}`;
}

function flags(known: Flags, value: number): string {
  const names: string[] = [];
  let left = value;
  for (const [bits, name] of known) {
    if ((left & bits) !== bits) continue;
    names.push(name);
    left &= ~bits;
  }
  if (left !== 0) names.push(hex(left >>> 0));
  return names.join("|");
}

/** What is there, without bringing it. */
function peek(l: Linux, va: number, n: number): Uint8Array | undefined {
  const to = new Uint8Array(n);
  l.guest.use();
  const there = l.guest.machine.read(va, to);
  return there === 0 && n > 0 ? undefined : to.subarray(0, there);
}

function text(l: Linux, va: number): string {
  const bytes = peek(l, va, 4096);
  if (!bytes) return va === 0 ? "NULL" : hex(va);
  const nul = bytes.indexOf(0);
  return quoted(bytes.subarray(0, nul < 0 ? SHOWN : nul), nul < 0);
}

function buffer(l: Linux, va: number, n: number): string {
  const bytes = n < 0 || l.proc.ended ? undefined : peek(l, va, Math.min(n, SHOWN));
  return bytes ? quoted(bytes, n > SHOWN) : hex(va);
}

function quoted(bytes: Uint8Array, more: boolean): string {
  const plain = JSON.stringify(decodeUtf8(bytes, 0, bytes.length)).replaceAll(/\\u00([0-9a-f]{2})/g, (_, x: string) => `\\${Number.parseInt(x, 16).toString(8)}`);
  return more ? `${plain}...` : plain;
}

function outcome(letters: string, name: string, n: number): string {
  if (n < 0 && n > -4096) return `-1 ${ERRNO.get(-n) ?? -n} (${sentenceOf(-n)})`;
  return name === "brk" || name === "mmap" || name === "mremap" || (n > 2 ** 31 && letters.includes("p")) ? hex(n) : String(n);
}
