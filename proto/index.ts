/** nineplex/proto: 9P itself. */
export * from "./awaitable.ts";
export { Interrupt, LinkFound, type WalkedPart } from "./chains.ts";
export * from "./client.ts";
export {
  type Dirent, dirEnd, isName, packDir, packDirent, sizeofDir, sizeofDirent, unpackDir, unpackDirents, unpackDirs,
} from "./dir.ts";
export * from "./errors.ts";
export * from "./fcall.ts";
export type { Changes } from "./forms.ts";
export * from "./fsys.ts";
export type { Host } from "./host.ts";
export { dial, type DialOptions, VERSIONS } from "./mux.ts";
export * from "./pack.ts";
export * from "./perm.ts";
export type { Portal } from "./portal.ts";
export { chaos, type Troubles } from "./portals/chaos.ts";
export { Budget, limit, type Limited, type Limits, type Use } from "./portals/limit.ts";
export { changes, readonly } from "./portals/readonly.ts";
export { trace, type TraceOptions } from "./portals/trace.ts";
export * from "./print.ts";
export * from "./qid.ts";
export { errorOf, isError, rerror } from "./reply.ts";
export { serve, type Served, type ServeOptions, type Session9P, type WireLimits, WIRELIMITS } from "./serve.ts";
export * from "./server.ts";
export * from "./split.ts";
export { open, type OpenOptions } from "./srv.ts";
export { major, makedev, minor } from "./srv/attr.ts";
export { inUse } from "./srv/shared.ts";
export * from "./transport.ts";
export * from "./users.ts";
export * from "./utf8.ts";
