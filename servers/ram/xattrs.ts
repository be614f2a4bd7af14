/**
 * RamXattrs: the extended attributes of one file or directory (xattr(7)). Names and values are
 * charged to the store. Invariant: names and values together fit a list and a value that Linux takes.
 */
import { Eexist, Efull, Enodata, Enotsup, Eperm, Erange, Eremoved, NineError, XATTR_CREATE, XATTR_REPLACE, errno, utf8Length } from "../../proto/index.ts";
import type { Call, Xattrs } from "../../proto/index.ts";
import type { RamNode } from "./node.ts";
import { NAMEMAX } from "./store.ts";

/** Linux's XATTR_SIZE_MAX and XATTR_LIST_MAX. */
const SIZEMAX = 65536;
const ATTRCOST = 192;

export class RamXattrs implements Xattrs {
  private readonly node: RamNode;
  private readonly map = new Map<string, Uint8Array>();
  private listed = 0;

  constructor(node: RamNode) {
    this.node = node;
  }

  get(name: string): Uint8Array {
    const value = this.map.get(name);
    if (value === undefined) throw new NineError(Enodata);
    return value;
  }

  list(): string[] {
    return [...this.map.keys()];
  }

  set(name: string, value: Uint8Array, flags: number, call: Call): void {
    mayChange(name, call);
    if (this.node.gone) throw new NineError(Eremoved, errno.ENOENT);
    const size = utf8Length(name);
    if (size > NAMEMAX) throw new NineError(Erange);
    if (value.length > SIZEMAX) throw new NineError("Argument list too long");
    const old = this.map.get(name);
    if (old !== undefined && flags & XATTR_CREATE) throw new NineError(Eexist);
    if (old === undefined && flags & XATTR_REPLACE) throw new NineError(Enodata);
    if (old === undefined && this.listed + size + 1 > SIZEMAX) throw new NineError(Efull);
    const cost = old === undefined ? attrCost(name, value) : value.length - old.length;
    this.node.store.take(cost);
    if (old === undefined) this.listed += size + 1;
    this.map.set(name, new Uint8Array(value));
    this.node.touched(call);
  }

  remove(name: string, call: Call): void {
    mayChange(name, call);
    const old = this.map.get(name);
    if (old === undefined) throw new NineError(Enodata);
    this.map.delete(name);
    this.listed -= utf8Length(name) + 1;
    this.node.store.give(attrCost(name, old));
    this.node.touched(call);
  }

  /** The file is gone: give back what is charged. */
  free(): void {
    for (const [name, value] of this.map) this.node.store.give(attrCost(name, value));
    this.map.clear();
    this.listed = 0;
  }
}

function attrCost(name: string, value: Uint8Array): number {
  return ATTRCOST + 2 * name.length + value.length;
}

/** Only names without a meaning to the system are kept: an access list that nobody enforces is refused. */
function mayChange(name: string, call: Call): void {
  if (name.startsWith("user.")) return;
  if (!name.startsWith("trusted.") && !name.startsWith("security.")) throw new NineError(Enotsup);
  if (call.uid !== 0) throw new NineError(Eperm, errno.EPERM);
}
