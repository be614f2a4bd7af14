/** true, false: exit statuses. */
import type { Program } from "../../kernel/sys.ts";

export const succeed: Program = () => Promise.resolve("");
export const fail: Program = () => Promise.resolve("false");
