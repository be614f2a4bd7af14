/**
 * Code: the interpreter in WebAssembly, two levels: one function with a br_table of the hottest handlers
 * (hot.ts), and around it a driver that calls every other handler through a table; a call_indirect inside
 * the hot function would cost it 12 %, and beyond about 330 handlers V8 allocates its registers worse.
 * Here the code is emitted from the semantic table when it is wanted. In the package another file stands
 * in this one's place, which has the same bytes as text and knows no meanings (packed.ts): emitting takes
 * 50 ms, unpacking 2.
 */
import "./sem/all.ts";
import type { Callee, Func, Label, Local } from "./func.ts";
import type { Handler, Handlers } from "./handlers.ts";
import { CPU, CPU_BASE, REC } from "./layout.ts";
import { Module, NEED } from "./module.ts";
import { emit, HOST, RecordEmit, SLOW } from "./record.ts";
import { i32, i64, type I32 } from "./wasm.ts";

/** Slots of the table behind those of handlers: functions that modules share. */
export const SHARED = 128;

/** Modules that import env.memory, env.table (a slot for each handler, then SHARED), env.slow, env.host and env.need. */
export interface Code {
  /** Exports `run`, from a record on until something stops it, and `step`, one record by a handler: the next one or 0. */
  hot(): Uint8Array<ArrayBuffer>;
  /** Puts a handler outside the hot function into its slot, and others with it: their numbers. */
  cold(id: number): { readonly bytes: Uint8Array<ArrayBuffer>; readonly ids: readonly number[] };
  /** Puts a shared function into its slot. */
  shared(slot: number): Uint8Array<ArrayBuffer>;
}

const COLD: Omit<Callee<"i32">, "name" | "write"> = { params: ["i32"], result: "i32" };

/** The code of one machine, as it is wanted. A program meets 20 to 40 cold handlers, which come one by one. */
export class Emitted implements Code {
  private readonly handlers: Handlers;
  /** Whether all shared functions that are known begin in the hot module; otherwise each where it is first called. */
  private readonly whole: boolean;
  /** The shared functions in the order of their slots. */
  readonly callees: Callee[] = [];

  constructor(handlers: Handlers, whole = false) {
    this.handlers = handlers;
    this.whole = whole;
  }

  hot(): Uint8Array<ArrayBuffer> {
    const { handlers } = this;
    const m = this.module();
    if (this.whole) this.callees.forEach((callee, k) => m.stub(callee, handlers.all.length + k));
    const hot: Callee<"i32"> = { ...COLD, name: "hot", write: (f) => writeHot(f, handlers.all.slice(0, handlers.hot)) };
    const type = m.type(["i32"], "i32");
    const handler = (pc: I32): I32 => i32.load16U(pc, REC.handler);
    const run: Callee<"void"> = {
      name: "run", params: ["i32"], result: "void",
      write(f) {
        const pc = f.param(0, "i32");
        f.loop((again) => {
          f.set(pc, f.call(hot, pc.get));
          f.if(i32.eqz(pc.get), () => f.return());
          f.set(pc, f.callIndirect(type, "i32", handler(pc.get), pc.get));
          f.brIf(again, pc.get);
        });
      },
    };
    const step: Callee<"i32"> = {
      name: "step", params: ["i32", "i32"], result: "i32",
      write(f) {
        f.return(f.callIndirect(type, "i32", f.param(1, "i32").get, f.param(0, "i32").get));
        f.unreachable();
      },
    };
    m.export("run", m.add(run));
    m.export("step", m.add(step));
    return m.finish();
  }

  cold(id: number): { bytes: Uint8Array<ArrayBuffer>; ids: number[] } {
    return { bytes: this.together([id]), ids: [id] };
  }

  /** The module of some handlers outside the hot function. */
  together(ids: readonly number[]): Uint8Array<ArrayBuffer> {
    const m = this.module();
    for (const id of ids) {
      const h = this.handlers.all[id] as Handler;
      const body = (f: Func): void => {
        emit(new RecordEmit(f, f.param(0, "i32")), h);
        f.unreachable();
      };
      m.element(id, m.add({ ...COLD, name: h.form.key, write: body }));
    }
    return m.finish();
  }

  shared(slot: number): Uint8Array<ArrayBuffer> {
    const m = this.module();
    m.element(slot, m.add(this.callees[slot - this.handlers.all.length] as Callee));
    return m.finish();
  }

  private module(): Module {
    const first = this.handlers.all.length;
    return new Module(first + SHARED, [SLOW, HOST, NEED], (callee) => {
      const known = this.callees.indexOf(callee);
      const k = known < 0 ? this.callees.push(callee) - 1 : known;
      if (k >= SHARED) throw new Error("too many shared functions");
      return { slot: first + k, first: known < 0 && !this.whole };
    });
  }
}

/** The code of a machine. */
export function newCode(handlers: Handlers): Code {
  return new Emitted(handlers);
}

/** The loop over the hot handlers: gives the record of one it does not have, or 0. */
function writeHot(f: Func, handlers: readonly Handler[]): void {
  const pc = f.param(0, "i32");
  const flags: Record<string, Local<"i64">> = {};
  const slots = ["x", "y", "z", "r", "s"] as const;
  for (const which of slots) {
    const local = (flags[which] = f.local("i64"));
    f.set(local, i64.load(i32.const(0), CPU_BASE + CPU[which]));
  }
  f.keep();
  const spill = (): void => {
    for (const which of slots) f.put(i64.store(i32.const(0), (flags[which] as Local<"i64">).get, CPU_BASE + CPU[which]));
  };
  f.block((leave) => {
    f.loop((dispatch) => {
      const e = new RecordEmit(f, pc, { flags, dispatch, leave });
      f.block((other) => {
        const labels: Label[] = [];
        const nest = (k: number): void => {
          if (k < 0) return f.brTable(i32.load16U(pc.get, REC.handler), labels, other);
          f.block((label) => {
            labels[k] = label;
            nest(k - 1);
          });
          emit(e, handlers[k] as Handler);
          f.release();
        };
        nest(handlers.length - 1);
      });
      spill();
      f.return(pc.get);
    });
  });
  spill();
  f.put(i32.store(i32.const(0), pc.get, CPU_BASE + CPU.pc));
  f.return(i32.const(0));
  f.unreachable();
}
