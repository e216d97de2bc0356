import { describe, expect, it } from 'vitest';
import { SET_ROLE, SQL_IN_CODE } from './exceptions.ts';
import { except, type Finding, shown, type TextFile } from './rules/finding.ts';
import { migrations, sqlHeaders } from './rules/sql-headers.ts';
import { looksLikeSql, sqlInCode } from './rules/sql-in-code.ts';
import {
  definerPath,
  explicitTenant,
  setRole,
  tenantEntrance,
  tenantSetting,
  tenantTables,
} from './rules/sql-tenant.ts';
import { repository } from './rules/tree.ts';

const files = repository();

/** How many findings a check has for one made-up file. */
const count = (check: (files: readonly TextFile[]) => Finding[], path: string, text: string): number =>
  check([{ path, text }]).length;

const ENTER = `create or replace function public.rae_enter_tenant(tenant uuid) returns void language plpgsql as $$
begin perform set_config('app.current_tenant', tenant::text, true); end $$;`;
const CURRENT = `create function rae_current_tenant() returns uuid language sql as $f$
select current_setting('app.current_tenant')::uuid $f$;`;

describe('the current tenant', () => {
  it('is set in one SQL function, and read by it and one other', () => {
    expect(shown(tenantSetting(files))).toEqual([]);
  });

  it.each([
    ['set outside', "select set_config('app.current_tenant', $1, true);"],
    ['set after the function', `${ENTER}\nselect set_config('app.current_tenant', $1, true);`],
    ['set by SET', 'set local app.current_tenant = 1;'],
    ['reset', 'reset app.current_tenant;'],
    ['set in another function', ENTER.replace('rae_enter_tenant', 'rae_enter_quickly')],
    ['set by the one that reads', CURRENT.replace('current_setting', 'set_config')],
    ['read in a policy', "create policy p on t using (tenant_id = current_setting('app.current_tenant')::uuid);"],
  ])('is not %s', (_what, text) => {
    expect(count(tenantSetting, 'migrations/0001_make_it.sql', text)).toBe(1);
  });

  it('may be set and read where it belongs, and spoken of in comments', () => {
    const text = `-- app.current_tenant is the setting\n${ENTER}\n${CURRENT}\n/* app.current_tenant */`;
    expect(count(tenantSetting, 'migrations/0001_make_it.sql', text)).toBe(0);
  });

  it('is entered by one TypeScript file', () => {
    expect(shown(tenantEntrance(files))).toEqual([]);
    const one = { path: 'src/db/a.ts', text: 'export const sql = `select rae_enter_tenant(1)`;' };
    const two = { path: 'src/db/b.ts', text: "export const sql = 'select rae_enter_tenant($1)';" };
    expect(tenantEntrance([one])).toEqual([]);
    expect(tenantEntrance([one, two])).toHaveLength(1);
    expect(count(tenantEntrance, 'src/db/a.ts', "export const name = 'app.current_tenant';")).toBe(1);
    expect(count(tenantEntrance, 'src/db/a.ts', '// app.current_tenant, rae_enter_tenant')).toBe(0);
  });
});

describe('rights', () => {
  it('no SQL changes its role, outside the files named in exceptions.ts', () => {
    expect(shown(except(setRole(files), SET_ROLE))).toEqual([]);
  });

  it.each([
    'set role rae_owner;',
    'SET LOCAL ROLE x;',
    'set session authorization x;',
    "begin execute 'set role x'; end",
  ])('would not pass: %s', (text) => {
    expect(count(setRole, 'src/db/a.sql', text)).toBe(1);
    expect(count(setRole, 'src/db/a.sql', `-- ${text}`)).toBe(0);
  });

  it('a security definer function has a search_path of its own', () => {
    expect(shown(definerPath(files))).toEqual([]);
    const unsafe = 'create function f() returns int language sql security definer as $$ select 1 $$;';
    const elsewhere = "create function g() returns int language sql set search_path = '' return 1;";
    const safe = unsafe.replace('security definer', "security definer set search_path = ''");
    expect(count(definerPath, 'src/db/a.sql', unsafe)).toBe(1);
    expect(count(definerPath, 'src/db/a.sql', `${unsafe}\n${elsewhere}`)).toBe(1);
    expect(count(definerPath, 'src/db/a.sql', 'alter function f() security definer;')).toBe(1);
    expect(count(definerPath, 'src/db/a.sql', `${safe}\n${elsewhere}`)).toBe(0);
  });
});

