-- Inside the tenant.

-- statement: append
-- takes $1 actor text, $2 action text, $3 detail jsonb; as any role
-- gives {seq}
-- again appends once more
-- locks the tenant's head until the transaction ends
-- index audit_heads_pkey
select public.rae_audit_append($1, $2, $3::jsonb) as seq

-- statement: list
-- takes $1 tenant uuid, $2 below which number bigint or null, $3 most int; as rae_api
-- gives {seq, at, actor, action, detail jsonb, hash text}, the newest first
-- again safe: reads only
-- locks none
-- index audit_log_pkey
select seq, at, actor, action, detail, encode(hash, 'hex') as hash from public.audit_log
 where tenant_id = $1 and ($2::bigint is null or seq < $2::bigint) order by seq desc limit $3::int

-- statement: verify
-- takes nothing; as rae_api
-- gives {entries, bad_seq, why}: bad_seq null = every entry is there and as it was written
-- again safe: reads only
-- locks none
-- index audit_log_pkey
select entries, bad_seq, why from public.rae_audit_verify()

-- statement: head
-- takes nothing; as rae_api
-- gives {seq, at, head text: one line, signed}; none for a log without entries
-- again safe: reads only
-- locks none
-- index audit_heads_pkey
select seq, at, head from public.rae_audit_head()

-- statement: verifyHead
-- takes $1 head text; as rae_api
-- gives {bad_seq, why}: bad_seq null = the log still goes through it
-- again safe: reads only
-- locks none
-- index audit_log_pkey
select bad_seq, why from public.rae_audit_verify_head($1)
