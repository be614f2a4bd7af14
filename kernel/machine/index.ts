/**
 * The machine's public face: x86-64 in user mode, in WebAssembly. Who uses it allocates frames, makes
 * spaces, sets registers, and runs until a trap; what a trap means is the kernel's business.
 */
export { createMachine, type Machine, type MachineOptions } from "./machine.ts";
export { R, type Context, type Cpu } from "./cpu.ts";
export type { Frames } from "./frames.ts";
export { PAGE } from "./layout.ts";
export { OutOfFrames, type Mapping, type Rights, type Space } from "./space.ts";
export { PF, Trap, type Exit } from "./trap.ts";
export { print } from "./print.ts";
