/** nineplex/servers: file servers. Host dependencies are injected. */
export * from "./cons.ts";
export * from "./dev.ts";
export * from "./mntgen.ts";
export * from "./ram.ts";
