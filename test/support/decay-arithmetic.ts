import type { MemoryColumns } from './memories.ts';

/** The fields of the decay policy that the arithmetic uses, all given. */
export interface DecayRules {
  readonly time_zone: string;
  readonly rate: number;
  readonly floor: number;
  readonly protected_days: number;
  readonly accelerated_days: number;
  readonly access_statistics: boolean;
  readonly layer_rates: Readonly<Record<string, number>>;
}

/** The original's defaults. */
export const DEFAULT_RULES: DecayRules = {
  time_zone: 'UTC',
  rate: 0.01,
  floor: 0.01,
  protected_days: 7,
  accelerated_days: 30,
  access_statistics: true,
  layer_rates: {},
};

const DAY_MS = 86_400_000;

/** The date that clocks in `timeZone` show at that instant, such as 2026-03-29; dates sort as texts. */
export function localDate(at: Date, timeZone: string): string {
  const shown = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  return shown.format(at);
}

/** What a memory's importance is after the decay of these dates, each named by its slot; written without a look at the SQL. */
export function decayed(
  memory: Required<Pick<MemoryColumns, 'created_at'>> & MemoryColumns,
  rules: DecayRules,
  slots: readonly Date[],
): number | null {
  let importance = memory.importance ?? null;
  const stored = localDate(memory.created_at, rules.time_zone);
  for (const slot of [...slots].sort((a, b) => a.getTime() - b.getTime())) {
    if (importance === null || importance <= rules.floor) continue;
    if (stored > localDate(slot, rules.time_zone)) continue;
    const accessed = memory.last_accessed_at ?? memory.created_at;
    const idleMs = Math.max(0, slot.getTime() - accessed.getTime());
    const rate = rules.layer_rates[memory.layer ?? ''] ?? rules.rate;
    let times = 1;
    if (rules.access_statistics && idleMs > rules.accelerated_days * DAY_MS)
      times = 1 + idleMs / DAY_MS / rules.accelerated_days;
    else if (rules.access_statistics && idleMs < rules.protected_days * DAY_MS) times = 0.5;
    importance = Math.max(rules.floor, importance * (1 - rate * times));
  }
  return importance;
}
