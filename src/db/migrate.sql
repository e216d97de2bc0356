-- statement: lock
-- takes nothing
-- gives nothing of use
-- again safe
-- locks one advisory lock until the transaction ends: migrators go one after the other
-- index none
select pg_advisory_xact_lock(7236501, 1)

-- statement: prepare
-- takes nothing
-- gives nothing
-- again safe
-- locks none on data
-- index none
create table if not exists public.schema_migrations (
  version integer primary key,
  name text not null,
  checksum text not null,
  breaking boolean not null,
  applied_at timestamptz not null default now()
);
grant select on public.schema_migrations to public

-- statement: becomeOwner
-- takes nothing
-- gives nothing; until the transaction ends everything is made and owned by rae_owner
-- again safe
-- locks none
-- index none
set local role rae_owner

-- statement: record
-- takes $1 version int, $2 name text, $3 checksum text, $4 breaking boolean
-- gives nothing
-- again fails: a version is recorded once
-- locks the new row
-- index schema_migrations_pkey
insert into public.schema_migrations (version, name, checksum, breaking) values ($1, $2, $3, $4)

-- statement: registerWorkers
-- takes $1 workers text[]
-- gives nothing; they may be asked for. Those of other releases stay: their processes may still be there
-- again safe
-- locks the new rows
-- index workers_pkey
insert into public.workers (worker) select unnest($1::text[]) on conflict (worker) do nothing
