-- A template: for each worker whose effect is a statement, claim, effect and finish become one function and so one
-- round trip and one transaction; and those of a ticket one procedure. perform-function.ts fills in NAME, WORKER, EFFECT, ADD_COUNTS.
--
-- What a run costs is not its rows but its statements: for each one on a guarded table a plan is started, its checks are
-- read and its row security is evaluated. So there are two besides the effect: one look that takes all that decides and
-- locks the run, and one update. In a ticket the ordinary run (not moved, not suspended, with a policy that is known, by
-- itself, in one step so far) is done right in the loop, and every other one by the function: calling it costs a tenth of
-- the whole. Answers are plain columns, as building jsonb for each is dear, and what is called for its effect only is
-- assigned, since PERFORM is a query. The block that catches errors costs 3 % and lets every other run of the ticket have
-- its own exact answer. All but the last commit asynchronously, so that one flush of the log serves the ticket.

-- function: perform_NAME
-- takes tenant, run, attempt, placement epoch and payload hash (hex) of the ticket, whether the ticket is fresh (claim) or this
--   attempt goes on, lease in ms, {effective, of} when the caller parsed the policy, the default policy, the schema's fingerprint, operator
--   settings, whether suspended tenants are served
-- gives status done | more | lost | skipped | handed_back (as by claim_run) | policy (the stored policy must be parsed by the caller
--   first: nothing was changed), plan, wait in ms, detail: the counts of done, the reason of skipped and handed_back, the
--   {document, of} of policy, of = which document it is
-- again safe: the fence makes a second call lost
-- locks the run's row first, then what the effect locks
-- index runs_pkey, tenants_pkey, policies_pkey, tenant_cadences_pkey
-- role rae_worker
create function {{perform_NAME}}(p_tenant uuid, p_run uuid, p_attempt int, p_epoch int, p_payload_hash text, p_fresh boolean,
    p_lease_ms int, p_policy jsonb, p_defaults jsonb, p_fingerprint text, p_settings jsonb, p_serves_suspended boolean,
    out status text, out plan text, out wait_ms float8, out detail jsonb)
  language plpgsql volatile security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := p_tenant;
  v_run constant uuid := p_run;
  v_attempt constant int := p_attempt + case when p_fresh then 1 else 0 end;
  v_worker text;
  v_slot timestamptz;
  v_covers_from timestamptz;
  v_slots timestamptz[];
  v_payload jsonb;
  v_before jsonb;
  v_state text;
  v_reason text;
  v_effective jsonb;
  v_document jsonb;
  v_policy jsonb := p_policy -> 'effective';
  v_hint_seq bigint;
  v_more boolean;
  v_idle boolean;
  v_counts jsonb;
  v_depth int;
  v_late boolean;
