import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TimeWindowBook } from '../../src/ledger/time-window-book.ts';
import { useDatabase } from '../support/database.ts';
import { dispatched, withDispatcher } from '../support/dispatching.ts';
import { eventually } from '../support/eventually.ts';
import { useRedis } from '../support/redis.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const redisUrl = useRedis();
const scene = () => ({ database: database(), redisUrl: redisUrl(), silent: true });
let tenants: readonly string[] = [];

beforeAll(async () => {
  tenants = await Promise.all(Array.from({ length: 3 }, () => addTenant(database())));
});

afterEach(async () => {
  for (const table of ['runs', 'leases', 'flights', 'holds', 'queue_holds', 'pauses', 'time_windows'])
    await database().admin(`delete from public.${table}`);
});

async function owe(perTenant: number): Promise<void> {
  await database().admin(
    "insert into public.runs (tenant_id, worker, origin) select t, 'decay', 'request' from unnest($1::uuid[]) t, generate_series(1, $2::int)",
    [tenants, perTenant],
  );
}

async function queued(): Promise<number> {
  const [row] = await database().admin<{ n: number }>(
    "select count(*)::int as n from public.runs where state = 'queued'",
  );
  return row?.n ?? 0;
}

describe('what operators hold of a tenant by its name', () => {
  it('begins nothing of a tenant whose windows are shut, takes back what had not begun, says until when, and goes on', async () => {
    const [shut = ''] = tenants;
    const book = new TimeWindowBook(database().open('rae_operator'));
    const ops = { actor: 'ops@acme.example' };
    const of = { tenantId: shut, worker: undefined, timeZone: 'Europe/Berlin', reason: undefined } as const;
    await owe(2);
    await withDispatcher({ ...scene(), shared: false }, async ({ dispatcher, lease, holds }) => {
      await lease.renew();
      await holds.begin();
      await dispatched(dispatcher);
      expect(await queued()).toBe(6);
      // One that is always open holds nothing.
      await book.add({ ...of, kind: 'maintenance', hours: 'daily 00:00-24:00' }, ops);
      const { window_id: blackout } = await book.add(
        { ...of, kind: 'blackout', hours: '2020-01-01..2099-12-31 00:00-24:00' },
        ops,
      );
      const follow = async () => {
        await lease.renew();
        await dispatcher.followControls();
        await dispatcher.settled();
      };
      await follow();
      const stands = () =>
        database().admin(
          'select state, attempt, reason, count(*)::int as runs from public.runs where tenant_id = $1 group by 1, 2, 3',
          [shut],
        );
      expect(await stands()).toEqual([{ state: 'owed', attempt: 1, reason: 'blackout', runs: 2 }]);
      expect(await queued()).toBe(4);
      await holds.record();
      const why = 'select reason, owner, clears_at, runs from public.owed_work';
      const held = { reason: 'blackout', owner: ops.actor, clears_at: new Date('2099-12-31T23:00:00Z'), runs: 2 };
      expect(await database().admin(why)).toEqual([held]);
      await book.remove(shut, blackout, ops);
      await follow();
      await eventually(async () => ((await queued()) === 6 ? true : undefined), { what: 'it to go on' });
      const [{ window_id: open } = { window_id: '' }] = await book.list(shut);
      await book.remove(shut, open, ops);
    });
    const audited = await database().admin<{ action: string }>(
      "select action from public.audit_log where tenant_id = $1 and action like 'tenant.window%' order by seq",
      [shut],
    );
    expect(audited.map(({ action }) => action.slice(14))).toEqual(['added', 'added', 'removed', 'removed']);
  });

  it('records what operators hold where nobody takes the work, so that it does not look as if processes were missing', async () => {
    const [paused = ''] = tenants;
    await owe(1);
    await database().admin(
      "insert into public.pauses (tenant_id, reason, owner) values ($1, 'imports', 'ops@acme.example')",
      [paused],
    );
    await withDispatcher({ ...scene(), slots: 0 }, async ({ dispatcher, lease, holds }) => {
      await lease.renew();
      await holds.begin();
      await dispatched(dispatcher);
      await holds.record();
      await database().admin(
        "insert into public.queue_holds (worker, reason, since) values ('decay', 'no_consumer', now())",
      );
      expect(
        await database().admin('select reason, sum(runs)::int as runs from public.owed_work group by 1 order by 1'),
      ).toEqual([
        { reason: 'no_consumer', runs: 2 },
        { reason: 'paused', runs: 1 },
      ]);
    });
  });
});
