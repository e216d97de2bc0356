-- why:      a noisy tenant may wait apart from the others, in a partition of its own kind, and come back
-- locks:    tenants for a moment
-- breaking: no

alter table public.tenants drop constraint tenants_placement_check,
  add constraint tenants_placement_check check (placement in ('shared', 'dedicated', 'quarantine'));
comment on column public.tenants.placement is 'shared, dedicated or quarantine (the shared partition 256, to which nobody hashes); null = what the plan says';

-- The queue in which a tenant's runs of a worker wait, as queues/topology.ts names it.
create or replace function public.rae_queue(worker text, tenant uuid, dedicated boolean) returns text
  language sql stable parallel safe security invoker
  return 'rae.' || rae_queue.worker || case
    when rae_queue.dedicated then '.t-' || rae_queue.tenant
    when exists (select from public.tenants t where t.tenant_id = rae_queue.tenant and t.placement = 'quarantine') then '.p256'
    else (select '.p' || case when n.nth < 10 then '0' else '' end || n.nth from (
      select public.rae_partition(rae_queue.tenant, (f.value #>> '{}')::int) as nth
        from public.fleet_settings f where f.name = 'partitions') n) end;