begin
  perform public.rae_enter_tenant(p_tenant);
  -- Another attempt, state or epoch than the ticket's: another admission owns the run. The hint_seq is read before the
  -- effect looks at the data: a hint folded in after this keeps the tenant due.
  select r.worker, r.slot, r.covers_from, r.payload, r.counts, t.status, t.plan, c.hint_seq,
         date_part('epoch', clock_timestamp() - greatest(r.available_at, r.created_at)) * 1000,
         case when not p_fresh then null
              when t.placement_epoch <> p_epoch then 'moved'
              when r.payload_hash is distinct from decode(p_payload_hash, 'hex') then 'payload_changed' end,
         case when p.checked = p_fingerprint || md5(p.document::text) then p.effective end, p.document, r.depth,
         p_fresh and r.deadline <= clock_timestamp() and r.started_at is null and r.failures = 0
    into v_worker, v_slot, v_covers_from, v_payload, v_before, v_state, plan, v_hint_seq, wait_ms, v_reason, v_effective, v_document, v_depth, v_late
    from public.runs r
    join public.tenants t on t.tenant_id = p_tenant
    left join public.policies p on p.tenant_id = p_tenant and p.worker = r.worker
    left join public.tenant_cadences c on c.tenant_id = p_tenant and c.worker = r.worker
   where r.tenant_id = p_tenant and r.run_id = p_run and r.attempt = p_attempt and r.epoch = p_epoch
     and r.state = case when p_fresh then 'queued' else 'running' end
     for no key update of r;
  if not found then
    status := 'lost';
    return;
  end if;
  if v_reason is not null then
    update public.runs r set state = 'owed', attempt = v_attempt, reason = v_reason, error = null, lease_until = null
     where r.tenant_id = p_tenant and r.run_id = p_run;
    status := 'handed_back';
    detail := to_jsonb(v_reason);
    return;
  end if;
  if v_state = 'deleted' or (v_state = 'suspended' and not p_serves_suspended) then
    v_reason := 'tenant_' || v_state;
  elsif v_late then
    v_reason := 'deadline';
  else
    -- Edited since the caller parsed it: to be parsed again.
    if p_policy ->> 'of' <> coalesce(md5(v_document::text), '') then v_policy := null; end if;
    if v_policy is null then
      if v_document is null then
        v_policy := p_defaults;
      elsif v_effective is not null then
        v_policy := v_effective;
      else
        status := 'policy';
        detail := jsonb_build_object('document', v_document, 'of', md5(v_document::text));
        return;
      end if;
    end if;
    if v_policy -> 'enabled' = 'false'::jsonb then v_reason := 'disabled'; end if;
  end if;
  if v_reason is not null then
    update public.runs r set state = 'skipped', attempt = v_attempt, reason = v_reason, finished_at = clock_timestamp(), lease_until = null
     where r.tenant_id = p_tenant and r.run_id = p_run;
    status := 'skipped';
    detail := to_jsonb(v_reason);
    return;
  end if;
  v_slots := array[v_slot];
  if v_covers_from is not null then
    select array_agg(o.slot order by o.slot) || v_slot into v_slots from public.runs o
     where o.tenant_id = p_tenant and o.worker = v_worker
       and o.slot >= v_covers_from and o.slot < v_slot and o.covered_by = v_slot;
  end if;
  -- What a run does that a rule asked for is as deep as that rule: else rules could loop through runs.
  if v_depth > 0 then perform pg_catalog.set_config('rae.depth', v_depth::text, true); end if;

  select e.more, e.idle, e.counts into v_more, v_idle, v_counts from (
EFFECT
  ) e;

  if v_before is not null then v_counts := ADD_COUNTS(v_before, v_counts); end if;
  if v_more then
    update public.runs r set state = 'running', attempt = v_attempt, counts = v_counts,
           started_at = coalesce(r.started_at, transaction_timestamp()),
           lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
     where r.tenant_id = p_tenant and r.run_id = p_run;
    status := 'more';
    return;
  end if;
  update public.runs r set state = 'done', attempt = v_attempt, counts = v_counts, reason = null, error = null,
         started_at = coalesce(r.started_at, transaction_timestamp()), finished_at = clock_timestamp(), lease_until = null
   where r.tenant_id = p_tenant and r.run_id = p_run;
  if v_idle then
    update public.tenant_cadences c set idle = true
     where c.tenant_id = p_tenant and c.worker = v_worker and c.hint_seq = v_hint_seq and not c.idle;
  end if;
  status := 'done';
  detail := v_counts;
end
$$;

-- function: perform_batch_NAME
-- takes tenants, runs, attempts, epochs and payload hashes of a fresh ticket in their order, and what perform_NAME takes for all of them
-- gives for each run what perform_NAME gives, or status failed and detail {code, message}; and how long it took in µs
-- again safe: the fence makes what is done lost
-- locks what perform_NAME does, one run after another; nothing between two runs
-- index runs_pkey
-- role rae_worker
create procedure {{perform_batch_NAME}}(p_tenants uuid[], p_runs uuid[], p_attempts int[], p_epochs int[], p_payload_hashes text[],
    p_lease_ms int, p_defaults jsonb, p_fingerprint text, p_settings jsonb, p_serves_suspended boolean,
    inout p_statuses text[], inout p_plans text[], inout p_waits float8[], inout p_us int[], inout p_details jsonb[])
  language plpgsql security invoker
as $$
declare
  c_worker constant text := 'WORKER';
  v_count constant int := array_length(p_runs, 1);
  v_before timestamptz := clock_timestamp();
  v_after timestamptz;
  v_none text;
  v_one record;
  v_tenant uuid;
  v_run uuid;
  v_slot timestamptz;
  v_slots timestamptz[];
  v_payload jsonb;
  v_policy jsonb;
  v_document jsonb;
  v_plan text;
  v_wait float8;
  v_hint_seq bigint;
  v_more boolean;
  v_idle boolean;
  v_counts jsonb;
