/** nineplex/node: addresses, transports, host files and the parts of the command line. */
export * from "./addr.ts";
export { connect, type ConnectOptions, listen, type ServeAt } from "./connect.ts";
export { idly, nodeHost } from "./host.ts";
export { Seeded, SEEDEDSTARTMS, type SeededOptions } from "./seeded.ts";
export { hostFiles, type HostFilesOptions, type NodeHostFiles } from "./hostfiles.ts";
export type { Listener } from "./listener.ts";
export { loadServer, type ModuleDeps } from "./module.ts";
export { stdio } from "./stdio.ts";
export { plainStreams, type Streams } from "./streams.ts";
export { subtree } from "./subtree.ts";
export { system, type System, type SystemOptions } from "./system.ts";
export { connectTransport, listenTransport } from "./transports.ts";
export { hostUsers, parseUsers } from "./users.ts";
export { Watch, type WatchLimits, type WatchOptions } from "./watch.ts";
