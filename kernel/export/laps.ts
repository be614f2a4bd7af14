/**
 * Laps: how a walk that mounts lead back to where it was is noticed. Only a search through a union
 * can send itself round for ever, since anything else uses up a name at each step. 9P has no field
 * that would tell how often that happened, but fid numbers are the sender's to choose: those made in
 * a search carry the number of searches they are part of, through any number of kernels. Other
 * servers see a number; of those who choose such numbers by chance, few walk the same way at once.
 */
import { Eloop, errno, NineError } from "../../proto/index.ts";

/** Searches within searches, beyond which mounts lead back. */
export const MAXLAPS = 32;
/** What a marked fid begins with, then 6 bits of laps and 20 of the number. */
const MARK = 0x2d;
const MAXNUM = 0xfffff;

/** The fid of a number: as it is when there is nothing to tell, or no room. */
export function marked(num: number, laps: number): number {
  return laps === 0 || num > MAXNUM ? num : ((MARK << 26) | (Math.min(laps, 63) << 20) | num) >>> 0;
}

export function lapsOf(fid: number): number {
  return fid >>> 26 === MARK ? (fid >>> 20) & 63 : 0;
}

const Emountloop = `${Eloop}: mounts lead back to where they are`;

export function mountLoop(): NineError {
  return new NineError(Emountloop, errno.ELOOP);
}

/** Whether a search came to this: it is over then, whatever other elements of the union have. */
export function isMountLoop(e: unknown): boolean {
  return e instanceof NineError && e.message === Emountloop;
}
