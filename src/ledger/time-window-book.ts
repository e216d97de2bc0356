import { type Author, enter } from '../audit/log.ts';
import type { Database, Queryable } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import { loadStatements } from '../db/statement.ts';
import { RaeError } from '../kernel/errors.ts';
import { parseOpeningHours } from '../kernel/opening-hours.ts';
import { EVERY } from './pause.ts';
import type { TimeWindow, WindowKind } from './time-window.ts';

const sql = loadStatements(new URL('./time-window-book.sql', import.meta.url), [
  'windows',
  'addWindow',
  'removeWindow',
]);

/** What is asked for. */
export interface WindowRequest {
  readonly tenantId: string;
  /** Undefined = of every worker. */
  readonly worker: string | undefined;
  readonly kind: WindowKind;
  readonly hours: string;
  readonly timeZone: string;
  readonly reason: string | undefined;
}

/** Every window there is. */
export async function readTimeWindows(database: Queryable): Promise<readonly TimeWindow[]> {
  return database.rows<TimeWindow>(sql.windows);
}

/** When tenants' runs may begin, as operators set it, as `rae_operator`: dispatch follows before `add` and `remove` return. */
export class TimeWindowBook {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All there are, of one tenant where it is named. */
  async list(tenantId?: string): Promise<readonly TimeWindow[]> {
    const all = await readTimeWindows(this.#database);
    return tenantId === undefined ? all : all.filter((one) => one.tenant_id === tenantId);
  }

  /** @throws RaeError `RAE_USAGE` for hours that cannot be read, `RAE_REFUSED` where just this is there. */
  async add({ tenantId, worker, kind, hours, timeZone, reason }: WindowRequest, author: Author): Promise<TimeWindow> {
    const read = parseOpeningHours(hours);
    if ('fault' in read) throw new RaeError('RAE_USAGE', `${JSON.stringify(hours.slice(0, 100))}: ${read.fault}`);
    const values = [tenantId, worker ?? EVERY, kind, hours, timeZone, reason ?? null, author.actor];
    return this.#database.transaction(async (tx) => {
      const [window] = await tx.rows<TimeWindow>(sql.addWindow, values);
      if (window === undefined) throw new RaeError('RAE_REFUSED', 'the tenant has just this window');
      await enter(tx, author, 'tenant.window_added', detailOf(window));
      return window;
    }, enteringTenant(tenantId));
  }

  /** @throws RaeError `RAE_NOT_FOUND` */
  async remove(tenantId: string, windowId: string, author: Author): Promise<TimeWindow> {
    return this.#database.transaction(async (tx) => {
      const [window] = await tx.rows<TimeWindow>(sql.removeWindow, [tenantId, windowId]);
      if (window === undefined) throw new RaeError('RAE_NOT_FOUND', `the tenant has no window ${windowId}`);
      await enter(tx, author, 'tenant.window_removed', detailOf(window));
      return window;
    }, enteringTenant(tenantId));
  }
}

function detailOf({
  window_id,
  worker,
  kind,
  hours,
  time_zone,
  reason,
}: TimeWindow): Readonly<Record<string, unknown>> {
  return { window_id, worker, kind, hours, time_zone, reason };
}
