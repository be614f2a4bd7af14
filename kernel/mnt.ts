/**
 * Mnt: the holder of a portal (devmnt.c's Mnt): its client with the fid numbers, and the device
 * number that tells its files from other servers' files. Invariant: a Mnt lives while a Chan is on
 * it, or for the kernel's life when it serves a '#' name; then its portal hangs up.
 */
import { Client, type Portal } from "../proto/index.ts";

export class Mnt {
  readonly client: Client;
  /** Distinct for each Mnt of a kernel; Dir.dev of its files. */
  readonly dev: number;
  /** How ns writes where this comes from: an address, or '#name'. */
  readonly spec: string;
  /** Each process has a tree of its own on it, attached to by its pid (Proc.own). */
  readonly perProc: boolean;
  private readonly gone: (m: Mnt) => void;
  private refs = 0;

  constructor(portal: Portal, dev: number, spec: string, perProc: boolean, gone: (m: Mnt) => void) {
    this.client = new Client(portal);
    this.dev = dev;
    this.spec = spec;
    this.perProc = perProc;
    this.gone = gone;
  }

  /** Chans on it, and calls that hold it. */
  get holders(): number {
    return this.refs;
  }

  incref(): this {
    this.refs++;
    return this;
  }

  decref(): void {
    if (--this.refs > 0) return;
    this.client.portal.hangup();
    this.gone(this);
  }
}
