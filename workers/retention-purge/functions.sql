-- function: retention_cutoff
-- takes the policy, the name of its field, the slot
-- gives what is older than this goes; null = never by age. A day is 24 hours, whatever the zone.
-- again safe: pure
-- locks none
-- index none
-- role rae_worker, rae_api
create function {{retention_cutoff}}(p_policy jsonb, p_field text, p_slot timestamptz) returns timestamptz
  language sql immutable parallel safe security invoker
as $$
  select case when p_policy ->> p_field <> 'never' then p_slot - make_interval(hours => 24 * (p_policy ->> p_field)::int) end
$$;

-- function: retention_certify
-- takes tenant, class, slot, cutoff, how many went, the oldest and newest of them, the policy's fingerprint
-- gives nothing; adds to the certificate of this class and slot
-- again adds again: called with what this transaction removed
-- locks the certificate's row
-- index deletion_certificates_pkey
-- role rae_worker
create function {{retention_certify}}(p_tenant uuid, p_class text, p_slot timestamptz, p_cutoff timestamptz, p_deleted bigint,
    p_oldest timestamptz, p_newest timestamptz, p_fingerprint text) returns void
  language plpgsql volatile security invoker
as $$
declare
  -- Infinity has no place in a hash.
  c_first constant timestamptz := '0001-01-01 00:00:00+00';
  c_last constant timestamptz := '9999-12-31 00:00:00+00';
begin
  if p_deleted = 0 then return; end if;
  insert into public.deletion_certificates as c (tenant_id, class, slot, cutoff, deleted, oldest, newest, policy_fingerprint, hash)
  values (p_tenant, p_class, p_slot, p_cutoff, p_deleted, least(greatest(p_oldest, c_first), c_last),
          least(greatest(p_newest, c_first), c_last), p_fingerprint, '')
  on conflict (tenant_id, class, slot) do update set cutoff = greatest(c.cutoff, excluded.cutoff), deleted = c.deleted + excluded.deleted,
    oldest = least(c.oldest, excluded.oldest), newest = greatest(c.newest, excluded.newest),
    policy_fingerprint = case when strpos(c.policy_fingerprint, excluded.policy_fingerprint) > 0 then c.policy_fingerprint
                              else c.policy_fingerprint || ' ' || excluded.policy_fingerprint end,
    audit_seq = null;
  update public.deletion_certificates c
     set hash = public.rae_certificate_hash(c.tenant_id, c.class, c.slot, c.cutoff, c.deleted, c.oldest, c.newest, c.policy_fingerprint)
   where c.tenant_id = p_tenant and c.class = p_class and c.slot = p_slot;
end
$$;

-- function: retention_enter
-- takes tenant
-- gives nothing; an entry in the audit log for each certificate that none says as it stands
-- again safe: what is entered is marked
-- locks the end of the tenant's chain, then the certificates
-- index deletion_certificates_entry_idx
-- role rae_worker
create function {{retention_enter}}(p_tenant uuid) returns void
  language plpgsql volatile security invoker
as $$
declare
  v_one public.deletion_certificates;
begin
  for v_one in
    select c.* from public.deletion_certificates c where c.tenant_id = p_tenant and c.audit_seq is null order by c.slot, c.class
  loop
    update public.deletion_certificates c
       set audit_seq = public.rae_audit_append('retention-purge', 'retention.certified', jsonb_build_object('class', v_one.class,
             'slot', v_one.slot, 'cutoff', v_one.cutoff, 'deleted', v_one.deleted, 'oldest', v_one.oldest, 'newest', v_one.newest,
             'policy_fingerprint', v_one.policy_fingerprint, 'hash', v_one.hash))
     where c.tenant_id = p_tenant and c.class = v_one.class and c.slot = v_one.slot;
  end loop;
end
$$;

