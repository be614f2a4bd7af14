/** nineplex/servers: file servers. Host dependencies are injected. */
export * from "./bin.ts";
export { callerPid, callerTree, type Procs } from "./caller.ts";
export * from "./cons.ts";
export * from "./dev.ts";
export { dup } from "./dup.ts";
export { env } from "./env.ts";
export * from "./host.ts";
export * from "./mntgen.ts";
export * from "./pages.ts";
export * from "./pipe.ts";
export { proc } from "./proc.ts";
export * from "./ram.ts";
export { srv } from "./srv.ts";
export * from "./tar.ts";
export { tarMembers, type TarFeed } from "./tar/entries.ts";
export { LiveTrace } from "./trace.ts";
export { tree } from "./tree.ts";
