/** A web server's directory, mounted as a module: real HTTP, with ranges and without. */
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { mounted, type MountedKernel } from "../../support/mounted.ts";

const big = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${i}\n`).join(""));
let web: HttpServer;
let base = "";
let ranges = true;
let asked: string[] = [];
let waiting: (() => void)[] = [];
let k: MountedKernel;

const INDEX = `<html><a href="../">up</a><a href="?C=N">sort</a><a href="a%20%C3%A9.txt">a</a> <A HREF="big.log">no: <a href="big.log">big</a><a href="sub/">sub</a>
<a href="/pub/x&amp;y">abs</a><a href="http://else.where/z">far</a><a href="sub/deep">deep</a><a href="gone">gone</a><a href="bad%2Fname">bad</a><a href="100%.txt">percent</a><a href="slow">slow</a></html>`;
const files: Record<string, Buffer | string> = {
  "/pub/a%20%C3%A9.txt": "accents\n", "/pub/big.log": big, "/pub/x&y": "and\n", "/pub/100%.txt": "percent\n", "/pub/sub/f": "below\n", "/pub/bad%2Fname": "slashed\n",
};

beforeEach(async () => {
  ranges = true;
  asked = [];
  waiting = [];
  web = createServer((q, r) => {
    asked.push(`${q.method} ${q.url} ${q.headers.range ?? ""}`.trim());
    const body = files[q.url ?? ""];
    if (q.url === "/pub/") r.setHeader("content-type", "text/html; charset=utf-8").end(INDEX);
    else if (q.url === "/pub/sub/") r.setHeader("content-type", "application/json").end('[{"name": "f", "type": "file"}, {"name": "g h", "type": "directory"}]');
    else if (q.url === "/pub/slow" && q.method === "GET") q.socket.on("close", () => waiting.push(() => undefined));
    else if (q.url === "/pub/slow") r.setHeader("content-length", 5).end();
    else if (body === undefined) r.writeHead(q.url === "/pub/x" ? 500 : 404).end("no");
    else {
      const m = ranges ? /^bytes=(\d+)-(\d+)$/.exec(q.headers.range ?? "") : null;
      r.setHeader("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT");
      const data = Buffer.from(body);
      if (m && Number(m[1]) >= data.length) r.writeHead(416).end("beyond");
      else if (m) r.writeHead(206).end(data.subarray(Number(m[1]), Number(m[2]) + 1));
      else r.setHeader("content-length", data.length).end(data);
    }
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  k = await mounted(`module:${join(import.meta.dirname, "../../../clients/examples/http.ts")}?url=${base}/pub`, "/");
});

afterEach(async () => {
  k.shutdown();
  web.closeAllConnections();
  await new Promise((resolve) => web.close(resolve));
});

it("links are names, files are read by ranges", async () => {
  expect(await k.sh("cd /n/x; ls -p; cat 'a é.txt' 'x&y' 100%.txt; ls -p sub; cat sub/f")).toBe(
    "100%.txt\n'a é.txt'\nbad%2Fname\nbig.log\nslow\nsub\n'x&y'\naccents\nand\npercent\nf\n'g h'\nbelow\n");
  expect(await k.sh("cat /n/x/bad%2Fname")).toBe("slashed\n");
  asked = [];
  expect(await k.sh("tail -c 14 /n/x/big.log")).toBe("299998\n299999\n");
  expect(asked.filter((a) => a.startsWith("GET")).every((a) => /bytes=\d+-\d+$/.test(a))).toBe(true);
  expect(await k.sh("wc /n/x/big.log")).toMatch(new RegExp(`^ *300000 +300000 +${big.length} `));
  const d = await k.sys.stat("/n/x/big.log");
  expect([d.length, d.mtime, (d.mode & 0o777).toString(8)]).toEqual([big.length, 1445412480, "444"]);
});

it("a server without ranges sends all of it", async () => {
  ranges = false;
  expect(await k.sh("cat /n/x/sub/f /n/x/big.log | wc -l")).toMatch(/^ *300001\n$/);
});

it("what is not there, what fails, what cannot be written", async () => {
  expect(await k.sh("cat /n/x/gone; cat /n/x/nothing; @ {echo x > /n/x/new}; rm /n/x/big.log")).toMatch(
    /^cat: \/n\/x\/gone: file does not exist\ncat: \/n\/x\/nothing: file does not exist\nrc: .*permission denied\nrm: .*permission denied\n$/);
  web.closeAllConnections();
  await new Promise((resolve) => web.close(resolve));
  expect(await k.sh("ls /n/x")).toMatch(/^ls: \/n\/x: http:\/\/127\.0\.0\.1:\d+\/pub\/: .*(ECONNREFUSED|closed)/);
});

it("a note ends the request", async () => {
  const fd = await k.sys.open("/n/x/slow", 0);
  const reading = k.sys.read(fd, 5);
  while (!asked.some((a) => a.startsWith("GET /pub/slow"))) await new Promise((resolve) => setImmediate(resolve));
  k.sys.notify(() => true);
  k.postNote(k.sys.pid, "interrupt");
  await expect(reading).rejects.toThrow("interrupted");
  while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
});
