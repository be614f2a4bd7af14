/**
 * The interpreter, emitted from the semantic table in two levels: one function with a br_table of the
 * hottest handlers (hot.ts), and around it a driver that calls every other handler through a table; a
 * call_indirect inside the hot function would cost it 12 %, and beyond about 330 handlers V8 allocates its
 * registers worse. A handler outside the hot function is compiled when it is first met, in a module of its own:
 * a program meets 20 to 40 of them.
 */
import { Emit } from "./emit.ts";
import { Func, type Callee, type Label, type Local } from "./func.ts";
import { allForms, formNamed, type Form } from "./forms.ts";
import { HOT } from "./hot.ts";
import { BLOCK, CPU, CPU_BASE, JUMPS, JUMP_CACHE, READ_TLB, REC, RECORD, TLB_ENTRIES, WRITE_TLB } from "./layout.ts";
import { Module, NEED } from "./module.ts";
import { CC } from "./rows.ts";
import { Stop, Trap } from "./trap.ts";
import { i32, i64, type I32, type I64 } from "./wasm.ts";

/** A translation the TLB does not have: low and high half of the address, size, 256 to write; 0: not to be had. */
export const SLOW: Callee<"i32"> = { name: "slow", params: ["i32", "i32", "i32"], result: "i32" };
/** A meaning that the host computes: its number, the record; 0 leaves the instruction. */
export const HOST: Callee<"i32"> = { name: "host", params: ["i32", "i32"], result: "i32" };

/** One address form of a form, or a form fused with the jump behind it. */
export interface Handler {
  readonly id: number;
  readonly form: Form;
  /** Handlers of hot.ts with memory know whether there is an index; others take both kinds. */
  readonly index: boolean;
  /** The condition of the fused jump, or -1. */
  readonly cc: number;
}

/** Slots for shared functions. */
const SHARED = 128;

const write = { false: READ_TLB, true: WRITE_TLB };

/** The TLB's place of an address, or what `slow` says. */
const probe = (size: number, writing: boolean): Callee<"i32"> => ({
  name: `probe${writing ? "w" : "r"}${size}`,
  params: ["i64"],
  result: "i32",
  write(f) {
    const place = f.local("i32");
    inlineProbe(f, f.param(0, "i64").get, size, writing, place);
    f.return(place.get);
    f.unreachable();
  },
});
const PROBES = new Map<string, Callee<"i32">>();

function inlineProbe(f: Func, va: I64, size: number, writing: boolean, place: Local<"i32">): void {
  const tlb = write[`${writing}`];
  const at = f.let(i32.and(i32.shrU(i32.wrap(va), i32.const(8)), i32.const((TLB_ENTRIES - 1) << 4)));
  const last = size > 1 ? i64.add(va, i64.const(size - 1)) : va;
  f.if(i64.ne(i64.load(at, tlb), i64.and(last, i64.const(-4096))), () => {
    f.set(place, f.call(SLOW, i32.wrap(va), i32.wrap(i64.shrU(va, i64.const(32))), i32.const(size | (writing ? 256 : 0))));
  }, () => f.set(place, i32.add(i32.load(at, tlb + 8), i32.wrap(va))));
}

/** Operands from the record that local `pc` points to. */
class RecordEmit extends Emit {
  readonly cpu = CPU_BASE;
  private readonly pc: Local<"i32">;
  /** In the hot function: its flags, the label of the next dispatch, that of leaving. */
  private readonly hot: { flags: Record<string, Local<"i64">>; dispatch: Label; leave: Label } | undefined;
  private readonly fields: I32[] = [];
  index = true;

  constructor(f: Func, pc: Local<"i32">, hot?: { flags: Record<string, Local<"i64">>; dispatch: Label; leave: Label }) {
    super(f);
    this.pc = pc;
    this.hot = hot;
  }

  override begin(size: number, kinds: string): void {
    super.begin(size, kinds);
    this.fields.length = 0;
  }

  field(k: number): I32 {
    return (this.fields[k] ??= this.f.let(i32.load8U(this.pc.get, k === 0 ? REC.d : REC.s)));
  }

  imm(): I64 {
    return i64.load32S(this.pc.get, REC.imm);
  }

  imm64(): I64 {
    return i64.load(this.pc.get, REC.disp);
  }

  address(): I64 {
    const slot = (field: number): I64 => i64.load(i32.load8U(this.pc.get, field), CPU_BASE);
    const base = slot(REC.base);
    const at = this.index ? i64.add(base, i64.shl(slot(REC.index), i64.load8U(this.pc.get, REC.scale))) : base;
    return i64.add(at, i64.load32S(this.pc.get, REC.disp));
  }

  flag(which: "x" | "y" | "z" | "r" | "s"): I64 {
    const local = this.hot?.flags[which];
    return local ? local.get : i64.load(i32.const(0), CPU_BASE + CPU[which]);
  }

