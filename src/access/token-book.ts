import type { JWTPayload } from 'jose';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { RaeError } from '../kernel/errors.ts';
import { isUuid } from '../kernel/ids.ts';
import type { TenantStatus } from '../tenant/tenant.ts';
import { tenantIdOf } from './external-id.ts';
import type { Caller } from './principal.ts';
import { TENANT_ROLES, type TenantRole } from './role.ts';
import type { TokenVerifier } from './token-verifier.ts';
import { unknownCredential } from './unknown-credential.ts';

const sql = loadStatements(new URL('./token-book.sql', import.meta.url), ['find']);

/** Where tokens say whose they are. */
export interface TokenClaims {
  /** Has the tenant's id, or the external id it was made with. */
  readonly tenant: string;
  readonly role: string;
}

/** Whose tokens (JWT) are. Acts as `rae_api` inside the tenant. */
export class TokenBook {
  readonly #tenants: TenantContext;
  readonly #verifier: TokenVerifier;
  readonly #claims: TokenClaims;

  constructor(tenants: TenantContext, verifier: TokenVerifier, claims: TokenClaims) {
    this.#tenants = tenants;
    this.#verifier = verifier;
    this.#claims = claims;
  }

  /**
   * Who holds this token. Without a role in it, the member of the tenant whose proven address it names.
   * @throws RaeError `RAE_UNAUTHENTICATED`; `RAE_FORBIDDEN` for a tenant that is not active, and for nobody of it.
   */
  async caller(token: string): Promise<Caller> {
    const payload = await this.#verifier.claims(token);
    const actor = actorOf(payload);
    const roles = [payload[this.#claims.role] ?? []].flat();
    const said = payload[this.#claims.tenant];
    if (said === undefined && roles.includes('operator')) return { actor, role: 'operator' };
    if (typeof said !== 'string' || said === '' || said.length > 255) throw unknownCredential();
    const tenantId = isUuid(said) ? said : tenantIdOf(said);
    const email = payload.email_verified === true && typeof payload.email === 'string' ? payload.email : null;
    type Found = { status: TenantStatus; role: TenantRole | null };
    const [found] = await this.#tenants.inTenant(tenantId, (tx) => tx.rows<Found>(sql.find, [tenantId, email]));
    if (found === undefined) throw unknownCredential();
    if (found.status !== 'active') throw new RaeError('RAE_FORBIDDEN', `the tenant is ${found.status}`);
    const role = roles.length > 0 ? TENANT_ROLES.find((one) => roles.includes(one)) : (found.role ?? undefined);
    if (role === undefined)
      throw new RaeError('RAE_FORBIDDEN', 'the token names no role of this tenant, and nobody who is its member', {
        hint: `expected the claim ${this.#claims.role}: ${TENANT_ROLES.join(', ')}`,
      });
    const { rae_project: project } = payload;
    return { tenantId, actor, role, scopes: undefined, project: typeof project === 'string' ? project : undefined };
  }
}

function actorOf({ sub = '' }: JWTPayload): string {
  return `user ${sub.replace(/[^\x20-\x7e]/g, '?').slice(0, 100)}`;
}
