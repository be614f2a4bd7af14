/** Tarwriter: tar archives for tests, a member at a time, so that each can be as odd as a test wants it. */

export interface Member {
  readonly name: string;
  /** The type flag; default "0". */
  readonly type?: string;
  readonly data?: Uint8Array | string;
  /** What the header says, when that is not data's length. */
  readonly size?: number;
  readonly mode?: number;
  readonly mtime?: number;
  readonly link?: string;
  readonly owner?: string;
  readonly major?: number;
  readonly minor?: number;
  /** Changes the header; its checksum is made after that. */
  readonly odd?: (header: Buffer) => void;
}

const bytesOf = (data: Uint8Array | string): Buffer => (typeof data === "string" ? Buffer.from(data) : Buffer.from(data));

/** One member: header, data, padding. */
export function member(m: Member): Buffer {
  const data = bytesOf(m.data ?? "");
  const h = Buffer.alloc(512);
  const octal = (n: number, at: number, width: number): number => h.write(n.toString(8).padStart(width - 1, "0"), at);
  h.write(m.name, 0, 100);
  octal(m.mode ?? 0o644, 100, 8);
  octal(1000, 108, 8);
  octal(1000, 116, 8);
  octal(m.size ?? data.length, 124, 12);
  octal(m.mtime ?? 1_000_000_000, 136, 12);
  h.write(m.type ?? "0", 156);
  h.write(m.link ?? "", 157, 100);
  h.write("ustar\x0000", 257, "latin1");
  h.write(m.owner ?? "", 265, 32);
  h.write(m.owner ?? "", 297, 32);
  octal(m.major ?? 0, 329, 8);
  octal(m.minor ?? 0, 337, 8);
  m.odd?.(h);
  h.fill(" ", 148, 156);
  h.write(h.reduce((a, b) => a + b, 0).toString(8).padStart(6, "0") + "\0 ", 148, "latin1");
  return Buffer.concat([h, data, Buffer.alloc(-data.length & 511)]);
}

/** A pax header ("x", or "g" for all that follow) with these records. */
export function pax(records: Readonly<Record<string, string>>, type = "x"): Member {
  const data = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest;
    while (length !== rest + String(length).length) length = rest + String(length).length;
    return `${length} ${key}=${value}\n`;
  }).join("");
  return { name: "pax", type, data };
}

/** A whole archive, with its end. */
export function archive(members: readonly Member[]): Buffer {
  return Buffer.concat([...members.map(member), Buffer.alloc(1024)]);
}
