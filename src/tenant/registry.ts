import { randomUUID } from 'node:crypto';
import { type Author, enter, OPERATOR } from '../audit/log.ts';
import type { Database, Queryable } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import { loadStatements } from '../db/statement.ts';
import { RaeError } from '../kernel/errors.ts';
import { parseTenantId } from '../kernel/ids.ts';
import { checkedTenant, type NewTenant } from './new-tenant.ts';
import { planNamed } from './plan.ts';
import { type TenantRow, tenantOf } from './row.ts';
import { checkedShare, type ShareChange } from './share.ts';
import type { Placement, Tenant, TenantChange, TenantStatus } from './tenant.ts';

const sql = loadStatements(new URL('./registry.sql', import.meta.url), [
  'create',
  'addProject',
  'show',
  'hold',
  'projects',
  'list',
  'setStatus',
  'setPlan',
  'setPlacement',
  'setShare',
]);

/** A part of a tenant that its memories can be kept apart by. */
export interface Project {
  readonly projectId: string;
  readonly name: string;
}

/** What else goes into the making of a tenant. */
interface Creation {
  /** Default: a new one. */
  readonly tenantId?: string | undefined;
  readonly externalId?: string | undefined;
  readonly author?: Author;
  /** What else belongs into the transaction of a tenant that was not there. */
  readonly also?: (tx: Queryable, tenantId: string) => Promise<void>;
}

/** Which page of the tenants to give. */
export interface TenantPage {
  /** The last id of the page before; undefined = from the first. */
  readonly after?: string | undefined;
  readonly status?: TenantStatus | undefined;
  readonly plan?: string | undefined;
  /** At most so many; from 1 to 1,000. */
  readonly limit: number;
}

/**
 * All tenants: who they are, and what operators change about them. Acts as `rae_operator` on the control database.
 * Every method that takes an id throws `RAE_TENANT_ID_INVALID` or `RAE_TENANT_UNKNOWN`; every one that sets something
 * may be repeated: where it already is so, nothing is written and `changed` is false.
 */
