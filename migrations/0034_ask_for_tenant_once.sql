-- why:      tables of which many rows are written at once asked for the tenant anew with each row, a tenth and more of the write
-- locks:    each of these tables for a moment, against everybody
-- breaking: no

-- A written row must be one that its writer may see, so Postgres holds each against tenant_is_set as well, whose bare call
-- no plan can take out of the loop. Where the wrapped call has found a tenant the bare one is not made; it is still
-- planned, and so a query without a tenant fails as before. For a single row the old words are cheaper: the ledger keeps them.
do $$
declare
  v_table text;
begin
  foreach v_table in array array['memories', 'memory_embeddings', 'graph_nodes', 'graph_triples', 'graph_evidence', 'cost_logs'] loop
    execute format('alter policy tenant_is_set on public.%I using (tenant_id = (select public.rae_current_tenant())
      and ((select public.rae_current_tenant()) is not null or tenant_id = public.rae_current_tenant()))', v_table);
  end loop;
end
$$;
