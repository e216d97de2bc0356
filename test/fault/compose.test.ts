import { describe, expect, it } from 'vitest';
import { Compose, type Container, composeIsMissing } from '../support/compose.ts';
import type { TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { commandCycle, quiet } from '../support/ledger.ts';
import { endLingering, lingerIn } from '../support/lingering.ts';
import { seeded } from '../support/random.ts';
import { enrolledAll, expectEachOnce, mixedTenants, TEN_DAYS, troubles } from '../support/ten-days.ts';

const missing = await composeIsMissing();
if (missing !== undefined) process.stdout.write(`compose is not tried: ${missing}\n`);
const random = seeded('compose');
const SIZES = [800, 600, 400, ...Array.from({ length: 20 }, () => 1 + random.below(30))];
const WORKERS = 3;
const SCALE = ['--scale', `worker-decay=${WORKERS}`];
const day = (nth: number): Date => TEN_DAYS[nth] as Date;

/** The containers that are in the middle of a run of this slot: of a session that Postgres has in a step of it. */
async function midway(compose: Compose, database: TestDatabase, slot: Date): Promise<Container> {
  let addresses: readonly string[] = [];
  const look = async () => {
    const rows = await database.admin<{ address: string }>(
      `select host(a.client_addr) as address from pg_catalog.pg_stat_activity a join public.runs r on r.xmax::text = a.backend_xid::text
        where a.datname = current_database() and a.wait_event = 'PgSleep' and r.state = 'running' and r.slot = $1`,
      [slot],
    );
    addresses = rows.map(({ address }) => address);
    return addresses.length > 0 ? true : undefined;
  };
  await eventually(look, { what: 'a worker to be in the middle of a run', withinMs: 120_000 });
  const found = (await compose.containers('worker-decay')).find(({ address }) => addresses.includes(address));
  if (found === undefined) throw new Error(`no container has one of the addresses ${addresses.join(', ')}`);
  return found;
}

describe.skipIf(missing !== undefined)('the fleet of docker-compose.yml', () => {
  it('comes up by itself, is scaled, killed piece by piece and stopped, and changes each memory exactly once per day', async () => {
    const compose = new Compose({ RAE_SETTINGS: '{"decay":{"step_rows":10}}' });
    try {
      const database = await compose.start();
      const services = await compose.containers();
      for (const one of services.filter(({ service }) => !['migrate', 'logins'].includes(service)))
        expect(one).toMatchObject({ state: 'running', health: 'healthy' });
      for (const one of services.filter(({ service }) => ['migrate', 'logins'].includes(service)))
        expect(one).toMatchObject({ state: 'exited', exitCode: 0 });

      await compose.up('--no-build', ...SCALE);
      const workers = await compose.containers('worker-decay');
      expect(workers.map(({ health }) => health)).toEqual(Array.from({ length: WORKERS }, () => 'healthy'));
      const tenants = await mixedTenants(database, random, SIZES);
      await enrolledAll(database, tenants);
      await lingerIn(database, 'update on public.memories', 30);

      const [only = undefined] = await compose.containers('postgres');
      if (only === undefined) throw new Error('there is no postgres');
      const losses: readonly (readonly [what: string, lose: (victim: Container) => Promise<unknown>])[] = [
        ['a worker', (victim) => compose.kill(victim)],
        [
          'the scheduler',
          async () => {
            for (const one of await compose.containers('scheduler')) await compose.kill(one);
          },
        ],
        ['Redis with its data', () => compose.lose('redis')],
        ['Postgres', () => compose.kill(only)],
      ];
      for (const [nth, [what, lose]] of losses.entries()) {
        await commandCycle(database, day(nth));
        await lose(await midway(compose, database, day(nth)));
        await compose.up('--no-build', ...SCALE);
        process.stdout.write(`${what} was lost in the middle of day ${nth + 1}, and is back\n`);
      }
      await quiet(database, 240_000);
      await expectEachOnce(
        database,
        tenants,
        losses.map((_none, nth) => day(nth)),
      );
      const before = await troubles(database);
      expect(before.lapses, 'the run of the killed worker was taken back').toBeGreaterThan(0);

      await commandCycle(database, day(losses.length));
      await midway(compose, database, day(losses.length));
      await compose.call('stop', 'scheduler', 'worker-decay');
      for (const one of await compose.containers('scheduler', 'worker-decay'))
        expect(one).toMatchObject({ state: 'exited', exitCode: 0 });
      const states = await database.admin<{ state: string }>('select distinct state from public.runs where slot = $1', [
        day(losses.length),
      ]);
      expect(
        states.map(({ state }) => state),
        'nothing is left to a lease',
      ).not.toContain('running');
      await compose.call('stop');
      for (const one of await compose.containers()) expect(one).toMatchObject({ state: 'exited', exitCode: 0 });

      await compose.up('--no-build', ...SCALE);
      await endLingering(database);
      await quiet(database, 240_000);
      await expectEachOnce(database, tenants, TEN_DAYS.slice(0, losses.length + 1));
      expect(await troubles(database), 'stopping it cost no run an attempt').toEqual(before);
    } finally {
      await compose.remove();
    }
  }, 1_500_000);
});