-- function: retention_memories
-- takes tenant, memories to look at, slot, the layers of the policy and their cutoffs, protected tags, when a mark must have been
--   set for its memory to go (null = no grace), projects on hold, the policy's fingerprint
-- gives how many memories and embeddings went, how many were marked, and of how many the mark was taken back
-- again safe
-- locks the memories in id order, as decay does, so that neither waits for the other in a circle
-- index memories_pkey, legal_holds_memory_idx
-- role rae_worker
create function {{retention_memories}}(p_tenant uuid, p_ids uuid[], p_slot timestamptz, p_layers text[], p_cutoffs timestamptz[],
    p_tags text[], p_marked_by timestamptz, p_projects text[], p_fingerprint text,
    out memories bigint, out embeddings bigint, out marked bigint, out restored bigint)
  language plpgsql volatile security invoker
as $$
declare
  v_gone uuid[];
  v_marked uuid[];
  v_restored uuid[];
  v_class record;
begin
  memories := 0;
  embeddings := 0;
  -- Judged while they are locked: a memory that was changed meanwhile is judged as it is now.
  select array_agg(j.id) filter (where j.due and (p_marked_by is null or j.deleted_at <= p_marked_by)),
         array_agg(j.id) filter (where j.due and p_marked_by is not null and j.deleted_at is null),
         array_agg(j.id) filter (where not j.due and j.deleted_at is not null)
    into v_gone, v_marked, v_restored from (
    select m.id, m.deleted_at,
           (coalesce(m.created_at < p_cutoffs[array_position(p_layers, m.layer::text)], false) or coalesce(m.expires_at <= p_slot, false))
           and not coalesce(m.tags && p_tags, false) and not coalesce(m.project = any(p_projects), false)
           and not exists (select from public.legal_holds h where h.tenant_id = p_tenant and h.memory_id = m.id and h.released_at is null) as due
      from public.memories m where m.tenant_id = p_tenant and m.id = any(p_ids)
     order by m.id for update of m) j;
  if v_gone is not null then
    with gone as (
      delete from public.memory_embeddings e where e.tenant_id = p_tenant and e.memory_id = any(v_gone) returning e.created_at)
    select count(*) as deleted, min(g.created_at) as oldest, max(g.created_at) as newest into v_class from gone g;
    embeddings := v_class.deleted;
    perform {{retention_certify}}(p_tenant, 'embeddings', p_slot, null, v_class.deleted, v_class.oldest, v_class.newest, p_fingerprint);
    -- Evidence goes by its foreign key, and leaves notes in graph_losses.
    for v_class in
      with gone as (delete from public.memories m where m.tenant_id = p_tenant and m.id = any(v_gone) returning m.layer::text, m.created_at)
      select array_position(p_layers, g.layer) as at, count(*) as deleted, min(g.created_at) as oldest, max(g.created_at) as newest
        from gone g group by 1 order by 1
    loop
      memories := memories + v_class.deleted;
      perform {{retention_certify}}(p_tenant, coalesce(p_layers[v_class.at], 'other'), p_slot, p_cutoffs[v_class.at], v_class.deleted,
        v_class.oldest, v_class.newest, p_fingerprint);
    end loop;
  end if;
  update public.memories m set deleted_at = p_slot where m.tenant_id = p_tenant and m.id = any(v_marked);
  update public.memories m set deleted_at = null where m.tenant_id = p_tenant and m.id = any(v_restored);
  marked := coalesce(cardinality(v_marked), 0);
  restored := coalesce(cardinality(v_restored), 0);
end
$$;

-- function: retention_graph
-- takes tenant, notes of lost evidence to look at, projects on hold, slot, the policy's fingerprint, how many triples at once
-- gives how many nodes and triples went, and whether triples of these nodes are left for a further step
-- again safe
-- locks the nodes, then the triples, each in id order: no evidence can arrive for them meanwhile
-- index graph_evidence_node_idx, graph_evidence_triple_idx, graph_triples_source_idx, graph_triples_target_idx
-- role rae_worker
create function {{retention_graph}}(p_tenant uuid, p_losses bigint[], p_projects text[], p_slot timestamptz, p_fingerprint text, p_most int,
    out nodes bigint, out triples bigint, out more boolean)
  language plpgsql volatile security invoker
