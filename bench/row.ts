import type { CpuUse } from './cpu.ts';
import type { Stage } from './stage.ts';

/** What must not be passed: what is compared is the ratio to the reference, or the value itself. */
export interface Bar {
  readonly of: 'ratio' | 'value';
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One repeat: what was measured, and the reference beside it in the same repeat. */
export interface Sample {
  readonly value: number;
  readonly reference?: number;
  /** CPU time per run (or whatever the row counts), in µs, by process. */
  readonly cpu?: CpuUse;
  readonly referenceCpu?: CpuUse;
}

/** What a row measured. */
export interface Measured {
  readonly samples: readonly Sample[];
  /** What else is worth knowing: sizes, what was checked, what else was seen. */
  readonly notes?: readonly string[];
}

/** One line of the table. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly against: string;
  readonly unit: string;
  readonly bar: Bar;
  /** Why the bar is not reached, where that is known; printed when it is not. */
  readonly because?: string;
  /** Measures on the stage; `repeats` paired repeats in alternating order. */
  readonly measure: (stage: Stage, repeats: number) => Promise<Measured>;
}

/** Runs both sides of each repeat, the order alternated, so that what changes over time favours neither. */
export async function paired<A, B>(
  repeats: number,
  first: (repeat: number) => Promise<A>,
  second: (repeat: number) => Promise<B>,
): Promise<readonly (readonly [A, B])[]> {
  const pairs: (readonly [A, B])[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    if (repeat % 2 === 0) {
      const a = await first(repeat);
      pairs.push([a, await second(repeat)]);
    } else {
      const b = await second(repeat);
      pairs.push([await first(repeat), b]);
    }
  }
  return pairs;
}
