/** What can be permitted. Each stands for some routes of the API. */
export const PERMISSIONS = Object.freeze({
  'runs:read': 'list and look at runs, and ask why one waits',
  'runs:write': 'ask for runs, cancel and retry them',
  'policies:read': 'read policies',
  'policies:write': 'change policies',
  'budget:read': 'read the budget, and ask whether an amount may be spent',
  'budget:write': 'change the budget',
  'costs:write': 'say what a call of a model cost',
  'events:write': 'say that something happened',
  'usage:read': 'read what was used',
  'rules:read': 'read rules',
  'rules:write': 'change rules',
  'messages:read': 'see what became of outgoing messages',
  'messages:write': 'have messages sent again',
  'secrets:manage': 'list secrets without their values, and set them',
  'keys:manage': 'list, make and revoke API keys',
  'members:manage': 'list, add and remove members, and give them roles',
  'audit:read': 'read the audit log',
  'tenants:manage': 'make, list, suspend and move tenants, and set what they may have',
  'fleet:read': 'see the queues, cycles, pauses, limits and prices of the whole fleet',
  'fleet:write': 'pause work of the fleet and let it go on, bound workers, make cycles, set prices',
} as const);

export type Permission = keyof typeof PERMISSIONS;

/** The roles that somebody can have within a tenant. */
export const TENANT_ROLES = Object.freeze(['tenant_admin', 'tenant_user', 'tenant_viewer', 'service_account'] as const);

export type TenantRole = (typeof TENANT_ROLES)[number];

/** Those of a tenant, and the SREs': an operator sees counts and states of every tenant and the contents of none. */
export type Role = TenantRole | 'operator';

/** What is about more than one tenant. */
const OF_OPERATORS: readonly Permission[] = ['tenants:manage', 'fleet:read', 'fleet:write'];

const ALL = Object.freeze(
  (Object.keys(PERMISSIONS) as Permission[]).filter((permission) => !OF_OPERATORS.includes(permission)),
);

/** Who may do what: the only table of it; docs/access.md is generated from this. */
export const RIGHTS: Readonly<Record<Role, readonly Permission[]>> = Object.freeze({
  tenant_admin: ALL,
  tenant_user: [
    'runs:read',
    'runs:write',
    'policies:read',
    'budget:read',
    'costs:write',
    'events:write',
    'usage:read',
    'rules:read',
    'messages:read',
    'messages:write',
  ],
  tenant_viewer: ['runs:read', 'policies:read', 'budget:read', 'usage:read', 'rules:read', 'messages:read'],
  service_account: [
    'runs:read',
    'runs:write',
    'policies:read',
    'budget:read',
    'costs:write',
    'events:write',
    'usage:read',
    'messages:read',
  ],
  operator: OF_OPERATORS,
});
