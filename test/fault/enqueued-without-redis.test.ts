import { beforeAll, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { useProcesses } from '../support/processes.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
useProcesses();
const redis = new OwnRedis();

beforeAll(async () => {
  await redis.start();
  return () => redis.remove();
});

it('A run that was asked for while Redis was down runs once it is back; one that was taken back never does', async () => {
  const fleet = new TestFleet({ database: database(), redisUrl: redis.url });
  await ready(fleet.scheduler(), fleet.worker(['decay']));
  const tenant = await addTenant(database());
  await redis.kill();
  const asked = await connected(database().url('rae_api'), async (client) => {
    const ids: string[] = [];
    for (const end of ['rollback', 'commit']) {
      await client.query('begin');
      await client.query('select public.rae_enter_tenant($1)', [tenant]);
      const { rows } = await client.query<{ id: string }>("select public.rae_enqueue('decay') as id");
      ids.push(rows[0]?.id ?? '');
      await client.query(end);
    }
    return ids;
  });
  const runs = () =>
    database().admin<{ run_id: string; state: string }>(
      "select run_id, state from public.runs where tenant_id = $1 and origin = 'request'",
      [tenant],
    );
  const open = await runs();
  expect(open.map(({ run_id: id }) => id)).toEqual([asked[1]]);
  await redis.start();
  const look = async () => {
    const found = await runs();
    return found.every(({ state }) => state === 'done') ? found : undefined;
  };
  const done = await eventually(look, { what: 'the run to be done', withinMs: 30_000 });
  expect(done).toEqual([{ run_id: asked[1], state: 'done' }]);
});
