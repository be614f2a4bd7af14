import { describe, expect, it } from "vitest";
import { type Addr, formatAddr, isLoopback, parseAddr, parseMount, splitAddr } from "../../../clients/node/addr.ts";
import { errno, NineError } from "../../../proto/index.ts";

const ws = (host: string, port: number, more: Partial<Extract<Addr, { kind: "ws" }>> = {}): Addr =>
  ({ kind: "ws", secure: false, host, port, path: "/", query: "", token: undefined, ...more });

function failure(f: () => unknown): NineError {
  try {
    f();
  } catch (e) {
    if (e instanceof NineError) return e;
    throw e;
  }
  throw new Error("no error");
}

describe("parseAddr", () => {
  const good: [string, Addr, string?][] = [
    ["ws://127.0.0.1:5640/", ws("127.0.0.1", 5640)],
    ["ws://h", ws("h", 5640), "ws://h:5640/"],
    ["ws://h:80", ws("h", 80), "ws://h:80/"],
    ["ws://h:1/9p?token=abc", ws("h", 1, { path: "/9p", token: "abc" })],
    ["ws://h:1?token=abc", ws("h", 1, { token: "abc" }), "ws://h:1/?token=abc"],
    ["ws://h:1/?a=b&token=a%2Fb", ws("h", 1, { query: "a=b", token: "a/b" })],
    ["ws://[::1]:7/", ws("::1", 7)],
    ["wss://h.example/x", ws("h.example", 443, { secure: true, path: "/x" }), "wss://h.example:443/x"],
    ["wss://h:5640/", ws("h", 5640, { secure: true })],
    ["tcp://h:564", { kind: "tcp", host: "h", port: 564 }],
    ["tcp://h", { kind: "tcp", host: "h", port: 564 }, "tcp://h:564"],
    ["tcp://h:1/", { kind: "tcp", host: "h", port: 1 }, "tcp://h:1"],
    ["tcp://[fe80::1%eth0]", { kind: "tcp", host: "fe80::1%eth0", port: 564 }, "tcp://[fe80::1%eth0]:564"],
    ["tcp://127.0.0.1:0", { kind: "tcp", host: "127.0.0.1", port: 0 }],
    ["tcp!h!9fs", { kind: "tcp", host: "h", port: 564 }, "tcp://h:564"],
    ["tcp!h", { kind: "tcp", host: "h", port: 564 }, "tcp://h:564"],
    ["tcp!::1!17010", { kind: "tcp", host: "::1", port: 17010 }, "tcp://[::1]:17010"],
    ["tcp!*!564", { kind: "tcp", host: "0.0.0.0", port: 564 }, "tcp://0.0.0.0:564"],
    ["unix:/tmp/ns.x/srv", { kind: "unix", path: "/tmp/ns.x/srv" }],
    ["unix:rel/sock", { kind: "unix", path: "rel/sock" }],
    ["unix!/tmp/a!b", { kind: "unix", path: "/tmp/a!b" }, "unix:/tmp/a!b"],
    ["exec:ssh h 'u9fs -a none'", { kind: "exec", command: "ssh h 'u9fs -a none'" }],
    ["module:./x.ts", { kind: "module", file: "./x.ts", query: "" }],
    ["module:/a/kv.ts?file=s.json&x=a%26b?c", { kind: "module", file: "/a/kv.ts", query: "file=s.json&x=a%26b?c" }],
    ["module:x.ts?", { kind: "module", file: "x.ts", query: "" }, "module:x.ts"],
  ];
  it.each(good)("%s", (text, addr, written = text) => {
    expect(parseAddr(text)).toEqual(addr);
    expect(formatAddr(addr)).toBe(written);
    expect(parseAddr(written)).toEqual(addr);
  });

  const wrong: [string, string][] = [
    ["", "it is empty"],
    ["nonsense", "no kind of address; write ws://HOST:PORT, wss://HOST, tcp://HOST:PORT, unix:PATH, exec:COMMAND or module:FILE"],
    ["host:564", 'unknown kind of address "host"; write tcp://host:564 or ws://host:564'],
    ["127.0.0.1:564", "write tcp://127.0.0.1:564"],
    ["http://h:1/p", 'unknown kind of address "http"; write ws://h:1/p'],
    ["https://h", "write wss://h"],
    ["/tmp/sock", "write unix:/tmp/sock"],
    ["ws:h:1", 'no "//"; write ws://HOST:PORT[/PATH][?token=TOKEN]'],
    ["ws://", "no host"],
    ["ws://:5640", "no host"],
    ["ws://h:1/#x", '"#" part'],
    ["ws://h:1/?token=", "empty token"],
    ["ws://h:1/?token=%zz", "% signs"],
    ["ws://h:1/?token=a&token=b", "two tokens"],
    ["ws://h:1/a b", "white space"],
    ["ws://me:pw@h:1", "names no user"],
    ["tcp:h:1", 'no "//"; write tcp://HOST:PORT'],
    ["tcp://h:1/x", "no path"],
    ["tcp://h:65536", '"65536" is no port number'],
    ["tcp://h:http", '"http" is no port number'],
    ["tcp://h:", '"" is no port number'],
    ["tcp://::1:564", "goes in brackets; write tcp://[::1]:PORT"],
    ["tcp://[::1", "brackets hold"],
    ["tcp://[host]:1", "no IPv6 address"],
    ["tcp://a b:1", "no host name"],
    ["tcp!h!1!2", "too many parts; write tcp!HOST!PORT"],
    ["tcp!!564", "no host"],
    ["tcp!h!nfs", '"nfs" is no port number'],
    ["il!h!9fs", 'unknown network "il"'],
    ["unix:", "no path; write unix:PATH"],
    ["unix!", "no path; write unix!PATH"],
    ["exec: ", "no command; write exec:COMMAND"],
    ["module:", "no file; write module:FILE[?NAME=VALUE&...]"],
    ["module:?a=b", "no file; write module:FILE"],
    ["noise+tcp://", "no host"],
  ];
  it.each(wrong)("refuses %j", (text, why) => {
    const e = failure(() => parseAddr(text));
    expect(e.message).toContain(why);
    expect(e.errno).toBe(errno.EINVAL);
  });

  it.each(["noise+tcp://h:1", "noise+ws://h:1/p"])("%s is not available", (text) => {
    const e = failure(() => parseAddr(text));
    expect(e.message).toMatch(/^noise\+\w+: not available$/);
    expect(e.errno).toBe(errno.ENOSYS);
  });

  it("leaves the token out of what people see", () => {
    expect(formatAddr(parseAddr("ws://h:1/?a=b&token=secret"), false)).toBe("ws://h:1/?a=b");
  });

  it.each([["127.0.0.1", true], ["127.9.9.9", true], ["localhost", true], ["::1", true], ["0.0.0.0", false], ["::", false], ["h", false]])(
    "loopback %s: %s", (host, yes) => expect(isLoopback(host)).toBe(yes),
  );
});

