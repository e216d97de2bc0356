-- statement: ping
-- takes nothing
-- gives {one int}
-- again safe
-- locks none
-- index none
select 1 as one
