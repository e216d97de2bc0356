-- statement: stage
-- takes nothing; as rae_api
-- gives nothing
-- again safe: what is there stays, and is empty, since every transaction leaves it so
-- locks none: the table is of this session
-- index none
create temporary table if not exists staged_cost_logs (
  line bigint not null,
  -- The columns that the row gives, a bit each.
  given bigint not null,
  id uuid, project_id varchar(255), model varchar(255), provider varchar(100), operation varchar(100), input_tokens
  integer, output_tokens integer, input_cost_per_million numeric, output_cost_per_million numeric, total_cost_usd
  numeric, cache_hit boolean, cache_tokens_saved integer, request_id varchar(255), user_id varchar(255), latency_ms
  integer, error boolean, error_message text, "timestamp" timestamptz,
  cached_input_cost_per_million numeric
) on commit delete rows

-- statement: fill
-- takes the rows of a COPY, their line numbers first; as rae_api
-- gives nothing
-- again no: the rows would be there twice
-- locks none: the table is of this session
-- index none
copy pg_temp.staged_cost_logs (line, given,
  id, project_id, model, provider, operation, input_tokens, output_tokens, input_cost_per_million,
  output_cost_per_million, total_cost_usd, cache_hit, cache_tokens_saved, request_id, user_id, latency_ms, error,
  error_message, "timestamp", cached_input_cost_per_million) from stdin

-- statement: clear
-- takes nothing; as rae_api
-- gives nothing
-- again safe
-- locks none: the table is of this session
-- index none
truncate pg_temp.staged_cost_logs

-- statement: check
-- takes $1 tenant uuid, $2 whether what is there already is a fault boolean; as rae_api inside the tenant
-- gives {line, fault, on_column} per row that cannot be put
-- again safe: reads only
-- locks none
-- index cost_logs_pkey
select line, fault, 'id' as on_column from (
  select s.line,
         case when there.id is not null then 'is there already'
              when row_number() over (partition by s.id order by s.line) > 1 then 'is in the file twice'
          end as fault
    from pg_temp.staged_cost_logs s
    left join public.cost_logs there on there.tenant_id = $1 and there.id = s.id
   where $2) f
 where fault is not null
 order by line

-- statement: drop
-- takes $1 lines bigint[]: those that are not taken; as rae_api
-- gives nothing
-- again safe
-- locks none: the table is of this session
-- index none
delete from pg_temp.staged_cost_logs where line = any($1)

