import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { nextSlot } from '../../src/kernel/cron.ts';
import { Events } from '../../src/observe/events.ts';
import { Hints } from '../../src/schedule/hints.ts';
import { Planner } from '../../src/schedule/planner.ts';
import { loadCatalogue } from '../../workers/index.ts';
import { useDatabase } from '../support/database.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const catalogue = await loadCatalogue();

const own = () => database().open('rae_scheduler', { poolSize: 1 });
const planner = (chunk: number) =>
  new Planner({ database: own(), catalogue, events: new Events(), clock: systemClock, chunk });

async function tenantWith(cron: string): Promise<string> {
  const id = await addTenant(database());
  await database().admin("insert into public.policies (tenant_id, worker, document) values ($1, 'decay', $2)", [
    id,
    JSON.stringify({ cron }),
  ]);
  return id;
}

async function fold(): Promise<void> {
  const hints = new Hints(own(), catalogue, systemClock);
  while (await hints.fold());
}

/** Makes the slots of so many days due. */
async function goBack(cron: string, days: number): Promise<void> {
  const next = nextSlot({ cron, timeZone: 'UTC' }, new Date(Date.now() - days * 86_400_000));
  await database().admin('update public.cadences set next_at = $2 where cron = $1', [cron, next]);
}

describe('schedulers that plan at once', () => {
  it('do not get in each other’s way, however the slots of their cadences overlap', async () => {
    const crons = ['0 2 * * *', '0 2 * * 1-5', '0 2 * * 1', '0 2 * * 6,0', '0 2 1-20 * *'];
    for (const cron of crons) {
      for (let count = 0; count < 20; count += 1) await tenantWith(cron);
    }
    await fold();
    for (const cron of crons) await goBack(cron, 60);
    const planned = await Promise.all(Array.from({ length: 5 }, () => planner(150).planDue()));
    expect(planned.reduce((sum, owed) => sum + owed, 0)).toBe(100);
    const [row] = await database().admin("select count(*)::int as n from public.runs where state = 'owed'");
    expect(row).toEqual({ n: 100 });
    const made = await database().admin<{ most: number }>(
      "select count(*)::int as most from public.runs where reason = 'covered' group by xmin order by 1 desc limit 1",
    );
    expect(made[0]?.most, 'no statement made more runs than a chunk').toBeLessThanOrEqual(150);
  });

  it('plan every other cadence when one cannot be planned, and say so', async () => {
    const [sound, broken] = ['17 4 * * *', '18 4 * * *'];
    const ids = [await tenantWith(sound), await tenantWith(broken)];
    await fold();
    await goBack(sound, 2);
    await goBack(broken, 9);
    await database().admin("update public.cadences set cron = 'nonsense' where cron = $1", [broken]);
    await expect(planner(100).planDue()).rejects.toMatchObject({ code: 'RAE_CRON_INVALID' });
    const runs = await database().admin('select distinct tenant_id from public.runs where tenant_id = any($1)', [ids]);
    expect(runs).toEqual([{ tenant_id: ids[0] }]);
  });
});
