-- why:      two that take evidence of one node at the same time: each must leave a note of its own, or the second is lost with the first
-- locks:    graph_losses is rewritten; it is empty but for what waits for retention
-- breaking: no

alter table public.graph_losses drop constraint graph_losses_pkey,
  add column loss_id bigint generated always as identity,
  add primary key (tenant_id, loss_id);

create or replace function public.rae_hint_row() returns trigger language plpgsql security invoker as $$
declare
  v_this constant text := pg_catalog.pg_current_xact_id() || ' ' || old.tenant_id;
begin
  if tg_table_name = 'graph_evidence' then
    insert into public.graph_losses (tenant_id, subject_id) values (old.tenant_id, old.subject_id);
  end if;
  -- A hint per transaction and tenant, not per row.
  if pg_catalog.current_setting('rae.hinted', true) is distinct from v_this then
    perform pg_catalog.set_config('rae.hinted', v_this, true);
    insert into public.due_hints (tenant_id, kind) values (old.tenant_id, 'memory');
  end if;
  return null;
end
$$;
