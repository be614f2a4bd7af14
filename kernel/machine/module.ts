/**
 * Module: one WebAssembly module while it is written. Helpers come in when somebody calls them, each
 * once, so that every module has what it needs and no more; shared ones are called through the table.
 * All modules of a machine import the same memory and the same table of handlers.
 */
import { Func, type Callee } from "./func.ts";
import { TYPE, i32, leb, type Expr, type Ty } from "./wasm.ts";

/** Asks the host to compile the shared function of a slot. */
export const NEED: Callee<"void"> = { name: "need", params: ["i32"], result: "void" };
/** Slot of the table of a shared function; `first`: nobody has called it yet. */
export type SlotOf = (callee: Callee) => { slot: number; first: boolean };

interface Entry {
  readonly type: number;
  body: Uint8Array | undefined;
}

export class Module {
  private readonly types: string[] = [];
  private readonly imports: { name: string; type: number }[] = [];
  private readonly funcs: Entry[] = [];
  private readonly exports: { name: string; index: number }[] = [];
  private readonly elements: { slot: number; index: number }[] = [];
  private readonly linked = new Map<Callee, readonly number[]>();
  private readonly waiting: (() => void)[] = [];
  private readonly slots: number;
  private readonly slotOf: SlotOf;

  /** What the host gives comes first: its functions have the lowest numbers. */
  constructor(slots: number, host: readonly Callee[], slotOf: SlotOf) {
    this.slots = slots;
    this.slotOf = slotOf;
    for (const callee of host) {
      this.linked.set(callee, [0x10, ...leb(this.imports.length)]);
      this.imports.push({ name: callee.name, type: this.type(callee.params, callee.result) });
    }
  }

  /** The number of a type of functions. */
  type(params: readonly Ty[], result: Ty | "void"): number {
    const results = result === "void" ? [] : [TYPE[result]];
    const key = [0x60, ...leb(params.length), ...params.map((t) => TYPE[t]), ...leb(results.length), ...results].join();
    const at = this.types.indexOf(key);
    return at >= 0 ? at : this.types.push(key) - 1;
  }

  /** Adds a function; gives its index. */
  add(callee: Callee): number {
    const entry: Entry = { type: this.type(callee.params, callee.result), body: undefined };
    const index = this.imports.length + this.funcs.push(entry) - 1;
    const write = callee.write;
    if (!write) throw new Error(`${callee.name}: no body`);
    this.waiting.push(() => {
      const f = new Func(callee.params, callee.result === "void" ? undefined : callee.result, (c) => this.link(c));
      write(f);
      entry.body = f.body();
    });
    return index;
  }

  export(name: string, index: number): void {
    this.exports.push({ name, index });
  }

  /** Puts a function into a slot of the table when the module is instantiated. */
  element(slot: number, index: number): void {
    this.elements.push({ slot, index });
  }

  /** The binary; imports are env.memory of any size, env.table and env.NAME for each function of the host. */
  finish(): Uint8Array<ArrayBuffer> {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) next();
    const env = [...text("env")];
    const chunks: ArrayLike<number>[] = [[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]];
    const section = (id: number, count: number, items: readonly ArrayLike<number>[]): void => {
      const n = leb(count);
      chunks.push([id, ...leb(items.reduce((sum, item) => sum + item.length, n.length))], n, ...items);
    };
    section(1, this.types.length, this.types.map((t) => t.split(",").map(Number)));
    section(2, this.imports.length + 2, [
      [...env, ...text("memory"), 2, 1, 1, ...leb(65536)],
      [...env, ...text("table"), 1, 0x70, 0, ...leb(this.slots)],
      ...this.imports.map((i) => [...env, ...text(i.name), 0, ...leb(i.type)]),
    ]);
    section(3, this.funcs.length, this.funcs.map((f) => leb(f.type)));
    section(7, this.exports.length, this.exports.map((e) => [...text(e.name), 0, ...leb(e.index)]));
    section(9, this.elements.length, this.elements.map((e) => [0, 0x41, ...sleb(e.slot), 0x0b, 1, ...leb(e.index)]));
    section(10, this.funcs.length, this.funcs.flatMap((f) => [leb((f.body as Uint8Array).length), f.body as Uint8Array]));
    const out = new Uint8Array(chunks.reduce((sum, c) => sum + c.length, 0));
    let at = 0;
    for (const c of chunks) {
      out.set(c, at);
      at += c.length;
    }
    return out;
  }

  /** Code of a call. */
  private link(callee: Callee): readonly number[] {
    const known = this.linked.get(callee);
    if (known !== undefined) return known;
    const call = callee.shared ? this.linkShared(callee) : [0x10, ...leb(this.add(callee))];
    this.linked.set(callee, call);
    return call;
  }

  /** Through the table. */
  private linkShared(callee: Callee): readonly number[] {
    const { slot, first } = this.slotOf(callee);
    if (first) this.stub(callee, slot);
    return [0x41, ...sleb(slot), 0x11, ...leb(this.type(callee.params, callee.result)), 0];
  }

  /** Until a shared function is compiled, one is in its slot that has that done and calls it again. */
  stub(callee: Callee, slot: number): void {
    const write = (f: Func): void => {
      f.put(f.call(NEED, i32.const(slot)));
      f.return(f.callIndirect(this.type(callee.params, callee.result), callee.result, i32.const(slot), ...callee.params.map((ty, k) => f.param(k, ty).get)) as Expr<Ty>);
      f.unreachable();
    };
    this.element(slot, this.add({ name: `${callee.name}?`, params: callee.params, result: callee.result, write }));
  }
}

const text = (s: string): number[] => [...leb(s.length), ...Array.from({ length: s.length }, (_, k) => s.charCodeAt(k))];

/** Signed LEB128 of a number that is not negative. */
const sleb = (n: number): number[] => {
  const out = leb(n);
  const top = out.at(-1) as number;
  return top & 64 ? [...out.slice(0, -1), top | 128, 0] : out;
};
