/**
 * Trap: why a run of the machine ended. Below 32 they are the vectors of the architecture, raised with
 * the state as before the instruction (#BP: after it, and syscall: after it, as the hardware does).
 */

export const Trap = {
  /** Divide error. */
  DE: 0,
  /** Single step: TF was set. */
  DB: 1,
  /** int3; rip is behind it. */
  BP: 3,
  /** into is gone in 64-bit mode; int 4 gives #GP. */
  UD: 6,
  /** A stack operand at an address that is none: by rsp or rbp. */
  SS: 12,
  GP: 13,
  /** `address` and `code` say what: see PF. */
  PF: 14,
  /** x87 error pending. */
  MF: 16,
  AC: 17,
  /** SIMD floating point; MXCSR says which. */
  XM: 19,
  /** rip is behind it; rcx and r11 are set. */
  Syscall: 256,
  /** The budget is used up: not a trap of the guest. */
  Budget: 257,
} as const;
export type Trap = (typeof Trap)[keyof typeof Trap];

/** Bits of the error code of a page fault. */
export const PF = { present: 1, write: 2, user: 4, reserved: 8, instruction: 16 } as const;

/** What `run` gives; the machine's own object, to be read before the next run. */
export interface Exit {
  readonly trap: Trap;
  /** #PF: the address (CR2). */
  readonly address: number;
  /** The error code of #PF and #GP. */
  readonly code: number;
}

/** Stops that the machine handles itself; never seen outside. */
export const Stop = {
  /** A jump whose link is not there yet: taken, fall. */
  Taken: 512,
  Fall: 513,
  /** The jump cache does not know CPU.rip. */
  Lookup: 514,
  /** The code under this record was written to or unmapped. */
  Stale: 515,
  /** A store across a page boundary: this record is to be stepped. */
  Cross: 516,
  /** A string instruction that has more to do, when the budget is used up. */
  Partial: 517,
  /** An address that is none: #SS or #GP, as the operand's base says. */
  Noncanonical: 518,
} as const;
