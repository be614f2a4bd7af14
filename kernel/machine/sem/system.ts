/**
 * Meanings that the host computes: what the processor says of itself. natives.ts has them.
 */
import { define } from "../forms.ts";
import { Native } from "../natives.ts";

define("system", "cpuid", [0], "-", (e) => e.host(Native.Cpuid));
define("system", "rdtsc", [0], "-", (e) => e.host(Native.Rdtsc));
