-- statement: stage
-- takes nothing; as rae_api
-- gives nothing
-- again safe: what is there stays, and is empty, since every transaction leaves it so
-- locks none: the table is of this session
-- index none
create temporary table if not exists staged_graph_nodes (
  line bigint not null,
  -- The columns that the row gives, a bit each.
  given bigint not null,
  id uuid, project varchar(255), node_id varchar(255), label varchar(255), properties jsonb, created_at timestamptz,
  updated_at timestamptz
) on commit delete rows

-- statement: fill
-- takes the rows of a COPY, their line numbers first; as rae_api
-- gives nothing
-- again no: the rows would be there twice
-- locks none: the table is of this session
-- index none
copy pg_temp.staged_graph_nodes (line, given,
  id, project, node_id, label, properties, created_at, updated_at) from stdin

-- statement: clear
-- takes nothing; as rae_api
-- gives nothing
-- again safe
-- locks none: the table is of this session
-- index none
truncate pg_temp.staged_graph_nodes

-- statement: check
-- takes $1 tenant uuid, $2 whether what is there already is a fault boolean; as rae_api inside the tenant
-- gives {line, fault, on_column} per row that cannot be put
-- again safe: reads only
-- locks none
-- index graph_nodes_pkey, graph_nodes_tenant_id_project_node_id_key
select line, fault, on_column from (
  select s.line,
         case when $2 and there.id is not null then 'is there already'
              when $2 and row_number() over (partition by s.project, s.node_id order by s.line) > 1 then 'is in the file twice'
              when same.id is not null then 'is that of another node of this tenant'
              when first_value(s.project) over w <> s.project or first_value(s.node_id) over w <> s.node_id then 'is that of another node in the file'
          end as fault,
         case when $2 and (there.id is not null or row_number() over (partition by s.project, s.node_id order by s.line) > 1) then 'node_id'
              else 'id' end as on_column
    from pg_temp.staged_graph_nodes s
    left join public.graph_nodes there on there.tenant_id = $1 and there.project = s.project and there.node_id = s.node_id
    left join public.graph_nodes same on same.tenant_id = $1 and same.id = s.id and (same.project, same.node_id) <> (s.project, s.node_id)
  window w as (partition by s.id order by s.line)) f
 where fault is not null
 order by line

-- statement: drop
-- takes $1 lines bigint[]: those that are not taken; as rae_api
-- gives nothing
-- again safe
-- locks none: the table is of this session
-- index none
delete from pg_temp.staged_graph_nodes where line = any($1)

-- statement: add
-- takes $1 tenant uuid; as rae_api inside the tenant
-- gives {added int}: rows that were not there; the rest is there already and stays as it is
-- again safe: nothing is there twice
-- locks the new rows
-- index the table's primary key and its unique constraints
with added as (
  insert into public.graph_nodes (tenant_id,
  id, project, node_id, label, properties, created_at, updated_at)
  select $1,
    id, project, node_id, label, properties, created_at, updated_at
    from pg_temp.staged_graph_nodes
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
update public.graph_nodes there
   set
       label = case when s.given & 8 <> 0 then s.label else there.label end,
       properties = case when s.given & 16 <> 0 then s.properties else there.properties end,
       created_at = case when s.given & 32 <> 0 then s.created_at else there.created_at end,
       updated_at = case when s.given & 64 <> 0 then s.updated_at else there.updated_at end
  from (select distinct on (project, node_id) * from pg_temp.staged_graph_nodes order by project, node_id, line desc) s
 where there.tenant_id = $1 and there.project = s.project and there.node_id = s.node_id
   and (s.given & 8 <> 0 and s.label is distinct from there.label
    or s.given & 16 <> 0 and s.properties is distinct from there.properties
    or s.given & 32 <> 0 and s.created_at is distinct from there.created_at
    or s.given & 64 <> 0 and s.updated_at is distinct from there.updated_at)
returning 1)
select count(*)::int as changed from changed

-- statement: rows
-- takes nothing; as rae_api inside the tenant
-- gives a JSON object per row, one a line: neither separator nor quote can stand in it unescaped
-- again safe: reads only
-- locks none
-- index the table's primary key
copy (select row_to_json(r) from (
  select 'graph_nodes' as kind, tenant_id,
    id, project, node_id, label, properties, created_at, updated_at
    from public.graph_nodes where tenant_id = (select public.rae_current_tenant()) order by id) r)
to stdout (format csv, delimiter e'\x02', quote e'\x01')

-- statement: cells
-- takes nothing; as rae_api inside the tenant
-- gives the rows as CSV with a header; an empty cell is null, an empty text in quotes is a text
-- again safe: reads only
-- locks none
-- index the table's primary key
copy (select tenant_id,
    id, project, node_id, label, properties, created_at, updated_at
    from public.graph_nodes where tenant_id = (select public.rae_current_tenant()) order by id)
to stdout (format csv, header)
