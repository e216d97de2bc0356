-- Role rae_api, inside the tenant.

-- statement: emit
-- takes $1 tenant uuid, $2 id uuid, $3 columns jsonb
-- gives {event_id} where it was not there
-- again safe: the same id changes nothing
-- locks the new row
-- index events_pkey
insert into public.events (tenant_id, event_id, event_type, payload, project, source, correlation_id, user_id, session_id, tags)
select $1, $2, e.event_type, e.payload, e.project, e.source, e.correlation_id, e.user_id, e.session_id, e.tags
  from jsonb_populate_record(null::public.events, $3::jsonb) e
on conflict (tenant_id, event_id) do nothing returning event_id
