-- Statements that place tenants elsewhere by a rule, and back, sent as rae_scheduler by the holder of the lease inside the tenant.
-- role rae_scheduler

-- statement: displace
-- takes $1 tenant uuid, $2 kind text, $3 placement text, $4 why text
-- gives {tenant_id} when it was moved; none where a rule has moved it already, it is not dedicated (fallback), or it is in quarantine
-- again safe
-- locks the tenant's row
-- index tenants_pkey
with home as (
  select t.tenant_id, t.placement, coalesce(t.placement = 'dedicated', p.dedicated) as dedicated
    from public.tenants t join public.plans p on p.plan = t.plan where t.tenant_id = $1 for update of t),
kept as (
  insert into public.displacements (tenant_id, kind, home, why)
  select h.tenant_id, $2::text, h.placement, $4::text from home h
   where case $2::text when 'fallback' then h.dedicated else h.placement is distinct from 'quarantine' end
  on conflict (tenant_id) do nothing returning tenant_id)
update public.tenants t set placement = $3::text, placement_epoch = t.placement_epoch + 1, updated_at = now()
  from kept k where t.tenant_id = $1 and t.tenant_id = k.tenant_id returning t.tenant_id

-- statement: putBack
-- takes $1 tenant uuid, $2 kind text
-- gives {tenant_id} when it is placed as before it was moved
-- again safe
-- locks the tenant's row
-- index tenants_pkey
with held as (
  select t.tenant_id from public.tenants t where t.tenant_id = $1 for update),
gone as (
  delete from public.displacements d using held h where d.tenant_id = $1 and d.tenant_id = h.tenant_id and d.kind = $2::text
  returning d.tenant_id, d.home)
update public.tenants t set placement = g.home, placement_epoch = t.placement_epoch + 1, updated_at = now()
  from gone g where t.tenant_id = $1 and t.tenant_id = g.tenant_id returning t.tenant_id

-- statement: givenUp
-- takes $1 within the last seconds float8
-- gives {tenant_id, runs int} per tenant with runs that were given up since then
-- again safe: reads only
-- locks none
-- index runs_dead_idx
select tenant_id, count(*)::int as runs from public.runs
 where state = 'dead' and finished_at is not null and error is not null
   and finished_at > clock_timestamp() - $1::float8 * interval '1 second' group by tenant_id
