-- Role rae_operator, which sees every tenant and none of its data.

-- statement: create
-- takes $1 name text, $2 plan text, $3 contact e-mail text, $4 metadata jsonb, $5 tenant uuid, $6 external id text or null
-- gives {tenant_id}; none where a tenant of this id is there
-- again safe: changes nothing
-- locks the new row
-- index tenants_pkey
insert into public.tenants (name, plan, contact_email, metadata, tenant_id, external_id) values ($1, $2, $3, $4, $5, $6::text)
on conflict (tenant_id) do nothing returning tenant_id

-- statement: addProject
-- takes $1 tenant uuid, $2 name text
-- gives {project_id}
-- again fails: a tenant's project names are unique
-- locks the new row
-- index projects_tenant_id_name_key
insert into public.projects (tenant_id, name) values ($1, $2) returning project_id

-- statement: show
-- takes $1 tenant uuid
-- gives the tenant as TenantRow; none where there is none
-- again safe: reads only
-- locks none
-- index tenants_pkey
select t.tenant_id, t.name, t.plan, t.status, t.shard, t.placement, coalesce(t.placement = 'dedicated', p.dedicated) as dedicated,
       t.placement_epoch, t.weight::float8 as weight, t.run_cap, coalesce(t.weight, p.weight)::float8 as effective_weight,
       coalesce(t.run_cap, p.run_cap) as effective_run_cap, t.config, t.metadata, t.contact_email, t.created_at, t.updated_at
  from public.tenants t join public.plans p on p.plan = t.plan
 where t.tenant_id = $1

-- statement: hold
-- takes $1 tenant uuid
-- gives the tenant as TenantRow; none where there is none
-- again safe
-- locks the tenant's row until the transaction ends
-- index tenants_pkey
select t.tenant_id, t.name, t.plan, t.status, t.shard, t.placement, coalesce(t.placement = 'dedicated', p.dedicated) as dedicated,
       t.placement_epoch, t.weight::float8 as weight, t.run_cap, coalesce(t.weight, p.weight)::float8 as effective_weight,
       coalesce(t.run_cap, p.run_cap) as effective_run_cap, t.config, t.metadata, t.contact_email, t.created_at, t.updated_at
  from public.tenants t join public.plans p on p.plan = t.plan
 where t.tenant_id = $1 for update of t

-- statement: projects
-- takes $1 tenant uuid
-- gives {project_id, name}, the oldest first
-- again safe: reads only
-- locks none
-- index projects_pkey
select project_id, name from public.projects where tenant_id = $1 order by created_at, name

-- statement: list
-- takes $1 after tenant uuid (null = from the first), $2 status text (null = any), $3 plan text (null = any), $4 most int
-- gives tenants as TenantRow, in the order of their ids
-- again safe: reads only
-- locks none
-- index tenants_pkey: the page begins where the last one ended, however many tenants there are
select t.tenant_id, t.name, t.plan, t.status, t.shard, t.placement, coalesce(t.placement = 'dedicated', p.dedicated) as dedicated,
       t.placement_epoch, t.weight::float8 as weight, t.run_cap, coalesce(t.weight, p.weight)::float8 as effective_weight,
       coalesce(t.run_cap, p.run_cap) as effective_run_cap, t.config, t.metadata, t.contact_email, t.created_at, t.updated_at
  from public.tenants t join public.plans p on p.plan = t.plan
 where t.tenant_id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')
   and ($2::text is null or t.status = $2) and ($3::text is null or t.plan = $3)
 order by t.tenant_id limit $4::int

-- statement: setStatus
-- takes $1 tenant uuid, $2 status text
-- gives nothing
-- again safe
-- locks the tenant's row
-- index tenants_pkey
update public.tenants set status = $2, updated_at = now() where tenant_id = $1

-- statement: setPlan
-- takes $1 tenant uuid, $2 plan text, $3 moves boolean: its queues change with the plan
-- gives nothing
-- again raises the epoch again
-- locks the tenant's row
-- index tenants_pkey
update public.tenants set plan = $2, placement_epoch = placement_epoch + $3::boolean::int, updated_at = now() where tenant_id = $1

-- statement: setPlacement
-- takes $1 tenant uuid, $2 placement text (null = what the plan says)
-- gives nothing
-- again raises the epoch again; a rule that had placed it elsewhere has no say any more
-- locks the tenant's row, what a rule has displaced
-- index tenants_pkey, displacements_pkey
with gone as (
  delete from public.displacements where tenant_id = $1)
update public.tenants set placement = $2, placement_epoch = placement_epoch + 1, updated_at = now() where tenant_id = $1

-- statement: setShare
-- takes $1 tenant uuid, $2 weight numeric (null = what the plan says), $3 run cap int (null = what the plan says)
-- gives nothing
-- again safe
-- locks the tenant's row
-- index tenants_pkey
update public.tenants set weight = $2::numeric, run_cap = $3::int, updated_at = now() where tenant_id = $1
