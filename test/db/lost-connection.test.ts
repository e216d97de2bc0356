import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { query } from '../support/query.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const PID = query('select pg_backend_pid() as pid');
const ONE = query('select 1 as one');

/** Ends a session from outside and waits until it has gone. */
async function terminate(pid: number | undefined): Promise<void> {
  await database().admin('select pg_terminate_backend($1)', [pid]);
  const gone = async () =>
    (await database().admin('select 1 from pg_stat_activity where pid = $1', [pid])).length === 0 ? true : undefined;
  await eventually(gone, { what: 'the session to end' });
}

describe('a connection that breaks', () => {
  it('inside a transaction, between two statements, fails that transaction and nothing else', async () => {
    const tenant = await addTenant(database());
    const tenants = database().tenants('rae_worker', { poolSize: 1 });
    const broken = tenants.inTenant(tenant, async (tx) => {
      const [session] = await tx.rows<{ pid: number }>(PID);
      await terminate(session?.pid);
      return await tx.rows(ONE);
    });
    await expect(broken).rejects.toMatchObject({ code: 'RAE_DATABASE_UNREACHABLE' });
    expect(await tenants.inTenant(tenant, (tx) => tx.rows(ONE))).toEqual([{ one: 1 }]);
  });

  it('before the commit does not pass for committed', async () => {
    const tenant = await addTenant(database());
    const tenants = database().tenants('rae_worker', { poolSize: 1 });
    const broken = tenants.inTenant(tenant, async (tx) => {
      await tx.rows(
        query("insert into public.memories (tenant_id, content) values (public.rae_current_tenant(), 'lost')"),
      );
      const [session] = await tx.rows<{ pid: number }>(PID);
      await terminate(session?.pid);
    });
    await expect(broken).rejects.toMatchObject({ code: 'RAE_DATABASE_UNREACHABLE' });
    expect(await database().admin('select 1 from public.memories where tenant_id = $1', [tenant])).toEqual([]);
  });

  it('while a statement runs is told as such', async () => {
    const one = database().open('rae_worker', { poolSize: 2, applicationName: 'rae test sleeper' });
    const sleeping = one.rows(query('select pg_sleep(600)')).catch((error: unknown) => error);
    const session = async () =>
      (
        await database().admin<{ pid: number }>(
          "select pid from pg_stat_activity where application_name = 'rae test sleeper' and state = 'active' and query like '%pg_sleep%'",
        )
      )[0];
    await terminate((await eventually(session, { what: 'the statement to run' })).pid);
    expect(await sleeping).toMatchObject({ code: 'RAE_DATABASE_UNREACHABLE' });
    expect(await one.rows(ONE)).toEqual([{ one: 1 }]);
  });

  it('while nobody uses it is told to whoever watches, and replaced at the next use', async () => {
    const told: string[] = [];
    const one = database().open('rae_worker', { poolSize: 1, onDisconnect: (message) => void told.push(message) });
    const [session] = await one.rows<{ pid: number }>(PID);
    await terminate(session?.pid);
    await eventually(() => (told.length > 0 ? true : undefined), { what: 'the loss to be told' });
    expect(await one.rows(ONE)).toEqual([{ one: 1 }]);
  });
});

describe('a limit in time', () => {
  it('ends a statement that runs too long, and leaves its connection in use', async () => {
    const one = database().open('rae_worker', { poolSize: 1, statementTimeoutMs: 200 });
    const [session] = await one.rows<{ pid: number }>(PID);
    await expect(one.rows(query('select pg_sleep(600)'))).rejects.toMatchObject({ code: '57014' });
    expect(await one.rows(PID)).toEqual([session]);
  });

  it('ends a wait for a lock before the statement’s own limit', async () => {
    const tenant = await addTenant(database());
    const hold = query('select 1 from public.tenants where tenant_id = $1 for update');
    const one = database().open('rae_operator', { poolSize: 1, statementTimeoutMs: 2_000 });
    await database()
      .open('rae_operator')
      .transaction(async (tx) => {
        await tx.rows(hold, [tenant]);
        await expect(one.rows(hold, [tenant])).rejects.toMatchObject({ code: '55P03' });
      });
  });

  it('ends a transaction that does nothing, so that it holds no lock for ever', async () => {
    const tenant = await addTenant(database());
    const tenants = database().tenants('rae_worker', { poolSize: 1, statementTimeoutMs: 200 });
    const idle = tenants.inTenant(tenant, async (tx) => {
      const [session] = await tx.rows<{ pid: number }>(PID);
      const gone = async () =>
        (await database().admin('select 1 from pg_stat_activity where pid = $1', [session?.pid])).length === 0
          ? true
          : undefined;
      await eventually(gone, { what: 'the server to end the transaction' });
      return await tx.rows(ONE);
    });
    await expect(idle).rejects.toThrow();
    expect(await tenants.inTenant(tenant, (tx) => tx.rows(ONE))).toEqual([{ one: 1 }]);
  });
});
