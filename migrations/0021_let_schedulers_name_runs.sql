-- why:      the scheduler notes which run it has owed for what arrived: it gives the run its id
-- locks:    none
-- breaking: no

grant insert (run_id) on public.runs to rae_scheduler;
