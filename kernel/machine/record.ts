/**
 * RecordEmit: meanings as the interpreter has them, with operands from the decoded record that local `pc`
 * points to. In the hot function flags are locals and the next record is dispatched there; elsewhere a
 * handler is a function of the record, which gives the next one, or 0 when something stops it.
 */
import { Emit } from "./emit.ts";
import { meaningOf } from "./forms.ts";
import type { Callee, Func, Label, Local } from "./func.ts";
import type { Handler } from "./handlers.ts";
import { BLOCK, CPU, CPU_BASE, JUMPS, JUMP_CACHE, READ_TLB, REC, RECORD, TLB_ENTRIES, WRITE_TLB } from "./layout.ts";
import { Stop, Trap } from "./trap.ts";
import { i32, i64, type I32, type I64 } from "./wasm.ts";

/** A translation the TLB does not have: low and high half of the address, size, 256 to write; 0: not to be had. */
export const SLOW: Callee<"i32"> = { name: "slow", params: ["i32", "i32", "i32"], result: "i32" };
/** A meaning that the host computes: its number, the record; 0 leaves the instruction. */
export const HOST: Callee<"i32"> = { name: "host", params: ["i32", "i32"], result: "i32" };

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
export class RecordEmit extends Emit {
  readonly cpu: number = CPU_BASE;
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
export function emit(e: RecordEmit, h: Handler): void {
  const { form } = h;
  e.index = h.index;
  e.begin(form.size, form.kinds);
  meaningOf(form)(e);
  if (h.cc >= 0) {
    e.f.if(e.cond(h.cc), () => e.jump("taken"));
    e.jump("fall");
  } else if (!form.ends) e.next();
}

