import type pg from 'pg';

/** A rule that the catalogue of a database must fulfil: `finds` gives one row {fault} per place that breaks it. */
export interface CatalogueRule {
  readonly says: string;
  readonly finds: string;
}

/** What the roles that see data inside one tenant are called. */
const TENANT_ROLES = "array['rae_worker', 'rae_api']";
/** Functions that everybody may execute: entering and reading the tenant. */
const CORE = "array['rae_enter_tenant', 'rae_current_tenant']";
/** Columns with the contents of a tenant, in tables of which scheduler and operators see the rest. */
const CONTENTS =
  "array['payload', 'progress', 'document', 'effective', 'content', 'channel', 'data', 'idempotency_key']";
/** Tables that scheduler and operators read for every tenant. */
const FLEET_TABLES =
  "array['tenants', 'projects', 'policies', 'tenant_cadences', 'due_hints', 'wakes', 'arrivals', 'holds', 'pauses', 'limits', 'time_windows', 'placement_rules', 'displacements', 'runs', 'events', 'messages', 'enqueue_keys', 'api_requests', 'cost_unknowns', 'members', 'api_keys', 'quotas']";

const TABLES = "c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')";
const TENANT_TABLES = `${TABLES} and exists (select from pg_attribute a
  where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)`;
const NOT_OF_AN_EXTENSION = `not exists (select from pg_depend d
  where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')`;

const tables: readonly CatalogueRule[] = [
  {
    says: 'every table with a tenant_id has row security enabled and forced',
    finds: `select c.relname as fault from pg_class c where ${TENANT_TABLES} and not (c.relrowsecurity and c.relforcerowsecurity)`,
  },
  {
    says: 'a tenant_id is a uuid and never null',
    finds: `select c.relname as fault from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
      where ${TENANT_TABLES} and not (a.attnotnull and a.atttypid = 'uuid'::regtype)`,
  },
  {
    says: 'every primary key and unique index of a tenant table is led by tenant_id',
    finds: `select i.indexrelid::regclass::text as fault from pg_class c join pg_index i on i.indrelid = c.oid
      where ${TENANT_TABLES} and i.indisunique and i.indkey[0] is distinct from
        (select a.attnum from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')`,
  },
  {
    says: 'every tenant table has a primary key',
    finds: `select c.relname as fault from pg_class c where ${TENANT_TABLES}
      and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`,
  },
  {
    says: 'a foreign key to a tenant table carries the tenant along',
    finds: `select k.conname as fault from pg_constraint k join pg_class c on c.oid = k.confrelid
      where k.contype = 'f' and ${TENANT_TABLES} and not exists (
        select from unnest(k.conkey, k.confkey) pair (here, there)
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = pair.here and a.attname = 'tenant_id'
          join pg_attribute b on b.attrelid = k.confrelid and b.attnum = pair.there and b.attname = 'tenant_id')`,
  },
  {
    says: 'every table belongs to rae_owner, but for the record of migrations',
    finds: `select c.relname as fault from pg_class c
      where ${TABLES} and c.relowner <> 'rae_owner'::regrole and c.relname <> 'schema_migrations'`,
  },
  {
    says: 'nothing indexes importance, which decay rewrites',
    finds: `select i.indexrelid::regclass::text as fault from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attname = 'importance'
       where i.indrelid = 'public.memories'::regclass
         and (a.attnum = any(i.indkey) or pg_get_indexdef(i.indexrelid) ~ '\\mimportance\\M')`,
  },
  {
    says: 'no view, materialized view, foreign table or rule lets its reader see more than the reader may',
    finds: `select c.relname as fault from pg_class c where c.relnamespace = 'public'::regnamespace and (c.relkind in ('m', 'f')
        or c.relkind = 'v' and not coalesce(c.reloptions::text ~ 'security_invoker=(true|on|1)', false))
      union all select c.relname || ' has a rule' from pg_rewrite r join pg_class c on c.oid = r.ev_class
        where c.relnamespace = 'public'::regnamespace and r.rulename <> '_RETURN'`,
  },
];

const policies: readonly CatalogueRule[] = [
  {
    says: 'each tenant role has a permissive policy for all verbs that no row passes without a tenant',
    finds: `select c.relname || ' for ' || role as fault from pg_class c, unnest(${TENANT_ROLES}) role where ${TENANT_TABLES}
      and not exists (select from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname and p.permissive = 'PERMISSIVE'
        and p.cmd = 'ALL' and role = any(p.roles) and p.qual ~ 'rae_current_tenant\\(\\)' and p.with_check ~ 'rae_current_tenant\\(\\)')`,
  },
  {
    says: 'each tenant role has a restrictive tenant policy for all verbs that is evaluated once and not per row',
    finds: `select c.relname || ' for ' || role as fault from pg_class c, unnest(${TENANT_ROLES}) role where ${TENANT_TABLES}
      and not exists (select from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname and p.permissive = 'RESTRICTIVE'
        and p.cmd = 'ALL' and role = any(p.roles)
        and p.qual ~* 'tenant_id = \\( *select .*rae_current_tenant\\(\\)' and p.with_check ~* 'tenant_id = \\( *select .*rae_current_tenant\\(\\)')`,
  },
  {
    says: 'only owner, scheduler and operators have a policy that shows every tenant, and none is for everybody',
    finds: `select p.tablename || '.' || p.policyname as fault from pg_policies p where p.schemaname = 'public'
      and ('public' = any(p.roles)
        or p.permissive = 'PERMISSIVE' and p.qual !~ 'rae_current_tenant' and not p.roles <@ '{rae_owner,rae_scheduler,rae_operator}'::name[])`,
  },
  {
    says: 'the owner has a policy of its own, so that a back-fill changes rows',
    finds: `select c.relname as fault from pg_class c where ${TENANT_TABLES} and not exists (select from pg_policies p
      where p.schemaname = 'public' and p.tablename = c.relname and p.cmd = 'ALL' and 'rae_owner' = any(p.roles) and p.qual = 'true')`,
  },
];

