-- The ledger's transitions that a worker makes, each inside its tenant. See run-state.ts for the table of states.

-- function: add_counts
-- takes two jsonb objects of whole numbers, either may be null
-- gives their sum, key by key; null when both are null
-- again safe: pure
-- locks none
-- index none
-- role rae_worker, rae_scheduler
create function {{add_counts}}(a jsonb, b jsonb) returns jsonb
  language plpgsql immutable parallel safe security invoker
as $$
begin
  if a is null then return b; end if;
  if b is null then return a; end if;
  return (select jsonb_object_agg(k.key, coalesce((a ->> k.key)::bigint, 0) + coalesce((b ->> k.key)::bigint, 0))
            from (select jsonb_object_keys(a) as key union select jsonb_object_keys(b)) k);
end
$$;

-- function: claim_run
-- takes tenant, run, the attempt, placement epoch and payload hash (hex) that its ticket names, lease in ms, whether suspended
--   tenants are served
-- gives one jsonb: status claimed | lost | skipped | handed_back (its tenant was moved, or its payload is another: it is owed
--   again), and for claimed all the run needs (policy document as stored)
-- again safe: a second claim with the same attempt is lost
-- locks the run's row
-- index runs_pkey, runs_tenant_id_worker_slot_key
-- role rae_worker
create function {{claim_run}}(p_tenant uuid, p_run uuid, p_attempt int, p_epoch int, p_payload_hash text, p_lease_ms int,
    p_serves_suspended boolean) returns jsonb
  language plpgsql volatile security invoker
as $$
declare
  v_run public.runs;
  v_tenant public.tenants;
  v_policy public.policies;
  v_reason text;
begin
  perform public.rae_enter_tenant(p_tenant);
  select r.* into v_run from public.runs r where r.tenant_id = p_tenant and r.run_id = p_run for update;
  -- Another epoch than the ticket's: another admission owns the run.
  if not found or v_run.attempt <> p_attempt or v_run.state <> 'queued' or v_run.epoch <> p_epoch then
    return jsonb_build_object('status', 'lost');
  end if;
  select t.* into v_tenant from public.tenants t where t.tenant_id = p_tenant;
  v_reason := case when v_tenant.placement_epoch <> p_epoch then 'moved'
                   when v_run.payload_hash is distinct from decode(p_payload_hash, 'hex') then 'payload_changed' end;
  if v_reason is not null then
    update public.runs set state = 'owed', attempt = attempt + 1, reason = v_reason, error = null, lease_until = null
     where tenant_id = p_tenant and run_id = p_run;
    return jsonb_build_object('status', 'handed_back', 'reason', v_reason, 'plan', v_tenant.plan);
  end if;
  v_reason := case when v_tenant.status = 'deleted' or (v_tenant.status = 'suspended' and not p_serves_suspended) then 'tenant_' || v_tenant.status
                   -- Begun before, it may be in the middle of what it does.
                   when v_run.deadline <= clock_timestamp() and v_run.started_at is null and v_run.failures = 0 then 'deadline' end;
  if v_reason is not null then
    update public.runs set state = 'skipped', attempt = attempt + 1, reason = v_reason, finished_at = clock_timestamp(), lease_until = null
     where tenant_id = p_tenant and run_id = p_run;
    return jsonb_build_object('status', 'skipped', 'reason', v_reason, 'plan', v_tenant.plan);
  end if;
  update public.runs set state = 'running', attempt = attempt + 1, started_at = coalesce(started_at, clock_timestamp()),
         lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
   where tenant_id = p_tenant and run_id = p_run;
  select p.* into v_policy from public.policies p where p.tenant_id = p_tenant and p.worker = v_run.worker;
  -- Not waited for to be on disk: should a crash undo this claim, whoever holds it has lost the fence, and the first step
  -- that is on disk has this before it.
  perform pg_catalog.set_config('synchronous_commit', 'off', true);
  return jsonb_build_object(
    'status', 'claimed', 'attempt', v_run.attempt + 1, 'failures', v_run.failures, 'plan', v_tenant.plan,
    'waitMs', (extract(epoch from clock_timestamp() - greatest(v_run.available_at, v_run.created_at)) * 1000)::bigint,
    'slot', v_run.slot, 'payload', v_run.payload, 'progress', v_run.progress, 'document', v_policy.document,
    'hintSeq', (select c.hint_seq from public.tenant_cadences c where c.tenant_id = p_tenant and c.worker = v_run.worker),
    'covered', (select jsonb_agg(o.slot order by o.slot) from public.runs o
                 where v_run.covers_from is not null and o.tenant_id = p_tenant and o.worker = v_run.worker
                   and o.slot >= v_run.covers_from and o.slot < v_run.slot and o.covered_by = v_run.slot));
