/**
 * Start: makes a guest of a process: its memory laid out, its stack and its registers as a program finds
 * them, and the personality that answers it. Used by spawn and by exec.
 */
import { Linux } from "../linux/linux.ts";
import { R } from "../machine/index.ts";
import type { Proc } from "../proc.ts";
import { envpOf } from "./envp.ts";
import { Guest, type RunHost } from "./guest.ts";
import { firstStack, type Image, layOut } from "./image.ts";
import { Segments } from "./segments.ts";

export interface StartOptions {
  readonly image: Image;
  readonly argv: readonly string[];
  readonly runHost: RunHost;
  /** Default the process's variables. */
  readonly envp?: readonly string[];
  /** The program of the process so far, which makes way for this one. */
  readonly before?: Linux;
}

/** Runs a program in a process. Throws, with everything as it was, when there is no RAM for it. The image stays the caller's. */
export function startGuest(proc: Proc, { image, argv, runHost, envp, before }: StartOptions): void {
  const { guests, uid, host } = proc.kernel;
  const segments = new Segments(guests.ram);
  const laid = attempted(() => layOut(segments, image), segments);
  const guest = new Guest(proc, guests, segments, runHost, (g) => new Linux(g, laid, before));
  try {
    const { cpu } = guest;
    cpu.reset();
    const random = Uint8Array.from({ length: 16 }, () => host.random() >>> 24);
    cpu.setNumber(R.rsp, firstStack(segments, guest.user, image, laid, { argv, envp: envp ?? envpOf(proc.egrp.lists()), uid, gid: uid, random }));
    cpu.rip = laid.entry;
  } catch (e) {
    guest.end();
    throw e;
  }
  guest.start();
}

function attempted<T>(f: () => T, segments: Segments): T {
  try {
    return f();
  } catch (e) {
    segments.free();
    throw e;
  }
}
