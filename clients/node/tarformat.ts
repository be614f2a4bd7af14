/**
 * TarFormat: tar headers as the package `tar` reads them, and gzip as zlib does, for servers/tar.ts. Of the
 * package only the two modules that decode are loaded, and only when an archive is mounted.
 */
import { createGunzip } from "node:zlib";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { decodeUtf8, Efbig, errno, NineError } from "../../proto/index.ts";
import type { TarFormat, TarHeader } from "../../servers/index.ts";
import type { TarEncoder } from "../tools/lib/archiver.ts";
import { hostError } from "./guard.ts";

export async function tarFormat(): Promise<TarFormat & TarEncoder> {
  const [{ Header }, { Pax }] = await Promise.all([import("tar/header"), import("tar/pax")]);
  return {
    encode(h) {
      const id = (name: string): { id: number; name?: string } => (/^\d{1,9}$/.test(name) ? { id: Number(name) } : { id: 0, name });
      const [user, group] = [id(h.uid), id(h.gid)];
      const said = {
        path: h.path, mode: h.mode, uid: user.id, gid: group.id, size: h.size, mtime: new Date(h.mtime * 1000), linkpath: h.linkpath,
        ...(user.name !== undefined && { uname: user.name }), ...(group.name !== undefined && { gname: group.name }),
      };
      const header = new Header({ ...said, devmaj: 0, devmin: 0 });
      header.type = h.type as typeof header.type;
      const block = Buffer.alloc(512);
      if (!header.encode(block)) return block;
      // Of what does not fit, or is not ASCII, the header before says all.
      const { mode: _mode, uid: _uid, gid: _gid, ...records } = said;
      return Buffer.concat([new Pax(records).encode(), block]);
    },
    header(block) {
      const h = new Header(Buffer.from(block.buffer, block.byteOffset, block.length));
      if (h.nullBlock) return undefined;
      if (!h.cksumValid) throw new Error("no tar header, or a damaged one (bad checksum)");
      const type = h.typeKey;
      return {
        path: h.path ?? "", type: type === "Unsupported" || type === undefined ? "" : type, mode: h.mode ?? 0, size: h.size ?? 0,
        uid: h.uname || gnuName(block, 265) || String(h.uid ?? 0), gid: h.gname || gnuName(block, 297) || String(h.gid ?? 0), mtime: (h.mtime?.getTime() ?? 0) / 1000,
        linkpath: h.linkpath ?? "", major: h.devmaj, minor: h.devmin, sparse: false,
      };
    },
    pax(body) {
      const records = decodeUtf8(body, 0, body.length);
      const p = Pax.parse(records);
      const owner = (name: string | undefined, id: number | undefined): string | undefined => name ?? (id === undefined ? undefined : String(id));
      const said: Partial<Record<keyof TarHeader, TarHeader[keyof TarHeader] | undefined>> = {
        path: p.path, linkpath: p.linkpath, size: p.size, uid: owner(p.uname, p.uid), gid: owner(p.gname, p.gid),
        mtime: p.mtime === undefined ? undefined : p.mtime.getTime() / 1000, sparse: /^\d+ GNU\.sparse\./m.test(records) || undefined,
        ...(records.includes("GNU.sparse.name=") && { path: /^\d+ GNU\.sparse\.name=(.*)$/m.exec(records)?.[1] }),
      };
      return Object.fromEntries(Object.entries(said).filter(([, v]) => v !== undefined));
    },
  };
}

/** The package passes over the owner's name where GNU tar's own format is told by its magic, though it stands at the same place. */
function gnuName(block: Uint8Array, at: number): string {
  if (decodeUtf8(block, 257, 265) !== "ustar  \0") return "";
  return decodeUtf8(block, at, at + 32).replace(/\0.*/s, "");
}

/** Unpacks gzip data into memory. Rejects with Efbig when they come to more than `limit` bytes. */
export async function gunzip(data: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    await pipeline(Readable.from(data), createGunzip(), async (out: AsyncIterable<Buffer>) => {
      for await (const part of out) {
        length += part.length;
        if (length > limit) return;
        parts.push(part);
      }
    });
  } catch (e) {
    if (e instanceof NineError) throw e;
    if (length > limit) throw tooMuch(limit);
    const why = hostError(e);
    throw new NineError(`bad gzip data: ${why instanceof Error ? why.message : String(why)}`, errno.EIO);
  }
  if (length > limit) throw tooMuch(limit);
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function tooMuch(limit: number): NineError {
  return new NineError(`${Efbig}: more than ${limit} bytes when unpacked`, errno.EFBIG);
}
