-- A template: for each worker whose effect is a statement, claim, effect and finish become one function and so one
-- round trip and one transaction. NAME and EFFECT are filled in by perform-function.ts.

-- function: perform_NAME
-- takes tenant, run, attempt, whether the ticket is fresh (claim) or this attempt goes on, lease in ms, the policy when the
--   caller parsed it, the default policy, the schema's fingerprint, operator settings, whether suspended tenants are served
-- gives one jsonb: status done | more | lost | skipped | policy (the stored policy must be parsed by the caller first: nothing was changed)
-- again safe: the fence makes a second call lost
-- locks the run's row first, then what the effect locks
-- index runs_pkey
-- role rae_worker
create function {{perform_NAME}}(p_tenant uuid, p_run uuid, p_attempt int, p_fresh boolean, p_lease_ms int, p_policy jsonb,
    p_defaults jsonb, p_fingerprint text, p_settings jsonb, p_serves_suspended boolean) returns jsonb
  language plpgsql volatile security invoker
as $$
declare
  v_run public.runs;
  v_tenant public.tenants;
  v_policy jsonb := p_policy;
  v_stored public.policies;
  v_slots timestamptz[];
  v_hint_seq bigint;
  v_attempt int;
  v_more boolean;
  v_idle boolean;
  v_counts jsonb;
  v_wait_ms bigint;
begin
  perform public.rae_enter_tenant(p_tenant);
  select r.* into v_run from public.runs r where r.tenant_id = p_tenant and r.run_id = p_run for update;
  if not found or v_run.attempt <> p_attempt or v_run.state <> (case when p_fresh then 'queued' else 'running' end) then
    return jsonb_build_object('status', 'lost');
  end if;
  v_attempt := p_attempt + case when p_fresh then 1 else 0 end;
  v_wait_ms := extract(epoch from clock_timestamp() - greatest(v_run.available_at, v_run.created_at)) * 1000;
  select t.* into v_tenant from public.tenants t where t.tenant_id = p_tenant;
  if v_tenant.status = 'deleted' or (v_tenant.status = 'suspended' and not p_serves_suspended) then
    update public.runs set state = 'skipped', attempt = v_attempt, reason = 'tenant_' || v_tenant.status,
           finished_at = clock_timestamp(), lease_until = null
     where tenant_id = p_tenant and run_id = p_run;
    return jsonb_build_object('status', 'skipped', 'reason', 'tenant_' || v_tenant.status, 'plan', v_tenant.plan);
  end if;
  if v_policy is null then
    select p.* into v_stored from public.policies p where p.tenant_id = p_tenant and p.worker = v_run.worker;
    if not found then
      v_policy := p_defaults;
    elsif v_stored.checked = p_fingerprint || md5(v_stored.document::text) then
      v_policy := v_stored.effective;
    else
      return jsonb_build_object('status', 'policy', 'document', v_stored.document, 'plan', v_tenant.plan);
    end if;
  end if;
  if v_policy -> 'enabled' = 'false'::jsonb then
    update public.runs set state = 'skipped', attempt = v_attempt, reason = 'disabled', finished_at = clock_timestamp(), lease_until = null
     where tenant_id = p_tenant and run_id = p_run;
    return jsonb_build_object('status', 'skipped', 'reason', 'disabled', 'plan', v_tenant.plan);
  end if;
  v_slots := array[v_run.slot];
  if v_run.covers_from is not null then
    select array_agg(o.slot order by o.slot) || v_run.slot into v_slots from public.runs o
     where o.tenant_id = p_tenant and o.worker = v_run.worker
       and o.slot >= v_run.covers_from and o.slot < v_run.slot and o.covered_by = v_run.slot;
  end if;
  -- Read before the effect looks at the data: a hint folded in after this keeps the tenant due.
  select c.hint_seq into v_hint_seq from public.tenant_cadences c where c.tenant_id = p_tenant and c.worker = v_run.worker;

  select e.more, e.idle, e.counts into v_more, v_idle, v_counts from (
EFFECT
  ) e;

  v_counts := ADD_COUNTS(v_run.counts, v_counts);
  if v_more then
    update public.runs set state = 'running', attempt = v_attempt, counts = v_counts,
           started_at = coalesce(started_at, transaction_timestamp()),
           lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
     where tenant_id = p_tenant and run_id = p_run;
    return jsonb_build_object('status', 'more', 'attempt', v_attempt, 'plan', v_tenant.plan, 'waitMs', v_wait_ms);
  end if;
  update public.runs set state = 'done', attempt = v_attempt, counts = v_counts, reason = null, error = null,
         started_at = coalesce(started_at, transaction_timestamp()), finished_at = clock_timestamp(), lease_until = null
   where tenant_id = p_tenant and run_id = p_run;
  if v_idle then
    update public.tenant_cadences set idle = true
     where tenant_id = p_tenant and worker = v_run.worker and hint_seq = v_hint_seq and not idle;
  end if;
  return jsonb_build_object('status', 'done', 'attempt', v_attempt, 'counts', v_counts, 'plan', v_tenant.plan, 'waitMs', v_wait_ms);
end
$$;

-- function: perform_batch_NAME
-- takes tenants, runs and attempts of a fresh ticket in their order, and what perform_NAME takes for all of them
-- gives p_results: what perform_NAME gives for each, or {status failed, code, message}, with the ms it took
-- again safe: the fence makes what is done lost
-- locks what perform_NAME does, one run after another; nothing between two runs
-- index runs_pkey
-- role rae_worker
create procedure {{perform_batch_NAME}}(p_tenants uuid[], p_runs uuid[], p_attempts int[], p_lease_ms int, p_defaults jsonb,
    p_fingerprint text, p_settings jsonb, p_serves_suspended boolean, inout p_results jsonb[])
  language plpgsql security invoker
as $$
declare
  v_count constant int := array_length(p_runs, 1);
  v_started timestamptz;
  v_result jsonb;
begin
  p_results := array_fill(null::jsonb, array[v_count]);
  for i in 1 .. v_count loop
    v_started := clock_timestamp();
    begin
      if i < v_count then
        -- One flush of the log for the whole ticket: it is acknowledged after its last commit, which waits for the disk.
        perform pg_catalog.set_config('synchronous_commit', 'off', true);
      else
        -- The last commit must write to the log even when its own run changes nothing, or nothing would be flushed.
        perform pg_catalog.pg_logical_emit_message(true, 'rae', '');
      end if;
      v_result := {{perform_NAME}}(p_tenants[i], p_runs[i], p_attempts[i], true, p_lease_ms, null, p_defaults, p_fingerprint,
        p_settings, p_serves_suspended);
    exception when others then
      -- One tenant's failure leaves the others of the ticket alone.
      v_result := jsonb_build_object('status', 'failed', 'code', sqlstate, 'message', sqlerrm);
    end;
    commit;
    p_results[i] := v_result || jsonb_build_object('ms', extract(epoch from clock_timestamp() - v_started) * 1000);
  end loop;
end
$$;
