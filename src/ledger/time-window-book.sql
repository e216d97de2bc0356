-- Statements over tenants' windows, sent as rae_operator; a dispatcher reads with the first as well.
-- role rae_operator

-- statement: windows
-- takes nothing
-- gives {tenant_id, window_id, worker, kind, hours, time_zone, reason, owner, created_at} of all there are
-- again safe: reads only
-- locks none
-- index time_windows_pkey
select tenant_id, window_id, worker, kind, hours, time_zone, reason, owner, created_at
  from public.time_windows order by tenant_id, worker, kind, created_at, window_id

-- statement: addWindow
-- takes $1 tenant uuid, $2 worker text, $3 kind text, $4 hours text, $5 time zone text, $6 reason text or null, $7 owner text
-- gives the window; none where just this is there
-- again safe
-- locks the window and the leases: whoever admits has committed before, or reads the window first
-- index time_windows_pkey
insert into public.time_windows (tenant_id, worker, kind, hours, time_zone, reason, owner) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, worker, kind, hours, time_zone) do nothing
returning tenant_id, window_id, worker, kind, hours, time_zone, reason, owner, created_at

-- statement: removeWindow
-- takes $1 tenant uuid, $2 window uuid
-- gives the window that is gone
-- again safe
-- locks the window and the leases
-- index time_windows_pkey
delete from public.time_windows where tenant_id = $1 and window_id = $2
returning tenant_id, window_id, worker, kind, hours, time_zone, reason, owner, created_at
