-- statement: stage
-- takes nothing; as rae_api
-- gives nothing
-- again safe: what is there stays, and is empty, since every transaction leaves it so
-- locks none: the table is of this session
-- index none
create temporary table if not exists staged_graph_evidence (
  line bigint not null,
  -- The columns that the row gives, a bit each.
  given bigint not null,
  memory_id uuid, node_id uuid, triple_id uuid, created_at timestamptz
) on commit delete rows

-- statement: fill
-- takes the rows of a COPY, their line numbers first; as rae_api
-- gives nothing
-- again no: the rows would be there twice
-- locks none: the table is of this session
-- index none
copy pg_temp.staged_graph_evidence (line, given,
  memory_id, node_id, triple_id, created_at) from stdin

-- statement: clear
-- takes nothing; as rae_api
-- gives nothing
-- again safe
-- locks none: the table is of this session
-- index none
truncate pg_temp.staged_graph_evidence

-- statement: check
-- takes $1 tenant uuid, $2 whether what is there already is a fault boolean; as rae_api inside the tenant
-- gives {line, fault, on_column} per row that cannot be put
-- again safe: reads only
-- locks none
-- index graph_evidence_pkey, memories_pkey, graph_nodes_pkey, graph_triples_pkey
select line, fault, on_column from (
  select s.line,
         case when num_nonnulls(s.node_id, s.triple_id) <> 1 then 'supports a node or a triple: give one of node_id and triple_id'
              when m.id is null then 'is no memory of this tenant'
              when s.node_id is not null and n.id is null then 'is no node of this tenant'
              when s.triple_id is not null and t.id is null then 'is no triple of this tenant'
              when $2 and there.memory_id is not null then 'supports it already'
              when $2 and row_number() over (partition by s.memory_id, coalesce(s.node_id, s.triple_id) order by s.line) > 1 then 'supports it twice in the file'
          end as fault,
         case when num_nonnulls(s.node_id, s.triple_id) <> 1 then null
              when m.id is null then 'memory_id'
              when s.node_id is not null and n.id is null then 'node_id'
              when s.triple_id is not null and t.id is null then 'triple_id'
              else 'memory_id' end as on_column
    from pg_temp.staged_graph_evidence s
    left join public.memories m on m.tenant_id = $1 and m.id = s.memory_id
    left join public.graph_nodes n on n.tenant_id = $1 and n.id = s.node_id
    left join public.graph_triples t on t.tenant_id = $1 and t.id = s.triple_id
    left join public.graph_evidence there
           on there.tenant_id = $1 and there.memory_id = s.memory_id and there.subject_id = coalesce(s.node_id, s.triple_id)) f
 where fault is not null
 order by line

-- statement: drop
-- takes $1 lines bigint[]: those that are not taken; as rae_api
-- gives nothing
-- again safe
-- locks none: the table is of this session
-- index none
delete from pg_temp.staged_graph_evidence where line = any($1)

-- statement: add
-- takes $1 tenant uuid; as rae_api inside the tenant
-- gives {added int}: rows that were not there; the rest is there already and stays as it is
-- again safe: nothing is there twice
-- locks the new rows
-- index the table's primary key and its unique constraints
with added as (
  insert into public.graph_evidence (tenant_id,
  memory_id, node_id, triple_id, created_at)
  select $1,
    memory_id, node_id, triple_id, created_at
    from pg_temp.staged_graph_evidence
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
update public.graph_evidence there
   set
       created_at = case when s.given & 8 <> 0 then s.created_at else there.created_at end
  from (select distinct on (memory_id, coalesce(node_id, triple_id)) * from pg_temp.staged_graph_evidence
         order by memory_id, coalesce(node_id, triple_id), line desc) s
 where there.tenant_id = $1 and there.memory_id = s.memory_id and there.subject_id = coalesce(s.node_id, s.triple_id)
   and (s.given & 8 <> 0 and s.created_at is distinct from there.created_at)
returning 1)
select count(*)::int as changed from changed

-- statement: rows
-- takes nothing; as rae_api inside the tenant
-- gives a JSON object per row, one a line: neither separator nor quote can stand in it unescaped
-- again safe: reads only
-- locks none
-- index the table's primary key
copy (select row_to_json(r) from (
  select 'graph_evidence' as kind, tenant_id,
    memory_id, node_id, triple_id, created_at
    from public.graph_evidence where tenant_id = (select public.rae_current_tenant()) order by memory_id, subject_id) r)
to stdout (format csv, delimiter e'\x02', quote e'\x01')

-- statement: cells
-- takes nothing; as rae_api inside the tenant
-- gives the rows as CSV with a header; an empty cell is null, an empty text in quotes is a text
-- again safe: reads only
-- locks none
-- index the table's primary key
copy (select tenant_id,
    memory_id, node_id, triple_id, created_at
    from public.graph_evidence where tenant_id = (select public.rae_current_tenant()) order by memory_id, subject_id)
to stdout (format csv, header)
