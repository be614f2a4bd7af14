/**
 * Pgrp: a name space, the mount table that processes share or copy (chan.c's cmount, findmount,
 * cunmount). Invariants: a Mhead's mounts are never empty; its key is the device number and qid.path
 * of the file mounted upon; `upon` has every Mhead at the Mnt it lies on, so that a walk on a Mnt
 * without any need not look.
 */
import { Emount, Enotmounted, Enotunion, NineError, type Qid, QTDIR } from "../proto/index.ts";
import type { Chan } from "./chan.ts";
import type { Mnt } from "./mnt.ts";
import { quote } from "./quote.ts";
import { MAFTER, MBEFORE, MCREATE, MREPL } from "./sys.ts";

/** One element of a union, or the one file that was bound over another. */
export interface Mount {
  /**
   * 0 for the mounted-upon directory itself as a union element; else ascending so that binding a
   * union's elements in this order, each before or after those that are there, makes the union again.
   */
  readonly id: number;
  readonly to: Chan;
  /** Creation is permitted here. */
  readonly create: boolean;
  /** For ns: "bind" or "mount", its first operand, and mount's aname. */
  readonly verb: "bind" | "mount";
  readonly from: string;
  readonly aname: string;
  /** All that came with one bind of a union, under the name it had then; the same object in each of them. */
  readonly union: { readonly from: string; readonly size: number } | undefined;
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

const NONE: readonly Mhead[] = [];

export class Pgrp {
  private readonly heads = new Map<string, Mhead>();
  /** The Mheads by the Mnt and the low half of the qid.path of what they lie on. */
  private readonly upon = new Map<Mnt, Map<number, Mhead[]>>();
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

  /** Whether any file of this Mnt is mounted upon. */
  on(mnt: Mnt): boolean {
    return this.upon.has(mnt);
  }

  find(mnt: Mnt, qid: Qid): Mhead | undefined {
    for (const h of this.upon.get(mnt)?.get(qid.pathlo) ?? NONE) {
      if (h.from.qid.pathhi === qid.pathhi && ((h.from.qid.type ^ qid.type) & QTDIR) === 0) return h;
    }
    return undefined;
  }

  /** The Mhead a Chan was reached across, if it is still there. */
  head(key: string): Mhead | undefined {
    return this.heads.get(key);
  }

  /**
   * bind(2), mount(2): `to` goes on `old`, which was reached without crossing a mount on its last
   * element; union: what `to` is the first element of. All Chans are borrowed. Emount when one is a
   * directory and the other is not, or a union of files is asked for.
   */
  mount(to: Chan, union: readonly Mount[], old: Chan, flag: number, name: MountName): void {
    const order = flag & (MBEFORE | MAFTER);
    if (order === (MBEFORE | MAFTER) || (flag & ~(MBEFORE | MAFTER | MCREATE)) !== 0) throw new NineError(Emount);
    if (to.isDir !== old.isDir) throw new NineError(`${Emount}: one is a directory, the other is not`);
    if (order !== MREPL && !old.isDir) throw new NineError(`${Emount}: a union is made of directories`);
    const create = (flag & MCREATE) !== 0;
    // A union is bound with all its elements, of which only the first may be asked to permit creation.
    const [first, ...rest] = union.length > 1 ? union : [];
    const bound = first && { from: name.from, size: rest.length + 1 };
    const mount = (chan: Chan, create: boolean, { verb, from, aname }: MountName): Mount =>
      ({ id: ++this.lastId, to: chan.incref(), create, verb, from, aname, union: bound });
    const added: Mount[] = [];
    if (order !== MBEFORE) added.push(mount(to, create, first ?? name));
    for (const m of order === MBEFORE ? rest.toReversed() : rest) added.push(mount(m.to, false, m));
    if (order === MBEFORE) added.push(mount(to, create, first ?? name));
    if (order === MBEFORE) added.reverse();
    const key = keyOf(old.mnt, old.qid);
    let head = this.heads.get(key);
    if (!head) {
      head = { key, from: old.incref(), mounts: [] };
      if (order !== MREPL) head.mounts.push({ id: 0, to: old.incref(), create: false, verb: "bind", from: old.path, aname: "", union: undefined });
      this.put(head);
    }
    if (order === MREPL) {
      for (const m of head.mounts) m.to.close();
      head.mounts = added;
    } else head.mounts = order === MBEFORE ? [...added, ...head.mounts] : [...head.mounts, ...added];
  }

