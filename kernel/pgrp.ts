/**
 * Pgrp: a name space, the mount table that processes share or copy (chan.c's cmount, findmount,
 * cunmount). Invariants: a Mhead's mounts are never empty; its key is the device number and qid.path
 * of the file mounted upon; counts tells how many Mheads lie on each Mnt, so that a walk on a Mnt
 * without any need not look.
 */
import { Emount, Enotmounted, Enotunion, NineError, type Qid, QTDIR } from "../proto/index.ts";
import type { Chan } from "./chan.ts";
import type { Mnt } from "./mnt.ts";
import { quote } from "./quote.ts";
import { MAFTER, MBEFORE, MCREATE, MREPL } from "./sys.ts";

/** One element of a union, or the one file that was bound over another. */
export interface Mount {
  /** In order of mounting; 0 for the mounted-upon directory itself as a union element. */
  readonly id: number;
  readonly to: Chan;
  /** MREPL, MBEFORE, MAFTER with MCREATE, as asked for. */
  readonly flag: number;
  /** Creation is permitted here. */
  readonly create: boolean;
  /** For ns: "bind" or "mount", its first operand, and mount's aname. */
  readonly verb: "bind" | "mount";
  readonly from: string;
  readonly aname: string;
}

export interface Mhead {
  readonly key: string;
  /** The file mounted upon. */
  readonly from: Chan;
  mounts: Mount[];
}

/** What a new Mount is called in ns. */
export interface MountName {
  readonly verb: "bind" | "mount";
  readonly from: string;
  readonly aname: string;
}

function keyOf(mnt: Mnt, qid: Qid): string {
  return `${mnt.dev}.${qid.type & QTDIR}.${qid.pathhi}.${qid.pathlo}`;
}

export class Pgrp {
  private readonly heads = new Map<string, Mhead>();
  private readonly counts = new Map<Mnt, number>();
  /** RFNOMNT: nothing more is mounted here, and most '#' names are not to be had. */
  nomnt: boolean;
  private refs = 1;
  private lastId = 0;

  constructor(nomnt = false) {
    this.nomnt = nomnt;
  }

  incref(): this {
    this.refs++;
    return this;
  }

  decref(): void {
    if (--this.refs === 0) this.clear();
  }

  /** RFNAMEG */
  copy(): Pgrp {
    const p = new Pgrp(this.nomnt);
    p.lastId = this.lastId;
    for (const h of this.heads.values()) {
      for (const m of h.mounts) m.to.incref();
      p.put({ key: h.key, from: h.from.incref(), mounts: [...h.mounts] });
    }
    return p;
  }

  clear(): void {
    for (const h of [...this.heads.values()]) this.drop(h);
  }

  /** How many files of this Mnt are mounted upon. */
  on(mnt: Mnt): number {
    return this.counts.get(mnt) ?? 0;
  }

  find(mnt: Mnt, qid: Qid): Mhead | undefined {
    return this.on(mnt) === 0 ? undefined : this.heads.get(keyOf(mnt, qid));
  }

  /** The Mhead a Chan was reached across, if it is still there. */
  head(key: string): Mhead | undefined {
    return this.heads.get(key);
  }

  /**
   * bind(2), mount(2): `to` goes on `old`, which was reached without crossing a mount on its last
   * element; union: what `to` is the first
   * element of. Both Chans are borrowed. Emount when one is a directory and the other is not, or a
   * union of files is asked for.
   */
  mount(to: Chan, union: Mhead | undefined, old: Chan, flag: number, name: MountName): void {
    const order = flag & (MBEFORE | MAFTER);
    if (order === (MBEFORE | MAFTER) || (flag & ~(MBEFORE | MAFTER | MCREATE)) !== 0) throw new NineError(Emount);
    if (to.isDir !== old.isDir) throw new NineError(`${Emount}: one is a directory, the other is not`);
    if (order !== MREPL && !old.isDir) throw new NineError(`${Emount}: a union is made of directories`);
    const create = (flag & MCREATE) !== 0;
    const mount = (chan: Chan, f: number): Mount => ({ id: ++this.lastId, to: chan.incref(), flag: f, create, ...name });
    const added = [mount(to, flag)];
    // A union is bound with all its elements.
    for (const m of union?.mounts ?? []) if (!sameChan(m.to, to)) added.push(mount(m.to, MAFTER));
    const key = keyOf(old.mnt, old.qid);
    let head = this.heads.get(key);
    if (!head) {
      head = { key, from: old.incref(), mounts: [] };
      if (order !== MREPL) head.mounts.push({ id: 0, to: old.incref(), flag: MREPL, create: false, verb: "bind", from: old.path, aname: "" });
      this.put(head);
    }
    if (order === MREPL) {
      for (const m of head.mounts) m.to.close();
      head.mounts = added;
    } else head.mounts = order === MBEFORE ? [...added, ...head.mounts] : [...head.mounts, ...added];
  }

  /** unmount(2): one element off old, or all. */
  unmount(from: Chan | undefined, old: Chan): void {
    const head = this.find(old.mnt, old.qid);
    if (!head) throw new NineError(Enotmounted);
    if (!from) {
      this.drop(head);
      return;
    }
    const i = head.mounts.findIndex((m) => sameChan(m.to, from));
    if (i < 0) throw new NineError(Enotunion);
    head.mounts.splice(i, 1)[0]?.to.close();
    if (head.mounts.length === 0 || head.mounts.every((m) => m.id === 0)) this.drop(head);
  }

  /** ns(1): lines of rc that make this name space again. */
  lines(): string[] {
    const all: { m: Mount; old: string }[] = [];
    for (const h of this.heads.values()) for (const m of h.mounts) if (m.id > 0) all.push({ m, old: h.from.path });
    all.sort((a, b) => a.m.id - b.m.id);
    return all.map(({ m, old }) => {
      const order = m.flag & MBEFORE ? "b" : m.flag & MAFTER ? "a" : "";
      const flags = order + (m.flag & MCREATE ? "c" : "");
      return [m.verb, ...(flags ? [`-${flags}`] : []), quote(m.from), quote(old), ...(m.aname ? [quote(m.aname)] : [])].join(" ");
    });
  }

  private put(h: Mhead): void {
    this.heads.set(h.key, h);
    this.counts.set(h.from.mnt, this.on(h.from.mnt) + 1);
  }

  private drop(h: Mhead): void {
    this.heads.delete(h.key);
    const n = this.on(h.from.mnt) - 1;
    if (n > 0) this.counts.set(h.from.mnt, n);
    else this.counts.delete(h.from.mnt);
    for (const m of h.mounts.splice(0)) m.to.close();
    h.from.close();
  }
}

/** eqchan: the same file of the same server. */
export function sameChan(a: Chan, b: Chan): boolean {
  return a.mnt === b.mnt && a.qid.pathlo === b.qid.pathlo && a.qid.pathhi === b.qid.pathhi && a.isDir === b.isDir;
}