as $$
declare
  v_subjects uuid[];
  v_locked uuid[];
  v_held uuid[];
  v_nodes uuid[];
  v_triples uuid[];
  v_all uuid[];
  v_class record;
begin
  nodes := 0;
  more := false;
  select array_agg(distinct l.subject_id) into v_subjects from public.graph_losses l
   where l.tenant_id = p_tenant and l.loss_id = any(p_losses);
  -- What is locked is looked at by the next statement: evidence that came before the lock is seen, and none comes after it.
  select array_agg(n.id) into v_locked from (
    select g.id from public.graph_nodes g where g.tenant_id = p_tenant and g.id = any(v_subjects) order by g.id for update) n;
  -- A node stays with a triple that may not go: one of a project on hold, or that a memory on hold supports.
  select array_agg(g.id) into v_held from public.graph_nodes g
   where g.tenant_id = p_tenant and g.id = any(v_locked) and (g.project = any(p_projects) or exists (
     select from public.graph_triples t
      where t.tenant_id = p_tenant and (t.source_node_id = g.id or t.target_node_id = g.id) and (t.project = any(p_projects) or exists (
        select from public.graph_evidence e
          join public.legal_holds h on h.tenant_id = p_tenant and h.memory_id = e.memory_id and h.released_at is null
         where e.tenant_id = p_tenant and e.triple_id = t.id))));
  select array_agg(g.id) into v_nodes from public.graph_nodes g
   where g.tenant_id = p_tenant and g.id = any(v_locked) and g.id <> all (coalesce(v_held, '{}'))
     and not exists (select from public.graph_evidence e where e.tenant_id = p_tenant and e.node_id = g.id);
  -- Triples that lost their own evidence, and all of the nodes that go.
  select array_agg(x.id) into v_locked from (
    select t.id from public.graph_triples t
     where t.tenant_id = p_tenant
       and (t.id = any(v_subjects) or t.source_node_id = any(v_nodes) or t.target_node_id = any(v_nodes))
     -- Those that are looked at and stay must not take the places of those that go.
     order by t.id limit p_most + cardinality(v_subjects) + 1 for update) x;
  more := coalesce(cardinality(v_locked), 0) > p_most + cardinality(v_subjects);
  v_locked := v_locked[1 : p_most + cardinality(v_subjects)];
  select array_agg(t.id) into v_triples from public.graph_triples t
   where t.tenant_id = p_tenant and t.id = any(v_locked) and (t.source_node_id = any(v_nodes) or t.target_node_id = any(v_nodes)
     or t.project <> all (p_projects)
        and not exists (select from public.graph_evidence e where e.tenant_id = p_tenant and e.triple_id = t.id));
  with gone as (delete from public.graph_triples t where t.tenant_id = p_tenant and t.id = any(v_triples) returning t.created_at)
  select count(*) as deleted, min(g.created_at) as oldest, max(g.created_at) as newest into v_class from gone g;
  triples := v_class.deleted;
  perform {{retention_certify}}(p_tenant, 'graph_triples', p_slot, null, v_class.deleted, v_class.oldest, v_class.newest, p_fingerprint);
  delete from public.graph_losses l where l.tenant_id = p_tenant and l.subject_id = any(v_triples);
  -- A hold stops a node that has begun to go; else it is as good as gone, and no evidence can come for it any more.
  update public.graph_losses l set going = not l.going
   where l.tenant_id = p_tenant and l.loss_id = any(p_losses)
     and (l.going and l.subject_id = any(v_held) or more and not l.going and l.subject_id = any(v_nodes));
  if more then return; end if;
  with gone as (delete from public.graph_nodes n where n.tenant_id = p_tenant and n.id = any(v_nodes) returning n.created_at)
  select count(*) as deleted, min(g.created_at) as oldest, max(g.created_at) as newest into v_class from gone g;
  nodes := v_class.deleted;
  perform {{retention_certify}}(p_tenant, 'graph_nodes', p_slot, null, v_class.deleted, v_class.oldest, v_class.newest, p_fingerprint);
  -- What is on hold keeps its note until the hold is released.
  select array_agg(t.id) into v_all from public.graph_triples t
   where t.tenant_id = p_tenant and t.id = any(v_subjects) and t.project = any(p_projects);
  delete from public.graph_losses l where l.tenant_id = p_tenant and l.loss_id = any(p_losses)
     and l.subject_id <> all (coalesce(v_held, '{}') || coalesce(v_all, '{}'));