const roles: readonly CatalogueRule[] = [
  {
    says: 'no role of the fleet is superuser, passes row security, logs in or makes roles and databases',
    finds: `select rolname as fault from pg_roles where rolname in ('rae_owner', 'rae_scheduler', 'rae_worker', 'rae_api', 'rae_operator', 'rae_readonly')
      and (rolsuper or rolbypassrls or rolcanlogin or rolcreaterole or rolcreatedb or rolreplication)`,
  },
  {
    says: 'no role of the fleet is a member of another role',
    finds: `select member::regrole || ' in ' || roleid::regrole as fault from pg_auth_members
      where member::regrole::text in ('rae_owner', 'rae_scheduler', 'rae_worker', 'rae_api', 'rae_operator', 'rae_readonly')`,
  },
  {
    says: 'only the owner may make things in the schema',
    finds: `select 'create on public for ' || a.grantee::regrole as fault from pg_namespace n, aclexplode(n.nspacl) a
      where n.nspname = 'public' and a.privilege_type = 'CREATE' and a.grantee not in ('rae_owner'::regrole, n.nspowner)
      union all select 'default privileges' from pg_default_acl`,
  },
];

const ACLS = `(select c.oid, c.relname, c.relowner, null::name as column, a.grantee, a.privilege_type, a.is_grantable
    from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'public'::regnamespace
  union all select c.oid, c.relname, c.relowner, t.attname, a.grantee, a.privilege_type, a.is_grantable
    from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a where c.relnamespace = 'public'::regnamespace)`;

const grants: readonly CatalogueRule[] = [
  {
    says: 'nobody but an owner may truncate, refer to, put triggers on or maintain a table, or pass a right on',
    finds: `select relname || ': ' || privilege_type || ' for ' || grantee::regrole as fault from ${ACLS} g where grantee <> relowner
      and (privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN') or is_grantable)`,
  },
  {
    says: 'everybody may read the record of migrations and nothing else, and nobody but its owner writes it',
    finds: `select relname || ': ' || privilege_type || ' for ' || grantee::regrole as fault from ${ACLS} g where grantee <> relowner
      and (grantee = 0 or relname = 'schema_migrations') and not (relname = 'schema_migrations' and privilege_type = 'SELECT')`,
  },
  {
    says: 'who sees every tenant has no right at all on a table of tenant data',
    finds: `select g.relname || ': ' || privilege_type || ' for ' || grantee::regrole as fault from ${ACLS} g join pg_class c on c.oid = g.oid
      where ${TENANT_TABLES} and c.relname <> all (${FLEET_TABLES})
        and grantee in ('rae_scheduler'::regrole, 'rae_operator'::regrole, 'rae_readonly'::regrole)`,
  },
  {
    says: 'who sees every tenant neither reads nor writes a column with contents',
    finds: `select c.relname || '.' || a.attname || ': ' || verb || ' for ' || role as fault
      from pg_class c join pg_attribute a on a.attrelid = c.oid,
        unnest(array['rae_scheduler', 'rae_operator', 'rae_readonly']) role, unnest(array['select', 'insert', 'update']) verb
      where ${TENANT_TABLES} and a.attname = any(${CONTENTS}) and has_column_privilege(role, c.oid, a.attnum, verb)`,
  },
];

const functions: readonly CatalogueRule[] = [
  {
    says: 'no function of the fleet is for everybody, but the core ones and those that only triggers call',
    finds: `select p.oid::regprocedure::text as fault from pg_proc p
        cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
      where p.pronamespace = 'public'::regnamespace and ${NOT_OF_AN_EXTENSION} and a.grantee = 0
        and p.proname <> all (${CORE}) and p.prorettype <> 'trigger'::regtype`,
  },
  {
    says: 'a function with the rights of its owner has a fixed search_path',
    finds: `select p.oid::regprocedure::text as fault from pg_proc p where p.pronamespace = 'public'::regnamespace and ${NOT_OF_AN_EXTENSION}
      and p.prosecdef and not coalesce(p.proconfig::text ~ 'search_path=', false)`,
  },
  {
    says: 'no function claims to be leakproof, and each belongs to rae_owner',
    finds: `select p.oid::regprocedure::text as fault from pg_proc p where p.pronamespace = 'public'::regnamespace and ${NOT_OF_AN_EXTENSION}
      and (p.proleakproof or p.proowner <> 'rae_owner'::regrole)`,
  },
];

/** Every rule over the tables, keys, policies, roles, grants, views and functions of a database. */
export const CATALOGUE_RULES: readonly CatalogueRule[] = [...tables, ...policies, ...roles, ...grants, ...functions];

/** The places where the database breaks `rule`. */
export async function faultsOf(client: Pick<pg.ClientBase, 'query'>, rule: CatalogueRule): Promise<string[]> {
  const { rows } = await client.query<{ fault: string }>(rule.finds);
  return rows.map((row) => row.fault);
}
