-- Statements of operators over cycles, sent as rae_operator.
-- role rae_operator

-- statement: list
-- takes $1 worker text or null, $2 limit int, $3 behind this slot timestamptz or null, $4 and of that slot behind this worker text or null
-- gives {worker, slot, origin, planned_at, total, owed, open, done, skipped jsonb, dead, late, changed jsonb, counted_at, finished_at}, newest slot first
-- again safe: reads only
-- locks none
-- index cycles_pkey
select worker, slot, origin, planned_at, total, owed, open, done, skipped, dead, late, changed, counted_at, finished_at
  from public.cycles
 where ($1::text is null or worker = $1::text)
   and ($3::timestamptz is null or slot < $3::timestamptz or (slot = $3::timestamptz and worker > $4::text))
 order by slot desc, worker limit $2::int

-- statement: show
-- takes $1 worker text, $2 slot timestamptz
-- gives the columns of list for one cycle
-- again safe: reads only
-- locks none
-- index cycles_pkey
select worker, slot, origin, planned_at, total, owed, open, done, skipped, dead, late, changed, counted_at, finished_at
  from public.cycles where worker = $1 and slot = $2
