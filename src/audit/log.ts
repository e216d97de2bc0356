import type { Queryable, Row } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { RaeError } from '../kernel/errors.ts';

const sql = loadStatements(new URL('./log.sql', import.meta.url), ['append', 'list', 'verify', 'head', 'verifyHead']);

/** Who does something, as the audit log names them. */
export interface Author {
  /** Such as `operator` or `key 3f2a8c541f7e4c0b`. */
  readonly actor: string;
  /** The request that it was asked for by. */
  readonly requestId?: string | undefined;
  /** Where that came from. */
  readonly address?: string | undefined;
}

/** Whoever works on the database itself, as commands do. */
export const OPERATOR: Author = Object.freeze({ actor: 'operator' });

/** In the place of a tenant's id: the log of what operators do to no tenant alone, such as setting prices. */
export const FLEET_LOG = 'f1ee7000-0000-8000-8000-000000000000';

/** One entry of a tenant's log. */
export interface AuditRecord extends Row {
  /** From 1, without a gap; a big number as text. */
  readonly seq: string;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly hash: string;
}

/** The end of a tenant's log, signed. */
export interface AuditHead extends Row {
  readonly seq: string;
  readonly at: Date;
  readonly head: string;
}

/** As the database writes them. */
const HEAD = /^rae-audit-head\.1\.[0-9a-f-]{36}\.\d{1,18}\.\d{1,18}\.[0-9a-f]{64}\.[0-9a-f-]{8}\.[0-9a-f]{64}$/;

/** What a look through a tenant's log has found. */
export interface AuditVerdict {
  readonly entries: number;
  /** The first entry that is missing or not as it was written; undefined = none. */
  readonly badSeq: string | undefined;
  readonly why: string | undefined;
}

/**
 * Enters in the tenant's log what `author` does, in the transaction that does it: both commit or neither. `tx` has
 * entered the tenant. @param detail what it was done to, and what is harmless to keep of before and after.
 */
export async function enter(
  tx: Queryable,
  author: Author,
  action: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { actor, requestId, address } = author;
  const whole = { ...detail, ...(requestId === undefined ? {} : { request_id: requestId }) };
  await tx.rows(sql.append, [actor, action, JSON.stringify(address === undefined ? whole : { ...whole, address })]);
}

/** Tenants' audit logs as they are read, as `rae_api`. */
export class AuditLog {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /** A page of a tenant's log, the newest first. @param before only entries below this number. */
  async list(tenantId: string, before: string | undefined, limit: number): Promise<readonly AuditRecord[]> {
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<AuditRecord>(sql.list, [tenantId, before ?? null, limit]));
  }

  /**
   * Looks through the whole chain of a tenant. @param head one that `head` gave and that was kept elsewhere: the chain must still
   * go through it, which tells of a log that was written anew together with its end. @throws RaeError `RAE_USAGE` for what is no head.
   */
  async verify(tenantId: string, head?: string): Promise<AuditVerdict> {
    type Found = { entries: string; bad_seq: string | null; why: string | null };
    if (head !== undefined && !HEAD.test(head))
      throw new RaeError('RAE_USAGE', 'this is no head of an audit log; expected a line as from: rae audit head');
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const [row] = await tx.rows<Found>(sql.verify);
      const [kept] = head === undefined || row?.bad_seq !== null ? [row] : await tx.rows<Found>(sql.verifyHead, [head]);
      return { entries: Number(row?.entries ?? 0), badSeq: kept?.bad_seq ?? undefined, why: kept?.why ?? undefined };
    });
  }

  /** The end of a tenant's chain as one signed line, to be kept elsewhere; undefined where nothing was entered. */
  async head(tenantId: string): Promise<AuditHead | undefined> {
    const [head] = await this.#tenants.inTenant(tenantId, (tx) => tx.rows<AuditHead>(sql.head));
    return head;
  }

  /** Enters something that changes nothing else, such as an attempt that was refused. */
  async note(
    tenantId: string,
    author: Author,
    action: string,
    detail: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await this.#tenants.inTenant(tenantId, (tx) => enter(tx, author, action, detail));
  }
}
