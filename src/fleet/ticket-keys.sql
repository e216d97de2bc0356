-- statement: readSecret
-- takes $1 name text
-- gives {value}; no row until a scheduler has made it
-- again safe: reads only
-- locks none
-- index fleet_secrets_pkey
select value from public.fleet_secrets where name = $1

-- statement: makeSecret
-- takes $1 name text, $2 value text; as rae_scheduler
-- gives nothing; what is there already stays
-- again safe
-- locks the row where it is new
-- index fleet_secrets_pkey
insert into public.fleet_secrets (name, value) values ($1, $2) on conflict (name) do nothing
