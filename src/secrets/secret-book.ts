import { type Author, enter, OPERATOR } from '../audit/log.ts';
import type { Queryable, Row } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { RaeError } from '../kernel/errors.ts';
import type { MasterKeys } from './master-keys.ts';
import { seal, unseal } from './sealed.ts';

const sql = loadStatements(new URL('./secret-book.sql', import.meta.url), [
  'takeDataKey',
  'endOlder',
  'removeEnded',
  'add',
  'list',
  'dataKey',
  'rewrap',
  'valid',
]);

/** A version of a secret, without its value. */
export interface SecretVersion extends Row {
  readonly name: string;
  readonly version: number;
  readonly created_at: Date;
  /** Null = until a newer one takes its place. */
  readonly valid_until: Date | null;
}

interface DataKeyRow extends Row {
  readonly master_key: string;
  readonly wrapped: Buffer;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const MOST_BYTES = 8_192;
const LONGEST_KEEP_SECONDS = 30 * 24 * 3_600;

/**
 * The secrets of tenants. Each value is sealed under its tenant's data key and bound to tenant, name and version; the
 * data key is wrapped by a master key that is in no database. Values leave through `values` alone.
 */
export class SecretBook {
  readonly #tenants: TenantContext;
  readonly #keys: MasterKeys;

  constructor(tenants: TenantContext, keys: MasterKeys) {
    this.#tenants = tenants;
    this.#keys = keys;
  }

  /**
   * Makes `value` the secret's newest version. @param keepSeconds how long the versions before it stay valid beside it.
   * @throws RaeError `RAE_USAGE` for a name or value that cannot be, `RAE_REFUSED` without a master key.
   */
  async set(
    tenantId: string,
    name: string,
    value: string,
    keepSeconds = 0,
    author: Author = OPERATOR,
  ): Promise<SecretVersion> {
    checkName(name);
    checkValue(value);
    if (keepSeconds > LONGEST_KEEP_SECONDS)
      throw new RaeError('RAE_USAGE', `a version before stays valid for ${LONGEST_KEEP_SECONDS} seconds at most`);
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const dataKey = await this.#takeDataKey(tx, tenantId);
      const [before] = await tx.rows<{ version: number | null }>(sql.endOlder, [tenantId, name, keepSeconds]);
      await tx.rows(sql.removeEnded, [tenantId, name]);
      const version = (before?.version ?? 0) + 1;
      const sealed = seal(dataKey, Buffer.from(value), place(tenantId, name, version));
      const [added] = await tx.rows<{ created_at: Date }>(sql.add, [tenantId, name, version, sealed]);
      if (added === undefined) throw new RaeError('RAE_INTERNAL', 'the secret was not stored');
      await enter(tx, author, 'secret.set', { name, version, keep_seconds: keepSeconds });
      return { name, version, created_at: added.created_at, valid_until: null };
    });
  }

  /** As `set`, of a secret that is there. @throws RaeError `RAE_NOT_FOUND` with the names there are. */
  async rotate(
    tenantId: string,
    name: string,
    value: string,
    keepSeconds: number,
    author: Author = OPERATOR,
  ): Promise<SecretVersion> {
    checkName(name);
    const names = [...new Set((await this.list(tenantId)).map((one) => one.name))];
    if (!names.includes(name)) {
      throw new RaeError('RAE_NOT_FOUND', `the tenant has no secret ${name}`, {
        hint: names.length === 0 ? 'make it with: rae secret set' : `it has: ${names.join(', ')}`,
      });
    }
    return this.set(tenantId, name, value, keepSeconds, author);
  }

  /** The tenant's secrets without their values, by name, the newest version first. */
  async list(tenantId: string): Promise<readonly SecretVersion[]> {
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<SecretVersion>(sql.list, [tenantId]));
  }

  /**
   * The values of a secret that are valid now, the newest first; none where the tenant has no such secret.
   * @throws RaeError `RAE_SECRET_UNREADABLE` where they cannot be opened.
   */
  async values(tenantId: string, name: string): Promise<readonly string[]> {
    type Sealed = DataKeyRow & { readonly version: number; readonly sealed: Buffer };
    const rows = await this.#tenants.inTenant(tenantId, (tx) => tx.rows<Sealed>(sql.valid, [tenantId, name]));
    return rows.map((row) => {
      const value = unseal(this.#unwrap(tenantId, row), row.sealed, place(tenantId, name, row.version));
      if (value !== undefined) return value.toString();
      throw new RaeError(
        'RAE_SECRET_UNREADABLE',
        `version ${row.version} of the secret ${name} does not open: it was changed, or belongs to another tenant, name or version`,
        { hint: 'set it anew with: rae secret set' },
      );
    });
  }

  /** Wraps the tenant's data key by the newest master key. @returns false where it is already, or there is none. */
  async rewrap(tenantId: string): Promise<boolean> {
    const { newest } = this.#keys;
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const [row] = await tx.rows<DataKeyRow>(sql.dataKey, [tenantId]);
      if (row === undefined || row.master_key === newest) return false;
      const { masterKey, wrapped } = this.#keys.wrap(tenantId, this.#unwrap(tenantId, row));
      await tx.rows(sql.rewrap, [tenantId, masterKey, wrapped]);
      await enter(tx, OPERATOR, 'secret.rewrapped', { before: row.master_key, after: masterKey });
      return true;
    });
  }

  async #takeDataKey(tx: Queryable, tenantId: string): Promise<Buffer> {
    const { masterKey, wrapped } = this.#keys.make(tenantId);
    const [row] = await tx.rows<DataKeyRow>(sql.takeDataKey, [tenantId, masterKey, wrapped]);
    if (row === undefined) throw new RaeError('RAE_INTERNAL', 'the tenant has no data key');
    return this.#unwrap(tenantId, row);
  }

  #unwrap(tenantId: string, { master_key: masterKey, wrapped }: DataKeyRow): Buffer {
    return this.#keys.unwrap(tenantId, { masterKey, wrapped });
  }
}

function place(tenantId: string, name: string, version: number): readonly (string | number)[] {
  return ['rae secret', tenantId, name, version];
}

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw new RaeError(
    'RAE_USAGE',
    `${JSON.stringify(name.slice(0, 80))} is no name of a secret; expected 1 to 63 of a-z, 0-9, . _ and -, such as webhook.billing`,
  );
}

/** Says nothing of the value but its size. */
function checkValue(value: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes === 0 || value.trim() === '') throw new RaeError('RAE_USAGE', 'the value of the secret is empty');
  if (bytes > MOST_BYTES)
    throw new RaeError('RAE_USAGE', `the value of the secret has ${bytes} bytes; ${MOST_BYTES} are the most`);
}