end
$$;

-- function: retention_due_at
-- takes tenant, policy, slot, the layers of the policy and their cutoffs
-- gives when the next row becomes due by time alone
-- again safe: reads only
-- locks none
-- index memories_age_idx, memories_expiry_idx, memories_grace_idx, cost_logs_time_idx
-- role rae_worker
create function {{retention_due_at}}(p_tenant uuid, p_policy jsonb, p_slot timestamptz, p_layers text[], p_cutoffs timestamptz[])
  returns timestamptz
  language plpgsql stable security invoker
as $$
declare
  v_cutoff timestamptz;
  v_due timestamptz;
  v_next timestamptz;
begin
  for i in 1 .. cardinality(p_layers) loop
    continue when p_cutoffs[i] is null;
    select m.created_at + (p_slot - p_cutoffs[i]) into v_next from public.memories m
     where m.tenant_id = p_tenant and m.layer = p_layers[i] and m.created_at >= p_cutoffs[i] order by m.created_at limit 1;
    v_due := least(v_due, v_next);
  end loop;
  select min(m.expires_at) into v_next from public.memories m where m.tenant_id = p_tenant and m.expires_at > p_slot;
  v_due := least(v_due, v_next);
  select min(m.deleted_at) + make_interval(hours => 24 * (p_policy ->> 'grace_days')::int) into v_next
    from public.memories m where m.tenant_id = p_tenant and m.deleted_at is not null;
  v_due := least(v_due, v_next);
  v_cutoff := date_trunc('hour', {{retention_cutoff}}(p_policy, 'cost_logs_days', p_slot), 'UTC');
  select date_trunc('hour', c."timestamp", 'UTC') + interval '1 hour' + (p_slot - {{retention_cutoff}}(p_policy, 'cost_logs_days', p_slot))
    into v_next from public.cost_logs c where c.tenant_id = p_tenant and c."timestamp" >= v_cutoff order by c."timestamp" limit 1;
  v_due := least(v_due, v_next);
  v_cutoff := {{retention_cutoff}}(p_policy, 'audit_logs_days', p_slot);
  if v_cutoff is not null then
    -- An entry gives no hint. One that comes later is not due before this.
    select coalesce(min(a.at) + (p_slot - v_cutoff), p_slot + (p_slot - v_cutoff)) into v_next from (
      select l.at from public.audit_log l where l.tenant_id = p_tenant order by l.seq limit 1) a;
    v_due := least(v_due, v_next);
  end if;
  return v_due;
end
$$;

-- function: retention_step
-- takes tenant, run, slot (null = when the run was made), the effective policy, the stored document that it was read from, operator settings
-- gives {more: something is left to look at, idle: nothing is due before time, a hint or an edit makes it so, counts}
-- again safe: how far it has come is kept in retention_marks and commits with what went; another slot or policy begins anew
-- locks the tenant's retention against holds and policy edits, then what goes
-- index memories_age_idx, memories_expiry_idx, memories_grace_idx, graph_losses_pkey, cost_logs_time_idx
-- role rae_worker
create function {{retention_step}}(p_tenant uuid, p_run uuid, p_slot timestamptz, p_policy jsonb, p_document jsonb, p_settings jsonb)
  returns table (more boolean, idle boolean, counts jsonb)
  language plpgsql volatile security invoker