describe("parseMount", () => {
  const plain = { readonly: false, order: "replace", recover: true };
  const good: [string, string, string, object?][] = [
    ["ws://127.0.0.1:5640:/n/x", "ws://127.0.0.1:5640", "/n/x"],
    ["ws://h:1/p?token=t:/n/x", "ws://h:1/p?token=t", "/n/x"],
    ["ws://h:/n/x", "ws://h", "/n/x"],
    ["tcp://[::1]:564:/n/x:ro", "tcp://[::1]:564", "/n/x", { readonly: true }],
    ["tcp://[::1]:/n/x", "tcp://[::1]", "/n/x"],
    ["tcp!h!9fs:/n/x", "tcp!h!9fs", "/n/x"],
    ["unix:/tmp/sock:/n/x:after", "unix:/tmp/sock", "/n/x", { order: "after" }],
    ["unix!/tmp/s:/", "unix!/tmp/s", "/"],
    ["exec:cmd /x:/n/y", "exec:cmd /x", "/n/y"],
    ["exec:cmd -o a:/b http://c:/n/y:norecover:before:ro", "exec:cmd -o a:/b http://c", "/n/y", { order: "before", recover: false, readonly: true }],
    ["exec:/bin/cmd:/n/y", "exec:/bin/cmd", "/n/y"],
    ["module:/a/b.ts:/n/m:replace", "module:/a/b.ts", "/n/m"],
    ["module:./ro:/n/m", "module:./ro", "/n/m"],
    ["module:kv.ts?file=/a/s.json:/n/kv:ro", "module:kv.ts?file=/a/s.json", "/n/kv", { readonly: true }],
    ["module:http.ts?url=http://h:8080/x/:/n/web", "module:http.ts?url=http://h:8080/x/", "/n/web"],
  ];
  it.each(good)("%s", (text, addr, path, more = {}) => {
    expect(parseMount(text)).toEqual({ ...plain, addr: parseAddr(addr), text: addr, path, ...more });
  });

  const wrong: [string, string][] = [
    ["ws://127.0.0.1:5640", "no mount point"],
    ["ws://127.0.0.1:5640/p", "no mount point"],
    ["exec:/bin/cmd", "no mount point"],
    ["exec:cmd http://h", "no mount point"],
    ["unix:/tmp/sock", "no mount point"],
    ["module:x.ts", "no mount point"],
    ["/n/x", "no mount point"],
    [":/n/x", "no mount point"],
    ["", "no mount point"],
    ["tcp://h:1:/n/x:rw", 'unknown flag "rw"'],
    ["tcp://h:1:/n/x:", "an empty flag"],
    ["tcp://h:1:/n/x:before:after", "both before and after"],
    ["h:1:/n/x", 'bad address "h:1"'],
    ["noise+tcp://h:1:/n/x", "not available"],
  ];
  it.each(wrong)("refuses %j", (text, why) => {
    expect(failure(() => parseMount(text)).message).toContain(why);
  });

  it("splits other ADDR:/PATH too", () => {
    expect(splitAddr("tcp://h:564:/disks/a.img")).toEqual({ addr: "tcp://h:564", path: "/disks/a.img" });
    expect(splitAddr("/disks/a.img")).toBeUndefined();
    expect(splitAddr("nbd://h:1")).toBeUndefined();
  });
});
