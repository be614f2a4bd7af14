/** nineplex/proto: 9P itself. */
export * from "./errors.ts";
export * from "./fcall.ts";
export type { Host } from "./host.ts";
export * from "./perm.ts";
export type { Portal } from "./portal.ts";
export * from "./qid.ts";
export * from "./server.ts";
export * from "./transport.ts";