describe('statements and functions', () => {
  const whole = `-- What this file is about.

-- statement: fadeBatch
-- takes   $1 tenant uuid
--         $2 limit int
-- gives   {id}
-- again   safe
-- locks   the rows
-- index   memories_pkey
select 1
`;

  it('have a name and a header that says takes, gives, again, locks and index', () => {
    expect(shown(sqlHeaders(files))).toEqual([]);
    expect(count(sqlHeaders, 'src/db/a.sql', whole)).toBe(0);
  });

  it.each(['takes', 'gives', 'again', 'locks', 'index'])('would not pass without %s', (key) => {
    expect(count(sqlHeaders, 'src/db/a.sql', whole.replace(new RegExp(`-- ${key}.*\n`), ''))).toBe(1);
    expect(count(sqlHeaders, 'src/db/a.sql', whole.replace(new RegExp(`(-- ${key}).*\n`), '$1\n'))).toBe(1);
  });

  it.each([
    ['no name at all', 'select 1'],
    ['SQL above the first name', `select 0;\n${whole}`],
    ['a name twice', whole + whole],
    ['a name that is not camelCase', whole.replace('fadeBatch', 'fade_batch')],
    ['a statement without SQL', whole.replace('select 1', '')],
    ['a function that creates another', whole.replace('statement: fadeBatch', 'function: fade_batch')],
  ])('would not pass with %s', (_what, text) => {
    expect(count(sqlHeaders, 'workers/decay/a.sql', text)).toBeGreaterThan(0);
  });

  it('stand in .sql files, not in code', () => {
    expect(shown(except(sqlInCode(files), SQL_IN_CODE))).toEqual([]);
    expect(count(sqlInCode, 'src/ledger/a.ts', "export const q = 'select * from runs';")).toBe(1);
    expect(count(sqlInCode, 'src/ledger/a.ts', 'export const q = `\n  update runs set state = 1`;')).toBe(1);
    expect(count(sqlInCode, 'src/db/a.ts', "export const q = 'select 1';")).toBe(0);
    expect(count(sqlInCode, 'test/db/a.test.ts', "const q = 'select 1';")).toBe(0);
  });

  it('are recognised by how they begin', () => {
    const sql = [
      'select 1',
      'SELECT count(*) from t',
      'select $1::int',
      'select ',
      "select 'a'",
      'insert into t values (1)',
    ];
    sql.push('update t set a = 1', 'update public.t as x set a = 1', 'delete from t', 'with a as (select 1) select 2');
    sql.push(
      'create table t ()',
      'alter role r login',
      'truncate t',
      'listen rae',
      'notify rae, $1',
      'call f(1)',
      'commit',
    );
    const english = [
      'select a tenant',
      'update available',
      'create a tenant',
      'with a tenant as owner',
      'call the operator',
    ];
    english.push(
      'notify the operator',
      'delete the key',
      'alter ego',
      'truncated',
      'listen on this port',
      'set a policy',
    );
    expect(sql.filter((text) => !looksLikeSql(text))).toEqual([]);
    expect(english.filter(looksLikeSql)).toEqual([]);
  });
});

describe("a worker's statement", () => {
  const tables = {
    path: 'migrations/0001_make_tables.sql',
    text: `create table public.memories (id uuid, tenant_id uuid not null default f(1), check (id is not null));
      create table plans (plan text); -- tenant_id
      create table if not exists old (id int); alter table old add column tenant_id uuid;`,
  };
  const touching = (sql: string) =>
    explicitTenant([tables, { path: 'workers/decay/a.sql', text: `-- statement: a\n${sql}\n` }]).length;

  it('names the tenant of every tenant table it touches', () => {
    expect(tenantTables(files)).toEqual(expect.arrayContaining(['runs', 'memories', 'policies']));
    expect(shown(explicitTenant(files))).toEqual([]);
  });

  it('is checked against the tables that have a tenant_id', () => {
    expect(tenantTables([tables])).toEqual(['memories', 'old']);
  });

  it.each([
    'select * from memories where id = $1',
    'select * from public.memories m where m.id = $1 -- m.tenant_id = $1',
    'update memories set importance = 1',
    'delete from memories m using plans p where p.plan = $1',
    'insert into memories (id) values ($1)',
    'select 1 from plans p, memories m where p.plan = $1',
    'select 1 from memories a join memories b on b.id = a.id where a.tenant_id = $1',
    'with x as (select id from memories where tenant_id = $1) update memories m set a = 1 from x where m.id = x.id',
    'merge into memories m using old o on (m.id = o.id) when matched then delete',
  ])('would not pass: %s', (sql) => {
    expect(touching(sql)).toBeGreaterThan(0);
  });

  it.each([
    'select * from memories where tenant_id = $1',
    'select * from public.memories as m where $1 = m.tenant_id',
    'select 1 from memories m where (m.tenant_id, m.id) in (select 1, 2)',
    'with x as (select id from memories where tenant_id = $1) update memories m set a = 1 from x where m.tenant_id = $1',
    'insert into memories (tenant_id, id) values ($1, $2) on conflict do nothing',
    'select 1 from memories a join old b using (tenant_id, id)',
    'select memories from plans where plan = $1',
  ])('passes: %s', (sql) => {
    expect(touching(sql)).toBe(0);
  });
});

describe('migrations', () => {
  const right = '-- why:      to begin\n-- locks:    none\n-- breaking: no\n\ncreate table a ();\n';
  const numbered = (...names: string[]) =>
    migrations(names.map((name) => ({ path: `migrations/${name}`, text: right })));

  it('are numbered without a gap and say why, which locks, and whether they break an older release', () => {
    expect(shown(migrations(files))).toEqual([]);
    expect(numbered('0001_create_roles.sql', '0002_create_plans.sql')).toEqual([]);
  });

  it.each([
    [['0001_create_roles.sql', '0003_create_plans.sql']],
    [['0001_create_roles.sql', '0001_create_plans.sql']],
    [['0002_create_roles.sql']],
    [['0001_roles.sql']],
    [['001_create_roles.sql']],
    [['0001-create-roles.sql']],
  ])('would not pass as %j', (names) => {
    expect(numbered(...names)).toHaveLength(1);
  });

  it.each([
    ['why', right.replace('-- why:      to begin\n', '')],
    ['locks', right.replace('none', '')],
    ['breaking', right.replace('no\n\n', 'perhaps\n\n')],
    ['a header that comes first', `create table b ();\n${right}`],
  ])('would not pass without %s', (_what, text) => {
    expect(count(migrations, 'migrations/0001_create_roles.sql', text)).toBeGreaterThan(0);
  });
});
