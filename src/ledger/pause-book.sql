-- Statements of operators over what is paused, sent as rae_operator.
-- role rae_operator

-- statement: pause
-- takes $1 tenant uuid, $2 worker text, $3 queue text, $4 arrivals text, $5 aborts boolean, $6 reason text, $7 owner text, $8 expires timestamptz or null
-- gives the pause; one of the same things that holds is changed
-- again safe
-- locks the pause and the leases: whoever admits has committed before, or reads the pause first
-- index pauses_active_idx
insert into public.pauses as p (tenant_id, worker, queue, arrivals, aborts, reason, owner, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (tenant_id, worker, queue) where lifted_at is null do update set
  arrivals = excluded.arrivals, aborts = excluded.aborts, reason = excluded.reason, owner = excluded.owner, expires_at = excluded.expires_at
returning p.tenant_id, p.pause_id, p.worker, p.queue, p.arrivals, p.aborts, p.reason, p.owner, p.created_at, p.expires_at, p.lifted_at, p.lifted_by

-- statement: lift
-- takes $1 tenant uuid or null, $2 worker text or null, $3 queue text or null, $4 by whom text; null = whatever it is
-- gives the pauses that are lifted now
-- again safe: gives none
-- locks the pauses and the leases
-- index pauses_active_idx
update public.pauses p set lifted_at = clock_timestamp(), lifted_by = $4
 where p.lifted_at is null and p.tenant_id = coalesce($1::uuid, p.tenant_id) and p.worker = coalesce($2::text, p.worker)
   and p.queue = coalesce($3::text, p.queue)
returning p.tenant_id, p.pause_id, p.worker, p.queue, p.arrivals, p.aborts, p.reason, p.owner, p.created_at, p.expires_at, p.lifted_at, p.lifted_by

-- statement: list
-- takes $1 lifted ones too boolean, $2 limit int, $3 the last one of the page before uuid or null
-- gives the pauses, the newest first
-- again safe: reads only
-- locks none
-- index pauses_active_idx; with lifted ones all there are
select p.tenant_id, p.pause_id, p.worker, p.queue, p.arrivals, p.aborts, p.reason, p.owner, p.created_at, p.expires_at, p.lifted_at, p.lifted_by
  from public.pauses p
  left join public.pauses before on before.pause_id = $3::uuid
 where (p.lifted_at is null or $1::boolean)
   and ($3::uuid is null or p.created_at < before.created_at or (p.created_at = before.created_at and p.pause_id > before.pause_id))
 order by p.created_at desc, p.pause_id limit $2::int

-- statement: find
-- takes $1 pause uuid
-- gives the pause, where it holds
-- again safe: reads only
-- locks none
-- index pauses_active_idx: all that hold
select p.tenant_id, p.pause_id, p.worker, p.queue, p.arrivals, p.aborts, p.reason, p.owner, p.created_at, p.expires_at, p.lifted_at, p.lifted_by
  from public.pauses p where p.lifted_at is null and p.pause_id = $1

-- statement: holding
-- takes $1 tenant uuid, $2 worker text
-- gives the pauses that hold the tenant's runs of the worker now, the newest first
-- again safe: reads only
-- locks none
-- index pauses_active_idx
select p.tenant_id, p.pause_id, p.worker, p.queue, p.arrivals, p.aborts, p.reason, p.owner, p.created_at, p.expires_at, p.lifted_at, p.lifted_by
  from public.rae_pauses_of($1, $2) p order by p.created_at desc
