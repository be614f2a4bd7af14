declare module "@defasm/core" {
  /** An assembly: `compile`, then the bytes are in `head`. */
  export class AssemblyState {
    compile(source: string, options?: { haltOnError?: boolean }): void;
    readonly head: { dump(): Uint8Array };
  }
}
