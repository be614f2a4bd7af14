/**
 * Record: vectors of every form from the host's processor, as files of test/vectors; and their replay.
 */
import { chance } from "../random.ts";
import { Board } from "./board.ts";
import { CASE, Case } from "./case.ts";
import { depends, Maker, type Piece } from "./cases.ts";
import { pristine } from "./compared.ts";
import { differences, line, listing } from "./compare.ts";
import { BATCH, Host } from "./host.ts";
import { FILES, pack, type Vector } from "./vectors.ts";
import type { Form } from "../../../kernel/machine/forms.ts";

/** Of each form: two pieces of code, and with each so many states. */
const PIECES = 2;
const STATES = 8;
/** Sequences, for each form one. */
const SEQUENCE_STATES = 2;

/** The file of these forms. */
export async function record(which: (form: Form) => boolean): Promise<{ file: Uint8Array; vectors: number }> {
  const maker = new Maker(chance(1), which);
  const pieces: (readonly [Piece, number])[] = [];
  for (const f of maker.forms) {
    for (let k = 0; k < PIECES; k++) pieces.push([maker.assemble([maker.one(f, k > 0)]), STATES]);
    const sequence = maker.sequence();
    if (!depends(sequence)) pieces.push([sequence, SEQUENCE_STATES]);
  }
  const host = new Host(pristine());
  const all: Vector[] = [];
  try {
    const cases: Case[] = [];
    const of: Piece[] = [];
    const flush = async (): Promise<void> => {
      const outcomes = cases.length > 0 ? await host.run(cases) : [];
      outcomes.forEach((outcome, k) => all.push({ piece: of[k] as Piece, case: cases[k] as Case, outcome }));
      cases.length = of.length = 0;
    };
    let buffer = new Uint8Array();
    for (const [piece, states] of pieces) {
      for (let k = 0; k < states; k++) {
        if (cases.length === 0) buffer = new Uint8Array(BATCH * CASE);
        const c = new Case(buffer.subarray(cases.length * CASE, (cases.length + 1) * CASE));
        maker.state(piece, c, all.length + cases.length);
        of.push(piece);
        if (cases.push(c) === BATCH) await flush();
      }
    }
    await flush();
  } finally {
    host.close();
  }
  return { file: pack(all), vectors: all.length };
}

/** What is wrong with vectors, replayed. */
export function replayed(vectors: readonly Vector[]): string[] {
  const board = new Board(pristine());
  return vectors.flatMap((v) => {
    const wrong = differences(v.piece, v.outcome, board.run(v.case));
    return wrong.length > 0 ? [`${listing(v.piece)}: ${wrong.join("; ")}\n    ${line(v.case)}`] : [];
  });
}

/** The names of the files that there are forms for. */
export const names = (forms: readonly Form[]): string[] => Object.entries(FILES).flatMap(([name, which]) => (forms.some(which) ? [name] : []));
