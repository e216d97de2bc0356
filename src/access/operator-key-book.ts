import { randomBytes } from 'node:crypto';
import { type Author, enter, FLEET_LOG, OPERATOR } from '../audit/log.ts';
import type { Database, Row } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import { loadStatements } from '../db/statement.ts';
import { RaeError } from '../kernel/errors.ts';
import { digestOf, matches } from './api-key.ts';
import { checkedKey } from './new-key.ts';
import type { Operator } from './principal.ts';
import { unknownCredential } from './unknown-credential.ts';

const sql = loadStatements(new URL('./operator-key-book.sql', import.meta.url), [
  'find',
  'noteUse',
  'add',
  'list',
  'revoke',
]);

const SHAPE = /^rae_operator_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;

/** A key of an operator without its secret. */
export interface OperatorKeyRecord extends Row {
  readonly key_id: string;
  readonly name: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
}

/** The API keys of SREs, as `rae_operator`. What is done with them is entered in the fleet's own log. */
export class OperatorKeyBook {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Whose key this is. @throws RaeError `RAE_UNAUTHENTICATED`, the same for every key that does not work */
  async operator(text: string): Promise<Operator> {
    const [, keyId] = SHAPE.exec(text) ?? [];
    if (keyId === undefined) throw unknownCredential();
    type Found = { digest: Buffer; live: boolean; stale: boolean };
    const [found] = await this.#database.rows<Found>(sql.find, [keyId]);
    if (!matches(text, found?.digest) || found?.live !== true) throw unknownCredential();
    if (found.stale) await this.#database.rows(sql.noteUse, [keyId]);
    return { actor: `operator key ${keyId}`, role: 'operator' };
  }

  /** Makes a key, which is shown this once. @throws RaeError `RAE_USAGE` for a name that cannot be. */
  async create(
    { name, expiresAt }: { readonly name: string; readonly expiresAt?: Date | undefined },
    author: Author = OPERATOR,
  ): Promise<{ readonly keyId: string; readonly text: string }> {
    checkedKey({ name, role: 'tenant_viewer' });
    const keyId = randomBytes(8).toString('hex');
    const text = `rae_operator_${keyId}_${randomBytes(32).toString('base64url')}`;
    await this.#database.transaction(async (tx) => {
      await tx.rows(sql.add, [keyId, name, digestOf(text), expiresAt ?? null]);
      await enter(tx, author, 'key.created', { key_id: keyId, name, role: 'operator', expires_at: expiresAt });
    }, enteringTenant(FLEET_LOG));
    return { keyId, text };
  }

  /** The keys, the oldest first. @param revoked those that were revoked as well. */
  async list(revoked: boolean): Promise<readonly OperatorKeyRecord[]> {
    return this.#database.rows<OperatorKeyRecord>(sql.list, [revoked]);
  }

  /** Revokes a key; one that was before stays so. @throws RaeError `RAE_NOT_FOUND` */
  async revoke(keyId: string, author: Author = OPERATOR): Promise<{ readonly changed: boolean }> {
    return this.#database.transaction(async (tx) => {
      const [key] = await tx.rows<{ worked: boolean }>(sql.revoke, [keyId]);
      if (key === undefined)
        throw new RaeError('RAE_NOT_FOUND', `there is no operator's key ${JSON.stringify(keyId.slice(0, 60))}`);
      if (key.worked) await enter(tx, author, 'key.revoked', { key_id: keyId, role: 'operator' });
      return { changed: key.worked };
    }, enteringTenant(FLEET_LOG));
  }
}
