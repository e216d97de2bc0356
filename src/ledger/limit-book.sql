-- Statements over what bounds single workers, sent as rae_operator; a dispatcher reads with the first as well.
-- role rae_operator

-- statement: limits
-- takes nothing
-- gives {tenant_id, worker, run_cap int, rate_runs int, rate_seconds int, burst int, owner, behind_ms float8} of all there are
-- again safe: reads only
-- locks none
-- index limits_pkey
select tenant_id, worker, run_cap, rate_runs, rate_seconds, burst, owner,
       (extract(epoch from clock_timestamp() - next_at) * 1000)::float8 as behind_ms
  from public.limits order by tenant_id, worker

-- statement: setLimit
-- takes $1 tenant uuid, $2 worker text, $3 run cap int or null, $4 runs int or null, $5 per seconds int or null, $6 burst int or null, $7 owner text
-- gives nothing
-- again safe
-- locks the limit and the leases: whoever admits has committed before, or reads the limit first
-- index limits_pkey
insert into public.limits as l (tenant_id, worker, run_cap, rate_runs, rate_seconds, burst, owner) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, worker) do update set run_cap = excluded.run_cap, rate_runs = excluded.rate_runs,
  rate_seconds = excluded.rate_seconds, burst = excluded.burst, owner = excluded.owner, updated_at = now()

-- statement: removeLimit
-- takes $1 tenant uuid, $2 worker text
-- gives nothing
-- again safe
-- locks the limit and the leases
-- index limits_pkey
delete from public.limits where tenant_id = $1 and worker = $2
