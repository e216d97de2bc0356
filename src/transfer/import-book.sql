-- Role rae_api, inside the tenant

-- statement: find
-- takes $1 tenant uuid, $2 fingerprint text
-- gives {position, lines, hashed, prefix_hash, rows_read, imported, updated, skipped, rejected, reject_bytes, finished boolean}; no row: unknown
-- again safe: reads only
-- locks none
-- index transfers_pkey
select position::float8 as position, lines::float8 as lines, hashed::float8 as hashed, prefix_hash, rows_read::float8 as rows_read, imported::float8 as imported,
       updated::float8 as updated, skipped::float8 as skipped, rejected::float8 as rejected, reject_bytes::float8 as reject_bytes,
       finished_at is not null as finished
  from public.transfers where tenant_id = $1 and fingerprint = $2

-- statement: restart
-- takes $1 tenant uuid, $2 fingerprint text
-- gives nothing; a record that is there begins anew
-- again safe
-- locks the record
-- index transfers_pkey
insert into public.transfers (tenant_id, fingerprint) values ($1, $2)
on conflict (tenant_id, fingerprint) do update
   set position = 0, lines = 0, hashed = 0, prefix_hash = null, rows_read = 0, imported = 0, updated = 0, skipped = 0, rejected = 0,
       reject_bytes = 0, started_at = now(), changed_at = now(), finished_at = null

-- statement: advance
-- takes $1 tenant uuid, $2 fingerprint text, $3 the position before bigint, $4 position bigint, $5 lines bigint, $6 hashed bigint,
--   $7 prefix_hash text, $8 rows_read bigint, $9 imported bigint, $10 updated bigint, $11 skipped bigint, $12 rejected bigint,
--   $13 reject_bytes bigint, $14 whether that was all boolean
-- gives one row; none where another import of the file has moved it
-- again no: the position before is not that any more
-- locks the record
-- index transfers_pkey
update public.transfers
   set position = $4, lines = $5, hashed = $6, prefix_hash = $7, rows_read = $8, imported = $9, updated = $10, skipped = $11,
       rejected = $12, reject_bytes = $13, changed_at = now(), finished_at = case when $14 then now() end
 where tenant_id = $1 and fingerprint = $2 and position = $3
returning true as advanced

-- statement: forget
-- takes $1 tenant uuid
-- gives nothing; what was not touched for 90 days is no import any more that goes on
-- again safe
-- locks the records
-- index transfers_pkey
delete from public.transfers where tenant_id = $1 and changed_at < now() - interval '90 days'
