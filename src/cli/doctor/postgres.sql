-- statement: server
-- takes nothing; as any role
-- gives {version, version_num int, login, now_ms float8, statement_timeout_ms int, connections int: how many may be, used int}
-- again safe: reads only
-- locks none
-- index none
select current_setting('server_version') as version, current_setting('server_version_num')::int as version_num,
       session_user::text as login, extract(epoch from clock_timestamp())::float8 * 1000 as now_ms,
       (select setting::int from pg_catalog.pg_settings where name = 'statement_timeout') as statement_timeout_ms,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as connections,
       (select count(*)::int from pg_catalog.pg_stat_activity where backend_type = 'client backend') as used

-- statement: memberships
-- takes $1 roles text[]; as any role
-- gives {role text, member boolean: the login may act as it} per role that exists
-- again safe: reads only
-- locks none
-- index pg_authid_rolname_index
select r.rolname::text as role, pg_has_role(session_user, r.oid, 'usage') as member
  from pg_catalog.pg_roles r where r.rolname = any($1::text[])

-- statement: shardNames
-- takes nothing; as any role of the fleet
-- gives {shard}
-- again safe: reads only
-- locks none
-- index shards_pkey
select shard from public.shards order by shard
