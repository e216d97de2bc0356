-- Role rae_operator.

-- statement: list
-- takes $1 model text (null = all prices)
-- gives prices as text, by model and date; of one model the one that it has now
-- again safe: reads only
-- locks none
-- index model_prices_pkey
select p.model, to_char(p.valid_from at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as valid_from,
       p.input_per_million::text as input_per_million, p.output_per_million::text as output_per_million,
       p.cached_input_per_million::text as cached_input_per_million
  from public.model_prices p
 where $1::text is null
    or (p.model, p.valid_from) in (
      select n.model, max(n.valid_from) from public.model_prices n, public.rae_price($1, clock_timestamp()) r
       where n.model = r.matched and n.valid_from <= clock_timestamp() group by 1)
 order by p.model, p.valid_from

-- statement: put
-- takes $1 prices json: a list of ModelPrice
-- gives {changed int}: prices that are new or other than before
-- again safe: they are as they are given
-- locks the prices, and the book of prices until the transaction ends
-- index model_prices_pkey
with changed as (
  insert into public.model_prices as p (model, valid_from, input_per_million, output_per_million, cached_input_per_million)
  select g.model, g.valid_from, g.input_per_million, g.output_per_million, g.cached_input_per_million
    from json_to_recordset($1::json) g (model text, valid_from timestamptz, input_per_million numeric, output_per_million numeric,
         cached_input_per_million numeric)
  on conflict (model, valid_from) do update set input_per_million = excluded.input_per_million,
    output_per_million = excluded.output_per_million, cached_input_per_million = excluded.cached_input_per_million
   where (p.input_per_million, p.output_per_million, p.cached_input_per_million)
     is distinct from (excluded.input_per_million, excluded.output_per_million, excluded.cached_input_per_million)
  returning 1)
select count(*)::int as changed from changed

-- statement: removeOthers
-- takes $1 prices json: a list of ModelPrice
-- gives {removed int}: prices that are not in the list
-- again safe
-- locks the prices
-- index model_prices_pkey
with removed as (
  delete from public.model_prices p where not exists (
    select from json_to_recordset($1::json) g (model text, valid_from timestamptz) where g.model = p.model and g.valid_from = p.valid_from)
  returning 1)
select count(*)::int as removed from removed
