/**
 * Compound: && and ||, matching, switch and the loops of rc(1). Each is run at once for as long as nothing in it
 * waits, and goes on as a promise from where something did. Invariant: a loop that makes no call rests
 * when it is due. For eval.ts, whose part it is.
 */
import type { Case, Cmd, Word } from "./ast.ts";
import { RcError } from "./error.ts";
import type { Shell } from "./eval.ts";
import { matchesAny } from "./glob.ts";
import type { Local } from "./vars.ts";
import { expandAll, joined, type Later, literal, words } from "./word.ts";

type Chain = Cmd & { readonly kind: "and" | "or" };
type For = Cmd & { readonly kind: "for" };
type Switch = Cmd & { readonly kind: "switch" };

/** a && b || c ..., from left to right: however many, they cost no stack. */
export function chain(sh: Shell, cmd: Chain, checked: boolean): Later<void> {
  const links: Chain[] = [];
  let first: Cmd = cmd;
  for (; first.kind === "and" || first.kind === "or"; first = first.left) links.push(first);
  const p = sh.run(first, false);
  return p ? linksRest(sh, links, p, checked) : linksFrom(sh, links, checked);
}

/** Runs the links from the last one of the array on. */
function linksFrom(sh: Shell, links: Chain[], checked: boolean): Later<void> {
  for (let link = links.pop(); link; link = links.pop()) {
    if (sh.isTrue !== (link.kind === "and")) continue;
    const p = sh.run(link.right, checked && links.length === 0);
    if (p) return links.length > 0 ? linksRest(sh, links, p, checked) : p;
  }
  return undefined;
}

async function linksRest(sh: Shell, links: Chain[], first: Promise<void>, checked: boolean): Promise<void> {
  await first;
  for (let link = links.pop(); link; link = links.pop()) {
    if (sh.isTrue !== (link.kind === "and")) continue;
    const p = sh.run(link.right, checked && links.length === 0);
    if (p) await p;
  }
}

/** ~ subject pattern ... */
export function matches(sh: Shell, subject: Word, patterns: readonly Word[], checked: boolean): Later<void> {
  const text = joined(sh, subject);
  if (typeof text !== "string") return text.then(async (ready) => decide(sh, ready, await expandAll(sh, patterns), checked));
  const list = expandAll(sh, patterns);
  return list instanceof Promise ? list.then((ready) => decide(sh, text, ready, checked)) : decide(sh, text, list, checked);
}

function decide(sh: Shell, text: string, patterns: readonly string[], checked: boolean): void {
  sh.setStatus(matchesAny(text, patterns) ? "" : "no match");
  sh.check(checked);
}

/** switch(subject){case pattern ...} */
export function switchCase(sh: Shell, cmd: Switch, checked: boolean): Later<void> {
  const mark = sh.held.length;
  const { fds } = sh;
  const subject = joined(sh, cmd.subject);
  const p = typeof subject === "string" ? firstCase(sh, cmd.cases, 0, subject, checked) : subject.then((text) => firstCase(sh, cmd.cases, 0, text, checked));
  return p?.finally(() => sh.held.length > mark ? sh.release(mark, fds) : undefined);
}

/** The body of the first case from `at` on that matches. */
function firstCase(sh: Shell, cases: readonly Case[], at: number, subject: string, checked: boolean): Later<void> {
  for (let i = at; i < cases.length; i++) {
    const { patterns, body } = cases[i]!;
    const list = expandAll(sh, patterns);
    if (list instanceof Promise) {
      return list.then((ready) => matchesAny(subject, ready) ? sh.run(body, checked) : firstCase(sh, cases, i + 1, subject, checked));
    }
    if (matchesAny(subject, list)) return sh.run(body, checked);
  }
  return undefined;
}

/** while(cond) body */
export function whileLoop(sh: Shell, cond: Cmd, body: Cmd, checked: boolean): Later<void> {
  for (;;) {
    if (cond.kind === "nil") sh.setStatus("");
    const test = sh.run(cond, false);
    if (test) return whileRest(sh, cond, body, checked, test, true);
    if (!sh.isTrue) return undefined;
    const p = sh.run(body, checked);
    if (p || sh.due()) return whileRest(sh, cond, body, checked, p ?? sh.rest(), false);
  }
}

/** The rounds of a `while` that has to wait, first for its condition or for a body. */
async function whileRest(sh: Shell, cond: Cmd, body: Cmd, checked: boolean, first: Promise<void>, tested: boolean): Promise<void> {
  await first;
  for (let known = tested; ; known = false) {
    if (!known) {
      if (cond.kind === "nil") sh.setStatus("");
      const test = sh.run(cond, false);
      if (test) await test;
    }
    if (!sh.isTrue) return;
    const p = sh.run(body, checked);
    if (p) await p;
    if (sh.due()) await sh.rest();
  }
}

/** for(name in words) body */
export function forLoop(sh: Shell, cmd: For, checked: boolean): Later<void> {
  const mark = sh.vars.mark();
  const { length } = sh.held;
  const { fds } = sh;
  let p: Later<void>;
  try {
    const name = literal(sh, [cmd.name]);
    p = name instanceof Promise ? name.then((known) => forWords(sh, known, cmd, checked)) : forWords(sh, name, cmd, checked);
  } catch (e) {
    sh.vars.restore(mark);
    throw e;
  }
  if (!p) {
    sh.vars.restore(mark);
    return undefined;
  }
  return p.finally(() => {
    sh.vars.restore(mark);
    return sh.release(length, fds);
  });
}

function forWords(sh: Shell, name: readonly string[], cmd: For, checked: boolean): Later<void> {
  if (name.length !== 1) throw new RcError("variable name must be singleton");
  const list = cmd.words ? words(sh, cmd.words) : sh.vars.get("*");
  const over = (ready: readonly string[]): Later<void> => rounds(sh, sh.vars.push(name[0]!, []), ready, 0, cmd.body, checked);
  return list instanceof Promise ? list.then(over) : over(list);
}

function rounds(sh: Shell, local: Local, list: readonly string[], at: number, body: Cmd, checked: boolean): Later<void> {
  for (let i = at; i < list.length; i++) {
    sh.vars.change(local, [list[i]!]);
    const p = sh.run(body, checked);
    if (p || sh.due()) return roundsRest(sh, local, list, i + 1, body, checked, p ?? sh.rest());
  }
  return undefined;
}

/** The rounds of a `for` that has to wait. */
async function roundsRest(sh: Shell, local: Local, list: readonly string[], at: number, body: Cmd, checked: boolean, first: Promise<void>): Promise<void> {
  await first;
  for (let i = at; i < list.length; i++) {
    sh.vars.change(local, [list[i]!]);
    const p = sh.run(body, checked);
    if (p) await p;
    if (sh.due()) await sh.rest();
  }
}
