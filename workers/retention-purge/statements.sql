-- statement: step
-- takes :tenant, :run, :slot, :policy, :document, :settings
-- gives {more boolean, idle boolean, counts {memories, embeddings, graph_nodes, graph_triples, cost_logs, audit_entries, and marked and restored where there is grace}}
-- again safe: what is gone is gone, and each certificate adds up what its own steps removed
-- locks the tenant's retention, then what goes, memories in id order
-- index memories_age_idx, memories_expiry_idx, memories_grace_idx, cost_logs_time_idx
select more, idle, counts from {{retention_step}}(:tenant, :run, :slot, :policy, :document, :settings)

-- statement: preview
-- takes $1 tenant uuid, $2 slot timestamptz, $3 effective policy jsonb; as rae_api inside the tenant
-- gives {class, rows int, oldest timestamptz, newest timestamptz, effect} per class of which something would go (effect goes) or be marked first (effect marked)
-- again safe: reads only
-- locks none
-- index memories_age_idx, memories_expiry_idx, cost_logs_time_idx
select class, rows, oldest, newest, effect from {{retention_preview}}($1, $2, $3)
