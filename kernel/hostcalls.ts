/**
 * HostCalls: the file calls as a host process has them, which awaits every one: what is there at once
 * becomes a settled promise, and what is thrown a rejected one. Invariant: nothing else happens here,
 * and the classes below call none of these.
 */
import type { Dir } from "../proto/index.ts";
import { FileCalls } from "./filecalls.ts";
import type { Wstat } from "./sys.ts";

export class HostCalls extends FileCalls {
  override async open(path: string, mode: number): Promise<number> {
    return super.open(path, mode);
  }

  override async openRead(path: string): Promise<number> {
    return super.openRead(path);
  }

  override async create(path: string, mode: number, perm: number): Promise<number> {
    return super.create(path, mode, perm);
  }

  override async writeFile(path: string, data: Uint8Array, perm?: number): Promise<void> {
    return super.writeFile(path, data, perm);
  }

  override async read(fd: number, n?: number, at?: number, into?: Uint8Array): Promise<Uint8Array> {
    return super.read(fd, n, at, into);
  }

  override async write(fd: number, data: Uint8Array, at?: number): Promise<number> {
    return super.write(fd, data, at);
  }

  override async seek(fd: number, to: number, whence: 0 | 1 | 2): Promise<number> {
    return super.seek(fd, to, whence);
  }

  override async close(fd: number): Promise<void> {
    super.close(fd);
  }

  override async dup(from: number, to?: number): Promise<number> {
    return super.dup(from, to);
  }

  override async pipe(): Promise<[number, number]> {
    return super.pipe();
  }

  override async dirread(fd: number): Promise<Dir[]> {
    return super.dirread(fd);
  }

  override async readDir(path: string): Promise<Dir[]> {
    return super.readDir(path);
  }

  override async stat(path: string, nofollow?: boolean): Promise<Dir> {
    return super.stat(path, nofollow);
  }

  override async fstat(fd: number): Promise<Dir> {
    return super.fstat(fd);
  }

  override async wstat(path: string, changes: Wstat): Promise<void> {
    return super.wstat(path, changes);
  }

  override async fwstat(fd: number, changes: Wstat): Promise<void> {
    return super.fwstat(fd, changes);
  }

  override async remove(path: string): Promise<void> {
    return super.remove(path);
  }

  override async rename(from: string, to: string): Promise<void> {
    return super.rename(from, to);
  }

  override async mkdir(path: string, perm: number): Promise<void> {
    return super.mkdir(path, perm);
  }

  override async symlink(target: string, path: string): Promise<void> {
    return super.symlink(target, path);
  }

  override async readlink(path: string): Promise<string> {
    return super.readlink(path);
  }

  override async link(from: string, to: string): Promise<void> {
    return super.link(from, to);
  }

  override async chdir(path: string): Promise<void> {
    return super.chdir(path);
  }
}
