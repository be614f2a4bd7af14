/**
 * Interp: the interpreter's modules as they are instantiated: the hot function at once, other handlers
 * when somebody asks for one. Invariant: what `of` and `cold` give has its code in the table.
 */
import { type Code, newCode, SHARED } from "./code.ts";
import type { Form } from "./forms.ts";
import { Handlers, type Handler } from "./handlers.ts";

export class Interp {
  readonly handlers: Handlers = new Handlers();
  private readonly loaded: Uint8Array = new Uint8Array(this.handlers.all.length);
  private readonly code: Code = newCode(this.handlers);
  private readonly env: WebAssembly.ModuleImports;
  /** Executes from a record on, until something stops it. */
  readonly run: (pc: number) => void;
  /** Executes one record by a handler of the table: the next record, or 0. */
  readonly step: (pc: number, id: number) => number;

  /** What the code imports: see SLOW and HOST in record.ts, NEED in module.ts. */
  constructor(memory: WebAssembly.Memory, slow: (lo: number, hi: number, what: number) => number, host: (what: number, pc: number) => number) {
    this.env = { memory, table: new WebAssembly.Table({ element: "anyfunc", initial: this.handlers.all.length + SHARED }), slow, host, need: (slot: number) => void this.instantiate(this.code.shared(slot)) };
    const { run, step } = this.instantiate(this.code.hot());
    this.run = run as (pc: number) => void;
    this.step = step as (pc: number, id: number) => number;
  }

  /** The handler of a form: the best there is for this address. */
  of(form: Form, index: boolean): Handler {
    return this.load(this.handlers.of(form, index));
  }

  /** The handler of the form in the table. */
  cold(form: Form): Handler {
    return this.load(this.handlers.cold(form));
  }

  private load(h: Handler): Handler {
    if (h.id < this.handlers.hot || this.loaded[h.id]) return h;
    const { bytes, ids } = this.code.cold(h.id);
    this.instantiate(bytes);
    for (const id of ids) this.loaded[id] = 1;
    return h;
  }

  private instantiate(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Exports {
    return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: this.env }).exports;
  }
}
