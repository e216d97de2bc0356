-- why:      operators see whether something has arrived that no scheduler has folded yet
-- locks:    none
-- breaking: no

grant select (tenant_id, kind, worker, created_at) on public.due_hints to rae_operator;
