/**
 * Addr: where a 9P server is, as the command line writes it (DESIGN.md, "The command line").
 * Pure functions from text to values; nothing is looked up, opened or resolved here. An address
 * that cannot be meant throws a NineError that says what was wrong and shows the right form;
 * errno ENOSYS means `not available`: understood, but of a later version.
 */
import { errno, NineError } from "../../proto/index.ts";

/** ws:// and wss://. `path` begins with "/"; `query` is what stood after "?" without the token. */
export interface WsAddr {
  readonly kind: "ws";
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly query: string;
  readonly token: string | undefined;
}

/** Hosts are names or IP addresses without brackets; port 0, for listening only, means any free one. */
export type Addr =
  | WsAddr
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "exec"; readonly command: string }
  /** `query`: what stood after the first "?", NAME=VALUE joined by "&" with %-escapes, for the module. */
  | { readonly kind: "module"; readonly file: string; readonly query: string };

/** One --mount: `addr` is mounted on `path`. */
export interface MountSpec {
  readonly addr: Addr;
  /** The address as it was written. */
  readonly text: string;
  /** Begins with one "/". */
  readonly path: string;
  readonly readonly: boolean;
  readonly order: "before" | "after" | "replace";
  readonly recover: boolean;
}

/** Plan 9's 9fs service. */
export const TCPPORT = 564;
/** Where `nineplex serve` listens. */
export const WSPORT = 5640;
/** A wss server stands behind a TLS proxy, at https's port. */
export const WSSPORT = 443;

const FORMS = "ws://HOST:PORT, wss://HOST, tcp://HOST:PORT, unix:PATH, exec:COMMAND or module:FILE";
const services = new Map([["9fs", 564], ["styx", 6666], ["http", 80], ["https", 443]]);

function bad(text: string, what: string, form: string): NineError {
  return new NineError(`bad address "${text}": ${what}; write ${form}`, errno.EINVAL);
}

function port(text: string, digits: string, form: string): number {
  const n = /^\d{1,5}$/.test(digits) ? Number(digits) : NaN;
  if (!(n <= 65535)) throw bad(text, `"${digits}" is no port number`, form);
  return n;
}

