-- statement: account
-- takes $1 role text
-- gives {user, version, version_num int, unbound text[]: the roles without row security that it is or may become, role_exists, member}
-- again safe: reads only
-- locks none
-- index none
select session_user::text as "user",
       current_setting('server_version') as version,
       current_setting('server_version_num')::int as version_num,
       (select coalesce(array_agg(r.rolname::text order by r.rolname), '{}') from pg_catalog.pg_roles r
         where (r.rolsuper or r.rolbypassrls)
           and case when s.rolsuper then r.rolname = session_user else pg_has_role(session_user, r.oid, 'member') end) as unbound,
       exists (select from pg_catalog.pg_roles r where r.rolname = $1::text) as role_exists,
       (select coalesce(bool_or(pg_has_role(session_user, r.oid, 'usage')), false)
          from pg_catalog.pg_roles r where r.rolname = $1::text) as member
  from pg_catalog.pg_roles s where s.rolname = session_user

-- statement: unguarded
-- takes nothing
-- gives {name} per table in public with a tenant_id and without enabled and forced row security
-- again safe: reads only
-- locks none
-- index none
select c.relname::text as name
  from pg_catalog.pg_class c
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
   and not (c.relrowsecurity and c.relforcerowsecurity)
   and exists (select from pg_catalog.pg_attribute a
                where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
 order by 1
