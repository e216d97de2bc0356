-- statement: stage
-- takes nothing; as rae_api
-- gives nothing
-- again safe: what is there stays, and is empty, since every transaction leaves it so
-- locks none: the table is of this session
-- index none
create temporary table if not exists staged_memories (
  line bigint not null,
  -- The columns that the row gives, a bit each.
  given bigint not null,
  id uuid, content text, source varchar(255), importance double precision, layer varchar(50), tags text[], "timestamp"
  timestamptz, created_at timestamptz, last_accessed_at timestamptz, usage_count integer, project varchar(255),
  metadata jsonb, agent_id varchar(255), expires_at timestamptz, memory_type varchar(50), strength double precision,
  session_id varchar(255), info_class varchar(50), governance jsonb, human_label varchar(255), content_hash
  varchar(64), deleted_at timestamptz, embedding real[]
) on commit delete rows

-- statement: fill
-- takes the rows of a COPY, their line numbers first; as rae_api
-- gives nothing
-- again no: the rows would be there twice
-- locks none: the table is of this session
-- index none
copy pg_temp.staged_memories (line, given,
  id, content, source, importance, layer, tags, "timestamp", created_at, last_accessed_at, usage_count, project,
  metadata, agent_id, expires_at, memory_type, strength, session_id, info_class, governance, human_label,
  content_hash, deleted_at, embedding) from stdin

-- statement: clear
-- takes nothing; as rae_api
-- gives nothing
-- again safe
-- locks none: the table is of this session
-- index none
truncate pg_temp.staged_memories

-- statement: check
-- takes $1 tenant uuid, $2 whether what is there already is a fault boolean; as rae_api inside the tenant
-- gives {line, fault, on_column} per row that cannot be put
-- again safe: reads only
-- locks none
-- index memories_pkey, memories_tenant_id_content_hash_key
select line, fault, on_column from (
  select s.line,
         case when $2 and there.id is not null then 'is there already'
              when $2 and row_number() over (partition by s.id order by s.line) > 1 then 'is in the file twice'
              when s.content_hash is null then null
              when same.id is not null then 'is that of another memory of this tenant'
              when first_value(s.id) over (partition by s.content_hash order by s.line) <> s.id then 'is that of another memory in the file'
          end as fault,
         case when $2 and (there.id is not null or row_number() over (partition by s.id order by s.line) > 1) then 'id'
              else 'content_hash' end as on_column
    from pg_temp.staged_memories s
    left join lateral (select m.id from public.memories m where $2 and m.tenant_id = $1 and m.id = s.id limit 1) there on true
    left join lateral (select m.id from public.memories m
      where m.tenant_id = $1 and m.content_hash = s.content_hash and m.id <> s.id limit 1) same on true) f
 where fault is not null
 order by line

-- statement: drop
-- takes $1 lines bigint[]: those that are not taken; as rae_api
-- gives nothing
-- again safe
-- locks none: the table is of this session
-- index none
delete from pg_temp.staged_memories where line = any($1)

-- statement: add
-- takes $1 tenant uuid; as rae_api inside the tenant
-- gives {added int}: rows that were not there, with their embeddings; the rest is there already and stays as it is
-- again safe: nothing is there twice
-- locks the new rows
-- index the table's primary key and its unique constraints
with added as (
  insert into public.memories (tenant_id,
  id, content, source, importance, layer, tags, "timestamp", created_at, last_accessed_at, usage_count, project,
  metadata, agent_id, expires_at, memory_type, strength, session_id, info_class, governance, human_label,
  content_hash, deleted_at)
  select $1,
    id, content, source, importance, layer, tags, "timestamp", created_at, last_accessed_at, usage_count, project,
    metadata, agent_id, expires_at, memory_type, strength, session_id, info_class, governance, human_label,
    content_hash, deleted_at
    from pg_temp.staged_memories
  on conflict do nothing
  returning id, created_at),
embedded as (
  -- The original keeps one within the memory and does not say of which model it is.
  insert into public.memory_embeddings (tenant_id, memory_id, model_name, embedding, created_at)
  select distinct on (s.id) $1, s.id, 'default', s.embedding, added.created_at
    from pg_temp.staged_memories s join added on added.id = s.id
   where s.embedding is not null order by s.id, s.line
  on conflict do nothing)
select count(*)::int as added from added

-- statement: put
-- takes $1 tenant uuid; as rae_api inside the tenant
-- gives {changed int}: rows that were there otherwise, or with another embedding, and are now as the last row of their name gives them
-- again safe: they are as they are given
-- locks the rows
-- index the table's primary key
with last as materialized (
  select distinct on (id) * from pg_temp.staged_memories order by id, line desc),