function hostName(text: string, host: string, form: string): string {
  if (host === "") throw bad(text, "no host", form);
  if (/[\s/?#@[\]!\\]/.test(host)) throw bad(text, `"${host}" is no host name`, form);
  return host;
}

/** HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. */
function hostPort(text: string, authority: string, usual: number, form: string): { host: string; port: number } {
  if (authority.includes("@")) throw bad(text, "an address names no user", form);
  const v6 = /^\[([^\]]*)\](?::(.*))?$/.exec(authority);
  if (v6) {
    const host = v6[1] ?? "";
    if (!/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(%\w+)?$/.test(host)) throw bad(text, `"${host}" is no IPv6 address`, form);
    return { host, port: v6[2] === undefined ? usual : port(text, v6[2], form) };
  }
  if (/[[\]]/.test(authority)) throw bad(text, "brackets hold an IPv6 address and nothing else", form);
  const parts = authority.split(":");
  if (parts.length > 2) throw bad(text, "an IPv6 address goes in brackets", form.replace("HOST", "[::1]"));
  const [host = "", digits] = parts;
  return { host: hostName(text, host, form), port: digits === undefined ? usual : port(text, digits, form) };
}

/** Plan 9 dial strings: NET!HOST!SERVICE, and for listening "*" as host: every interface. */
function dialString(text: string): Addr {
  const [net = "", where = "", service, ...more] = text.split("!");
  if (net === "unix") {
    const path = text.slice("unix!".length);
    if (path === "") throw bad(text, "no path", "unix!PATH");
    return { kind: "unix", path };
  }
  const form = "tcp!HOST!PORT";
  if (net !== "tcp") throw bad(text, `unknown network "${net}"`, `${form} or unix!PATH`);
  if (more.length > 0) throw bad(text, "too many parts", form);
  const host = where === "*" ? "0.0.0.0" : hostName(text, where.replace(/^\[(.*)\]$/, "$1"), form);
  if (service === undefined) return { kind: "tcp", host, port: TCPPORT };
  return { kind: "tcp", host, port: services.get(service) ?? port(text, service, form) };
}

function wsAddr(text: string, secure: boolean, rest: string): WsAddr {
  const form = secure ? "wss://HOST[:PORT][/PATH][?token=TOKEN]" : "ws://HOST:PORT[/PATH][?token=TOKEN]";
  const parts = /^\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/.exec(rest);
  if (!parts) throw bad(text, 'no "//"', form);
  if (parts[4] !== undefined) throw bad(text, 'a "#" part means nothing here', form);
  const path = parts[2] || "/";
  if (/\s/.test(path + (parts[3] ?? ""))) throw bad(text, "white space", form);
  const pairs = (parts[3] ?? "").split("&").filter((p) => p !== "");
  const tokens = pairs.filter((p) => p.startsWith("token="));
  if (tokens.length > 1) throw bad(text, "two tokens", form);
  return {
    kind: "ws", secure, ...hostPort(text, parts[1] ?? "", secure ? WSSPORT : WSPORT, form), path,
    query: pairs.filter((p) => !p.startsWith("token=")).join("&"),
    token: tokens[0] === undefined ? undefined : unescape(text, tokens[0].slice("token=".length), form),
  };
}

function unescape(text: string, token: string, form: string): string {
  try {
    if (token !== "") return decodeURIComponent(token);
  } catch {
    // Falls to the error below.
  }
  throw bad(text, token === "" ? "empty token" : "the token's % signs are wrong", form);
}

/** What was probably meant by an address without a known scheme. */
function guess(text: string): string {
  const http = /^http(s?):(.*)$/.exec(text);
  if (http) return `ws${http[1]}:${http[2]}`;
  if (/^([\w.-]+|\[[0-9a-fA-F:.]+\]):\d+$/.test(text)) return `tcp://${text} or ws://${text}`;
  if (/^\.{0,2}\//.test(text)) return `unix:${text}`;
  return FORMS;
}

/** The address `text` means. */
export function parseAddr(text: string): Addr {
  if (text.trim() === "") throw bad(text, "it is empty", FORMS);
  if (/^[a-z0-9]+!/.test(text)) return dialString(text);
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+]*):(.*)$/s.exec(text) ?? [];
  switch (scheme) {
    case "ws": return wsAddr(text, false, rest);
    case "wss": return wsAddr(text, true, rest);
    case "tcp": {
      const form = "tcp://HOST:PORT";
      if (!rest.startsWith("//")) throw bad(text, 'no "//"', form);
      const authority = rest.slice(2).replace(/\/$/, "");
      if (/[/?#]/.test(authority)) throw bad(text, "a TCP address has no path", form);
      return { kind: "tcp", ...hostPort(text, authority, TCPPORT, form) };
    }
    case "unix":
      if (rest === "") throw bad(text, "no path", "unix:PATH");
      if (rest.includes("\0")) throw bad(text, "a path has no NUL", "unix:PATH");
      return { kind: "unix", path: rest };
    case "exec":
      if (rest.trim() === "") throw bad(text, "no command", "exec:COMMAND");
      return { kind: "exec", command: rest.trim() };
    case "module": {
      const [, file = "", query = ""] = /^([^?]*)(?:\?(.*))?$/s.exec(rest) ?? [];
      if (file === "") throw bad(text, "no file", "module:FILE[?NAME=VALUE&...]");
      return { kind: "module", file, query };
    }
    case "noise+tcp": case "noise+ws":
      parseAddr(text.slice("noise+".length));
      throw new NineError(`${scheme}: not available`, errno.ENOSYS);
    default:
      throw bad(text, scheme === undefined ? "no kind of address" : `unknown kind of address "${scheme}"`, guess(text));
  }
}

/** HOST:PORT, with brackets where they are needed. */
export function formatHost(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The address as text; parseAddr(formatAddr(a)) is a. For logs and traces leave the token out. */
export function formatAddr(a: Addr, withToken = true): string {
  switch (a.kind) {
    case "ws": {
      const token = withToken && a.token !== undefined ? `token=${encodeURIComponent(a.token)}` : "";
      const query = [a.query, token].filter((q) => q !== "").join("&");
      return `${a.secure ? "wss" : "ws"}://${formatHost(a.host, a.port)}${a.path}${query && `?${query}`}`;
    }
    case "tcp": return `tcp://${formatHost(a.host, a.port)}`;
    case "unix": return `unix:${a.path}`;
    case "exec": return `exec:${a.command}`;
    default: return `module:${a.file}${a.query && `?${a.query}`}`;
  }
}

/** Whether somebody can listen at an address of this kind. */
export function isListenable(a: Addr): a is Extract<Addr, { kind: "ws" | "tcp" | "unix" }> {
  return a.kind === "ws" ? !a.secure : a.kind === "tcp" || a.kind === "unix";
}

/** Why nobody can listen at an address that is not listenable. */
export function noListener(a: Addr): string {
  if (a.kind === "ws") return "cannot listen at wss://: listen at ws:// and put a TLS proxy in front";
  return `cannot listen at ${a.kind}:; write ws://HOST:PORT, tcp://HOST:PORT or unix:PATH`;
}

/** True when only processes of this machine can reach a listener at this host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * `ADDR:/PATH` cut at its last ":/"; undefined when there is no path, as in a bare ws://HOST:PORT or
 * exec:/bin/server, whose last ":/" is the address's own.
 */
export function splitAddr(text: string): { addr: string; path: string } | undefined {
  const at = text.lastIndexOf(":/");
  const addr = text.slice(0, at);
  const path = text.slice(at + 1);
  return at < 0 || path.startsWith("//") || /^[a-z0-9+]*$/.test(addr) ? undefined : { addr, path };
}

/**
 * `ADDR:/PATH[:ro][:before|after|replace][:norecover]`; the flags in any order, each once. The mount
 * point therefore has no ":" in it; the address may.
 */
export function parseMount(text: string): MountSpec {
  const form = "ADDR:/PATH[:ro][:before|after|replace][:norecover], as in tcp://127.0.0.1:564:/n/x";
  const wrong = (what: string): NineError => new NineError(`bad mount "${text}": ${what}; write ${form}`, errno.EINVAL);
  const cut = splitAddr(text);
  if (!cut) throw wrong("no mount point after the address");
  const [path = "", ...flags] = cut.path.split(":");
  let order: MountSpec["order"] | undefined;
  let readonly = false;
  let recover = true;
  for (const flag of flags) {
    switch (flag) {
      case "ro":
        readonly = true;
        break;
      case "norecover":
        recover = false;
        break;
      case "before": case "after": case "replace":
        if (order !== undefined && order !== flag) throw wrong(`both ${order} and ${flag}`);
        order = flag;
        break;
      default:
        throw wrong(flag === "" ? "an empty flag" : `unknown flag "${flag}"`);
    }
  }
  return { addr: parseAddr(cut.addr), text: cut.addr, path, readonly, order: order ?? "replace", recover };
}
