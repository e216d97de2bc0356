-- statement: stage
-- takes nothing; as rae_api
-- gives nothing
-- again safe: what is there stays, and is empty, since every transaction leaves it so
-- locks none: the table is of this session
-- index none
create temporary table if not exists staged_graph_triples (
  line bigint not null,
  -- The columns that the row gives, a bit each.
  given bigint not null,
  id uuid, project varchar(255), source_node_id varchar(255), target_node_id varchar(255), relation varchar(255),
  properties jsonb, created_at timestamptz
) on commit delete rows

-- statement: fill
-- takes the rows of a COPY, their line numbers first; as rae_api
-- gives nothing
-- again no: the rows would be there twice
-- locks none: the table is of this session
-- index none
copy pg_temp.staged_graph_triples (line, given,
  id, project, source_node_id, target_node_id, relation, properties, created_at) from stdin

-- statement: clear
-- takes nothing; as rae_api
-- gives nothing
-- again safe
-- locks none: the table is of this session
-- index none
truncate pg_temp.staged_graph_triples

-- statement: check
-- takes $1 tenant uuid, $2 whether what is there already is a fault boolean; as rae_api inside the tenant
-- gives {line, fault, on_column} per row that cannot be put
-- again safe: reads only
-- locks none
-- index graph_triples_pkey, graph_triples_tenant_id_project_source_node_id_target_node_id_r_key, graph_nodes_pkey, graph_nodes_tenant_id_project_node_id_key
with named as (
  -- A node is named by its id or by what its project calls it.
  select s.*,
         coalesce(
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.id = case when s.source_node_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then s.source_node_id::uuid end),
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.project = s.project and n.node_id = s.source_node_id)) as source_id,
         coalesce(
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.id = case when s.target_node_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then s.target_node_id::uuid end),
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.project = s.project and n.node_id = s.target_node_id)) as target_id
    from pg_temp.staged_graph_triples s)
select line, fault, on_column from (
  select s.line,
         case when s.source_id is null or s.target_id is null then 'is no node of this tenant, neither by id nor by name in its project'
              when $2 and there.id is not null then 'is there already between these nodes'
              when $2 and row_number() over k > 1 then 'is in the file twice between these nodes'
              when same.id is not null then 'is that of another triple of this tenant'
              when first_value((s.project, s.source_id, s.target_id, s.relation)::text) over w
                   <> (s.project, s.source_id, s.target_id, s.relation)::text then 'is that of another triple in the file'
          end as fault,
         case when s.source_id is null then 'source_node_id'
              when s.target_id is null then 'target_node_id'
              when $2 and (there.id is not null or row_number() over k > 1) then 'relation'
              else 'id' end as on_column
    from named s
    left join public.graph_triples there on there.tenant_id = $1 and there.project = s.project
      and there.source_node_id = s.source_id and there.target_node_id = s.target_id and there.relation = s.relation
    left join public.graph_triples same on same.tenant_id = $1 and same.id = s.id
      and (same.project, same.source_node_id, same.target_node_id, same.relation) <> (s.project, s.source_id, s.target_id, s.relation)
  window k as (partition by s.project, s.source_id, s.target_id, s.relation order by s.line),
         w as (partition by s.id order by s.line)) f
 where fault is not null
 order by line

-- statement: drop
-- takes $1 lines bigint[]: those that are not taken; as rae_api
-- gives nothing
-- again safe
-- locks none: the table is of this session
-- index none
delete from pg_temp.staged_graph_triples where line = any($1)

-- statement: add
-- takes $1 tenant uuid; as rae_api inside the tenant
-- gives {added int}: rows that were not there; the rest is there already and stays as it is
-- again safe: nothing is there twice
-- locks the new rows
-- index the table's primary key and its unique constraints
with added as (
  insert into public.graph_triples (tenant_id,
  id, project, source_node_id, target_node_id, relation, properties, created_at)
  select $1,
    id, project,
         coalesce(
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.id = case when s.source_node_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then s.source_node_id::uuid end),
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.project = s.project and n.node_id = s.source_node_id)),
         coalesce(
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.id = case when s.target_node_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then s.target_node_id::uuid end),
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.project = s.project and n.node_id = s.target_node_id)),
    relation, properties, created_at
    from pg_temp.staged_graph_triples s
  on conflict do nothing
  returning 1)
select count(*)::int as added from added

-- statement: put
-- takes $1 tenant uuid; as rae_api inside the tenant
-- gives {changed int}: rows that were there otherwise, and are now as the last row of their name gives them
-- again safe: they are as they are given
-- locks the rows
-- index the table's primary key
with changed as (
update public.graph_triples there
   set
       properties = case when s.given & 32 <> 0 then s.properties else there.properties end,
       created_at = case when s.given & 64 <> 0 then s.created_at else there.created_at end
  from (select distinct on (project, source_id, target_id, relation) * from (
          select s.*,
         coalesce(
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.id = case when s.source_node_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then s.source_node_id::uuid end),
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.project = s.project and n.node_id = s.source_node_id)) as source_id,
         coalesce(
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.id = case when s.target_node_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then s.target_node_id::uuid end),
           (select n.id from public.graph_nodes n
             where n.tenant_id = $1 and n.project = s.project and n.node_id = s.target_node_id)) as target_id
            from pg_temp.staged_graph_triples s) n
         order by project, source_id, target_id, relation, line desc) s
 where there.tenant_id = $1 and there.project = s.project and there.source_node_id = s.source_id and there.target_node_id = s.target_id and there.relation = s.relation
   and (s.given & 32 <> 0 and s.properties is distinct from there.properties
    or s.given & 64 <> 0 and s.created_at is distinct from there.created_at)
returning 1)
select count(*)::int as changed from changed

-- statement: rows
-- takes nothing; as rae_api inside the tenant
-- gives a JSON object per row, one a line: neither separator nor quote can stand in it unescaped
-- again safe: reads only
-- locks none
-- index the table's primary key
copy (select row_to_json(r) from (
  select 'graph_triples' as kind, tenant_id,
    id, project, source_node_id, target_node_id, relation, properties, created_at
    from public.graph_triples where tenant_id = (select public.rae_current_tenant()) order by id) r)
to stdout (format csv, delimiter e'\x02', quote e'\x01')

-- statement: cells
-- takes nothing; as rae_api inside the tenant
-- gives the rows as CSV with a header; an empty cell is null, an empty text in quotes is a text
-- again safe: reads only
-- locks none
-- index the table's primary key
copy (select tenant_id,
    id, project, source_node_id, target_node_id, relation, properties, created_at
    from public.graph_triples where tenant_id = (select public.rae_current_tenant()) order by id)
to stdout (format csv, header)
