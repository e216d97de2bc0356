-- statement: migrationTable
-- takes nothing
-- gives {present boolean}
-- again safe: reads only
-- locks none
-- index pg_class_relname_nsp_index
select to_regclass('public.schema_migrations') is not null as present

-- statement: applied
-- takes nothing
-- gives {version int, name text, checksum text, breaking boolean} per applied migration
-- again safe: reads only
-- locks none
-- index schema_migrations_pkey
select version, name, checksum, breaking from public.schema_migrations order by version

-- statement: installed
-- takes $1 names text[]
-- gives {name text} of each that is a function or procedure in public
-- again safe: reads only
-- locks none
-- index pg_proc_proname_args_nsp_index
select proname::text as name from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname = any($1::text[])
