import { RaeError } from '../kernel/errors.ts';
import { type Permission, RIGHTS, type Role, type TenantRole } from './role.ts';

/** Whoever a request comes from, once that is proven. */
export interface Principal {
  readonly tenantId: string;
  /** As the audit log names it, such as `key 3f2a8c541f7e4c0b`. */
  readonly actor: string;
  readonly role: TenantRole;
  /** The permissions of its role that it has; undefined = all of them. */
  readonly scopes: readonly string[] | undefined;
  /** The one project it may act for; undefined = all. */
  readonly project: string | undefined;
}

/** An SRE: belongs to no tenant, and reads the contents of none. */
export interface Operator {
  readonly actor: string;
  readonly role: 'operator';
}

/** Whoever calls the API. */
export type Caller = Principal | Operator;

/** What somebody may do. */
export function permissionsOf({ role, scopes }: { role: Role; scopes?: Principal['scopes'] }): readonly Permission[] {
  return scopes === undefined ? RIGHTS[role] : RIGHTS[role].filter((permission) => scopes.includes(permission));
}

/** @throws RaeError `RAE_FORBIDDEN` that names what is lacking. */
export function requirePermission(caller: Caller, permission: Permission): void {
  if (permissionsOf(caller).includes(permission)) return;
  const lacks = RIGHTS[caller.role].includes(permission) ? 'this key has not the scope' : `${caller.role} has not`;
  throw new RaeError('RAE_FORBIDDEN', `${lacks} the permission ${permission}`, {
    hint: 'docs/access.md lists what each role may do',
  });
}

/** @throws RaeError `RAE_FORBIDDEN` for another project than the one the principal is bound to. */
export function requireProject({ project }: Principal, wanted: string | undefined): void {
  if (project === undefined || wanted === project) return;
  throw new RaeError('RAE_FORBIDDEN', `this credential is for the project ${JSON.stringify(project)} alone`, {
    hint: 'name that project',
  });
}