begin
  p_statuses := array_fill(null::text, array[v_count]);
  p_plans := p_statuses;
  p_waits := array_fill(null::float8, array[v_count]);
  p_us := array_fill(0, array[v_count]);
  p_details := array_fill(null::jsonb, array[v_count]);
  for i in 1 .. v_count loop
    if i < v_count then
      -- One flush of the log for the whole ticket: it is acknowledged after its last commit, which waits for the disk.
      v_none := pg_catalog.set_config('synchronous_commit', 'off', true);
    else
      -- The last commit must write to the log even when its own run changes nothing or fails, or nothing would be flushed.
      v_none := pg_catalog.pg_logical_emit_message(true, 'rae', '');
    end if;
    v_tenant := p_tenants[i];
    v_run := p_runs[i];
    begin
      v_none := public.rae_enter_tenant(v_tenant)::text;
      select r.slot, r.payload, coalesce(p.effective, p_defaults), p.document, t.plan, c.hint_seq,
             date_part('epoch', clock_timestamp() - greatest(r.available_at, r.created_at)) * 1000
        into v_slot, v_payload, v_policy, v_document, v_plan, v_hint_seq, v_wait
        from public.runs r
        join public.tenants t on t.tenant_id = v_tenant
        left join public.policies p on p.tenant_id = v_tenant and p.worker = c_worker
        left join public.tenant_cadences c on c.tenant_id = v_tenant and c.worker = c_worker
       where r.tenant_id = v_tenant and r.run_id = v_run and r.attempt = p_attempts[i] and r.epoch = p_epochs[i] and r.state = 'queued'
         and r.payload_hash is not distinct from decode(p_payload_hashes[i], 'hex') and r.covers_from is null and r.counts is null and r.depth = 0
         and (r.deadline is null or r.deadline > clock_timestamp())
         and t.placement_epoch = p_epochs[i] and t.status = 'active'
         and (p.tenant_id is null or p.enabled and p.checked = p_fingerprint || md5(p.document::text))
         for no key update of r;
      if found and v_policy -> 'enabled' is distinct from 'false'::jsonb then
        v_slots := array[v_slot];
        select e.more, e.idle, e.counts into v_more, v_idle, v_counts from (
EFFECT
        ) e;
        if v_more then
          update public.runs r set state = 'running', attempt = r.attempt + 1, counts = v_counts,
                 started_at = coalesce(r.started_at, transaction_timestamp()),
                 lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
           where r.tenant_id = v_tenant and r.run_id = v_run;
          p_statuses[i] := 'more';
        else
          update public.runs r set state = 'done', attempt = r.attempt + 1, counts = v_counts, reason = null, error = null,
                 started_at = coalesce(r.started_at, transaction_timestamp()), finished_at = clock_timestamp(), lease_until = null
           where r.tenant_id = v_tenant and r.run_id = v_run;
          if v_idle then
            update public.tenant_cadences c set idle = true
             where c.tenant_id = v_tenant and c.worker = c_worker and c.hint_seq = v_hint_seq and not c.idle;
          end if;
          p_statuses[i] := 'done';
          p_details[i] := v_counts;
        end if;
        p_plans[i] := v_plan;
        p_waits[i] := v_wait;
      else
        v_one := {{perform_NAME}}(v_tenant, v_run, p_attempts[i], p_epochs[i], p_payload_hashes[i], true, p_lease_ms, null,
          p_defaults, p_fingerprint, p_settings, p_serves_suspended);
        p_statuses[i] := v_one.status;
        p_plans[i] := v_one.plan;
        p_waits[i] := v_one.wait_ms;
        p_details[i] := v_one.detail;
      end if;
    exception when others then
      -- One tenant's failure leaves the others of the ticket alone.
      p_statuses[i] := 'failed';
      p_details[i] := jsonb_build_object('code', sqlstate, 'message', sqlerrm);
    end;
    -- Without the flush that the last commit waits for: it is the ticket's, and would make its last run look long.
    v_after := clock_timestamp();
    p_us[i] := date_part('epoch', v_after - v_before) * 1000000;
    v_before := v_after;
    commit;
  end loop;
end
$$;
