-- statement: made
-- takes nothing; as rae_operator
-- gives {tenant_id, memories int: how many were made for it; null = it was not finished} per tenant of the demo
-- again safe: reads only
-- locks none
-- index none: it is asked once, before a demo is made
select tenant_id, (metadata -> 'demo' ->> 'memories')::int as memories from public.tenants where metadata ? 'demo'

-- statement: addTenants
-- takes $1 tenants json: a list of {tenant_id, name, plan, status, email, created_at, number}; as rae_operator
-- gives {tenant_id} of each that is new
-- again safe: what is there stays as it is
-- locks the new rows
-- index tenants_pkey
insert into public.tenants (tenant_id, name, plan, status, contact_email, created_at, metadata)
select d.tenant_id, d.name, d.plan, d.status, d.email, d.created_at, jsonb_build_object('demo', jsonb_build_object('number', d.number))
  from json_to_recordset($1::json) d (tenant_id uuid, name text, plan text, status text, email text, created_at timestamptz, number int)
on conflict (tenant_id) do nothing
returning tenant_id

-- statement: addProjects
-- takes $1 projects json: a list of {tenant_id, project_id, name}; as rae_operator
-- gives nothing
-- again safe: what is there stays as it is
-- locks the new rows
-- index projects_pkey, projects_tenant_id_name_key
insert into public.projects (tenant_id, project_id, name)
select d.tenant_id, d.project_id, d.name from json_to_recordset($1::json) d (tenant_id uuid, project_id uuid, name text)
on conflict do nothing

-- statement: finish
-- takes $1 tenants uuid[], $2 memories int[]: how many each has been given; as rae_operator
-- gives nothing
-- again safe
-- locks the tenants' rows
-- index tenants_pkey
update public.tenants t
   set metadata = jsonb_set(t.metadata, '{demo,memories}', to_jsonb(d.memories))
  from unnest($1::uuid[], $2::int[]) d (tenant_id, memories)
 where t.tenant_id = d.tenant_id

-- statement: addMemories
-- takes $1 tenant uuid, $2 memories json: a list of DemoMemory, $3 the instant they count back from timestamptz; as rae_api
--   inside the tenant
-- gives nothing
-- again safe: what is there stays as it is
-- locks the new rows
-- index memories_pkey
insert into public.memories (tenant_id, id, content, source, importance, layer, tags, "timestamp", created_at, last_accessed_at,
  usage_count, project, agent_id)
select $1, d.id, d.content, d.source, d.importance, d.layer, string_to_array(nullif(d.tags, ''), ','),
       $3::timestamptz - d.age * interval '1 second', $3::timestamptz - d.age * interval '1 second',
       $3::timestamptz - d.idle * interval '1 second', d.usage, d.project, d.agent
  from json_to_recordset($2::json) d (id uuid, content text, source text, importance float8, layer text, tags text, age float8,
       idle float8, usage int, project text, agent text)
on conflict (tenant_id, id) do nothing