as $$
declare
  c_layers constant text[] := array['sensory', 'working', 'episodic', 'semantic', 'reflective'];
  c_no_id constant uuid := '00000000-0000-0000-0000-000000000000';
  -- After the layers, one each: by their own date, in grace, graph, cost logs, audit log.
  c_expiry constant int := 6;
  c_grace constant int := 7;
  c_graph constant int := 8;
  c_costs constant int := 9;
  c_audit constant int := 10;
  v_fingerprint constant text :=
    encode(sha256(convert_to((p_policy - array['cron', 'time_zone', 'enabled'])::text, 'UTF8')), 'hex');
  v_tags constant text[] := array(select jsonb_array_elements_text(p_policy -> 'protected_tags'));
  v_grace constant int := (p_policy ->> 'grace_days')::int;
  v_slot timestamptz := p_slot;
  v_cutoffs timestamptz[];
  v_marked_by timestamptz;
  v_left int := (p_settings ->> 'step_rows')::int;
  v_mark public.retention_marks;
  v_everything boolean;
  v_projects text[];
  v_ids uuid[];
  v_instants timestamptz[];
  v_losses bigint[];
  v_seen int;
  v_cutoff timestamptz;
  v_end timestamptz;
  v_end_id uuid;
  v_part record;
  v_memories bigint := 0;
  v_embeddings bigint := 0;
  v_nodes bigint := 0;
  v_triples bigint := 0;
  v_costs bigint := 0;
  v_entries bigint := 0;
  v_marks bigint := 0;
  v_restored bigint := 0;
  v_due timestamptz;
