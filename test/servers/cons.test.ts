/** cons: lines, raw mode, end of file, interrupted and concurrent readers (cons(3)). */
import { describe, expect, it } from "vitest";
import * as p from "../../proto/index.ts";
import { errno } from "../../proto/index.ts";
import { open } from "../../proto/srv.ts";
import { Cons, cons, type Console } from "../../servers/cons.ts";
import { tree } from "../../servers/tree.ts";
import { Nine, refused } from "../support/nine.ts";
import { serverSuite } from "../support/serversuite.ts";

/** A terminal typed on by the test. */
class Terminal implements Console {
  isTTY = true;
  raw = false;
  out = "";
  asked = 0;
  /** Keeps what is typed while nobody reads; false: an aborted read fails late, as some streams do. */
  prompt = true;
  private readonly typed: string[] = [];
  private waiting: { resolve(s: string): void; reject(e: unknown): void } | undefined;

  read(signal: AbortSignal): Promise<string> {
    this.asked++;
    const ready = this.typed.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      signal.addEventListener("abort", () => {
        if (!this.prompt) return;
        this.waiting = undefined;
        reject(new p.NineError(p.Eintr));
      });
    });
  }

  type(s: string): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) waiting.resolve(s);
    else this.typed.push(s);
  }

  fail(e: unknown): void {
    this.waiting?.reject(e);
    this.waiting = undefined;
  }

  write(data: Uint8Array): void {
    this.out += new TextDecoder().decode(data);
  }

  setRaw(on: boolean): void {
    this.raw = on;
  }

  size(): { rows: number; cols: number } {
    return { rows: 24, cols: 80 };
  }
}

serverSuite("cons", () => cons(new Terminal()), { write: false, sample: { file: "winsize" } });

async function setup(): Promise<{ tty: Terminal; n: Nine; fid: number; connect: () => Promise<Nine> }> {
  const tty = new Terminal();
  const server = cons(tty);
  const connect = (): Promise<Nine> => Nine.attach(open(server), { uname: "alice" });
  const n = await connect();
  return { tty, n, fid: await n.open("cons", p.ORDWR), connect };
}

function turns(count = 30): Promise<void> {
  return count === 0 ? Promise.resolve() : Promise.resolve().then(() => turns(count - 1));
}

