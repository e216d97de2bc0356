import { type Author, enter, OPERATOR } from '../audit/log.ts';
import type { Row } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { RaeError } from '../kernel/errors.ts';

const sql = loadStatements(new URL('./legal-hold-book.sql', import.meta.url), [
  'memory',
  'place',
  'list',
  'find',
  'release',
  'certificates',
]);

/** A legal hold: what it names must not be removed, whatever a policy says. Neither project nor memory = all of the tenant. */
export interface LegalHold extends Row {
  readonly hold_id: string;
  readonly project: string | null;
  readonly memory_id: string | null;
  readonly reason: string;
  readonly owner: string;
  readonly placed_at: Date;
  readonly released_at: Date | null;
}

/** What a new hold is made of. */
export interface NewLegalHold {
  readonly project?: string | undefined;
  readonly memoryId?: string | undefined;
  /** Up to 1,000 characters. */
  readonly reason: string;
  /** Who is responsible; up to 255 characters. */
  readonly owner: string;
}

/** What retention removed of a class at a slot. */
export interface Certificate extends Row {
  readonly class: string;
  readonly slot: Date;
  readonly cutoff: Date | null;
  readonly deleted: number;
  readonly oldest: Date;
  readonly newest: Date;
  readonly policy_fingerprint: string;
  readonly hash: string;
  /** Whether its hash is that of the rest of it. */
  readonly intact: boolean;
}

/**
 * The legal holds of tenants, and the certificates of what went. Acts as `rae_api` inside the tenant, which the caller
 * has found to be there. A hold that is placed holds: a step of retention that was under way is over by then.
 */
export class LegalHoldBook {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /** @throws RaeError `RAE_USAGE` for texts that cannot be, `RAE_NOT_FOUND` for a memory that the tenant does not have. */
  async place(tenantId: string, hold: NewLegalHold, author: Author = OPERATOR): Promise<LegalHold> {
    bounded('reason', hold.reason, 1_000);
    bounded('owner', hold.owner, 255);
    if (hold.project !== undefined) bounded('project', hold.project, 255);
    return this.#tenants.inTenant(tenantId, async (tx) => {
      if (hold.memoryId !== undefined && (await tx.rows(sql.memory, [tenantId, hold.memoryId])).length === 0) {
        throw new RaeError('RAE_NOT_FOUND', `the tenant has no memory ${hold.memoryId}`, {
          hint: 'what is gone cannot be held; nothing was changed',
        });
      }
      const values = [tenantId, hold.project ?? null, hold.memoryId ?? null, hold.reason, hold.owner];
      const [placed] = await tx.rows<LegalHold>(sql.place, values);
      if (placed === undefined) throw new RaeError('RAE_INTERNAL', 'the hold was not placed');
      await enter(tx, author, 'hold.placed', named(placed));
      return placed;
    });
  }

  /** The tenant's holds, the newest first. @param released those that were released as well. */
  async list(tenantId: string, released: boolean): Promise<readonly LegalHold[]> {
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<LegalHold>(sql.list, [tenantId, released]));
  }

  /** Releases a hold; one that was released before stays as it is. @throws RaeError `RAE_NOT_FOUND` */
  async release(
    tenantId: string,
    holdId: string,
    author: Author = OPERATOR,
  ): Promise<{ readonly hold: LegalHold; readonly changed: boolean }> {
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const [released] = await tx.rows<LegalHold>(sql.release, [tenantId, holdId]);
      if (released !== undefined) {
        await enter(tx, author, 'hold.released', named(released));
        return { hold: released, changed: true };
      }
      const [hold] = await tx.rows<LegalHold>(sql.find, [tenantId, holdId]);
      if (hold !== undefined) return { hold, changed: false };
      throw new RaeError('RAE_NOT_FOUND', `the tenant has no legal hold ${holdId}`, {
        hint: `see its holds with: rae tenant holds ${tenantId}`,
      });
    });
  }

  /** The tenant's deletion certificates, the newest slots first. */
  async certificates(tenantId: string, limit: number): Promise<readonly Certificate[]> {
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<Certificate>(sql.certificates, [tenantId, limit]));
  }
}

/** A hold as the audit log keeps it. */
function named({ hold_id, project, memory_id, owner }: LegalHold): Row {
  return { hold_id, project, memory_id, owner };
}

function bounded(what: string, text: string, most: number): void {
  if (text.trim() !== '' && text.length <= most && !text.includes('\0')) return;
  throw new RaeError('RAE_USAGE', `the ${what} has ${text.length} characters; expected 1 to ${most}, not all blank`);
}
