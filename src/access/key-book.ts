import { type Author, enter } from '../audit/log.ts';
import type { Queryable, Row } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { RaeError } from '../kernel/errors.ts';
import type { TenantStatus } from '../tenant/tenant.ts';
import { digestOf, matches, mintKey, readKey } from './api-key.ts';
import { checkedKey, type NewKey } from './new-key.ts';
import type { Principal } from './principal.ts';
import type { TenantRole } from './role.ts';
import { unknownCredential } from './unknown-credential.ts';

const sql = loadStatements(new URL('./key-book.sql', import.meta.url), [
  'find',
  'noteUse',
  'add',
  'list',
  'holdAdmins',
  'revoke',
]);

/** An API key without its secret. */
export interface KeyRecord extends Row {
  readonly key_id: string;
  readonly name: string;
  readonly role: TenantRole;
  /** Null = all that its role may. */
  readonly scopes: readonly string[] | null;
  /** Null = all projects. */
  readonly project: string | null;
  readonly created_by: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
}

interface FoundKey extends Row {
  readonly digest: Buffer;
  readonly role: TenantRole;
  readonly scopes: readonly string[] | null;
  readonly project: string | null;
  readonly status: TenantStatus;
  readonly live: boolean;
  readonly stale: boolean;
}

/** Adds a key within a transaction that has entered its tenant. @returns the whole key, which is kept nowhere. */
export async function addKey(tx: Queryable, tenantId: string, key: NewKey, author: Author) {
  const { name, role, scopes, project, expiresAt } = checkedKey(key);
  const { keyId, text } = mintKey(tenantId);
  const values = [
    tenantId,
    keyId,
    name,
    role,
    scopes ?? null,
    project ?? null,
    digestOf(text),
    author.actor,
    expiresAt ?? null,
  ];
  await tx.rows(sql.add, values);
  await enter(tx, author, 'key.created', { key_id: keyId, name, role, scopes, project, expires_at: expiresAt });
  return { keyId, text };
}

/** The API keys of tenants. Acts as `rae_api` inside the tenant. What is revoked is refused from the next request on. */
export class KeyBook {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /**
   * Whose key this is.
   * @throws RaeError `RAE_UNAUTHENTICATED`, the same for every key that does not work; `RAE_FORBIDDEN` for a tenant that is not active.
   */
  async principal(text: string): Promise<Principal> {
    const key = readKey(text);
    if (key === undefined) throw unknownCredential();
    const { tenantId, keyId } = key;
    const found = await this.#tenants.inTenant(tenantId, async (tx) => {
      const [row] = await tx.rows<FoundKey>(sql.find, [tenantId, keyId]);
      if (row?.live === true && row.stale && matches(text, row.digest)) await tx.rows(sql.noteUse, [tenantId, keyId]);
      return row;
    });
    if (!matches(text, found?.digest) || found?.live !== true) throw unknownCredential();
    if (found.status !== 'active') throw new RaeError('RAE_FORBIDDEN', `the tenant is ${found.status}`);
    const { role, scopes, project } = found;
    return { tenantId, actor: `key ${keyId}`, role, scopes: scopes ?? undefined, project: project ?? undefined };
  }

  /**
   * Makes a key. @param by who asks, where that is somebody of the tenant: nobody hands out more than they have.
   * @throws RaeError `RAE_USAGE` for what cannot be, `RAE_FORBIDDEN`.
   */
  async create(tenantId: string, key: NewKey, author: Author, by?: Principal) {
    checkedKey(key, by);
    return this.#tenants.inTenant(tenantId, (tx) => addKey(tx, tenantId, key, author));
  }

  /** The tenant's keys, the oldest first. @param revoked those that were revoked as well. */
  async list(tenantId: string, revoked: boolean): Promise<readonly KeyRecord[]> {
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<KeyRecord>(sql.list, [tenantId, revoked]));
  }

  /**
   * Revokes a key; one that was before stays so.
   * @throws RaeError `RAE_NOT_FOUND`, or `RAE_REFUSED` for the last key of an admin: nobody could make another.
   */
  async revoke(tenantId: string, keyId: string, author: Author): Promise<{ readonly changed: boolean }> {
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const admins = await tx.rows<{ key_id: string }>(sql.holdAdmins, [tenantId]);
      if (admins.length === 1 && admins[0]?.key_id === keyId) {
        throw new RaeError('RAE_REFUSED', `${keyId} is the last key of an admin of this tenant`, {
          hint: 'make another key with the role tenant_admin first',
        });
      }
      const [revoked] = await tx.rows(sql.revoke, [tenantId, keyId]);
      if (revoked !== undefined) {
        await enter(tx, author, 'key.revoked', { key_id: keyId });
        return { changed: true };
      }
      const [found] = await tx.rows<FoundKey>(sql.find, [tenantId, keyId]);
      if (found !== undefined) return { changed: false };
      throw new RaeError('RAE_NOT_FOUND', `the tenant has no key ${JSON.stringify(keyId.slice(0, 60))}`, {
        hint: 'see its keys with: rae key list',
      });
    });
  }
}
