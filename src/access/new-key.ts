import { RaeError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { type Principal, permissionsOf } from './principal.ts';
import { PERMISSIONS, RIGHTS, TENANT_ROLES, type TenantRole } from './role.ts';

/** What an API key is made of. */
export interface NewKey {
  /** What it is for, in 1 to 100 characters. */
  readonly name: string;
  readonly role: TenantRole;
  /** Some of what the role may; undefined = all of it. */
  readonly scopes?: readonly string[] | undefined;
  /** The one project it is for; undefined = all. */
  readonly project?: string | undefined;
  /** Undefined = until it is revoked. */
  readonly expiresAt?: Date | undefined;
}

/**
 * The key, if it can be and `by` may hand it out.
 * @throws RaeError `RAE_USAGE`, or `RAE_FORBIDDEN` for more than `by` has: rights, time or projects.
 */
export function checkedKey(key: NewKey, by?: Principal): NewKey {
  const { name, role, scopes, project } = key;
  if (name.trim() === '' || name.length > 100 || /\p{C}/u.test(name))
    throw new RaeError('RAE_USAGE', 'the name of a key has 1 to 100 characters and no control characters');
  if (!TENANT_ROLES.includes(role)) throw strange('role', role, TENANT_ROLES);
  if (project !== undefined && (project === '' || project.length > 255 || /\p{Cc}/u.test(project)))
    throw new RaeError('RAE_USAGE', 'the name of a project has 1 to 255 characters and no control characters');
  for (const scope of scopes ?? []) {
    if (!(scope in PERMISSIONS)) throw strange('scope', scope, Object.keys(PERMISSIONS));
    if (!(RIGHTS[role] as readonly string[]).includes(scope))
      throw new RaeError('RAE_USAGE', `${role} has not the permission ${scope}, so that no key of it can`);
  }
  if (by !== undefined) {
    const own = permissionsOf(by);
    const more = permissionsOf({ role, scopes }).filter((permission) => !own.includes(permission));
    if (more.length > 0 || (by.project !== undefined && by.project !== project)) {
      const what = more.length > 0 ? more.join(', ') : 'other projects';
      throw new RaeError('RAE_FORBIDDEN', `nobody hands out rights that they have not: ${what}`);
    }
  }
  return key;
}

function strange(what: string, given: string, known: readonly string[]): RaeError {
  const near = nearest(given, known);
  return new RaeError('RAE_USAGE', `there is no ${what} ${JSON.stringify(given.slice(0, 60))}`, {
    hint: near === undefined ? `there are: ${known.join(', ')}` : `did you mean ${near}?`,
  });
}
