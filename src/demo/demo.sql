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

-- statement: liftQuotas
-- takes $1 tenants uuid[]; as rae_operator
-- gives nothing: they may have as many memories as the demo gives them
-- again safe
-- locks the new rows
-- index quotas_pkey
insert into public.quotas (tenant_id, quota, value)
select t.tenant_id, q.quota, null from unnest($1::uuid[]) t (tenant_id) cross join (values ('max_memories'), ('max_storage_gb')) q (quota)
on conflict (tenant_id, quota) do nothing

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

-- statement: addTraces
-- takes $1 tenant uuid, $2 memories json: the list that addMemories has taken, $3 the instant they count back from timestamptz;
--   as rae_api inside the tenant
-- gives nothing: embeddings, nodes, triples and evidence of these memories, and cost logs eight times as old
-- again safe: what is there stays as it is
-- locks the new rows
-- index graph_nodes_pkey, graph_triples_pkey, cost_logs_pkey
with d as materialized (
  select m.*, $3::timestamptz - m.age * interval '1 second' as at, md5(concat_ws(' ', $1::uuid, 'source', m.project, m.source))::uuid as source_id,
         md5(concat_ws(' ', $1::uuid, 'agent', m.project, m.agent))::uuid as agent_id,
         md5(concat_ws(' ', $1::uuid, m.project, m.source, m.agent))::uuid as triple_id
    from json_to_recordset($2::json) m (id uuid, source text, project text, agent text, age float8, usage int)),
embedded as (
  insert into public.memory_embeddings (tenant_id, memory_id, model_name, embedding, created_at)
  select $1::uuid, d.id, 'demo-embedding', array[d.age / 4e7, d.usage / 40.0]::real[], d.at from d where d.usage % 4 = 1
  on conflict do nothing),
nodes as (
  insert into public.graph_nodes (tenant_id, id, project, node_id, label, created_at)
  select $1::uuid, n.id, n.project, n.node_id, n.node_id, min(n.at) from (
    select d.source_id as id, d.project, 'source ' || d.source as node_id, d.at from d where d.usage % 4 < 2
    union all select d.agent_id, d.project, 'agent ' || d.agent, d.at from d where d.usage % 4 < 2) n
   group by 1, 2, 3, 4 on conflict do nothing),
triples as (
  insert into public.graph_triples (tenant_id, id, project, source_node_id, target_node_id, relation, created_at)
  select $1::uuid, d.triple_id, d.project, d.agent_id, d.source_id, 'learned_from', min(d.at) from d where d.usage % 4 < 2
   group by 1, 2, 3, 4, 5 on conflict do nothing),
evidence as (
  insert into public.graph_evidence (tenant_id, memory_id, node_id, triple_id)
  select $1::uuid, d.id, s.node_id, s.triple_id from d
    cross join lateral (values (d.source_id, null::uuid), (d.agent_id, null), (null, d.triple_id)) s (node_id, triple_id)
   where d.usage % 4 < 2 on conflict do nothing)
insert into public.cost_logs (tenant_id, id, project_id, model, provider, operation, input_tokens, output_tokens,
  input_cost_per_million, output_cost_per_million, total_cost_usd, "timestamp")
select $1::uuid, md5('cost ' || d.id)::uuid, d.project, 'gpt-4o-mini', 'openai', 'embedding', 100 + d.usage, d.usage, 0.15, 0.6,
       (100 + d.usage) * 0.00000015 + d.usage * 0.0000006, $3::timestamptz - 8 * d.age * interval '1 second'
  from d where d.usage % 3 = 0
on conflict (tenant_id, id) do nothing