  protected setFlag(which: "x" | "y" | "z" | "r" | "s", value: I64): void {
    const local = this.hot?.flags[which];
    if (local) this.f.set(local, value);
    else this.f.put(i64.store(i32.const(0), value, CPU_BASE + CPU[which]));
  }

  protected translate(va: I64, size: number, writing: boolean): I32 {
    const { f } = this;
    const place = f.local("i32");
    if (this.hot) {
      inlineProbe(f, va, size, writing, place);
      f.brIf(this.hot.leave, i32.eqz(place.get));
    } else {
      const key = `${writing}${size}`;
      let callee = PROBES.get(key);
      if (!callee) PROBES.set(key, (callee = probe(size, writing)));
      f.set(place, f.call(callee, va));
      this.leaveUnless(place.get);
    }
    return place.get;
  }

  protected leave(): void {
    if (this.hot) this.f.br(this.hot.leave);
    else {
      this.setState(CPU.pc, this.pc.get);
      this.f.return(i32.const(0));
    }
  }

  host(what: number): void {
    if (this.hot) throw new Error("the host's meanings are no hot handlers");
    this.leaveUnless(this.f.call(HOST, i32.const(what), this.pc.get));
  }

  baseIs(n: number): I32 {
    return i32.eq(i32.load8U(this.pc.get, REC.base), i32.const(n * 8));
  }

  segmentBase(): I64 {
    return i64.load(i32.load8U(this.pc.get, REC.base), CPU_BASE);
  }

  targetRip(): I64 {
    return i64.load(this.pc.get, REC.target);
  }

  nextRip(): I64 {
    return i64.load(this.pc.get, REC.next);
  }

  jump(where: "taken" | "fall"): void {
    const { f } = this;
    const to = f.let(i32.load(this.pc.get, where === "taken" ? REC.taken : REC.fall));
    f.if(i32.eqz(to), () => this.trap(where === "taken" ? Stop.Taken : Stop.Fall));
    this.enter(to);
  }

  jumpTo(rip: I64): void {
    const { f } = this;
    const to = f.let(rip);
    const at = f.let(i32.shl(i32.and(i32.wrap(to), i32.const(JUMPS - 1)), i32.const(4)));
    f.if(i64.ne(i64.load(at, JUMP_CACHE), to), () => {
      f.put(i64.store(i32.const(0), to, CPU_BASE + CPU.rip));
      this.trap(Stop.Lookup);
    });
    this.enter(f.let(i32.load(at, JUMP_CACHE + 8)));
  }

  again(done: I32): void {
    const { f } = this;
    const left = f.let(i32.sub(this.state(CPU.budget), done));
    this.setState(CPU.budget, left);
    f.if(i32.ltS(left, i32.const(0)), () => this.trap(Stop.Partial));
    this.go(this.pc.get);
  }

  /** Goes on with the next record. */
  next(): void {
    this.go(i32.add(this.pc.get, i32.const(RECORD)));
  }

  /** Charges a block and begins it. */
  private enter(block: I32): void {
    const { f } = this;
    const left = f.let(i32.sub(this.state(CPU.budget), i32.load16U(block, BLOCK.count)));
    const heat = f.let(i32.sub(i32.load(block, BLOCK.heat), i32.const(1)));
    this.setState(CPU.budget, left);
    f.put(i32.store(block, heat, BLOCK.heat));
    f.set(this.pc, i32.add(block, i32.const(BLOCK.records)));
    f.if(i32.ltS(i32.or(left, heat), i32.const(0)), () => this.trap(Trap.Budget));
    this.go(this.pc.get);
  }

  private go(pc: I32): void {
    if (!this.hot) return this.f.return(pc);
    this.f.set(this.pc, pc);
    this.f.br(this.hot.dispatch);
  }
}

/** Writes a handler's whole code. */
function emit(e: RecordEmit, h: Handler): void {
  const { form } = h;
  e.index = h.index;
  e.begin(form.size, form.kinds);
  form.write(e);
  if (h.cc >= 0) {
    e.f.if(e.cond(h.cc), () => e.jump("taken"));
    e.jump("fall");
  } else if (!form.ends) e.next();
}

const COLD: Omit<Callee<"i32">, "name" | "write"> = { params: ["i32"], result: "i32" };

/** Numbers of all handlers, and their code. */
export class Interp {
  readonly handlers: Handler[] = [];
  /** How many of them, the first, are in the hot function. */
  readonly hot: number;
  private readonly byKey = new Map<string, Handler>();
  private readonly loaded = new Set<number>();
  /** Functions that modules share; their slots are behind the handlers'. */
  private readonly shared: Callee[] = [];
  private readonly pages: number;
  private readonly env: WebAssembly.ModuleImports;
  /** Executes from a record on, until something stops it. */
  readonly run: (pc: number) => void;
  /** Executes one record by a handler of the table: the next record, or 0. */
  readonly step: (pc: number, id: number) => number;

