/**
 * User: a guest's memory as a call on its behalf sees it: copies in and out, checked. Invariant: a page
 * that is not there is brought as if the guest had touched it; when that takes time, Again is thrown, and
 * the call is made anew once the page is there. So a call may use these before its first message, as
 * often as it is made; for what it writes after its last, it asks for the place with `room` first.
 */
import { type Awaitable, decodeUtf8, Enametoolong, errno, NineError } from "../../proto/index.ts";
import { type Machine, PF } from "../machine/index.ts";
import { PAGE } from "../segment.ts";
import type { Fault } from "./segments.ts";

/** Bytes of a copy that is made before it is known whether they are there. */
const LARGE = 65_536;

/** The call is to be made again when this has settled. */
export class Again extends Error {
  readonly ready: Promise<unknown>;

  constructor(ready: Promise<unknown>) {
    super("again");
    this.ready = ready;
  }
}

/** Whose memory it is. */
export interface Owner {
  readonly machine: Machine;
  /** Makes its space the machine's. */
  use(): void;
  fault(va: number, code: number): Awaitable<Fault | undefined>;
}

export class User {
  private readonly owner: Owner;

  constructor(owner: Owner) {
    this.owner = owner;
  }

  /** A copy of n bytes. */
  bytes(va: number, n: number): Uint8Array {
    // What is not there is not made room for.
    if (n > LARGE) this.touch(va, n, PF.user);
    const to = new Uint8Array(n);
    this.owner.use();
    const { machine } = this.owner;
    for (let done = 0; done < n;) {
      done += machine.read(va + done, done === 0 ? to : to.subarray(done));
      if (done < n) this.bring(va + done, PF.user);
    }
    return to;
  }

  /** Stores bytes. */
  put(va: number, data: Uint8Array): void {
    this.owner.use();
    const { machine } = this.owner;
    for (let done = 0; done < data.length;) {
      done += machine.write(va + done, done === 0 ? data : data.subarray(done));
      if (done < data.length) this.bring(va + done, PF.user | PF.write);
    }
  }

  /** Sees to it that n bytes can be stored to without waiting. */
  room(va: number, n: number): void {
    this.touch(va, n, PF.user | PF.write);
  }

  private touch(va: number, n: number, code: number): void {
    if (n <= 0) return;
    if (va + n > 2 ** 47 || va < 0) throw NineError.fromErrno(errno.EFAULT);
    this.owner.use();
    const { space } = this.owner.machine;
    for (let at = va - (va % PAGE); at < va + n; at += PAGE) {
      const there = space?.mapping(at);
      if (!there || (code & PF.write && !there.write)) this.bring(Math.max(at, va), code);
    }
  }

  /** The bytes up to a NUL, as text; ENAMETOOLONG when there is none among so many. */
  string(va: number, max: number = PAGE): string {
    const chunks: Uint8Array[] = [];
    for (let done = 0; done < max;) {
      const some = this.bytes(va + done, Math.min(max - done, PAGE - ((va + done) % PAGE)));
      const nul = some.indexOf(0);
      chunks.push(nul < 0 ? some : some.subarray(0, nul));
      done += some.length;
      if (nul < 0) continue;
      const all = chunks.length === 1 ? (chunks[0] as Uint8Array) : Uint8Array.from(chunks.flatMap((c) => [...c]));
      return decodeUtf8(all, 0, all.length);
    }
    throw new NineError(Enametoolong);
  }

  u32(va: number): number {
    return this.view(va, 4).getUint32(0, true);
  }

  /** An unsigned 64-bit word, exact below 2^53. */
  u64(va: number): number {
    const v = this.view(va, 8);
    return v.getUint32(4, true) * 2 ** 32 + v.getUint32(0, true);
  }

  /** A copy of n bytes as fields. */
  view(va: number, n: number): DataView {
    return new DataView(this.bytes(va, n).buffer);
  }

  putU32(va: number, value: number): void {
    const v = new DataView(new ArrayBuffer(4));
    v.setUint32(0, value, true);
    this.put(va, new Uint8Array(v.buffer));
  }

  putU64(va: number, value: number): void {
    const v = new DataView(new ArrayBuffer(8));
    v.setUint32(0, value % 2 ** 32, true);
    v.setInt32(4, Math.floor(value / 2 ** 32), true);
    this.put(va, new Uint8Array(v.buffer));
  }

  /** As if the guest had touched it. */
  private bring(va: number, code: number): void {
    const r = this.owner.fault(va, code);
    if (r instanceof Promise) throw new Again(r);
    if (r) throw NineError.fromErrno(errno.EFAULT);
  }
}
