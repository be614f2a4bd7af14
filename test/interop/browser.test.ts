/** The client in a real browser: a page of ours, the bundled file, a WebSocket to `listen`. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listen, type Listener } from "../../clients/node/index.ts";
import { attach, open } from "../../proto/index.ts";
import { ram } from "../../servers/index.ts";
import { describeWith, programPath } from "../support/need.ts";

/** What the page does; its result is posted back. */
const PAGE = `<!doctype html><script type="module">
const done = (r) => fetch("/result", { method: "POST", body: JSON.stringify(r) });
try {
  const { connect, attach } = await import("/nineplex.js");
  const url = new URLSearchParams(location.search).get("server");
  const portal = await connect(url);
  const fs = await attach(portal, { uname: "web" });
  await fs.mkdir("/dir");
  const big = new Uint8Array(3_000_000);
  for (let i = 0; i < big.length; i++) big[i] = i * 7;
  await fs.writeFile("/dir/big", big);
  await fs.writeFile("/dir/hello", "from the page");
  const back = await fs.readFile("/dir/big");
  const names = (await fs.readDir("/dir")).map((d) => d.name + " " + d.length);
  const error = await fs.readFile("/none").catch((e) => e.message);
  const wrong = await connect(url.replace(/token=.*/, "token=wrong")).catch((e) => e.message);
  fs.close();
  done({ dialect: portal.dialect, ordered: portal.ordered, same: back.length === big.length && back.every((b, i) => b === big[i]), names, error, wrong });
} catch (e) {
  done({ failed: String(e.stack ?? e) });
}
</script>`;

describeWith(["chromium"], "a real browser", () => {
  const server = ram({ now: () => Date.now() });
  let pages: Server;
  let listener: Listener;
  let result: Promise<unknown>;
  let profile: string;
  let origin: string;

  beforeAll(async () => {
    const bundle = await build({
      entryPoints: [new URL("../../clients/browser/index.ts", import.meta.url).pathname], bundle: true, format: "esm", platform: "browser", write: false,
    });
    const script = bundle.outputFiles[0]?.contents ?? new Uint8Array(0);
    let got: (r: unknown) => void;
    result = new Promise((resolve) => (got = resolve));
    pages = createServer((req, res) => {
      if (req.url === "/nineplex.js") res.writeHead(200, { "Content-Type": "text/javascript" }).end(script);
      else if (req.method === "POST") {
        let body = "";
        req.on("data", (d: Buffer) => (body += d.toString()));
        req.on("end", () => {
          res.end();
          got(JSON.parse(body));
        });
      } else res.writeHead(200, { "Content-Type": "text/html" }).end(PAGE);
    });
    await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    profile = mkdtempSync(join(tmpdir(), "nineplex-browser-"));
  });

  afterAll(async () => {
    await listener.close();
    pages.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  it("mounts, reads, writes and lists; a foreign page is refused", async () => {
    listener = await listen("ws://127.0.0.1:0", (s) => open(server, s), { origins: [origin] });
    const browser = spawn(programPath("chromium") ?? "chromium", [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", `--user-data-dir=${profile}`, `${origin}/?server=${encodeURIComponent(listener.address)}`,
    ], { stdio: "ignore" });
    try {
      expect(await result).toEqual({
        dialect: "9P2000.L", ordered: true, same: true, names: ["big 3000000", "hello 13"], error: "file does not exist",
        wrong: "cannot connect: no WebSocket server there, or it refused the token or this page's origin",
      });
    } finally {
      browser.kill("SIGKILL");
      await new Promise((resolve) => browser.once("close", resolve));
    }
    const fs = await attach(open(server));
    expect(new TextDecoder().decode(await fs.readFile("/dir/hello"))).toBe("from the page");
  }, 60_000);
});
