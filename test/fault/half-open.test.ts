import { describe, expect, it } from 'vitest';
import { type ConnectAs, useDatabase } from '../support/database.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { commandCycle, quiet } from '../support/ledger.ts';
import { useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { Relay } from '../support/relay.ts';
import { enrolledAll, expectEachOnce, mixedTenants, TEN_DAYS } from '../support/ten-days.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const random = seeded('half open');

describe('a Redis whose connections go silent without being closed', () => {
  it('is reached again over new ones, by processes that work and by those that wait', async () => {
    const relay = new Relay();
    await relay.open();
    const fleet = new TestFleet({ database: database(), redisUrl: relay.inFrontOf(redisUrl()) });
    const tenants = await mixedTenants(database(), random, [20, 20, 20, 10, 5]);
    const [scheduler, worker] = [fleet.scheduler(), fleet.worker()];
    await ready(scheduler, worker);
    await enrolledAll(database(), tenants);
    await commandCycle(database(), TEN_DAYS[0] as Date);
    await quiet(database());
    expect(relay.silence()).toBeGreaterThan(3);
    await commandCycle(database(), TEN_DAYS[1] as Date);
    await quiet(database(), 100_000);
    await expectEachOnce(database(), tenants, TEN_DAYS.slice(0, 2));
    expect(scheduler.exit ?? worker.exit).toBeUndefined();
    await relay.close();
  });
});

describe('a Postgres whose connections go silent without being closed', () => {
  it('is reached again over new ones, and no run is lost or doubled', async () => {
    const relay = new Relay();
    await relay.open();
    const url = (who: ConnectAs) => relay.inFrontOf(database().url(who));
    const fleet = new TestFleet({ database: { url }, redisUrl: redisUrl() });
    const tenants = await mixedTenants(database(), random, [20, 20, 20, 10, 5]);
    const [scheduler, worker] = [fleet.scheduler(), fleet.worker()];
    await ready(scheduler, worker);
    await enrolledAll(database(), tenants);
    expect(relay.silence()).toBeGreaterThan(3);
    await commandCycle(database(), TEN_DAYS[2] as Date);
    await quiet(database(), 100_000);
    await expectEachOnce(database(), tenants, TEN_DAYS.slice(2, 3));
    expect(scheduler.exit ?? worker.exit).toBeUndefined();
    await relay.close();
  });
});
