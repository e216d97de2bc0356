-- statement: step
-- takes :tenant, :slots, :policy, :settings
-- gives {more boolean, idle boolean, counts {decayed, dates}}
-- again safe: a date that is written for a memory is not written again
-- locks the tenant's decay_marks row, then memories in id order
-- index memories_pkey
select more, idle, counts from {{decay_step}}(:tenant, :slots, :policy, :settings)
