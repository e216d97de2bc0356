import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { performTicket } from '../../src/fleet/ticket-performer.ts';
import type { AdmittedRun } from '../../src/ledger/run-ledger.ts';
import { loadCatalogue } from '../../workers/index.ts';
import type { TestDatabase } from '../support/database.ts';
import { performerPorts } from '../support/executor.ts';
import { addMemories } from '../support/memories.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import { useRedis } from '../support/redis.ts';
import { addRun, admittedRun, readRun } from '../support/runs.ts';
import { storeFailingPolicy } from '../support/stored-policy.ts';
import { addTenant } from '../support/tenants.ts';

const redisUrl = useRedis();
const RUNS = 8;
const decay = (await loadCatalogue()).get('decay');

async function ticket(database: TestDatabase): Promise<AdmittedRun[]> {
  const runs: AdmittedRun[] = [];
  for (let made = 0; made < RUNS; made += 1) {
    const tenantId = await addTenant(database);
    const at = new Date('2026-06-05T02:00:00Z');
    await addMemories(database, tenantId, [{ importance: 0.9, created_at: at, last_accessed_at: at }]);
    const runId = await addRun(database, tenantId, { slot: new Date('2026-06-15T02:00:00Z') });
    runs.push(await admittedRun(database, runId));
  }
  return runs;
}

let postgres: OwnPostgres;

beforeAll(async () => {
  postgres = new OwnPostgres(redisUrl());
  await postgres.start();
  // Nothing but a commit that waits for the disk gets anything there: no background process comes before it.
  for (const setting of ["wal_writer_delay = '10s'", 'autovacuum = off', "checkpoint_timeout = '1h'"]) {
    await postgres.database.admin(`alter system set ${setting}`);
  }
  await postgres.database.admin('create table public.unflushed (at int)');
  await postgres.stopAtOnce();
  await postgres.start();
}, 60_000);

afterAll(() => postgres.remove());

describe('a ticket that was answered', () => {
  it.each<[what: string, last: (database: TestDatabase, run: AdmittedRun) => Promise<unknown>, answer: object]>([
    ['whose last run is done', async () => undefined, { answer: { status: 'done' } }],
    [
      'whose last run failed',
      (database, { tenantId }) => storeFailingPolicy(database, decay, tenantId),
      { error: { code: '22P02' } },
    ],
    [
      'whose last run had lost its fence',
      (database, { runId }) => database.admin('update public.runs set attempt = 9 where run_id = $1', [runId]),
      { answer: { status: 'lost' } },
    ],
    [
      'whose last run is gone',
      (database, { runId }) => database.admin('delete from public.runs where run_id = $1', [runId]),
      { answer: { status: 'lost' } },
    ],
  ])('%s has all the others on disk', async (_what, prepare, answer) => {
    const { database } = postgres;
    const runs = await ticket(database);
    const last = runs.at(-1);
    if (last !== undefined) await prepare(database, last);
    const tenants = database.tenants('rae_worker', { poolSize: 1 });
    const answers = await performTicket(performerPorts(tenants), decay, { step_rows: 5_000 }, runs);
    await database.admin(
      "begin; set local synchronous_commit = 'off'; insert into public.unflushed values (1); commit",
    );
    await postgres.stopAtOnce();

    await postgres.start();
    expect(answers.slice(0, -1).map((one) => 'answer' in one && one.answer.status)).toEqual(
      Array.from({ length: RUNS - 1 }, () => 'done'),
    );
    expect(answers.at(-1)).toMatchObject(answer);
    const states = await Promise.all(
      runs.slice(0, -1).map(async ({ runId }) => (await readRun(database, runId)).state),
    );
    expect(states).toEqual(Array.from({ length: RUNS - 1 }, () => 'done'));
    expect(await database.admin('select at from public.unflushed'), 'what nobody had flushed is gone').toEqual([]);
  });
});
