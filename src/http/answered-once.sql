-- Role rae_api, inside the tenant.

-- statement: take
-- takes $1 tenant uuid, $2 key text, $3 fingerprint bytea, $4 seconds until somebody else may serve it int
-- gives {key} to whoever is to serve the request: nobody has, or whoever had it has not come back in time
-- again gives it once
-- locks the row
-- index api_requests_pkey
insert into public.api_requests as a (tenant_id, idempotency_key, fingerprint, busy_until)
  values ($1, $2, $3::bytea, clock_timestamp() + $4::int * interval '1 second')
on conflict (tenant_id, idempotency_key) do update set busy_until = excluded.busy_until
  where a.fingerprint = excluded.fingerprint and a.busy_until < clock_timestamp()
returning a.idempotency_key as key

-- statement: find
-- takes $1 tenant uuid, $2 key text
-- gives {fingerprint, busy boolean, status, headers jsonb, answer}
-- again safe: reads only
-- locks none
-- index api_requests_pkey
select fingerprint, busy_until is not null as busy, status, headers, answer
  from public.api_requests where tenant_id = $1 and idempotency_key = $2

-- statement: keep
-- takes $1 tenant uuid, $2 key text, $3 status int, $4 headers jsonb, $5 answer text
-- gives nothing
-- again safe
-- locks the row
-- index api_requests_pkey
update public.api_requests set busy_until = null, status = $3::int, headers = $4::jsonb, answer = $5
 where tenant_id = $1 and idempotency_key = $2 and busy_until is not null

-- statement: forget
-- takes $1 tenant uuid, $2 key text
-- gives nothing
-- again safe
-- locks the row
-- index api_requests_pkey
delete from public.api_requests where tenant_id = $1 and idempotency_key = $2 and busy_until is not null
