/**
 * HostTree: a directory of this machine exported by host, for tests, beside one that nobody may
 * reach. Invariant: both are gone after the test (cleanup() in an afterEach).
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect } from "vitest";
import { hostFiles, type HostFilesOptions, type NodeHostFiles } from "../../clients/node/hostfiles.ts";
import { parseUsers } from "../../clients/node/users.ts";
import * as p from "../../proto/index.ts";
import { type Call, isDir, isLink, type DirNode, type FileNode, type Node, type Server } from "../../proto/index.ts";
import { host, type HostOptions } from "../../servers/host.ts";
import { Nine } from "./nine.ts";

export const root: boolean = process.geteuid?.() === 0;
export const linux: boolean = process.platform === "linux";

export const people: ReturnType<typeof parseUsers> =
  parseUsers("root:x:0:0\nalice:x:2001:2001\nbob:x:2002:2002\nnobody:x:65534:65534\n", "alice:x:2001:\nbob:x:2002:\nstaff:x:2050:alice\n");

const cleanups: (() => void)[] = [];

/** Something to be undone after the test, the last first. */
export function undo(f: () => void): void {
  cleanups.push(f);
}

export function cleanup(): void {
  for (const f of cleanups.splice(0).toReversed()) f();
}

export interface HostTree { readonly server: Server; readonly dir: string; readonly outside: string; readonly files: NodeHostFiles }

/** An exported directory, and one beside it with a file `secret`. under: where, if not where temporary files are. */
export function make(options: Partial<HostOptions> = {}, how: HostFilesOptions = {}, under: string = os.tmpdir()): HostTree {
  const base = fs.mkdtempSync(path.join(under, "nineplex-host-"));
  const dir = path.join(base, "export");
  const outside = path.join(base, "outside");
  fs.mkdirSync(dir);
  fs.mkdirSync(outside);
  fs.writeFileSync(path.join(outside, "secret"), "secret");
  const files = hostFiles(dir, { users: people, ...how });
  const server = host(files, { writable: true, unsafe: true, now: () => Date.now(), ...options });
  undo(() => {
    files.close();
    fs.rmSync(base, { recursive: true, force: true });
  });
  return { server, dir, outside, files };
}

/** The fastest file system there is for many small files. */
export const FAST: string = fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir();

export const portal = (server: Server, dialect: p.Dialect): p.Portal => p.open(server, { dialect, users: people });
export const nine = (server: Server, uname = "root", dialect: p.Dialect = "9P2000.L"): Promise<Nine> => Nine.attach(portal(server, dialect), { uname });

export function call(uname = "root"): Call {
  return { uname, uid: people.idOf(uname), signal: new AbortController().signal };
}

export async function top(server: Server): Promise<DirNode> {
  const node = await server.attach(call(), "");
  if (!isDir(node)) expect.fail("the root is no directory");
  return node;
}

export async function child(d: DirNode, ...names: string[]): Promise<Node> {
  let node: Node = d;
  for (const name of names) {
    if (!isDir(node)) expect.fail(`no directory above ${name}`);
    const next: Node | undefined = await node.walk(name, call());
    if (!next) throw new p.NineError(p.Enonexist);
    node = next;
  }
  return node;
}

export async function sub(d: DirNode, ...names: string[]): Promise<DirNode> {
  const node = await child(d, ...names);
  if (!isDir(node)) expect.fail(`${names.join("/")} is no directory`);
  return node;
}

export async function file(d: DirNode, ...names: string[]): Promise<FileNode> {
  const node = await child(d, ...names);
  if (isDir(node) || isLink(node)) expect.fail(`${names.join("/")} is no file`);
  return node;
}

/** Does it, or is refused; anything else is a bug. */
export async function attempt(what: () => unknown): Promise<void> {
  try {
    await what();
  } catch (e) {
    if (!(e instanceof p.NineError)) throw e;
  }
}

/** How many descriptors this process has open. */
export const descriptors = (): number => fs.readdirSync("/proc/self/fd").length;
export const text = (b: Uint8Array | undefined): string => new TextDecoder().decode(b);
