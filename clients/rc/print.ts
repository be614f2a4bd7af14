/**
 * Printing: a syntax tree, or a value, as rc input. Invariant: parsing what is printed gives the
 * same tree again but for the places of redirections, which rc prints in front of their command.
 * whatis, the environment's fn#name and rc -x use it.
 */
import type { Cmd, Pipe, Redir, Word } from "./ast.ts";
import type { Here } from "./lex.ts";

/** A string as one word of rc input. */
export function quote(s: string): string {
  return /^[^\n \t#;&|^$=`'{}()<>*?[]+$/.test(s) ? s : `'${s.replaceAll("'", "''")}'`;
}

/** A list as it can stand after `name=`. */
export function printValue(value: readonly string[]): string {
  return value.length === 1 ? quote(value[0]!) : `(${value.map(quote).join(" ")})`;
}

/** The definition of a function; the bodies of its here documents follow on lines of their own. */
export function printFn(name: string, body: Cmd): string {
  const heres: Here[] = [];
  const text = `fn ${quote(name)} {${print(body, heres)}}`;
  if (heres.length === 0) return text;
  return `${text}\n${heres.map((here) => `${here.body}${here.tag}\n`).join("")}`;
}

/** A command, on one line: without the bodies of its here documents. */
export function printCmd(cmd: Cmd): string {
  return print(cmd, []);
}

function print(cmd: Cmd, heres: Here[]): string {
  const sub = (c: Cmd): string => print(c, heres);
  const word = (w: Word): string => printWord(w, heres);
  const words = (list: readonly Word[]): string => list.map(word).join(" ");
  switch (cmd.kind) {
    case "nil": return "";
    case "simple": return words(cmd.words);
    case "list": return cmd.items.map(sub).join(";");
    case "async": return `${sub(cmd.cmd)}&`;
    case "brace": return `{${sub(cmd.body)}}`;
    case "subshell": return `@ ${sub(cmd.cmd)}`;
    case "bang": return `! ${sub(cmd.cmd)}`;
    case "and": return `${sub(cmd.left)} && ${sub(cmd.right)}`;
    case "or": return `${sub(cmd.left)} || ${sub(cmd.right)}`;
    case "pipe": return piped(operand(cmd.left, heres), cmd, sub(cmd.right));
    case "redir": return `${printRedirs(cmd.redirs, heres)}${sub(cmd.cmd)}`.trimEnd();
    case "assign": {
      const rest = sub(cmd.cmd);
      return `${word(cmd.name)}=${word(cmd.value)}${rest === "" ? "" : ` ${rest}`}`;
    }
    case "if": return `if(${sub(cmd.cond)})${sub(cmd.body)}`;
    case "ifnot": return `if not ${sub(cmd.body)}`;
    case "while": return `while (${sub(cmd.cond)})${sub(cmd.body)}`;
    case "for": return `for(${word(cmd.name)}${cmd.words ? ` in ${words(cmd.words)}` : ""})${sub(cmd.body)}`;
    case "switch": {
      const cases = cmd.cases.flatMap(({ patterns, body }) => [`case ${words(patterns)}`, sub(body)]);
      return `switch ${word(cmd.subject)} {${cases.filter((text) => text !== "").join(";")}}`;
    }
    case "match": return `~ ${word(cmd.subject)} ${words(cmd.patterns)}`;
    default: return `fn ${words(cmd.names)} ${cmd.body ? `{${sub(cmd.body)}}` : ""}`;
  }
}

/** To the left of a pipe a redirection in front would take in the whole pipeline: there it goes behind. */
function operand(cmd: Cmd, heres: Here[]): string {
  if (cmd.kind === "pipe") return piped(operand(cmd.left, heres), cmd, operand(cmd.right, heres));
  if (cmd.kind !== "redir") return print(cmd, heres);
  const inner = print(cmd.cmd, heres);
  const redirs = printRedirs(cmd.redirs, heres).trimEnd();
  if (cmd.cmd.kind === "simple") return `${inner} ${redirs}`;
  return cmd.cmd.kind === "brace" ? `${inner}${redirs}` : `{${redirs} ${inner}}`;
}

function piped(left: string, { out, into }: Pipe, right: string): string {
  const bar = into !== 0 ? `|[${out}=${into}]` : out !== 1 ? `|[${out}]` : "|";
  return apart(apart(left, bar), right);
}

/** Two texts that are no other token together: `|` before `|` or `[`, `>` before `[` or `>`. */
function apart(left: string, right: string): string {
  const [end, begin] = [left.at(-1), right[0]];
  const open = end === "<" || end === ">";
  const one = begin === "[" ? open || end === "|" : begin === "|" ? end === "|" : open && (begin === "<" || begin === ">");
  return one ? `${left} ${right}` : left + right;
}

function printRedirs(redirs: readonly Redir[], heres: Here[]): string {
  return redirs.map((r) => {
    if (r.kind === "dup") return `>[${r.to}=${r.from ?? ""}]`;
    if (r.kind === "here") {
      heres.push(r.here);
      const { tag, quoted } = r.here;
      return `${apart(`<<${r.fd === 0 ? "" : `[${r.fd}]`}`, quoted ? `'${tag.replaceAll("'", "''")}'` : tag)} `;
    }
    const usual = r.op.startsWith(">") ? 1 : 0;
    return `${apart(`${r.op}${r.fd === usual ? "" : `[${r.fd}]`}`, printWord(r.file, heres))} `;
  }).join("");
}

function printWord(w: Word, heres: Here[]): string {
  const word = (v: Word): string => printWord(v, heres);
  switch (w.kind) {
    case "lit": return w.quoted ? `'${w.text.replaceAll("'", "''")}'` : w.text;
    case "var": return `$${word(w.name)}${w.index ? `(${w.index.map(word).join(" ")})` : ""}`;
    case "count": return `$#${word(w.name)}`;
    case "join": return `$"${word(w.name)}`;
    case "cat": return `${word(w.left)}^${word(w.right)}`;
    case "list": return `(${w.words.map(word).join(" ")})`;
    case "back": return `\`${w.sep ? `${word(w.sep)} ` : ""}{${print(w.body, heres)}}`;
    default: {
      const usual = w.op === "<" ? 1 : 0;
      return `${w.op}${w.fd === usual ? "" : `[${w.fd}]`}{${print(w.body, heres)}}`;
    }
  }
}
