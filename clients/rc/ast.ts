/**
 * Cmd and Word: rc's syntax tree, as parse.ts makes it, eval.ts and word.ts run it and print.ts
 * writes it. Invariant: a tree is never changed once parsed (but for Here.text), so shells share it.
 */
import type { Here } from "./lex.ts";

/** `globs`: there is a pattern in it. What comes from a variable or a command is none. */
export type Word =
  /** `value` is the text as one pattern: its unquoted * ? [ carry GLOB in front (glob.ts). */
  | { readonly kind: "lit"; readonly text: string; readonly quoted: boolean; readonly value: readonly [string]; readonly globs: boolean }
  | { readonly kind: "var"; readonly name: Word; readonly index: readonly Word[] | undefined }
  | { readonly kind: "count"; readonly name: Word }
  | { readonly kind: "join"; readonly name: Word }
  | { readonly kind: "cat"; readonly left: Word; readonly right: Word; readonly globs: boolean }
  | { readonly kind: "list"; readonly words: readonly Word[]; readonly globs: boolean }
  /** `{...}, split at $ifs or at the characters of sep. */
  | { readonly kind: "back"; readonly body: Cmd; readonly sep: Word | undefined }
  /** <{...} (op "<": body writes its fd) or >{...} (body reads it). */
  | { readonly kind: "pipefd"; readonly op: "<" | ">"; readonly fd: number; readonly body: Cmd };

export type Redir =
  | { readonly kind: "open"; readonly op: "<" | ">" | ">>" | "<>"; readonly fd: number; readonly file: Word }
  | { readonly kind: "here"; readonly fd: number; readonly here: Here }
  /** `from` undefined closes `to`. */
  | { readonly kind: "dup"; readonly to: number; readonly from: number | undefined };

export interface Case {
  readonly patterns: readonly Word[];
  readonly body: Cmd;
}

export interface Simple {
  readonly kind: "simple";
  readonly words: readonly Word[];
}

export interface Pipe {
  readonly kind: "pipe";
  readonly left: Cmd;
  readonly right: Cmd;
  /** fd of the left command that writes, fd of the right one that reads. */
  readonly out: number;
  readonly into: number;
}

export interface Assign {
  readonly kind: "assign";
  readonly name: Word;
  readonly value: Word;
  readonly cmd: Cmd;
}

export type Cmd =
  | { readonly kind: "nil" }
  | Simple
  | Pipe
  | Assign
  | { readonly kind: "list"; readonly items: readonly Cmd[] }
  | { readonly kind: "async"; readonly cmd: Cmd }
  | { readonly kind: "brace"; readonly body: Cmd }
  | { readonly kind: "subshell"; readonly cmd: Cmd }
  | { readonly kind: "bang"; readonly cmd: Cmd }
  | { readonly kind: "and" | "or"; readonly left: Cmd; readonly right: Cmd }
  /** Redirections from left to right, around cmd. */
  | { readonly kind: "redir"; readonly redirs: readonly Redir[]; readonly cmd: Cmd }
  | { readonly kind: "if"; readonly cond: Cmd; readonly body: Cmd }
  | { readonly kind: "ifnot"; readonly body: Cmd }
  | { readonly kind: "while"; readonly cond: Cmd; readonly body: Cmd }
  /** `words` undefined: over $*. */
  | { readonly kind: "for"; readonly name: Word; readonly words: readonly Word[] | undefined; readonly body: Cmd }
  | { readonly kind: "switch"; readonly subject: Word; readonly cases: readonly Case[] }
  | { readonly kind: "match"; readonly subject: Word; readonly patterns: readonly Word[] }
  /** `body` undefined: the functions are removed. */
  | { readonly kind: "fn"; readonly names: readonly Word[]; readonly body: Cmd | undefined };

export const NIL: Cmd = { kind: "nil" };
