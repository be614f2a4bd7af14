/**
 * nineplex as a library: two systems in one program, one with a file server and a program of its own,
 * the other mounting its name space over a WebSocket. `using` ends each with its block.
 */
import { MCREATE, MREPL, type Program } from "../../kernel/index.ts";
import { listen, system } from "../node/index.ts";
import { dir, open, type Server, textFile } from "../../proto/index.ts";

/** A server: one file, whose text changes with each read. */
function counter(): Server {
  let n = 0;
  return { name: "counter", attach: () => dir({ next: textFile(() => `${++n}\n`) }) };
}

/** A program for /bin: its argument as often as fd 0 says. */
const times: Program = async (sys, argv) => {
  const n = Number(new TextDecoder().decode(await sys.read(0)));
  if (!Number.isInteger(n)) return "bad number";
  await sys.write(1, new TextEncoder().encode(`${argv[1] ?? ""} `.repeat(n)));
  return "";
};

/** What a command of rc prints on the second system. */
export async function example(command: string): Promise<string> {
  using far = await system();
  await far.sys.mount(open(counter()), "/n/counter", MREPL, "");
  // Any name space can be exported; the address has a token of its own.
  const listener = await listen("ws://127.0.0.1:0", (session) => far.sys.export("/", { ...session, readonly: true }));
  try {
    using near = await system({ programs: [["times", times]] });
    await near.sys.mount(listener.address, "/n/far", MREPL | MCREATE, "");
    // A process of our own, beside those of the shell: fd 1 of the one is fd 0 of the other.
    const [read, write] = await near.sys.pipe();
    const pid = await near.sys.spawn({ argv: ["writer"], fds: new Map([[1, write]]), main: async (sys) => void (await sys.write(1, new Uint8Array(3))) });
    await near.sys.close(write);
    const { length } = await near.sys.read(read);
    await near.sys.wait(pid);
    const { out, err, status } = await near.run(command, { input: `${length}` });
    return status === "" ? out : `${status}: ${err}`;
  } finally {
    await listener.close();
  }
}
