/**
 * Signals: Linux's by number, the notes that bring them, and what they do to who has not said otherwise
 * (signal(7)). Pure data. Notes have Plan 9's words where Plan 9 has the thing.
 */

export const SIG = {
  HUP: 1, INT: 2, QUIT: 3, ILL: 4, TRAP: 5, ABRT: 6, BUS: 7, FPE: 8, KILL: 9, USR1: 10, SEGV: 11, USR2: 12, PIPE: 13, ALRM: 14, TERM: 15,
  STKFLT: 16, CHLD: 17, CONT: 18, STOP: 19, TSTP: 20, TTIN: 21, TTOU: 22, URG: 23, XCPU: 24, XFSZ: 25, VTALRM: 26, PROF: 27, WINCH: 28,
  IO: 29, PWR: 30, SYS: 31,
} as const;

/** Signals are 1 to this. */
export const NSIG = 64;

/** Notes that have words of their own; any other signal's is "sys: NAME". */
const WORDS: ReadonlyMap<number, string> = new Map([
  [SIG.HUP, "hangup"], [SIG.INT, "interrupt"], [SIG.QUIT, "quit"], [SIG.KILL, "kill"], [SIG.ALRM, "alarm"], [SIG.PIPE, "sys: write on closed pipe"],
  [SIG.TERM, "term"], [SIG.STOP, "stop"], [SIG.TSTP, "stop"], [SIG.CONT, "start"],
]);

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(SIG).map(([name, n]) => [n, name.toLowerCase()]));
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Array.from({ length: NSIG }, (_, k): [string, number] => [noteOf(k + 1), k + 1]),
  ["stop", SIG.TSTP], ["start", SIG.CONT],
]);

/** The note that brings a signal; also the status of who dies of it. */
export function noteOf(sig: number): string {
  return WORDS.get(sig) ?? `sys: ${NAMES.get(sig) ?? `signal ${sig}`}`;
}

/** The signal that a note is; a note that nobody has heard of asks to end. */
export function signalOf(note: string): number {
  return NUMBERS.get(note) ?? SIG.TERM;
}

/** Who has not said what to do with it lives on. */
export function isIgnored(sig: number): boolean {
  return sig === SIG.CHLD || sig === SIG.URG || sig === SIG.WINCH || sig === SIG.CONT;
}

/** Who has not said what to do with it stops. */
export function isStop(sig: number): boolean {
  return sig === SIG.STOP || sig === SIG.TSTP || sig === SIG.TTIN || sig === SIG.TTOU;
}

/** The exit code of a process that ended with a status: its own, 128 and the signal it died of, or 1. */
export function exitCodeOf(status: string): number {
  if (status === "") return 0;
  if (/^\d{1,3}$/.test(status) && Number(status) <= 255) return Number(status);
  const sig = NUMBERS.get(status);
  return sig === undefined ? 1 : 128 + sig;
}
