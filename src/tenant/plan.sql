-- statement: plans
-- takes nothing
-- gives {plan, dedicated boolean} per plan, the lightest first
-- again safe: reads only
-- locks none
-- index none: a handful of rows
select plan, dedicated from public.plans order by weight, plan