begin
  if v_slot is null then
    select r.created_at into v_slot from public.runs r where r.tenant_id = p_tenant and r.run_id = p_run;
  end if;
  perform public.rae_retention_lock(p_tenant);
  -- What was read before the lock may have been edited since. The next attempt reads it again.
  if (select p.document from public.policies p where p.tenant_id = p_tenant and p.worker = 'retention-purge') is distinct from p_document then
    raise serialization_failure using message = 'the policy was edited while the run began';
  end if;
  select coalesce(bool_or(h.project is null and h.memory_id is null), false),
         coalesce(array_agg(h.project::text) filter (where h.project is not null), '{}')
    into v_everything, v_projects from public.legal_holds h where h.tenant_id = p_tenant and h.released_at is null;
  -- What this removes needs no hint for this very worker.
  perform pg_catalog.set_config('rae.hinted', pg_catalog.pg_current_xact_id() || ' ' || p_tenant, true);
  v_cutoffs := array(select {{retention_cutoff}}(p_policy, l.name || '_memories_days', v_slot)
                       from unnest(c_layers) with ordinality l (name, nth) order by l.nth);
  if v_grace > 0 then v_marked_by := v_slot - make_interval(hours => 24 * v_grace); end if;

  select k.* into v_mark from public.retention_marks k where k.tenant_id = p_tenant;
  if v_mark.slot is distinct from v_slot or v_mark.policy_fingerprint <> v_fingerprint then
    v_mark.phase := 1;
    v_mark.after_at := '-infinity';
    v_mark.after_id := c_no_id;
  end if;
  if v_everything then v_mark.phase := c_audit + 1; end if;

  while v_mark.phase <= c_audit and v_left > 0 loop
    v_seen := 0;
    v_instants := null;
    if v_mark.phase <= c_grace then
      if v_mark.phase < c_expiry and v_cutoffs[v_mark.phase] is not null then
        select array_agg(n.id order by n.created_at, n.id), array_agg(n.created_at order by n.created_at, n.id) into v_ids, v_instants from (
          select m.id, m.created_at from public.memories m
           where m.tenant_id = p_tenant and m.layer = c_layers[v_mark.phase] and m.created_at < v_cutoffs[v_mark.phase]
             and (m.created_at, m.id) > (v_mark.after_at, v_mark.after_id)
           order by m.created_at, m.id limit v_left) n;
      elsif v_mark.phase = c_expiry then
        select array_agg(n.id order by n.expires_at, n.id), array_agg(n.expires_at order by n.expires_at, n.id) into v_ids, v_instants from (
          select m.id, m.expires_at from public.memories m
           where m.tenant_id = p_tenant and m.expires_at <= v_slot and (m.expires_at, m.id) > (v_mark.after_at, v_mark.after_id)
           order by m.expires_at, m.id limit v_left) n;
      elsif v_mark.phase = c_grace then
        select array_agg(n.id order by n.deleted_at, n.id), array_agg(n.deleted_at order by n.deleted_at, n.id) into v_ids, v_instants from (
          select m.id, m.deleted_at from public.memories m
           where m.tenant_id = p_tenant and m.deleted_at is not null and (m.deleted_at, m.id) > (v_mark.after_at, v_mark.after_id)
           order by m.deleted_at, m.id limit v_left) n;
      end if;
      v_seen := coalesce(cardinality(v_instants), 0);
      if v_seen > 0 then
        v_part := {{retention_memories}}(p_tenant, v_ids, v_slot, c_layers, v_cutoffs, v_tags, v_marked_by, v_projects, v_fingerprint);
        v_memories := v_memories + v_part.memories;
        v_embeddings := v_embeddings + v_part.embeddings;
        v_marks := v_marks + v_part.marked;
        v_restored := v_restored + v_part.restored;
        v_end := v_instants[v_seen];
        v_end_id := v_ids[v_seen];
      end if;
    elsif v_mark.phase = c_graph then
      -- after_at counts the notes that were looked at, as seconds: they are in the order of their numbers.
      select array_agg(n.loss_id order by n.loss_id) into v_losses from (
        select l.loss_id from public.graph_losses l
         where l.tenant_id = p_tenant and (v_mark.after_at = '-infinity' or l.loss_id > extract(epoch from v_mark.after_at))
         order by l.loss_id limit v_left) n;
      v_seen := coalesce(cardinality(v_losses), 0);
      if v_seen > 0 then
        v_part := {{retention_graph}}(p_tenant, v_losses, v_projects, v_slot, v_fingerprint, (p_settings ->> 'step_rows')::int);
        v_nodes := v_nodes + v_part.nodes;
        v_triples := v_triples + v_part.triples;
        v_end := case when v_part.more then v_mark.after_at else to_timestamp(v_losses[v_seen]) end;
        v_end_id := c_no_id;
        -- The triples of a node are many: the same notes again, in a step of their own.
        if v_part.more then v_seen := v_left; end if;
      end if;
    elsif v_mark.phase = c_costs then
      v_cutoff := date_trunc('hour', {{retention_cutoff}}(p_policy, 'cost_logs_days', v_slot), 'UTC');
      select array_agg(n.id order by n."timestamp", n.id), array_agg(n."timestamp" order by n."timestamp", n.id) into v_ids, v_instants from (
        select c.id, c."timestamp" from public.cost_logs c
         where c.tenant_id = p_tenant and c."timestamp" < v_cutoff and (c."timestamp", c.id) > (v_mark.after_at, v_mark.after_id)
         order by c."timestamp", c.id limit v_left) n;
      v_seen := coalesce(cardinality(v_instants), 0);
      if v_seen > 0 then
        v_end := v_instants[v_seen];
        v_end_id := v_ids[v_seen];
        -- No hour is left half: but one that alone is more than a step goes in pieces.
        if v_seen = v_left and date_trunc('hour', v_end, 'UTC') > v_instants[1] then
          v_end := date_trunc('hour', v_end, 'UTC') - interval '1 microsecond';
          v_end_id := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
        end if;
        -- What was spent is spent: the sums stay.
        perform pg_catalog.set_config('rae.costs_outlive_logs', pg_catalog.pg_current_xact_id()::text, true);
        with gone as (
          delete from public.cost_logs c
           where c.tenant_id = p_tenant and (c."timestamp", c.id) > (v_mark.after_at, v_mark.after_id)
             and (c."timestamp", c.id) <= (v_end, v_end_id) and c.project_id <> all (v_projects) returning c."timestamp")
        select count(*) as deleted, min(g."timestamp") as oldest, max(g."timestamp") as newest into v_part from gone g;
        v_costs := v_costs + v_part.deleted;
        perform {{retention_certify}}(p_tenant, 'cost_logs', v_slot, v_cutoff, v_part.deleted, v_part.oldest, v_part.newest, v_fingerprint);
      end if;
    else
      v_cutoff := {{retention_cutoff}}(p_policy, 'audit_logs_days', v_slot);
      if v_cutoff is not null then
        select s.removed as deleted, s.oldest, s.newest into v_part from public.rae_audit_shrink(v_cutoff, v_left) s;
        v_seen := v_part.deleted;
        v_entries := v_entries + v_part.deleted;
        v_end := '-infinity';
        v_end_id := c_no_id;
        perform {{retention_certify}}(p_tenant, 'audit_log', v_slot, v_cutoff, v_part.deleted, v_part.oldest, v_part.newest, v_fingerprint);
      end if;
    end if;
    if v_seen >= v_left then
      v_mark.after_at := v_end;
      v_mark.after_id := v_end_id;
    else
      v_mark.phase := v_mark.phase + 1;
      v_mark.after_at := '-infinity';
      v_mark.after_id := c_no_id;
    end if;
    v_left := v_left - v_seen;
  end loop;

  if v_mark.phase <= c_audit then
    insert into public.retention_marks as k (tenant_id, slot, policy_fingerprint, phase, after_at, after_id)
    values (p_tenant, v_slot, v_fingerprint, v_mark.phase, v_mark.after_at, v_mark.after_id)
    on conflict (tenant_id) do update set slot = excluded.slot, policy_fingerprint = excluded.policy_fingerprint,
      phase = excluded.phase, after_at = excluded.after_at, after_id = excluded.after_id;
  else
    delete from public.retention_marks k where k.tenant_id = p_tenant;
    perform {{retention_enter}}(p_tenant);
    -- With all of it on hold nothing becomes due by time, and the release gives a hint.
    if not v_everything then v_due := {{retention_due_at}}(p_tenant, p_policy, v_slot, c_layers, v_cutoffs); end if;
    update public.tenant_cadences c set due_at = v_due
     where c.tenant_id = p_tenant and c.worker = 'retention-purge' and c.due_at is distinct from v_due;
  end if;
  return query select v_mark.phase <= c_audit, v_mark.phase > c_audit,
    jsonb_build_object('memories', v_memories, 'embeddings', v_embeddings, 'graph_nodes', v_nodes, 'graph_triples', v_triples,
      'cost_logs', v_costs, 'audit_entries', v_entries)
    || case when v_grace > 0 or v_restored > 0 then jsonb_build_object('marked', v_marks, 'restored', v_restored) else '{}' end;
