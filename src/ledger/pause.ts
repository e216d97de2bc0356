/** Stands for every worker, or every queue, in what operators control. */
export const EVERY = '*';
/** Stands for every tenant there. */
export const EVERY_TENANT = '00000000-0000-0000-0000-000000000000';

/** What becomes of runs that become owed while a pause holds: they wait until it is over, or are skipped. */
export const PAUSED_ARRIVALS = Object.freeze(['keep', 'skip'] as const);
export type PausedArrivals = (typeof PAUSED_ARRIVALS)[number];

/** What is paused: a tenant, a worker, one worker of a tenant, or a queue. What is not named is not looked at. */
export interface PauseScope {
  readonly tenantId?: string | undefined;
  readonly worker?: string | undefined;
  readonly queue?: string | undefined;
}

/** A pause as it is kept. */
export interface Pause extends Record<string, unknown> {
  /** `EVERY_TENANT` where it is of no single one. */
  readonly tenant_id: string;
  readonly pause_id: string;
  /** `EVERY` where it is of no single one. */
  readonly worker: string;
  readonly queue: string;
  readonly arrivals: PausedArrivals;
  /** What runs is taken back as well. */
  readonly aborts: boolean;
  readonly reason: string;
  readonly owner: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  /** Null while it holds. */
  readonly lifted_at: Date | null;
  readonly lifted_by: string | null;
}

/** What a pause is of, as it was named when it was made. */
export function scopeOfPause({ tenant_id: tenant, worker, queue }: Pause): PauseScope {
  return {
    tenantId: tenant === EVERY_TENANT ? undefined : tenant,
    worker: worker === EVERY ? undefined : worker,
    queue: queue === EVERY ? undefined : queue,
  };
}
