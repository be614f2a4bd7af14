/**
 * Kernel: what all processes share: servers by '#' name, programs, the process table, the slice of
 * time host processes run in. boot() makes one; several live side by side in one host program.
 */
import { Ebadarg, type Host, NineError, open, type OpenOptions, type Portal, type Server } from "../proto/index.ts";
import { Chan } from "./chan.ts";
import { Mnt } from "./mnt.ts";
import type { Proc } from "./proc.ts";
import type { Program } from "./sys.ts";

/** A host process gives sockets and timers their turn at least this often. */
const SLICE_MS = 8;

export class Kernel {
  readonly host: Host;
  readonly procs: Map<number, Proc> = new Map();
  readonly programs: ReadonlyMap<string, Program>;
  /** Mnts alive, for leak checks and --stats. */
  readonly mnts: Set<Mnt> = new Set();
  private readonly servers: ReadonlyMap<string, Server>;
  private readonly devices = new Map<string, Mnt>();
  private readonly uid: number | undefined;
  private readonly wrap: (portal: Portal, spec: string) => Portal;
  private readonly openOptions: OpenOptions;
  private lastPid = 0;
  private lastDev = 0;
  private yielded: number;

  constructor(host: Host, servers: ReadonlyMap<string, Server>, programs: ReadonlyMap<string, Program>,
    wrap: (portal: Portal, spec: string) => Portal, openOptions: OpenOptions, uid: number | undefined) {
    this.host = host;
    this.servers = servers;
    this.programs = programs;
    this.wrap = wrap;
    this.openOptions = openOptions;
    this.uid = uid;
    this.yielded = host.now();
  }

  newPid(): number {
    return ++this.lastPid;
  }

  /** A Mnt for a portal that was mounted; it hangs up when the last Chan on it goes. */
  newMnt(portal: Portal, spec: string): Mnt {
    const m = new Mnt(this.wrap(portal, spec), ++this.lastDev, spec, (x) => this.mnts.delete(x));
    this.mnts.add(m);
    return m;
  }

  /** n_uname for attaching: a plain .L server goes by numbers; one of ours knows the name. */
  nuname(portal: Portal): number | undefined {
    return portal.dialect !== "9P2000" && !portal.ordered ? this.uid : undefined;
  }

  /** The root of the server '#name', attached as the process's user. */
  async attachDevice(name: string, p: { readonly user: string }): Promise<Chan> {
    let m = this.devices.get(name);
    if (!m) {
      const server = this.servers.get(name);
      if (!server) throw new NineError(`${Ebadarg}: no server #${name}`);
      m = this.newMnt(open(server, this.openOptions), `#${name}`);
      m.incref();
      this.devices.set(name, m);
    }
    const { fid, qid } = await m.client.attach(p.user, "");
    return new Chan(m, fid, qid, `#${name}`);
  }

  /** Lets the event loop run when host processes had it for a slice. */
  slice(): Promise<void> | undefined {
    if (this.host.now() - this.yielded < SLICE_MS) return undefined;
    return this.host.yield().then(() => {
      this.yielded = this.host.now();
    });
  }

  /** Ends every process with a note and hangs up every portal. */
  shutdown(): void {
    for (const p of [...this.procs.values()]) {
      p.note("kill");
      p.exit("kill");
    }
    for (const m of this.devices.values()) m.decref();
    this.devices.clear();
    for (const m of [...this.mnts]) m.client.portal.hangup();
    this.mnts.clear();
  }
}
