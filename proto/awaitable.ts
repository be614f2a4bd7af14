/**
 * Awaitable: a value that is there, or will be. Whoever handles one goes on at once when it is
 * there: a server that answers at once is answered without a promise. Invariant: nothing here makes
 * a promise unless it was given one. Used by srv, by servers whose calls may wait, by the client and
 * by the kernel's calls.
 */
import { Eintr, NineError } from "./errors.ts";

export type Awaitable<T> = T | Promise<T>;

/** Continue with a value now, or later when it is a promise. Not named `then`: a module that exports that is taken for a promise. */
export function after<T, R>(v: Awaitable<T>, f: (v: T) => Awaitable<R>): Awaitable<R> {
  return v instanceof Promise ? v.then(f) : f(v);
}

/** f(), or what `failed` makes of its error. */
export function attempt<T>(f: () => Awaitable<T>, failed: (e: unknown) => Awaitable<T>): Awaitable<T> {
  try {
    const r = f();
    return r instanceof Promise ? r.catch(failed) : r;
  } catch (e) {
    return failed(e);
  }
}

/** f(), and `done` once that has come to its end, however it did. */
export function lastly<T>(f: () => Awaitable<T>, done: () => void): Awaitable<T> {
  let r: Awaitable<T>;
  try {
    r = f();
  } catch (e) {
    done();
    throw e;
  }
  if (r instanceof Promise) return r.finally(done);
  done();
  return r;
}

/** As a promise, for who wants one: settled at once if the value is there; what f throws rejects it. */
export async function promised<T>(f: () => Awaitable<T>): Promise<T> {
  return f();
}

/** What p settles with, or Eintr when the signal comes first; p then goes on, and nobody is told of its end. */
export function unless<T>(signal: AbortSignal, p: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new NineError(Eintr));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    p.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** For what nobody waits for: a failure has nobody to be told to. */
export function quietly(a: Awaitable<unknown>): void {
  if (a instanceof Promise) a.catch(() => undefined);
}

/** What takes several steps, with try and finally between them: a generator that yields the promises it waits for. */
export type Steps<T> = Generator<Promise<unknown>, T>;

/**
 * Runs the steps: to the end at once if nothing in them is a promise. Made of a generator function that
 * is there already, such as a method: one written in the call is a new function each time, which costs
 * forty times what running it does.
 * @example steps(() => this.copying(from, to))
 */
export function steps<T>(f: () => Steps<T>): Awaitable<T> {
  const s = f();
  const r = s.next();
  return r.done ? r.value : rest(s, r.value);
}

/** A step: its value, once it is there. */
export function* got<T>(a: Awaitable<T>): Steps<T> {
  return a instanceof Promise ? ((yield a) as T) : a;
}

async function rest<T>(s: Steps<T>, first: Promise<unknown>): Promise<T> {
  for (let wait = first; ; ) {
    const { failed, value } = await wait.then((v) => ({ failed: false, value: v }), (e: unknown) => ({ failed: true, value: e }));
    const r = failed ? s.throw(value) : s.next(value);
    if (r.done) return r.value;
    wait = r.value;
  }
}
