/**
 * http: a directory of a web server, read-only. Names come from the links of its index page, or from a
 * JSON listing as nginx makes it ([{"name": "a", "type": "directory"}, ...]); contents by ranges:
 *
 *   mount 'module:clients/examples/http.ts?url=http://127.0.0.1:8000/pub/' /n/web
 */
import { type Call, type DirNode, Enonexist, type FileNode, NineError, type Node, type Server } from "../../proto/index.ts";
import { tree } from "../../servers/index.ts";
import type { ModuleDeps } from "../node/index.ts";

export default function http({ args }: Pick<ModuleDeps, "args">): Server {
  return tree("http", directory((args["url"] ?? "").replace(/\/?$/, "/")));
}

async function ask(url: string, call: Call, init: RequestInit = {}): Promise<Response> {
  const r = await fetch(url, { ...init, signal: call.signal }).catch((e: Error) => { // Tflush aborts the signal
    throw new NineError(`${url}: ${e.cause instanceof Error ? e.cause.message : e.message}`);
  });
  if (!r.ok && r.status !== 416) throw new NineError(r.status === 404 ? Enonexist : `${url}: ${r.status} ${r.statusText}`);
  return r;
}

const decode = (escapes: string): string => new TextDecoder().decode(Buffer.from(escapes.replaceAll("%", ""), "hex"));

function directory(url: string): DirNode {
  const nodes = new Map<string, Node>(); // a file is the same object each time
  async function list(call: Call): Promise<[string, Node][]> {
    const r = await ask(url, call, { headers: { accept: "application/json, text/html" } });
    const links = r.headers.get("content-type")?.includes("json")
      ? ((await r.json()) as { name: string; type?: string }[]).map((e) => encodeURIComponent(e.name) + (e.type === "directory" ? "/" : ""))
      : [...(await r.text()).matchAll(/\bhref="([^"?#]+)"/g)].map((m) => new URL(m[1]?.replaceAll("&amp;", "&") ?? "", url).href.replace(url, ""));
    // What lies in this directory is one name, with a slash or without.
    return [...new Set(links)].filter((link) => /^[^/:]+\/?$/.test(link)).map((link) => {
      const name = link.replace("/", "").replace(/(%(?!2f|00)[0-9a-f]{2})+/gi, decode);
      const node = nodes.get(name) ?? (link.endsWith("/") ? directory(url + link) : file(url + link));
      nodes.set(name, node);
      return [name, node];
    });
  }
  return { list, walk: async (name, call) => nodes.get(name) ?? new Map(await list(call)).get(name) };
}

function file(url: string): FileNode {
  return {
    async stat(call) {
      const { headers } = await ask(url, call, { method: "HEAD" });
      return { length: Number(headers.get("content-length")), mtime: Math.trunc(Date.parse(headers.get("last-modified") ?? "") / 1000) || 0 };
    },
    open() {
      let all: Uint8Array | undefined; // of a server without ranges
      return { async read(at, n, call) {
        const r = all ? undefined : await ask(url, call, { headers: { range: `bytes=${at}-${at + n - 1}` } });
        if (r?.status === 206) return new Uint8Array(await r.arrayBuffer());
        if (r?.status === 200) all = new Uint8Array(await r.arrayBuffer());
        return all?.subarray(at, at + n) ?? new Uint8Array(0);
      } };
    },
  };
}
