-- statement: list
-- takes $1 tenant uuid; as rae_api inside the tenant, and as rae_operator
-- gives {quota, limit_value float8, by_operator boolean} per quota that has a limit or was set
-- again safe: reads only
-- locks none
-- index quotas_pkey, plan_quotas_pkey
select coalesce(o.quota, p.quota) as quota, (case when o.tenant_id is null then p.value else o.value end)::float8 as limit_value,
       o.tenant_id is not null as by_operator
  from (select q.quota, q.value from public.plan_quotas q join public.tenants t on t.plan = q.plan where t.tenant_id = $1) p
  full join (select q.tenant_id, q.quota, q.value from public.quotas q where q.tenant_id = $1) o on o.quota = p.quota

-- statement: used
-- takes $1 tenant uuid; as rae_api inside the tenant
-- gives {memories float8, bytes float8, backlog int, enqueues int}: as of now
-- again safe: reads only
-- locks none
-- index memory_tallies_pkey, memory_deltas_pkey, runs_open_idx, runs_made_idx
select (coalesce((select t.memories from public.memory_tallies t where t.tenant_id = $1), 0) + coalesce(sum(d.memories), 0))::float8 as memories,
       (coalesce((select t.bytes from public.memory_tallies t where t.tenant_id = $1), 0) + coalesce(sum(d.bytes), 0))::float8 as bytes,
       (select count(*)::int from public.runs r where r.tenant_id = $1 and r.finished_at is null) as backlog,
       (select count(*)::int from public.runs r where r.tenant_id = $1 and r.origin = 'request'
         and r.created_at > clock_timestamp() - interval '1 minute') as enqueues
  from public.memory_deltas d where d.tenant_id = $1

-- statement: set
-- takes $1 tenant uuid, $2 quota text, $3 value numeric or null: no limit; as rae_operator
-- gives nothing
-- again safe
-- locks the quota
-- index quotas_pkey
insert into public.quotas (tenant_id, quota, value) values ($1, $2, $3::numeric)
on conflict (tenant_id, quota) do update set value = excluded.value

-- statement: leaveToPlan
-- takes $1 tenant uuid, $2 quota text; as rae_operator
-- gives nothing
-- again safe
-- locks the quota
-- index quotas_pkey
delete from public.quotas where tenant_id = $1 and quota = $2
