-- Role rae_api, inside the tenant.

-- statement: memory
-- takes $1 tenant uuid, $2 memory uuid
-- gives {id} where the tenant has it
-- again safe: reads only
-- locks none
-- index memories_pkey
select id from public.memories where tenant_id = $1 and id = $2

-- statement: place
-- takes $1 tenant uuid, $2 project text, $3 memory uuid, $4 reason text, $5 owner text
-- gives the hold
-- again places another
-- locks the tenant's retention: waits for a step under way
-- index legal_holds_pkey
insert into public.legal_holds (tenant_id, project, memory_id, reason, owner) values ($1, $2::text, $3, $4, $5)
returning hold_id, project, memory_id, reason, owner, placed_at, released_at

-- statement: list
-- takes $1 tenant uuid, $2 released ones too boolean
-- gives the tenant's holds, the newest first
-- again safe: reads only
-- locks none
-- index legal_holds_pkey
select hold_id, project, memory_id, reason, owner, placed_at, released_at from public.legal_holds
 where tenant_id = $1 and ($2 or released_at is null) order by placed_at desc, hold_id

-- statement: find
-- takes $1 tenant uuid, $2 hold uuid
-- gives the hold
-- again safe: reads only
-- locks none
-- index legal_holds_pkey
select hold_id, project, memory_id, reason, owner, placed_at, released_at from public.legal_holds where tenant_id = $1 and hold_id = $2

-- statement: release
-- takes $1 tenant uuid, $2 hold uuid
-- gives the hold where it was not released before
-- again safe: the first time stays
-- locks the hold's row and the tenant's retention
-- index legal_holds_pkey
update public.legal_holds set released_at = now() where tenant_id = $1 and hold_id = $2 and released_at is null
returning hold_id, project, memory_id, reason, owner, placed_at, released_at

-- statement: certificates
-- takes $1 tenant uuid, $2 limit int
-- gives the tenant's deletion certificates, the newest slots first, and whether each is as it was written
-- again safe: reads only
-- locks none
-- index deletion_certificates_pkey
select class, slot, cutoff, deleted::float8 as deleted, oldest, newest, policy_fingerprint, hash,
       hash = public.rae_certificate_hash(tenant_id, class, slot, cutoff, deleted, oldest, newest, policy_fingerprint) as intact
  from public.deletion_certificates where tenant_id = $1 order by slot desc, class limit $2::int
