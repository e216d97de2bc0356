-- why:      a page of a tenant's runs, the newest first, sorted all of them
-- locks:    writes to runs while the index is built
-- breaking: no

-- serves GET /v1/runs page by page, and what was asked for within the last minute
create index runs_made_idx on public.runs (tenant_id, created_at desc, run_id desc);
-- The new one does its work; each request is entered in as many indexes as before.
drop index public.runs_requests_idx;
