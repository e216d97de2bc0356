-- statement: step
-- takes :tenant, :settings
-- gives {more boolean, idle boolean, counts {looked, alerts, messages, unsendable}}
-- again safe: an alert is one row per budget, limit, period and threshold
-- locks the notes it takes, the new alerts
-- index budget_notes_pkey, cost_budgets_pkey, budget_alerts_pkey
select more, idle, counts from {{budget_step}}(:tenant, :settings)
