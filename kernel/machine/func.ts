/**
 * Func: the body of one WebAssembly function while it is written: locals, statements, control flow.
 * Invariant: what is put is in the body, in that order; labels stay right however deep they are used.
 * Locals taken with `let` and `local` come from a pool that `release` gives back, so that many
 * instructions share one body (interp.ts).
 */
import { TYPE, expr, leb, type Expr, type I32, type Ty, type Void } from "./wasm.ts";

/** A variable of the body. */
export interface Local<T extends Ty> {
  readonly index: number;
  readonly ty: T;
  /** Its value, where this is put. */
  readonly get: Expr<T>;
  /** The bytes of local.set. */
  readonly put: readonly number[];
}

const variables = new Map<string, Local<Ty>>();
function variable<T extends Ty>(index: number, ty: T): Local<T> {
  const key = ty + index;
  let local = variables.get(key);
  if (!local) variables.set(key, (local = { index, ty, get: expr(ty, [0x20].concat(leb(index))), put: [0x21].concat(leb(index)) }));
  return local as Local<T>;
}

/** A place that `br` can go to: the end of a block, the head of a loop. */
export interface Label {
  readonly depth: number;
}

export class Func {
  private bytes = new Uint8Array(256);
  private length = 0;
  private depth = 0;
  private readonly types: Ty[] = [];
  /** Free locals by type, in the order they were made. */
  private readonly pool: Record<Ty, number[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  private readonly used: Local<Ty>[] = [];
  readonly params: readonly Ty[];
  readonly result: Ty | undefined;
  /** Code of a call from the module being written; set by it. */
  readonly link: (callee: Callee) => readonly number[];

  constructor(params: readonly Ty[], result: Ty | undefined, link: (callee: Callee) => readonly number[]) {
    this.params = params;
    this.result = result;
    this.link = link;
  }

  /** The k-th parameter. */
  param<T extends Ty>(k: number, ty: T): Local<T> {
    return variable(k, ty);
  }

  /** A variable that is nobody else's until `release`. */
  local<T extends Ty>(ty: T): Local<T> {
    const index = this.pool[ty].shift() ?? this.params.length + this.types.push(ty) - 1;
    const local = variable(index, ty);
    this.used.push(local);
    return local;
  }

  /** Gives back the locals taken since; those kept for good are taken before `keep`. */
  release(): void {
    for (const local of this.used.splice(0)) this.pool[local.ty].push(local.index);
    for (const free of Object.values(this.pool)) free.sort((a, b) => a - b);
  }

  /** Locals taken until now are never given back. */
  keep(): void {
    this.used.length = 0;
  }

  /** Computes now; what it gives can be used many times. */
  let<T extends Ty>(value: Expr<T>): Expr<T> {
    const local = this.local(value.ty);
    this.set(local, value);
    return local.get;
  }

  set<T extends Ty>(local: Local<T>, value: Expr<T>): void {
    this.emit(value);
    this.raw(local.put);
  }

  put(statement: Void): void {
    this.emit(statement);
  }

  if(cond: I32, then: () => void, otherwise?: () => void): void {
    this.emit(cond);
    this.raw([0x04, 0x40]);
    this.depth++;
    then();
    if (otherwise) {
      this.raw([0x05]);
      otherwise();
    }
    this.end();
  }

  block(body: (leave: Label) => void): void {
    this.open(0x02, body);
  }

  loop(body: (again: Label) => void): void {
    this.open(0x03, body);
  }

  br(label: Label): void {
    this.raw([0x0c].concat(leb(this.depth - label.depth)));
  }

  brIf(label: Label, cond: I32): void {
    this.emit(cond);
    this.raw([0x0d].concat(leb(this.depth - label.depth)));
  }

  /** Goes to labels[index], or to `otherwise`. */
  brTable(index: I32, labels: readonly Label[], otherwise: Label): void {
    this.emit(index);
    this.raw([0x0e, ...leb(labels.length), ...[...labels, otherwise].flatMap((l) => leb(this.depth - l.depth))]);
  }

  return(value?: Expr<Ty>): void {
    if (value) this.emit(value);
    this.raw([0x0f]);
  }

  unreachable(): void {
    this.raw([0x00]);
  }

  /** A call as an expression. */
  call<R extends Ty | "void">(callee: Callee<R>, ...args: Expr<Ty>[]): Expr<R> {
    return expr(callee.result, ...args, this.link(callee));
  }

  /** A call through table 0 of a function of the type of `like`. */
  callIndirect<R extends Ty | "void">(type: number, result: R, index: I32, ...args: Expr<Ty>[]): Expr<R> {
    return expr(result, ...args, index, [0x11, ...leb(type), 0]);
  }

  /** The finished body with its locals, as the code section has it. */
  body(): Uint8Array {
    const runs: number[] = [];
    let count = 0;
    for (let k = 0; k < this.types.length; ) {
      const ty = this.types[k] as Ty;
      let n = 0;
      for (; this.types[k] === ty; k++) n++;
      runs.push(...leb(n), TYPE[ty]);
      count++;
    }
    const head = [...leb(count), ...runs];
    const out = new Uint8Array(head.length + this.length + 1);
    out.set(head);
    out.set(this.bytes.subarray(0, this.length), head.length);
    out[out.length - 1] = 0x0b;
    return out;
  }

  private open(op: number, body: (label: Label) => void): void {
    this.raw([op, 0x40]);
    body({ depth: ++this.depth });
    this.end();
  }

  private end(): void {
    this.raw([0x0b]);
    this.depth--;
  }

  private emit(e: Expr<Ty | "void">): void {
    const { parts } = e;
    for (let k = 0; k < parts.length; k++) {
      const part = parts[k] as (typeof parts)[number];
      if (Array.isArray(part)) this.raw(part as readonly number[]);
      else this.emit(part as Expr<Ty | "void">);
    }
  }

  private raw(bytes: readonly number[]): void {
    if (this.length + bytes.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + bytes.length));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    for (let k = 0; k < bytes.length; k++) this.bytes[this.length++] = bytes[k] as number;
  }
}

/** Something a body can call: a helper written here, or a function of the host. */
export interface Callee<R extends Ty | "void" = Ty | "void"> {
  readonly name: string;
  readonly params: readonly Ty[];
  readonly result: R;
  /** Writes the body; absent for what the host gives. */
  readonly write?: (f: Func) => void;
  /** Compiled when first called, once for all modules: for what is long and seldom needed. It has a result. */
  readonly shared?: true;
}
