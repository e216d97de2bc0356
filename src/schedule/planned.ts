/** What planning a slot made: runs by how they begin. */
export interface Planned {
  readonly total: number;
  readonly owed: number;
  readonly skipped: number;
  readonly covered: number;
}

export const NOTHING_PLANNED: Planned = Object.freeze({ total: 0, owed: 0, skipped: 0, covered: 0 });

/** The sum of two. */
export function plus(a: Planned, b: Planned): Planned {
  return {
    total: a.total + b.total,
    owed: a.owed + b.owed,
    skipped: a.skipped + b.skipped,
    covered: a.covered + b.covered,
  };
}
