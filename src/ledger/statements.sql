-- statement: claim
-- takes $1 tenant uuid, $2 run uuid, $3 attempt int, $4 placement epoch int, $5 payload hash hex text or null, $6 lease ms int, $7 serves suspended boolean
-- gives {result jsonb}, see claim_run
-- again safe
-- locks the run's row
-- index runs_pkey
select {{claim_run}}($1, $2, $3, $4, $5, $6, $7) as result

-- statement: settle
-- takes $1 tenant uuid, $2 run uuid, $3 attempt int, $4 fresh boolean, $5 state text, $6 after ms bigint, $7 reason text, $8 error text, $9 counts jsonb, $10 failures int, $11 idle boolean, $12 hint_seq bigint
-- gives {held boolean}: false = the fence is lost
-- again safe
-- locks the run's row
-- index runs_pkey
select {{settle_run}}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) as held

-- statement: beginStep
-- takes $1 tenant uuid, $2 run uuid, $3 attempt int, $4 lease ms int
-- gives {held boolean}
-- again safe
-- locks the run's row
-- index runs_pkey
select {{begin_step}}($1, $2, $3, $4) as held

-- statement: endStep
-- takes $1 tenant uuid, $2 run uuid, $3 attempt int, $4 progress jsonb, $5 counts jsonb
-- gives {held boolean}
-- again only inside its transaction
-- locks the run's row
-- index runs_pkey
select {{end_step}}($1, $2, $3, $4, $5) as held

-- statement: failures
-- takes $1 tenant uuid, $2 run uuid; inside the tenant
-- gives {failures int}
-- again safe: reads only
-- locks none
-- index runs_pkey
select failures from public.runs where tenant_id = $1 and run_id = $2