describe("cons", () => {
  it("gives at most one line a read, and keeps the rest in order", async () => {
    const { tty, n, fid } = await setup();
    tty.type("one\ntwo\nthr");
    expect(await n.readText(fid, 0, 100)).toBe("one\n");
    expect(await n.readText(fid, 4, 2)).toBe("tw");
    expect(await n.readText(fid, 6, 100)).toBe("o\n");
    expect(await n.readText(fid, 8, 100)).toBe("thr");
    expect(tty.asked).toBe(1);
    tty.type("ee\n");
    expect(await n.readText(fid, 0, 100)).toBe("ee\n");
    expect(await n.read(fid, 0, 0)).toHaveLength(0);
  });

  it("an empty read is one end of file, for one reader", async () => {
    const { tty, n, fid } = await setup();
    tty.type("");
    expect(await n.readText(fid)).toBe("");
    tty.type("more\n");
    expect(await n.readText(fid)).toBe("more\n");
  });

  it("readers queue, of one client and of several", async () => {
    const { tty, n, fid, connect } = await setup();
    const m = await connect();
    const other = await m.open("cons");
    const got = [n.readText(fid, 0, 100), m.readText(other, 0, 100), n.readText(fid, 0, 100), m.readText(other, 0, 100)];
    await turns();
    expect(tty.asked).toBe(1);
    tty.type("1\n2\n");
    expect(await Promise.all(got.slice(0, 2))).toEqual(["1\n", "2\n"]);
    tty.type("3\n");
    tty.type("");
    expect(await Promise.all(got.slice(2))).toEqual(["3\n", ""]);
  });

  it("a blocked read does not hold up a write on the same fid", async () => {
    const { tty, n, fid } = await setup();
    const reading = n.readText(fid);
    await n.write(fid, 0, "prompt% ");
    expect(tty.out).toBe("prompt% ");
    tty.type("go\n");
    expect(await reading).toBe("go\n");
  });

  it("a flushed read ends at once, and what is typed goes to the next reader", async () => {
    const { tty, n, fid } = await setup();
    for (const prompt of [true, false]) {
      tty.prompt = prompt;
      const t = { type: p.Tread, fid, offset: 0, count: 100 } as const;
      const reply = n.portal.call(t);
      await turns();
      n.portal.flush(t);
      expect(await reply).toMatchObject({ type: p.Rerror, errno: errno.EINTR });
      tty.type("kept\n");
      await turns();
      expect(await n.readText(fid)).toBe("kept\n");
      tty.type("and next\n");
      expect(await n.readText(fid)).toBe("and next\n");
    }
  });

  it("a reader who comes while an interrupted read winds up is served", async () => {
    const { tty, n, fid } = await setup();
    tty.prompt = false;
    const t = { type: p.Tread, fid, offset: 0, count: 100 } as const;
    const reply = n.portal.call(t);
    await turns();
    n.portal.flush(t);
    await reply;
    const next = n.readText(fid);
    await turns();
    tty.fail(new p.NineError(p.Eintr));
    await turns();
    tty.type("late\n");
    expect(await next).toBe("late\n");
  });

  it("flushing one of several readers takes nothing from the others", async () => {
    const { tty, n, fid, connect } = await setup();
    const m = await connect();
    const other = await m.open("cons");
    const t = { type: p.Tread, fid, offset: 0, count: 100 } as const;
    const first = n.portal.call(t);
    const second = m.readText(other);
    await turns();
    n.portal.flush(t);
    expect(await first).toMatchObject({ type: p.Rerror });
    tty.type("for the second\n");
    expect(await second).toBe("for the second\n");
  });

  it("hang-up of a client frees its read", async () => {
    const { tty, n, fid, connect } = await setup();
    const m = await connect();
    const other = await m.open("cons");
    const hung = m.portal.call({ type: p.Tread, fid: other, offset: 0, count: 100 });
    await turns();
    m.portal.hangup();
    expect(await hung).toMatchObject({ type: p.Rerror });
    tty.type("mine\n");
    expect(await n.readText(fid)).toBe("mine\n");
  });

  it("an error of the terminal reaches the reader, and the next read asks again", async () => {
    const { tty, n, fid } = await setup();
    const reading = n.readText(fid);
    await turns();
    tty.fail(new p.NineError(p.Eio));
    await refused(reading, errno.EIO);
    tty.type("back\n");
    expect(await n.readText(fid)).toBe("back\n");
  });

  it("raw mode gives what came, and ends when the consctl it was asked for on is closed", async () => {
    const { tty, n, fid, connect } = await setup();
    const ctl = await n.open("consctl", p.OWRITE);
    await n.write(ctl, 0, "rawon");
    expect(tty.raw).toBe(true);
    tty.type("a\nb\n");
    expect(await n.readText(fid)).toBe("a\nb\n");
    await n.write(ctl, 0, "rawoff\n");
    expect(tty.raw).toBe(false);
    await n.write(ctl, 0, "rawon");
    const m = await connect();
    const second = await m.open("consctl", p.OWRITE);
    // It was the first who wanted it.
    await n.clunk(ctl);
    expect(tty.raw).toBe(false);
    await m.write(second, 0, "rawon");
    expect(tty.raw).toBe(true);
    m.portal.hangup();
    expect(tty.raw).toBe(false);
    const bad = await n.open("consctl", p.OWRITE);
    await refused(n.write(bad, 0, "sideways"), errno.EINVAL);
  });

  it("fg: what is typed is the foreground group's; others wait for their turn, also who read already", async () => {
    const tty = new Terminal();
    const it = new Cons(tty);
    const as = (group: number): Promise<Nine> => Nine.attach(open(tree(`cons ${group}`, p.dir({ ...it.files({ group: () => group, whenOver: () => true }) }))), { uname: "alice" });
    const [one, two] = [await as(1), await as(2)];
    const ctl = await one.open("consctl", p.OWRITE);
    const [first, second] = [await one.open("cons"), await two.open("cons")];
    const early = two.readText(second);
    await turns();
    await one.write(ctl, 0, "fg 1");
    const reads = one.readText(first);
    await turns();
    tty.type("for one\n");
    expect(await reads).toBe("for one\n");
    const again = one.readText(first);
    await turns();
    await one.write(ctl, 0, "fg 2\n");
    expect(it.foreground).toBe(2);
    await turns();
    tty.type("for two\n");
    expect(await early).toBe("for two\n");
    await one.write(ctl, 0, "fg");
    expect(it.foreground).toBeUndefined();
    await turns();
    tty.type("for whoever asked first\n");
    expect(await again).toBe("for whoever asked first\n");
    await refused(one.write(ctl, 0, "fg x"), errno.EINVAL);
    await one.write(ctl, 0, "fg 2");
    const t = { type: p.Tread, fid: first, offset: 0, count: 100 } as const;
    const reply = one.portal.call(t);
    await turns();
    one.portal.flush(t);
    expect(await reply).toMatchObject({ type: p.Rerror, errno: errno.EINTR });
  });

  it("fg: a group that has ended gives the terminal back to the one before; raw is of who is in front", async () => {
    const tty = new Terminal();
    const it = new Cons(tty);
    const over = new Map<number, () => void>();
    const as = (group: number): Promise<Nine> => Nine.attach(open(tree(`cons ${group}`, p.dir({ ...it.files({
      group: (by) => by ?? group, whenOver: (g, f) => g < 10 && over.set(g, f).size > 0,
    }) }))), { uname: "alice" });
    const [shell, job] = [await as(1), await as(2)];
    const [ctl, own] = [await shell.open("consctl", p.OWRITE), await job.open("consctl", p.OWRITE)];
    await shell.write(ctl, 0, "fg 1");
    await refused(shell.write(ctl, 0, "fg 99"), errno.ESRCH);
    expect(it.foreground).toBe(1);
    await shell.write(ctl, 0, "fg 2");
    await job.write(own, 0, "rawon");
    expect(tty.raw).toBe(true);
    await shell.write(ctl, 0, "fg 1");
    expect(tty.raw).toBe(false);
    // Who has no say does not end it either.
    await shell.write(ctl, 0, "rawoff");
    await shell.write(ctl, 0, "fg 2");
    expect(tty.raw).toBe(true);
    // A read by a process of the group in front, on a file that another has opened.
    const fid = await shell.open("cons");
    const waits = shell.readText(fid);
    const reads = shell.portal.call({ type: p.Tread, fid, offset: 0, count: 100, by: 2 });
    await turns();
    tty.type("for the job\n");
    expect(await reads).toMatchObject({ type: p.Rread, data: p.encode("for the job\n") });
    over.get(2)?.();
    expect([it.foreground, tty.raw]).toEqual([1, false]);
    await turns();
    tty.type("for the shell\n");
    expect(await waits).toBe("for the shell\n");
    over.get(1)?.();
    expect(it.foreground).toBeUndefined();
  });

  it("winsize is rows and columns, zero without a terminal", async () => {
    const { tty, n } = await setup();
    expect(await n.get("winsize")).toBe("24 80\n");
    tty.isTTY = false;
    expect(await n.get("winsize")).toBe("0 0\n");
  });
});