end
$$;

-- function: retention_preview
-- takes tenant, slot, the effective policy
-- gives {class, rows, oldest, newest, effect} of what a run of this slot would remove or mark now
-- again safe: reads only
-- locks none
-- index memories_age_idx, memories_expiry_idx, cost_logs_time_idx
-- role rae_api, rae_worker
create function {{retention_preview}}(p_tenant uuid, p_slot timestamptz, p_policy jsonb)
  returns table (class text, rows int, oldest timestamptz, newest timestamptz, effect text)
  language plpgsql stable security invoker
as $$
#variable_conflict use_column
declare
  c_layers constant text[] := array['sensory', 'working', 'episodic', 'semantic', 'reflective'];
  v_tags constant text[] := array(select jsonb_array_elements_text(p_policy -> 'protected_tags'));
  v_grace constant int := (p_policy ->> 'grace_days')::int;
  v_cutoffs constant timestamptz[] := array(select {{retention_cutoff}}(p_policy, l.name || '_memories_days', p_slot)
    from unnest(c_layers) with ordinality l (name, nth) order by l.nth);
  v_costs constant timestamptz := date_trunc('hour', {{retention_cutoff}}(p_policy, 'cost_logs_days', p_slot), 'UTC');
  v_audit constant timestamptz := {{retention_cutoff}}(p_policy, 'audit_logs_days', p_slot);
  v_everything boolean;
  v_projects text[];
