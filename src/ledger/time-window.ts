/** A window in which runs may begin, and in no other time; or a blackout, in which none begins. */
export const WINDOW_KINDS = Object.freeze(['maintenance', 'blackout'] as const);
export type WindowKind = (typeof WINDOW_KINDS)[number];

/** A window of a tenant as it is kept. */
export interface TimeWindow extends Record<string, unknown> {
  readonly tenant_id: string;
  readonly window_id: string;
  /** `EVERY` where it is of every worker. */
  readonly worker: string;
  readonly kind: WindowKind;
  /** As kernel/opening-hours.ts reads them. */
  readonly hours: string;
  readonly time_zone: string;
  readonly reason: string | null;
  readonly owner: string;
  readonly created_at: Date;
}
