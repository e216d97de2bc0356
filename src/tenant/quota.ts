/** What a tenant may have or ask for, each in the words that people are told of it. */
export const QUOTAS = Object.freeze({
  max_memories: 'memories',
  max_storage_gb: "gigabytes (10⁹ bytes) of memories' content and metadata",
  max_api_calls_per_minute: 'calls of the HTTP API within a minute',
  max_enqueues_per_minute: 'runs asked for within a minute',
  max_backlog: 'runs that are not done',
} as const);

export type Quota = keyof typeof QUOTAS;

export const QUOTA_NAMES = Object.freeze(Object.keys(QUOTAS) as Quota[]);

/** One quota of a tenant as it holds now. */
export interface TenantQuota {
  readonly quota: Quota;
  /** Null = no limit. */
  readonly limit: number | null;
  /** Who says so. */
  readonly by: 'plan' | 'operator';
  /** How much of it is used; null where only Redis counts it. */
  readonly used: number | null;
  /** What is left of it; null where that is not known, or without end. */
  readonly remaining: number | null;
}

/** What is to be set: a limit, null = none, `by-plan` = what the plan says. */
export type QuotaChange = { readonly [Name in Quota]?: number | null | 'by-plan' };
