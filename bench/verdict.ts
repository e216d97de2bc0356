import type { CpuUse } from './cpu.ts';
import type { Bar, Measured, Row } from './row.ts';
import { median, medianInterval } from './statistics.ts';

/** What the figures say of a bar: the whole interval is on its good side, or on its bad side, or neither. */
export type Verdict = 'met' | 'tie' | 'missed';

/** The figures of one row, as they stand in the JSON. */
export interface Result {
  readonly id: string;
  readonly what: string;
  readonly against: string;
  readonly value: number;
  readonly unit: string;
  readonly reference: number | null;
  readonly ratio: number | null;
  readonly bar: string;
  readonly met: boolean;
  readonly verdict: Verdict;
  /** Of what the bar is compared with: the ratio or the value. */
  readonly interval: readonly [number, number];
  /** What the bar is compared with, repeat by repeat. */
  readonly repeats: readonly number[];
  readonly values: readonly number[];
  readonly references: readonly number[];
  /** Median CPU time per run in µs, by process. */
  readonly cpu: CpuUse;
  readonly referenceCpu: CpuUse;
  readonly notes: readonly string[];
  readonly because: string | null;
  readonly seconds: number;
}

/** The bar in words. */
export function barText({ of, atMost, atLeast }: Bar, unit: string): string {
  const words = of === 'ratio' ? '×' : ` ${unit}`;
  return atMost === undefined ? `≥ ${atLeast}${words}` : `≤ ${atMost}${words}`;
}

/** What an interval says of a bar. Fewer than five repeats say too little for anything but a tie. */
export function verdictOf({ atMost, atLeast }: Bar, [low, high]: readonly [number, number], repeats: number): Verdict {
  if (repeats < 5 || !Number.isFinite(low) || !Number.isFinite(high)) return 'tie';
  if (atMost !== undefined) return high <= atMost ? 'met' : low > atMost ? 'missed' : 'tie';
  const least = atLeast ?? Number.NEGATIVE_INFINITY;
  return low >= least ? 'met' : high < least ? 'missed' : 'tie';
}

/** Makes the figures of a row of what it measured. */
export function resultOf(row: Row, { samples, notes = [] }: Measured, seconds: number): Result {
  const values = samples.map(({ value }) => value);
  const references = samples.flatMap(({ reference }) => reference ?? []);
  const ratios = samples.flatMap(({ value, reference }) => (reference === undefined ? [] : [value / reference]));
  const repeats = row.bar.of === 'ratio' ? ratios : values;
  const interval = medianInterval(repeats);
  const verdict = verdictOf(row.bar, interval, repeats.length);
  return {
    id: row.id,
    what: row.what,
    against: row.against,
    value: median(values),
    unit: row.unit,
    reference: references.length === 0 ? null : median(references),
    ratio: ratios.length === 0 ? null : median(ratios),
    bar: barText(row.bar, row.unit),
    met: verdict === 'met',
    verdict,
    interval,
    repeats,
    values,
    references,
    cpu: mediansOf(samples.map(({ cpu = {} }) => cpu)),
    referenceCpu: mediansOf(samples.map(({ referenceCpu = {} }) => referenceCpu)),
    notes,
    because: verdict === 'met' ? null : (row.because ?? null),
    seconds,
  };
}

function mediansOf(uses: readonly CpuUse[]): CpuUse {
  const names = Object.keys(uses[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(uses.map((use) => use[name] ?? 0))]));
}
