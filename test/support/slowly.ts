/**
 * slowly: a server each of whose calls takes a time of its own, so that calls overtake each other
 * unless somebody keeps them in order. Time is a list of sleepers that are woken in an order drawn
 * from a seed.
 */
import { type Call, type DirNode, type FileNode, isDir, isLink, type Node, type OpenFile, type Server } from "../../proto/index.ts";

export interface Sleepers {
  sleep(): Promise<void>;
  /** Wakes sleepers, in any order, until nobody sleeps any more. */
  run(): Promise<void>;
}

export function sleepers(rnd: (n: number) => number): Sleepers {
  const asleep: (() => void)[] = [];
  return {
    sleep: () => new Promise((resolve) => asleep.push(resolve)),
    async run() {
      for (let quiet = 0; quiet < 3; quiet++) {
        await new Promise((resolve) => setImmediate(resolve));
        while (asleep.length > 0) {
          quiet = 0;
          asleep.splice(rnd(asleep.length), 1)[0]?.();
          // Others may fall asleep, or not, before the next wakes.
          for (let i = rnd(6); i > 0; i--) await Promise.resolve();
          if (asleep.length === 0) await new Promise((resolve) => setImmediate(resolve));
        }
      }
    },
  };
}

/** The same tree, slow. Counts opens and closes, and operations on a file that was closed under them. */
export function slowly(server: Server, sleep: () => Promise<void>, seen = { opens: 0, closes: 0, early: 0 }): Server {
  const outer = new WeakMap<Node, Node>();
  const inner = new WeakMap<Node, Node>();
  const raw = (n: Node): Node => inner.get(n) ?? n;

  const file = (f: OpenFile): OpenFile => {
    seen.opens++;
    let running = 0;
    const during = async <T>(op: () => T | Promise<T>): Promise<T> => {
      running++;
      await sleep();
      try {
        return await op();
      } finally {
        running--;
      }
    };
    return {
      ...(f.read && { read: (at: number, n: number, call: Call) => during(() => f.read!(at, n, call)) }),
      ...(f.write && { write: (at: number, data: Uint8Array, call: Call) => during(() => f.write!(at, data, call)) }),
      async close() {
        seen.closes++;
        if (running > 0) seen.early++;
        await sleep();
        await f.close?.();
      },
    };
  };

  const wrap = (n: Node): Node => {
    const known = outer.get(n);
    if (known) return known;
    const common = {
      ...(n.qid && { qid: () => n.qid!() }),
      async stat(call: Call) {
        await sleep();
        return (await n.stat?.(call)) ?? {};
      },
      ...(n.setattr && { setattr: async (set: Parameters<NonNullable<Node["setattr"]>>[0], call: Call) => {
        await sleep();
        await n.setattr!(set, call);
      } }),
    };
    let w: Node;
    if (isDir(n)) {
      const d: DirNode = {
        ...common,
        async walk(name, call) {
          await sleep();
          const got = await n.walk(name, call);
          return got && wrap(got);
        },
        async list(call) {
          await sleep();
          const list = await n.list(call);
          return (async function* entries() {
            for await (const [name, child, type] of list) {
              await sleep();
              yield [name, child && wrap(child), type] as const;
            }
          })();
        },
        async create(name, mode, openMode, call) {
          await sleep();
          const made = await n.create!(name, mode, openMode, call);
          return { node: wrap(made.node), ...(made.opened && { opened: file(made.opened) }) };
        },
        async remove(name, node, call) {
          await sleep();
          await n.remove!(name, raw(node), call);
        },
      };
      w = d;
    } else if (isLink(n)) w = n;
    else {
      const f: FileNode = {
        ...common,
        async open(mode, call) {
          await sleep();
          return file(await n.open(mode, call));
        },
      };
      w = f;
    }
    outer.set(n, w);
    inner.set(w, n);
    return w;
  };

  return {
    name: server.name,
    async attach(call, aname) {
      await sleep();
      return wrap(await server.attach(call, aname));
    },
  };
}