changed as (
update public.memories there
   set
       content = case when s.given & 2 <> 0 then s.content else there.content end,
       source = case when s.given & 4 <> 0 then s.source else there.source end,
       importance = case when s.given & 8 <> 0 then s.importance else there.importance end,
       layer = case when s.given & 16 <> 0 then s.layer else there.layer end,
       tags = case when s.given & 32 <> 0 then s.tags else there.tags end,
       "timestamp" = case when s.given & 64 <> 0 then s."timestamp" else there."timestamp" end,
       created_at = case when s.given & 128 <> 0 then s.created_at else there.created_at end,
       last_accessed_at = case when s.given & 256 <> 0 then s.last_accessed_at else there.last_accessed_at end,
       usage_count = case when s.given & 512 <> 0 then s.usage_count else there.usage_count end,
       project = case when s.given & 1024 <> 0 then s.project else there.project end,
       metadata = case when s.given & 2048 <> 0 then s.metadata else there.metadata end,
       agent_id = case when s.given & 4096 <> 0 then s.agent_id else there.agent_id end,
       expires_at = case when s.given & 8192 <> 0 then s.expires_at else there.expires_at end,
       memory_type = case when s.given & 16384 <> 0 then s.memory_type else there.memory_type end,
       strength = case when s.given & 32768 <> 0 then s.strength else there.strength end,
       session_id = case when s.given & 65536 <> 0 then s.session_id else there.session_id end,
       info_class = case when s.given & 131072 <> 0 then s.info_class else there.info_class end,
       governance = case when s.given & 262144 <> 0 then s.governance else there.governance end,
       human_label = case when s.given & 524288 <> 0 then s.human_label else there.human_label end,
       content_hash = case when s.given & 1048576 <> 0 then s.content_hash else there.content_hash end,
       deleted_at = case when s.given & 2097152 <> 0 then s.deleted_at else there.deleted_at end
  from last s
 where there.tenant_id = $1 and there.id = s.id
   and (s.given & 2 <> 0 and s.content is distinct from there.content
    or s.given & 4 <> 0 and s.source is distinct from there.source
    or s.given & 8 <> 0 and s.importance is distinct from there.importance
    or s.given & 16 <> 0 and s.layer is distinct from there.layer
    or s.given & 32 <> 0 and s.tags is distinct from there.tags
    or s.given & 64 <> 0 and s."timestamp" is distinct from there."timestamp"
    or s.given & 128 <> 0 and s.created_at is distinct from there.created_at
    or s.given & 256 <> 0 and s.last_accessed_at is distinct from there.last_accessed_at
    or s.given & 512 <> 0 and s.usage_count is distinct from there.usage_count
    or s.given & 1024 <> 0 and s.project is distinct from there.project
    or s.given & 2048 <> 0 and s.metadata is distinct from there.metadata
    or s.given & 4096 <> 0 and s.agent_id is distinct from there.agent_id
    or s.given & 8192 <> 0 and s.expires_at is distinct from there.expires_at
    or s.given & 16384 <> 0 and s.memory_type is distinct from there.memory_type
    or s.given & 32768 <> 0 and s.strength is distinct from there.strength
    or s.given & 65536 <> 0 and s.session_id is distinct from there.session_id
    or s.given & 131072 <> 0 and s.info_class is distinct from there.info_class
    or s.given & 262144 <> 0 and s.governance is distinct from there.governance
    or s.given & 524288 <> 0 and s.human_label is distinct from there.human_label
    or s.given & 1048576 <> 0 and s.content_hash is distinct from there.content_hash
    or s.given & 2097152 <> 0 and s.deleted_at is distinct from there.deleted_at)
returning there.id),
embedded as (
  insert into public.memory_embeddings as e (tenant_id, memory_id, model_name, embedding, created_at)
  select $1, s.id, 'default', s.embedding, m.created_at
    from last s join public.memories m on m.tenant_id = $1 and m.id = s.id
   where s.embedding is not null
  on conflict (tenant_id, memory_id, model_name) do update set embedding = excluded.embedding
   where e.embedding is distinct from excluded.embedding
  returning memory_id),
hinted as (
  -- A changed memory may be due again; of a new one the trigger of the table tells.
  insert into public.due_hints (tenant_id, kind) select $1, 'memory' where exists (select from changed))
select count(*)::int as changed from (select id from changed union select memory_id from embedded) c

-- statement: rows
-- takes nothing; as rae_api inside the tenant
-- gives a JSON object per row, one a line: neither separator nor quote can stand in it unescaped
-- again safe: reads only
-- locks none
-- index the table's primary key
copy (select row_to_json(r) from (
  select 'memories' as kind, tenant_id,
    id, content, source, importance, layer, tags, "timestamp", created_at, last_accessed_at, usage_count, project,
    metadata, agent_id, expires_at, memory_type, strength, session_id, info_class, governance, human_label,
    content_hash, deleted_at
    from public.memories where tenant_id = (select public.rae_current_tenant()) order by id) r)
to stdout (format csv, delimiter e'\x02', quote e'\x01')

-- statement: cells
-- takes nothing; as rae_api inside the tenant
-- gives the rows as CSV with a header; an empty cell is null, an empty text in quotes is a text
-- again safe: reads only
-- locks none
-- index the table's primary key
copy (select tenant_id,
    id, content, source, importance, layer, tags, "timestamp", created_at, last_accessed_at, usage_count, project,
    metadata, agent_id, expires_at, memory_type, strength, session_id, info_class, governance, human_label,
    content_hash, deleted_at
    from public.memories where tenant_id = (select public.rae_current_tenant()) order by id)
to stdout (format csv, header)
