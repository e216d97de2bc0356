-- why:      a node with more triples than one step removes goes in several; evidence that arrived between two of them kept the
--           node and had lost part of its triples. Once such a node has begun to go it is as good as gone for new evidence
-- locks:    graph_losses and graph_evidence, for a moment
-- breaking: no

alter table public.graph_losses add column going boolean not null default false;
comment on column public.graph_losses.going is 'the node has begun to go: the first of its triples are gone, the rest goes in further steps';
-- serves every insert of evidence; empty but for nodes that are on their way out
create index graph_losses_going_idx on public.graph_losses (tenant_id, subject_id) where going;
grant update (going) on public.graph_losses to rae_worker;

-- After the foreign key has waited for a step that locks the node, so that what that step decided is seen.
create function public.rae_refuse_evidence() returns trigger language plpgsql security invoker as $$
begin
  if exists (select from added a join public.graph_losses l on l.tenant_id = a.tenant_id and l.subject_id = a.node_id
              where l.going) then
    raise foreign_key_violation using message = 'the node is being removed by retention', table = 'graph_evidence',
      constraint = 'graph_evidence_tenant_id_node_id_fkey';
  end if;
  return null;
end
$$;
create trigger graph_evidence_late after insert on public.graph_evidence
  referencing new table as added for each statement execute function public.rae_refuse_evidence();
create trigger graph_evidence_late_change after update on public.graph_evidence
  referencing new table as added for each statement execute function public.rae_refuse_evidence();
