import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { connected } from '../support/server.ts';
import { CATALOGUE_RULES, faultsOf } from './catalogue-rules.ts';

const database = useDatabase();

/** Makes something bad, asks every rule, and takes it back. Gives `rule: place` per fault. */
async function faultsAfter(bad: string): Promise<string[]> {
  return await connected(database().url('admin'), async (client) => {
    await client.query('begin');
    await client.query(bad);
    const faults: string[] = [];
    for (const rule of CATALOGUE_RULES) {
      faults.push(...(await faultsOf(client, rule)).map((fault) => `${rule.says}: ${fault}`));
    }
    await client.query('rollback');
    return faults;
  });
}

const bare = 'create table public.bare (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id))';
const guarded = `${bare}; alter table public.bare owner to rae_owner; call public.rae_guard_table('public.bare', false)`;

describe('the catalogue of a migrated database', () => {
  it.each(CATALOGUE_RULES.map((rule) => [rule.says, rule] as const))('%s', async (_says, rule) => {
    expect(await connected(database().url('admin'), (client) => faultsOf(client, rule))).toEqual([]);
  });

  it('has no fault when a table is added the right way', async () => {
    expect(await faultsAfter(guarded)).toEqual([]);
  });
});

describe('a table is noticed', () => {
  it.each<[what: string, bad: string, fault: RegExp]>([
    ['without row security', bare, /enabled and forced: bare/],
    [
      'whose row security does not bind its owner',
      `${guarded}; alter table bare no force row level security`,
      /forced: bare/,
    ],
    ['that belongs to somebody else', bare, /belongs to rae_owner.*: bare/],
    [
      'without the restrictive policy',
      `${guarded}; drop policy tenant_only on bare`,
      /restrictive.*: bare for rae_api/,
    ],
    [
      'without the permissive policy',
      `${guarded}; drop policy tenant_is_set on bare`,
      /permissive.*: bare for rae_worker/,
    ],
    ['without the policy of its owner', `${guarded}; drop policy owner_all on bare`, /back-fill.*: bare/],
    [
      'whose tenant policy is evaluated per row',
      `${guarded}; drop policy tenant_only on bare; create policy tenant_only on bare as restrictive for all to rae_worker, rae_api
         using (tenant_id = public.rae_current_tenant()) with check (tenant_id = public.rae_current_tenant())`,
      /evaluated once.*: bare/,
    ],
    [
      'whose tenant policy is for one verb only',
      `${guarded}; drop policy tenant_only on bare; create policy tenant_only on bare as restrictive for select to rae_worker, rae_api
         using (tenant_id = (select public.rae_current_tenant()))`,
      /restrictive.*: bare/,
    ],
    [
      'with a policy for everybody',
      `${guarded}; create policy leak on bare using (true)`,
      /none is for everybody: bare.leak/,
    ],
    [
      'with a policy that shows a worker every tenant',
      `${guarded}; create policy leak on bare to rae_worker using (true)`,
      /shows every tenant.*bare.leak/,
    ],
    ['with a key of the whole fleet', `${guarded}; alter table bare add unique (id)`, /led by tenant_id: bare_id_key/],
    [
      'with a unique index of the whole fleet',
      `${guarded}; create unique index bare_i on bare (id, tenant_id)`,
      /led by tenant_id: bare_i/,
    ],
    ['without a primary key', `${guarded}; alter table bare drop constraint bare_pkey`, /has a primary key: bare/],
    [
      'whose tenant may be null',
      `${guarded}; alter table bare drop constraint bare_pkey, alter tenant_id drop not null`,
      /never null: bare/,
    ],
    [
      'that refers to another tenant table without the tenant',
      'create table public.other (tenant_id uuid, id uuid, unique (id)); create table public.refers (id uuid references public.other (id))',
      /carries the tenant along: refers_id_fkey/,
    ],
    [
      'of memories with an index on importance',
      'create index m_i on public.memories (tenant_id, importance)',
      /importance, which decay rewrites: m_i/,
    ],
    [
      'of memories with an index on an expression of importance',
      'create index m_i on public.memories ((importance * 2))',
      /rewrites: m_i/,
    ],
  ])('%s', async (_what, bad, fault) => {
    expect(await faultsAfter(bad)).toEqual(expect.arrayContaining([expect.stringMatching(fault)]));
  });
});

describe('it is noticed', () => {
  it.each<[what: string, bad: string, fault: RegExp]>([
    [
      'that a view reads with the rights of its owner',
      'create view public.v as select * from public.runs',
      /reader.*: v/,
    ],
    [
      'that a materialized view keeps the rows of all tenants',
      'create materialized view public.mv as select * from public.runs',
      /reader.*: mv/,
    ],
    [
      'that a rule rewrites a table',
      'create rule r as on delete to public.plans do instead nothing',
      /plans has a rule/,
    ],
    ['that a service role passes row security', 'alter role rae_worker bypassrls', /row security.*: rae_worker/],
    ['that a service role is superuser', 'alter role rae_api superuser', /superuser.*: rae_api/],
    [
      'that a service role has the rights of another',
      'grant rae_owner to rae_worker',
      /member of another role: rae_worker in rae_owner/,
    ],
    ['that everybody may make tables', 'grant create on schema public to public', /make things in the schema: create/],
    [
      'that future tables are granted unseen',
      'alter default privileges grant select on tables to rae_api',
      /default privileges/,
    ],
    [
      'that a worker may truncate',
      'grant truncate on public.memories to rae_worker',
      /memories: TRUNCATE for rae_worker/,
    ],
    [
      'that a right may be passed on',
      'grant select on public.memories to rae_worker with grant option',
      /pass a right on: memories/,
    ],
    [
      'that the scheduler reads memories',
      'grant select on public.memories to rae_scheduler',
      /no right at all.*: memories/,
    ],
    [
      'that the scheduler reads one column of memories',
      'grant select (id) on public.memories to rae_scheduler',
      /no right at all.*: memories/,
    ],
    [
      'that operators write decay marks',
      'grant update on public.decay_marks to rae_operator',
      /no right at all.*: decay_marks/,
    ],
    [
      'that the scheduler reads payloads',
      'grant select on public.runs to rae_scheduler',
      /contents: runs.payload: select for rae_scheduler/,
    ],
    [
      'that operators read how far a run has come',
      'grant select (progress) on public.runs to rae_operator',
      /contents: runs.progress: select/,
    ],
    [
      'that operators write a policy',
      'grant update on public.policies to rae_operator',
      /contents: policies.document: update/,
    ],
    [
      'that a worker writes the record of migrations',
      'grant insert on public.schema_migrations to rae_worker',
      /nobody but its owner writes it: schema/,
    ],
    ['that everybody reads a table', 'grant select on public.plans to public', /nothing else.*: plans: SELECT/],
    [
      'that everybody may execute a function',
      'create function public.f() returns int language sql as $$ select 1 $$',
      /for everybody.*: f\(\)/,
    ],
    [
      'that a function with the rights of its owner takes any search_path',
      'create function public.f() returns int language sql security definer as $$ select 1 $$',
      /fixed search_path: f\(\)/,
    ],
    [
      'that a function claims to be leakproof',
      'alter function public.rae_current_tenant() leakproof',
      /leakproof.*: rae_current_tenant/,
    ],
  ])('%s', async (_what, bad, fault) => {
    expect(await faultsAfter(bad)).toEqual(expect.arrayContaining([expect.stringMatching(fault)]));
  });
});
