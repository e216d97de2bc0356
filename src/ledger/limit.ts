export { EVERY_TENANT } from './pause.ts';

/** What bounds one worker, for a tenant or (`EVERY_TENANT`) in total. Null = nothing of that kind. */
export interface LimitRow extends Record<string, unknown> {
  readonly tenant_id: string;
  readonly worker: string;
  /** How many of its runs may be admitted at once. */
  readonly run_cap: number | null;
  /** How many may be admitted in `rate_seconds` (1, 60 or 3,600), `burst` of them at once. */
  readonly rate_runs: number | null;
  readonly rate_seconds: number | null;
  readonly burst: number | null;
  readonly owner: string;
  /** How far back the rate's bucket reaches, in ms; null = it is full. */
  readonly behind_ms: number | null;
}