export class TenantRegistry {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Makes a tenant with its project `default`, in one transaction. One of the id that was asked for, if it is there, stays as it is.
   * @throws RaeError `RAE_USAGE` for a name, address or plan that cannot be.
   */
  async create(
    input: NewTenant,
    how: Creation = {},
  ): Promise<{ readonly tenant: Tenant; readonly project: Project; readonly made: boolean }> {
    const { name, plan, adminEmail, metadata } = checkedTenant(input);
    const { tenantId = randomUUID(), externalId, author = OPERATOR, also } = how;
    return this.#inTenant(tenantId, async (tx) => {
      await planNamed(tx, plan);
      const values = [name, plan, adminEmail ?? null, JSON.stringify(metadata), tenantId, externalId ?? null];
      const made = (await tx.rows(sql.create, values)).length > 0;
      if (made) {
        await tx.rows(sql.addProject, [tenantId, 'default']);
        await enter(tx, author, 'tenant.created', { plan, external_id: externalId });
        await also?.(tx, tenantId);
      }
      const [project] = await tx.rows<{ project_id: string; name: string }>(sql.projects, [tenantId]);
      const tenant = await found(tx, tenantId, 'show');
      return { tenant, project: { projectId: project?.project_id ?? '', name: project?.name ?? 'default' }, made };
    });
  }

  /** One tenant. */
  async show(tenantId: string): Promise<Tenant> {
    return found(this.#database, tenantId, 'show');
  }

  /** A tenant's projects, the oldest first. */
  async projects(tenantId: string): Promise<readonly Project[]> {
    await this.show(tenantId);
    const rows = await this.#database.rows<{ project_id: string; name: string }>(sql.projects, [tenantId]);
    return rows.map((row) => ({ projectId: row.project_id, name: row.name }));
  }

  /**
   * A page of tenants in the order of their ids, and the `after` of the next page; undefined when this is the last.
   * @throws RaeError `RAE_USAGE` for an unknown plan or a limit out of bounds.
   */
  async list(page: TenantPage): Promise<{ readonly tenants: readonly Tenant[]; readonly next: string | undefined }> {
    const { after, status, plan, limit } = page;
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
      throw new RaeError('RAE_USAGE', `a page has 1 to 1000 tenants, not ${limit}`);
    }
    const from = after === undefined ? null : parseTenantId(after);
    if (plan !== undefined) await planNamed(this.#database, plan);
    // One more than asked for tells whether there is a next page.
    const rows = await this.#database.rows<TenantRow>(sql.list, [from, status ?? null, plan ?? null, limit + 1]);
    const tenants = rows.slice(0, limit).map(tenantOf);
    return { tenants, next: rows.length > limit ? tenants.at(-1)?.tenantId : undefined };
  }

  /** No more work is done for the tenant; what it has stays. @throws RaeError `RAE_REFUSED` when it is deleted. */
  async suspend(tenantId: string, author: Author = OPERATOR): Promise<TenantChange> {
    return this.#setStatus(tenantId, 'suspended', author);
  }

  /** The tenant is worked for again. @throws RaeError `RAE_REFUSED` when it is deleted. */
  async resume(tenantId: string, author: Author = OPERATOR): Promise<TenantChange> {
    return this.#setStatus(tenantId, 'active', author);
  }

  /**
   * Gives the tenant another plan. Where that moves its queues, the placement epoch rises.
   * @throws RaeError `RAE_USAGE` for an unknown plan, `RAE_REFUSED` when the tenant is deleted.
   */
  async setPlan(tenantId: string, plan: string, author: Author = OPERATOR): Promise<TenantChange> {
    const set = async (tx: Queryable, tenant: Tenant) => {
      const { dedicated } = await planNamed(tx, plan);
      if (tenant.plan === plan) return false;
      const moves = tenant.placement === undefined && dedicated !== (tenant.placed === 'dedicated');
      await tx.rows(sql.setPlan, [tenantId, plan, moves]);
      return true;
    };
    return this.#change(tenantId, 'tenant.plan_set', set, author);
  }

  /**
   * Says where the tenant's runs wait, and raises its placement epoch.
   * @param placement undefined = what the plan says.
   * @throws RaeError `RAE_REFUSED` when the tenant is deleted.
   */
  async place(tenantId: string, placement: Placement | undefined, author: Author = OPERATOR): Promise<TenantChange> {
    const set = async (tx: Queryable, tenant: Tenant) => {
      if (tenant.placement === placement) return false;
      await tx.rows(sql.setPlacement, [tenantId, placement ?? null]);
      return true;
    };
    return this.#change(tenantId, 'tenant.placed', set, author);
  }

  /**
   * Sets the tenant's weight and cap apart from its plan, or gives it back what the plan says. Dispatch follows at once.
   * @throws RaeError `RAE_USAGE` for a weight or cap that cannot be, `RAE_REFUSED` when the tenant is deleted.
   */
  async setShare(tenantId: string, change: ShareChange, author: Author = OPERATOR): Promise<TenantChange> {
    const { weight, runCap } = checkedShare(change);
    const set = async (tx: Queryable, tenant: Tenant) => {
      const next = [
        weight === undefined ? (tenant.weight ?? null) : weight,
        runCap === undefined ? (tenant.runCap ?? null) : runCap,
      ];
      if (next[0] === (tenant.weight ?? null) && next[1] === (tenant.runCap ?? null)) return false;
      await tx.rows(sql.setShare, [tenantId, ...next]);
      return true;
    };
    return this.#change(tenantId, 'tenant.share_set', set, author);
  }

  #setStatus(tenantId: string, status: TenantStatus, author: Author): Promise<TenantChange> {
    const set = async (tx: Queryable, tenant: Tenant) => {
      if (tenant.status === status) return false;
      await tx.rows(sql.setStatus, [tenantId, status]);
      return true;
    };
    return this.#change(tenantId, `tenant.${status}`, set, author);
  }

  /** Holds the tenant's row, so that two operators at once go one after the other, and lets `set` change it. */
  #change(
    tenantId: string,
    action: string,
    set: (tx: Queryable, tenant: Tenant) => Promise<boolean>,
    author: Author,
  ): Promise<TenantChange> {
    return this.#inTenant(parseTenantId(tenantId), async (tx) => {
      const tenant = await found(tx, tenantId, 'hold');
      if (tenant.status === 'deleted') {
        throw new RaeError('RAE_REFUSED', `the tenant ${tenantId} is deleted; that cannot be taken back`);
      }
      const changed = await set(tx, tenant);
      if (!changed) return { changed, tenant };
      const after = await found(tx, tenantId, 'show');
      await enter(tx, author, action, { before: stateOf(tenant), after: stateOf(after) });
      return { changed, tenant: after };
    });
  }

  /** Entering the tenant opens its audit log to this transaction; operators see every tenant all the same. */
  #inTenant<T>(tenantId: string, work: (tx: Queryable) => Promise<T>): Promise<T> {
    return this.#database.transaction(work, enteringTenant(tenantId));
  }
}

async function found(database: Queryable, tenantId: string, statement: 'show' | 'hold'): Promise<Tenant> {
  const [row] = await database.rows<TenantRow>(sql[statement], [parseTenantId(tenantId)]);
  if (row !== undefined) return tenantOf(row);
  throw new RaeError('RAE_TENANT_UNKNOWN', `there is no tenant ${tenantId}`, {
    hint: 'see the tenants with: rae tenant list',
  });
}

/** What operators change of a tenant, as its audit log keeps it. */
function stateOf({ plan, status, placed, weight, runCap }: Tenant): Readonly<Record<string, unknown>> {
  return { plan, status, placed, weight: weight ?? null, run_cap: runCap ?? null };
}
