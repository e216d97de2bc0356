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
  'keys:manage': 'list, make and revoke API keys',
  'audit:read': 'read the audit log',
  'tenants:manage': 'make, list, suspend and move tenants',
  'fleet:read': 'see the queues, cycles and pauses of the whole fleet',
  'fleet:write': 'pause work of the fleet, and let it go on',
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
  ],
  tenant_viewer: ['runs:read', 'policies:read', 'budget:read', 'usage:read', 'rules:read'],
  service_account: [
    'runs:read',
    'runs:write',
    'policies:read',
    'budget:read',
    'costs:write',
    'events:write',
    'usage:read',
  ],
  operator: OF_OPERATORS,
});
