import type { CataloguedWorker } from '../../src/fleet/catalogue.ts';
import type { PerformerPorts } from '../../src/fleet/performer.ts';
import { furnishBudgets } from './budget-scene.ts';
import { furnishCosts } from './cost-scene.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { furnishMessages } from './delivering.ts';
import { executorOn } from './executor.ts';
import { mixOfMemories, storeMix } from './memory-mix.ts';
import { Random } from './random.ts';
import { furnishRules } from './rule-scene.ts';
import { addRun, admittedRun, type RunRow, readRun } from './runs.ts';

const SLOT = new Date('2026-03-05T02:00:00Z');
/** What the fleet keeps about its own work; a worker's effect is in all the other tables. */
const BOOKS = ['runs', 'tenant_cadences', 'due_hints', 'wakes'];

/** Settings that make a worker take the smallest steps it can; a worker that has none works in one step or has its own bound. */
const SMALL_STEPS: Readonly<Record<string, Record<string, unknown>>> = {
  'budget-alerting': { step_notes: 2 },
  decay: { step_rows: 10 },
  'cost-aggregation': { step_rows: 5 },
  'retention-purge': { step_rows: 10 },
  'trigger-evaluation': { step_events: 7 },
};

/** What a worker needs in the scene besides memories, so that it has something to do. */
const FURNISHING: Readonly<
  Record<string, (database: TestDatabase, tenantId: string, otherId: string) => Promise<void>>
> = {
  'budget-alerting': furnishBudgets,
  'cost-aggregation': furnishCosts,
  delivery: furnishMessages,
  'trigger-evaluation': furnishRules,
};

/** Columns that say when something was written, or at which attempt: two scenes differ in them. */
const CLOCKS = ['consumed_at', 'updated_at', 'next_attempt_at', 'ended_at', 'tried_since', 'attempts'];
/** More of them, by table, and ids that the database draws: what is hashed with such a time differs as well. */
const MORE_CLOCKS: Readonly<Record<string, readonly string[]>> = {
  audit_log: ['at', 'previous', 'hash'],
  audit_heads: ['at', 'hash'],
  budget_alerts: ['alerted_at'],
  events: ['event_id', 'created_at'],
  pending_events: ['event_id'],
  messages: ['message_id', 'created_at'],
};

/** What a test changes about the process that performs a run. */
export type SceneProcess = Partial<Pick<PerformerPorts, 'steps' | 'draining' | 'abort'>>;

/**
 * A database with one tenant that has a run to be performed, and another tenant. Every scene of the same worker begins
 * with the same bytes, so that what it ends with can be compared.
 */
export class ContractScene {
  readonly database: TestDatabase;
  readonly worker: CataloguedWorker;
  readonly tenantId: string;
  readonly otherId: string;
  readonly runId: string;

  private constructor(database: TestDatabase, worker: CataloguedWorker, ids: readonly [string, string, string]) {
    this.database = database;
    this.worker = worker;
    [this.tenantId, this.otherId, this.runId] = ids;
  }

  static async open(worker: CataloguedWorker): Promise<ContractScene> {
    const database = await createDatabase();
    const random = new Random(7);
    const [tenant, other] = [random.uuid(), random.uuid()];
    await database.admin(
      "insert into public.tenants (tenant_id, name, created_at, updated_at) select unnest($1::uuid[]), 'scene', $2, $2",
      [[tenant, other], SLOT],
    );
    await storeMix(database, tenant, mixOfMemories(random, 45, SLOT));
    await storeMix(database, other, mixOfMemories(random, 30, SLOT));
    await database.admin('update public.memories set "timestamp" = created_at');
    await FURNISHING[worker.name]?.(database, tenant, other);
    await database.admin('delete from public.due_hints');
    const run = { worker: worker.name, ...(worker.schedule === undefined ? {} : { slot: SLOT }) };
    return new ContractScene(database, worker, [tenant, other, await addRun(database, tenant, run)]);
  }

  /** Performs the run as a worker process does that finds its ticket, and gives what the ledger says then. */
  async perform(process: SceneProcess = {}): Promise<RunRow> {
    await this.database.admin("update public.runs set state = 'queued', finished_at = null where run_id = $1", [
      this.runId,
    ]);
    const tenants = this.database.tenants();
    const settings = this.worker.definition.contract.settings.parse(SMALL_STEPS[this.worker.name] ?? {});
    const executor = executorOn(tenants, { settings: new Map([[this.worker.name, settings]]), ...process });
    await executor.execute(this.worker, await admittedRun(this.database, this.runId));
    return await readRun(this.database, this.runId);
  }

  /** A digest of every row of a tenant in every table, by table; without the fleet's books unless asked for. */
  async digest(
    tenantId: string,
    books: 'with the books' | 'without the books' = 'without the books',
  ): Promise<unknown> {
    const digests: Record<string, string> = {};
    for (const table of await this.tables()) {
      if (BOOKS.includes(table) && books === 'without the books') continue;
      const [row] = await this.database.admin<{ digest: string }>(
        `select count(*) || ' ' || md5(coalesce(string_agg(r.line, E'\\n' order by r.line), '')) as digest
           from (select (to_jsonb(t) - $2::text[])::text as line from public.${table} t where tenant_id = $1) r`,
        [tenantId, [...CLOCKS, ...(MORE_CLOCKS[table] ?? [])]],
      );
      digests[table] = row?.digest ?? '';
    }
    return digests;
  }

  /** Every table with tenants in it. */
  async tables(): Promise<readonly string[]> {
    const rows = await this.database.admin<{ name: string }>(
      `select c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'tenant_id'
        order by c.relname`,
    );
    return rows.map(({ name }) => name);
  }

  /** The tables a worker's effect may be in. */
  async dataTables(): Promise<readonly string[]> {
    const registry = ['tenants', 'projects', 'policies'];
    return (await this.tables()).filter((table) => !BOOKS.includes(table) && !registry.includes(table));
  }
}
