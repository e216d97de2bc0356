/** Where a tenant stands: `suspended` is not worked for but loses nothing, `deleted` never comes back. */
export type TenantStatus = 'active' | 'suspended' | 'deleted';

export const TENANT_STATUSES = Object.freeze(['active', 'suspended', 'deleted'] as const);

/** Where a tenant's runs wait: in a partition shared with others, in queues of its own, or apart with those that are too noisy. */
export type Placement = (typeof PLACEMENTS)[number];

export const PLACEMENTS = Object.freeze(['shared', 'dedicated', 'quarantine'] as const);

/** How a tenant stands against others in dispatch. */
export interface Share {
  /** While it has work, it gets worker time in proportion to this. */
  readonly weight: number;
  /** How many of its runs may execute at once. */
  readonly runCap: number;
}

/** An isolated customer as the registry knows it. */
export interface Tenant {
  readonly tenantId: string;
  readonly name: string;
  readonly plan: string;
  readonly status: TenantStatus;
  /** The database that holds its data. */
  readonly shard: string;
  /** What was set for this tenant; undefined = what its plan says. */
  readonly placement: Placement | undefined;
  /** What holds, the plan considered. */
  readonly placed: Placement;
  /** Grows with every move: a ticket of an older epoch is handed back. */
  readonly placementEpoch: number;
  /** What was set for this tenant of its share; undefined = what its plan says. */
  readonly weight: number | undefined;
  readonly runCap: number | undefined;
  /** What holds, the plan considered. */
  readonly share: Share;
  /** The tenant's own settings, as the API server stores them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Whatever whoever made the tenant wanted to keep with it. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly contactEmail: string | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A tenant after a command that sets something, and whether it was otherwise before. */
export interface TenantChange {
  readonly tenant: Tenant;
  readonly changed: boolean;
}