  /** unmount(2): the first element that `is` meant off old, or all. */
  unmount(is: ((m: Mount) => boolean) | undefined, old: Chan): void {
    const head = this.find(old.mnt, old.qid);
    if (!head) throw new NineError(Enotmounted);
    if (!is) {
      this.drop(head);
      return;
    }
    const i = head.mounts.findIndex(is);
    if (i < 0) throw new NineError(Enotunion);
    head.mounts.splice(i, 1)[0]?.to.close();
    if (head.mounts.length === 0 || head.mounts.every((m) => m.id === 0)) this.drop(head);
  }

  /** ns(1): lines of rc that make this name space again. */
  lines(): string[] {
    const all: { id: number; line: string }[] = [];
    for (const h of this.heads.values()) {
      // Each element as it comes to those of a lower id, among which it stands first or last.
      const there = new Set<Mount>();
      for (const m of h.mounts.toSorted((a, b) => a.id - b.id)) {
        if (there.has(m)) continue;
        const whole = wholeUnion(h, m);
        const block = whole ?? [m];
        const first = h.mounts.findIndex((x) => there.has(x)) > h.mounts.indexOf(m);
        const flags = (there.size === 0 ? "" : first ? "b" : "a") + (block[0]?.create ? "c" : "");
        for (const x of block) there.add(x);
        if (m.id === 0) continue;
        const { verb, from, aname } = whole && m.union ? { verb: "bind", from: m.union.from, aname: "" } : m;
        const words = [verb, ...(flags ? [`-${flags}`] : []), quote(from), quote(h.from.path), ...(aname ? [quote(aname)] : [])];
        all.push({ id: m.id, line: words.join(" ") });
      }
    }
    return all.toSorted((a, b) => a.id - b.id).map((x) => x.line);
  }

  private put(h: Mhead): void {
    this.heads.set(h.key, h);
    const { mnt, qid } = h.from;
    let files = this.upon.get(mnt);
    if (!files) this.upon.set(mnt, files = new Map());
    files.set(qid.pathlo, [...(files.get(qid.pathlo) ?? NONE), h]);
  }

  private drop(h: Mhead): void {
    this.heads.delete(h.key);
    const { mnt, qid } = h.from;
    const files = this.upon.get(mnt);
    const others = files?.get(qid.pathlo)?.filter((x) => x !== h) ?? [];
    if (others.length > 0) files?.set(qid.pathlo, others);
    else files?.delete(qid.pathlo);
    if (files?.size === 0) this.upon.delete(mnt);
    for (const m of h.mounts.splice(0)) m.to.close();
    h.from.close();
  }
}

/** eqchan: the same file of the same server. */
export function sameChan(a: Chan, b: Chan): boolean {
  return a.mnt === b.mnt && a.qid.pathlo === b.qid.pathlo && a.qid.pathhi === b.qid.pathhi && a.isDir === b.isDir;
}

/** All that came with the bind of a union that this element came with, if it still stands together. */
function wholeUnion(h: Mhead, m: Mount): readonly Mount[] | undefined {
  if (!m.union) return undefined;
  const at = h.mounts.findIndex((x) => x.union === m.union);
  const block = h.mounts.slice(at, at + m.union.size);
  return block.length === m.union.size && block.every((x) => x.union === m.union) ? block : undefined;
}