-- statement: add
-- takes $1 tenant uuid; as rae_api inside the tenant
-- gives {added int}: rows that were not there; the rest is there already and stays as it is
-- again safe: nothing is there twice
-- locks the new rows
-- index the table's primary key and its unique constraints
with added as (
  insert into public.cost_logs (tenant_id,
  id, project_id, model, provider, operation, input_tokens, output_tokens, input_cost_per_million,
  output_cost_per_million, total_cost_usd, cache_hit, cache_tokens_saved, request_id, user_id, latency_ms, error,
  error_message, "timestamp", cached_input_cost_per_million)
  select $1,
    id, project_id, model, provider, operation, input_tokens, output_tokens, input_cost_per_million,
    output_cost_per_million, total_cost_usd, cache_hit, cache_tokens_saved, request_id, user_id, latency_ms, error,
    error_message, "timestamp", cached_input_cost_per_million
    from pg_temp.staged_cost_logs
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
update public.cost_logs there
   set
       project_id = case when s.given & 2 <> 0 then s.project_id else there.project_id end,
       model = case when s.given & 4 <> 0 then s.model else there.model end,
       provider = case when s.given & 8 <> 0 then s.provider else there.provider end,
       operation = case when s.given & 16 <> 0 then s.operation else there.operation end,
       input_tokens = case when s.given & 32 <> 0 then s.input_tokens else there.input_tokens end,
       output_tokens = case when s.given & 64 <> 0 then s.output_tokens else there.output_tokens end,
       input_cost_per_million = case when s.given & 128 <> 0 then s.input_cost_per_million else there.input_cost_per_million end,
       output_cost_per_million = case when s.given & 256 <> 0 then s.output_cost_per_million else there.output_cost_per_million end,
       total_cost_usd = case when s.given & 512 <> 0 then s.total_cost_usd else there.total_cost_usd end,
       cache_hit = case when s.given & 1024 <> 0 then s.cache_hit else there.cache_hit end,
       cache_tokens_saved = case when s.given & 2048 <> 0 then s.cache_tokens_saved else there.cache_tokens_saved end,
       request_id = case when s.given & 4096 <> 0 then s.request_id else there.request_id end,
       user_id = case when s.given & 8192 <> 0 then s.user_id else there.user_id end,
       latency_ms = case when s.given & 16384 <> 0 then s.latency_ms else there.latency_ms end,
       error = case when s.given & 32768 <> 0 then s.error else there.error end,
       error_message = case when s.given & 65536 <> 0 then s.error_message else there.error_message end,
       "timestamp" = case when s.given & 131072 <> 0 then s."timestamp" else there."timestamp" end,
       cached_input_cost_per_million = case when s.given & 262144 <> 0 then s.cached_input_cost_per_million else there.cached_input_cost_per_million end
  from (select distinct on (id) * from pg_temp.staged_cost_logs order by id, line desc) s
 where there.tenant_id = $1 and there.id = s.id
   and (s.given & 2 <> 0 and s.project_id is distinct from there.project_id
    or s.given & 4 <> 0 and s.model is distinct from there.model
    or s.given & 8 <> 0 and s.provider is distinct from there.provider
    or s.given & 16 <> 0 and s.operation is distinct from there.operation
    or s.given & 32 <> 0 and s.input_tokens is distinct from there.input_tokens
    or s.given & 64 <> 0 and s.output_tokens is distinct from there.output_tokens
    or s.given & 128 <> 0 and s.input_cost_per_million is distinct from there.input_cost_per_million
    or s.given & 256 <> 0 and s.output_cost_per_million is distinct from there.output_cost_per_million
    or s.given & 512 <> 0 and s.total_cost_usd is distinct from there.total_cost_usd
    or s.given & 1024 <> 0 and s.cache_hit is distinct from there.cache_hit
    or s.given & 2048 <> 0 and s.cache_tokens_saved is distinct from there.cache_tokens_saved
    or s.given & 4096 <> 0 and s.request_id is distinct from there.request_id
    or s.given & 8192 <> 0 and s.user_id is distinct from there.user_id
    or s.given & 16384 <> 0 and s.latency_ms is distinct from there.latency_ms
    or s.given & 32768 <> 0 and s.error is distinct from there.error
    or s.given & 65536 <> 0 and s.error_message is distinct from there.error_message
    or s.given & 131072 <> 0 and s."timestamp" is distinct from there."timestamp"
    or s.given & 262144 <> 0 and s.cached_input_cost_per_million is distinct from there.cached_input_cost_per_million)
returning 1),
hinted as (
  -- A changed cost may be due again; of a new one the trigger of the table tells.
  insert into public.due_hints (tenant_id, kind) select $1, 'cost_log' where exists (select from changed))
select count(*)::int as changed from changed

-- statement: rows
-- takes nothing; as rae_api inside the tenant
-- gives a JSON object per row, one a line: neither separator nor quote can stand in it unescaped
-- again safe: reads only
-- locks none
-- index the table's primary key
copy (select row_to_json(r) from (
  select 'cost_logs' as kind, tenant_id,
    id, project_id, model, provider, operation, input_tokens, output_tokens, input_cost_per_million,
    output_cost_per_million, total_cost_usd, cache_hit, cache_tokens_saved, request_id, user_id, latency_ms, error,
    error_message, "timestamp", cached_input_cost_per_million
    from public.cost_logs where tenant_id = (select public.rae_current_tenant()) order by id) r)
to stdout (format csv, delimiter e'\x02', quote e'\x01')

-- statement: cells
-- takes nothing; as rae_api inside the tenant
-- gives the rows as CSV with a header; an empty cell is null, an empty text in quotes is a text
-- again safe: reads only
-- locks none
-- index the table's primary key
copy (select tenant_id,
    id, project_id, model, provider, operation, input_tokens, output_tokens, input_cost_per_million,
    output_cost_per_million, total_cost_usd, cache_hit, cache_tokens_saved, request_id, user_id, latency_ms, error,
    error_message, "timestamp", cached_input_cost_per_million
    from public.cost_logs where tenant_id = (select public.rae_current_tenant()) order by id)
to stdout (format csv, header)
