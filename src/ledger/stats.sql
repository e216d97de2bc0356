-- statement: stats
-- takes nothing
-- gives {worker, plan, dedicated boolean, reason text, each int, lanes int, rate float8, burst int, tenants int, owed int, oldest_seconds float8} per
--   worker, plan, placement and reason for being held with owed work; reason null = eligible. Of work that waits for its turn or
--   for a place, apart by how many runs a tenant has of it, and what bounds them: each = so many, of as many tenants; null = of other work
-- again safe: reads only
-- locks none
-- index runs_open_idx
select e.worker, e.plan, e.dedicated, e.reason, b.each, b.lanes, b.rate, b.burst, count(*)::int as tenants, sum(e.runs)::int as owed,
       greatest(0, extract(epoch from clock_timestamp() - min(e.first_at)))::float8 as oldest_seconds
  from (
    select o.tenant_id, o.worker, o.plan, o.dedicated, o.reason, sum(o.runs)::int as runs, min(o.first_at) as first_at
      from public.owed_work o group by 1, 2, 3, 4, 5) e
  -- What more processes would help: nothing but a place is missing.
  left join lateral (
    select e.runs as each, least(coalesce(t.run_cap, p.run_cap), l.run_cap) as lanes, l.rate_runs::float8 / l.rate_seconds as rate, l.burst
      from public.tenants t join public.plans p on p.plan = t.plan
      left join public.limits l on l.tenant_id = e.tenant_id and l.worker = e.worker
     where t.tenant_id = e.tenant_id and coalesce(e.reason, 'window') in ('window', 'no_consumer')) b on true
 group by 1, 2, 3, 4, 5, 6, 7, 8

-- statement: dead
-- takes nothing
-- gives {worker, dead int}
-- again safe: reads only
-- locks none
-- index runs_dead_idx
select worker, count(*)::int as dead from public.runs where state = 'dead' and finished_at is not null and error is not null group by 1

-- statement: lag
-- takes nothing
-- gives {worker, lag_seconds float8, stale int}: how late the oldest unfinished cycle is, and how many of its tenants still wait past their plan's deadline
-- again safe: reads only
-- locks none
-- index cycles_open_idx, runs_open_idx
select c.worker, greatest(0, extract(epoch from clock_timestamp() - min(c.planned_at)))::float8 as lag_seconds,
       (select count(distinct r.tenant_id) from public.runs r join public.tenants t on t.tenant_id = r.tenant_id
          join public.plans p on p.plan = t.plan
         where r.finished_at is null and r.state = 'owed' and r.worker = c.worker
           and r.created_at < clock_timestamp() - p.deadline_seconds * interval '1 second')::int as stale
  from public.cycles c where c.finished_at is null group by c.worker

-- statement: unknown
-- takes nothing
-- gives {calls float8}: calls of models whose cost is not known
-- again safe: reads only
-- locks none
-- index none: a row per tenant that has such calls
select coalesce(sum(calls), 0)::float8 as calls from public.cost_unknowns