end
$$;

-- function: settle_run
-- takes tenant, run, attempt, whether it was only queued (its claim was rolled back), the state to go to, when it is
--   available again in ms, reason, error text, counts to add, failures to add, whether the tenant has nothing more, the hint_seq seen
-- gives true, or false when the fence is lost and nothing was changed
-- again safe: the second call finds another state
-- locks the run's row, and for idle the tenant's cadence row
-- index runs_pkey
-- role rae_worker
create function {{settle_run}}(p_tenant uuid, p_run uuid, p_attempt int, p_fresh boolean, p_state text, p_after_ms bigint,
    p_reason text, p_error text, p_counts jsonb, p_failures int, p_idle boolean, p_hint_seq bigint) returns boolean
  language plpgsql volatile security invoker
as $$
declare
  v_worker text;
begin
  -- Setting the tenant again inside a step's transaction is harmless; outside one it is what lets this see the row.
  perform public.rae_enter_tenant(p_tenant);
  update public.runs set
         state = p_state,
         attempt = attempt + case when p_fresh then 1 else 0 end,
         failures = failures + p_failures,
         available_at = case when p_state = 'owed' then clock_timestamp() + p_after_ms * interval '1 millisecond' else available_at end,
         reason = p_reason, error = p_error,
         counts = {{add_counts}}(counts, p_counts),
         finished_at = case when p_state = 'owed' then null else clock_timestamp() end,
         lease_until = null
   where tenant_id = p_tenant and run_id = p_run and attempt = p_attempt
     and state = case when p_fresh then 'queued' else 'running' end
   returning worker into v_worker;
  if not found then return false; end if;
  if p_idle then
    update public.tenant_cadences set idle = true
     where tenant_id = p_tenant and worker = v_worker and hint_seq = p_hint_seq and not idle;
  end if;
  return true;
end
$$;

-- function: begin_step
-- takes tenant, run, attempt, lease in ms
-- gives true, and holds the run's row until the transaction ends; false when the fence is lost
-- again safe: renews the lease
-- locks the run's row
-- index runs_pkey
-- role rae_worker
create function {{begin_step}}(p_tenant uuid, p_run uuid, p_attempt int, p_lease_ms int) returns boolean
  language plpgsql volatile security invoker
as $$
declare
  v_depth int;
begin
  perform public.rae_enter_tenant(p_tenant);
  update public.runs set lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
   where tenant_id = p_tenant and run_id = p_run and attempt = p_attempt and state = 'running' returning depth into v_depth;
  -- What a run does that a rule asked for is as deep as that rule: else rules could loop through runs.
  if v_depth > 0 then perform pg_catalog.set_config('rae.depth', v_depth::text, true); end if;
  return v_depth is not null;
end
$$;

-- function: end_step
-- takes tenant, run, attempt, progress jsonb, counts to add
-- gives true, or false when the fence is lost
-- again safe inside its transaction only: it adds counts
-- locks the run's row, held since begin_step
-- index runs_pkey
-- role rae_worker
create function {{end_step}}(p_tenant uuid, p_run uuid, p_attempt int, p_progress jsonb, p_counts jsonb) returns boolean
  language plpgsql volatile security invoker
as $$
begin
  update public.runs set progress = p_progress, counts = {{add_counts}}(counts, p_counts)
   where tenant_id = p_tenant and run_id = p_run and attempt = p_attempt and state = 'running';
  return found;
end
$$;
