import type { Database, Queryable } from '../db/database.ts';
import type { Catalogue, CataloguedWorker } from '../fleet/catalogue.ts';
import type { Clock } from '../kernel/clock.ts';
import { type CronSchedule, nextSlot } from '../kernel/cron.ts';
import { BEFORE_ALL } from './chunk.ts';
import { scheduleSql } from './sql.ts';
import { arrivalsThatWake, noteWakes } from './wakes.ts';

type Hint = {
  tenant_id: string;
  worker: string;
  cadence: boolean;
  woken: Date | null;
  taken: number;
  cron: string | null;
  time_zone: string | null;
  enabled: boolean;
};

type Page = { last: string | null; seen: number };

const BATCH = 10_000;

/**
 * Folds hints (a new tenant, an edited policy, what arrived) into who is due for what, and who is woken. Arrivals only ever insert;
 * this is the one place that rewrites a tenant's row.
 */
export class Hints {
  readonly #database: Database;
  readonly #catalogue: Catalogue;
  readonly #clock: Clock;

  constructor(database: Database, catalogue: Catalogue, clock: Clock) {
    this.#database = database;
    this.#catalogue = catalogue;
    this.#clock = clock;
  }

  /** Lets every worker know of every tenant, those of an earlier release too; a page of tenants per statement. */
  async enrol(): Promise<void> {
    for (const worker of this.#catalogue.names) {
      for (let after = BEFORE_ALL, seen = BATCH; seen === BATCH; ) {
        const [page] = await this.#database.rows<Page>(scheduleSql.enrolMissing, [worker, after, BATCH]);
        after = page?.last ?? after;
        seen = page?.seen ?? 0;
      }
    }
  }

  /** Folds up to 10,000 hints. @returns whether there may be more. */
  async fold(): Promise<boolean> {
    const [any] = await this.#database.rows<{ waiting: boolean }>(scheduleSql.anyHints);
    if (any?.waiting !== true) return false;
    const listening = this.#catalogue.all.flatMap(({ name, definition }) =>
      definition.when.listens.map((kind) => ({ name, kind })),
    );
    const waking = arrivalsThatWake(this.#catalogue);
    const values = [
      BATCH,
      this.#catalogue.names,
      listening.map(({ name }) => name),
      listening.map(({ kind }) => kind),
      waking.map(({ name }) => name),
      waking.map(({ kind }) => kind),
    ];
    return this.#database.transaction(async (tx) => {
      const hints = await tx.rows<Hint>(scheduleSql.takeHints, values);
      // In one order everywhere: two schedulers that fold at once must not wait for each other in a circle.
      hints.sort((a, b) => (a.tenant_id + a.worker < b.tenant_id + b.worker ? -1 : 1));
      // Who has no cadence is idle for none.
      const noted = hints.filter(
        ({ cadence, worker }) => cadence || this.#catalogue.get(worker).schedule !== undefined,
      );
      if (noted.length > 0) {
        await tx.rows(scheduleSql.noteHints, [noted.map((hint) => hint.tenant_id), noted.map((hint) => hint.worker)]);
      }
      await noteWakes(tx, hints);
      const cadences = new Map<string, number | undefined>();
      const moved: [string, string, number | null][] = [];
      for (const hint of hints.filter(({ cadence }) => cadence)) {
        moved.push([hint.tenant_id, hint.worker, await this.#cadenceOf(tx, hint, cadences)]);
      }
      if (moved.length > 0) {
        const columns = [
          moved.map(([tenant]) => tenant),
          moved.map(([, worker]) => worker),
          moved.map(([, , cadence]) => cadence),
        ];
        await tx.rows(scheduleSql.assignCadences, columns);
      }
      return hints.some(({ taken }) => taken === BATCH);
    });
  }

  async #cadenceOf(tx: Queryable, hint: Hint, cadences: Map<string, number | undefined>): Promise<number | null> {
    const worker = this.#catalogue.get(hint.worker);
    if (!hint.enabled || worker.schedule === undefined) return null;
    const cron = hint.cron ?? worker.schedule.cron;
    const timeZone = hint.time_zone ?? worker.schedule.timeZone;
    for (const wanted of [{ cron, timeZone }, worker.schedule]) {
      const key = JSON.stringify([worker.name, wanted.cron, wanted.timeZone]);
      if (!cadences.has(key)) cadences.set(key, await this.#cadence(tx, worker, wanted));
      const cadence = cadences.get(key);
      if (cadence !== undefined) return cadence;
    }
    return null;
  }

  /** Undefined for a schedule that cannot be read: the tenant keeps the default one, and its run says what is wrong. */
  async #cadence(tx: Queryable, worker: CataloguedWorker, schedule: CronSchedule): Promise<number | undefined> {
    let next: Date;
    try {
      next = nextSlot(schedule, this.#clock.now());
    } catch {
      return undefined;
    }
    const values = [worker.name, schedule.cron, schedule.timeZone, next];
    const [row] = await tx.rows<{ cadence_id: number }>(scheduleSql.ensureCadence, values);
    return row?.cadence_id;
  }
}
