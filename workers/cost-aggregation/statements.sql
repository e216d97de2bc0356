-- statement: step
-- takes :tenant, :settings
-- gives {more boolean, idle boolean, counts {calls, cost_micro_usd, unknown_calls, priced}}
-- again safe: a change is taken out by the transaction that adds it
-- locks the changes it takes, then rollups in the order of their keys, then calls that it prices
-- index cost_deltas_pkey, cost_logs_unknown_idx
select more, idle, counts from {{cost_step}}(:tenant, :settings)
