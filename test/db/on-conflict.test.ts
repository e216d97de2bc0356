import { beforeAll, describe, expect, it } from 'vitest';
import { knownHole } from '../../src/db/patched-postgres.ts';
import { sqlStateOf } from '../../src/db/sqlstate.ts';
import { useDatabase } from '../support/database.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let mine = '';
let theirs = '';
let hasHole = false;

beforeAll(async () => {
  mine = await addTenant(database());
  theirs = await addTenant(database());
  const [server] = await database().admin<{ number: number }>(
    "select current_setting('server_version_num')::int as number",
  );
  hasHole = knownHole(server?.number ?? 0) !== undefined;
  for (const [table, key] of [
    ['fleet_wide', 'unique (email)'],
    ['tenant_first', 'unique (tenant_id, email)'],
  ]) {
    await database().admin(
      `create table public.${table} (tenant_id uuid not null, email text not null, hidden int not null, ${key});
       alter table public.${table} owner to rae_owner;
       call public.rae_guard_table('public.${table}', false);
       grant select, insert, update on public.${table} to rae_worker`,
    );
    await database().admin(`insert into public.${table} values ($1, 'them@example.org', 30)`, [theirs]);
  }
});

/** Proposes a row with the other tenant's e-mail, and asks about the hidden column of the row it meets. */
async function probe(table: string, condition: string, tenantId = mine, conflict = '(email)'): Promise<string> {
  return await connected(database().url('rae_worker'), async (client) => {
    await client.query('begin');
    await client.query('select public.rae_enter_tenant($1)', [mine]);
    try {
      const { rowCount } = await client.query(
        `insert into public.${table} as t (tenant_id, email, hidden) values ($1, 'them@example.org', 0)
           on conflict ${conflict} do update set hidden = t.hidden where ${condition}`,
        [tenantId],
      );
      return `${rowCount} rows`;
    } catch (error) {
      return sqlStateOf(error) ?? String(error);
    } finally {
      await client.query('rollback');
    }
  });
}

describe('a tenant that proposes a row with another tenant’s key', () => {
  it('tells hidden values apart where a key spans the fleet and the server has the hole, and only there', async () => {
    const answers = [await probe('fleet_wide', 't.hidden > 25'), await probe('fleet_wide', 't.hidden > 35')];
    // The first answer refuses the row it met, the second has looked at its hidden value: one bit per question.
    expect(answers).toEqual(hasHole ? ['42501', '0 rows'] : ['42501', '42501']);
  });

  it('meets nothing where the key begins with the tenant, whatever the server', async () => {
    const key = '(tenant_id, email)';
    expect(await probe('tenant_first', 't.hidden > 25', mine, key)).toBe('1 rows');
    expect(await probe('tenant_first', 't.hidden > 35', mine, key)).toBe('1 rows');
  });

  it('is refused with a forged tenant before anything is looked up', async () => {
    const key = '(tenant_id, email)';
    expect(await probe('tenant_first', 't.hidden > 25', theirs, key)).toBe('42501');
    expect(await probe('tenant_first', 't.hidden > 35', theirs, key)).toBe('42501');
  });

  it('learns nothing through the keys of memories', async () => {
    await database().admin(
      "insert into public.memories (tenant_id, content, content_hash, importance) values ($1, 'x', 'h', 0.5)",
      [theirs],
    );
    const answers = await connected(database().url('rae_worker'), async (client) => {
      const found: (number | null)[] = [];
      for (const bound of [0.4, 0.6]) {
        await client.query(`begin; select public.rae_enter_tenant('${mine}')`);
        const text = `insert into public.memories as m (tenant_id, content, content_hash) values ($1, 'y', 'h')
          on conflict (tenant_id, content_hash) do update set strength = 1 where m.importance > $2 returning content`;
        found.push((await client.query(text, [mine, bound])).rowCount);
        await client.query('rollback');
      }
      return found;
    });
    expect(answers).toEqual([1, 1]);
  });
});

describe('the hole is known', () => {
  it.each([
    [140_024, '14.25'],
    [150_000, '15.20'],
    [150_018, '15.20'],
    [150_019, '15.20'],
    [160_015, '16.16'],
    [170_011, '17.12'],
    [180_006, '18.7'],
  ])('in server %i, mended in %s', (number, fixedIn) => {
    expect(knownHole(number)).toMatchObject({ cve: 'CVE-2026-120154', fixedIn });
  });

  it.each([140_025, 150_020, 150_021, 160_016, 170_012, 180_007, 180_010, 190_000, 200_001])(
    'to be mended in server %i',
    (number) => {
      expect(knownHole(number)).toBeUndefined();
    },
  );

  it('by the version it is found in', () => {
    expect(knownHole(150_018)?.version).toBe('15.18');
  });
});