  constructor(memory: WebAssembly.Memory, pages: number, slow: (lo: number, hi: number, what: number) => number, host: (what: number, pc: number) => number) {
    for (const key of HOT) {
      const [, name = "", index, cc] = /^(.*?)(?: \[(b|x)\])?(?: j(\w+))?$/.exec(key) ?? [];
      const form = formNamed(name);
      if (!form) throw new Error(`${key} has no meaning`);
      this.add(key, form, index !== "b", cc === undefined ? -1 : CC.indexOf(cc));
    }
    this.hot = this.handlers.length;
    for (const form of allForms()) this.add(form.key + (form.kinds.includes("m") || form.meaning === "lea" ? " [cold]" : this.byKey.has(form.key) ? " [cold]" : ""), form, true, -1);
    this.pages = pages;
    this.env = { memory, table: new WebAssembly.Table({ element: "anyfunc", initial: this.handlers.length + SHARED }), slow, host, need: (slot: number) => this.need(slot) };
    const { run, step } = this.instantiate(this.hotModule());
    this.run = run as (pc: number) => void;
    this.step = step as (pc: number, id: number) => number;
  }

  /** The handler of a form: the best there is for this address; compiled if need be. */
  handler(form: Form, index: boolean): Handler {
    const memory = form.kinds.includes("m");
    const h = (memory ? (index ? undefined : this.byKey.get(`${form.key} [b]`)) ?? this.byKey.get(`${form.key} [x]`) : this.byKey.get(form.key)) ?? this.cold(form);
    this.load(h);
    return h;
  }

  /** The handler of the form in the table. */
  cold(form: Form): Handler {
    const h = this.byKey.get(`${form.key} [cold]`) ?? this.byKey.get(form.key);
    if (!h) throw new Error(`no handler for ${form.key}`);
    this.load(h);
    return h;
  }

  /** The handler of a comparison and the jump behind it, if there is one. */
  fused(form: Form, index: boolean, cc: number): Handler | undefined {
    const jump = `j${CC[cc]}`;
    return form.kinds.includes("m") ? (index ? undefined : this.byKey.get(`${form.key} [b] ${jump}`)) ?? this.byKey.get(`${form.key} [x] ${jump}`) : this.byKey.get(`${form.key} ${jump}`);
  }

  private add(key: string, form: Form, index: boolean, cc: number): void {
    const h: Handler = { id: this.handlers.length, form, index, cc };
    this.handlers.push(h);
    this.byKey.set(key, h);
  }

  private module(): Module {
    return new Module(this.pages, this.handlers.length + SHARED, [SLOW, HOST, NEED], (callee) => {
      const known = this.shared.indexOf(callee);
      const slot = this.handlers.length + (known < 0 ? this.shared.push(callee) - 1 : known);
      if (slot >= this.handlers.length + SHARED) throw new Error("too many shared functions");
      return { slot, first: known < 0 };
    });
  }

  /** Compiles the shared function of a slot. */
  private need(slot: number): void {
    const m = this.module();
    m.element(slot, m.add(this.shared[slot - this.handlers.length] as Callee));
    this.instantiate(m);
  }

  private instantiate(m: Module): WebAssembly.Exports {
    return new WebAssembly.Instance(new WebAssembly.Module(m.finish()), { env: this.env }).exports;
  }

  /** Compiles handlers of the table that are not there yet. */
  private load(...handlers: readonly Handler[]): void {
    const missing = handlers.filter((h) => h.id >= this.hot && !this.loaded.has(h.id));
    if (missing.length === 0) return;
    const m = this.module();
    for (const h of missing) {
      this.loaded.add(h.id);
      const body = (f: Func): void => {
        emit(new RecordEmit(f, f.param(0, "i32")), h);
        f.unreachable();
      };
      m.element(h.id, m.add({ ...COLD, name: h.form.key, write: body }));
    }
    this.instantiate(m);
  }

  private hotModule(): Module {
    const m = this.module();
    const hot: Callee<"i32"> = { ...COLD, name: "hot", write: (f) => this.writeHot(f) };
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
    return m;
  }

  /** The loop over the hot handlers: gives the record of one it does not have, or 0. */
  private writeHot(f: Func): void {
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
    const handlers = this.handlers.slice(0, this.hot);
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
    this.writeLeave(f, pc, spill);
  }

  private writeLeave(f: Func, pc: Local<"i32">, spill: () => void): void {
    spill();
    f.put(i32.store(i32.const(0), pc.get, CPU_BASE + CPU.pc));
    f.return(i32.const(0));
    f.unreachable();
  }
}