begin
  select coalesce(bool_or(h.project is null and h.memory_id is null), false),
         coalesce(array_agg(h.project::text) filter (where h.project is not null), '{}')
    into v_everything, v_projects from public.legal_holds h where h.tenant_id = p_tenant and h.released_at is null;
  if v_everything then return; end if;
  return query
  with due as materialized (
    select m.id, coalesce(c_layers[array_position(c_layers, m.layer::text)], 'other') as class, m.created_at,
           case when v_grace = 0 or m.deleted_at <= p_slot - make_interval(hours => 24 * v_grace) then 'goes'
                when m.deleted_at is null then 'marked' end as effect
      from public.memories m
     where m.tenant_id = p_tenant
       and (coalesce(m.created_at < v_cutoffs[array_position(c_layers, m.layer::text)], false) or coalesce(m.expires_at <= p_slot, false))
       and not coalesce(m.tags && v_tags, false) and not coalesce(m.project = any(v_projects), false)
       and not exists (select from public.legal_holds h where h.tenant_id = p_tenant and h.memory_id = m.id and h.released_at is null)),
  gone as materialized (select d.id from due d where d.effect = 'goes'),
  lost as materialized (
    select e.subject_id from public.graph_evidence e join gone g on g.id = e.memory_id where e.tenant_id = p_tenant
    union select l.subject_id from public.graph_losses l where l.tenant_id = p_tenant),
  nodes as materialized (
    select n.id, n.created_at from public.graph_nodes n join lost l on l.subject_id = n.id
     where n.tenant_id = p_tenant and n.project <> all (v_projects)
       and not exists (select from public.graph_evidence e where e.tenant_id = p_tenant and e.node_id = n.id
                         and not exists (select from gone g where g.id = e.memory_id))
       and not exists (select from public.graph_triples t
                        where t.tenant_id = p_tenant and (t.source_node_id = n.id or t.target_node_id = n.id) and (t.project = any(v_projects)
                          or exists (select from public.graph_evidence e
                                       join public.legal_holds h on h.tenant_id = p_tenant and h.memory_id = e.memory_id and h.released_at is null
                                      where e.tenant_id = p_tenant and e.triple_id = t.id)))),
  triples as (
    select t.id, t.created_at from public.graph_triples t
     where t.tenant_id = p_tenant and (t.source_node_id in (select n.id from nodes n) or t.target_node_id in (select n.id from nodes n)
       or t.project <> all (v_projects) and t.id in (select l.subject_id from lost l)
          and not exists (select from public.graph_evidence e where e.tenant_id = p_tenant and e.triple_id = t.id
                            and not exists (select from gone g where g.id = e.memory_id)))),
  everything as (
    select d.class, d.created_at as at, d.effect from due d where d.effect is not null
    union all select 'embeddings', e.created_at, 'goes' from public.memory_embeddings e join gone g on g.id = e.memory_id where e.tenant_id = p_tenant
    union all select 'graph_nodes', n.created_at, 'goes' from nodes n
    union all select 'graph_triples', t.created_at, 'goes' from triples t
    union all select 'cost_logs', c."timestamp", 'goes' from public.cost_logs c
      where c.tenant_id = p_tenant and c."timestamp" < v_costs and c.project_id <> all (v_projects)
    union all select 'audit_log', a.at, 'goes' from public.audit_log a where a.tenant_id = p_tenant and a.at < v_audit)
  select e.class, count(*)::int, min(e.at), max(e.at), e.effect from everything e group by e.class, e.effect order by e.class, e.effect;
end
$$;
