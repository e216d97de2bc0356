-- why:      requests may come before others of their tenant, and be skipped where they cannot begin in time
-- locks:    runs for a moment, and against writers while two indexes over nothing are made; rae_enqueue is made anew
-- breaking: no

alter table public.runs
  add column priority smallint not null default 0,
  add column deadline timestamptz;
comment on column public.runs.priority is '0 to 9: of the owed runs of one tenant and worker those of the highest are admitted first';
comment on column public.runs.deadline is 'a run that has never begun by then is skipped; null = it waits for as long as it takes';
-- serves the dispatcher: empty where nobody asks for an order
create index runs_priority_idx on public.runs (tenant_id, worker, priority desc, available_at) where finished_at is null and priority > 0;
-- serves the skipping of what is too late
create index runs_deadline_idx on public.runs (deadline) where finished_at is null and deadline is not null;
grant select (priority, deadline) on public.runs to rae_scheduler, rae_operator;
grant insert (priority, deadline) on public.runs to rae_worker;

drop function public.rae_enqueue(text, jsonb, text, timestamptz);
-- Asks for a run of a worker for the current tenant, in the caller's own transaction: the fleet sees it when that commits, and
-- never when it does not. Gives the run's id; the same key of the same tenant = the same run.
create function public.rae_enqueue(worker text, payload jsonb default '{}', idempotency_key text default null,
    available_at timestamptz default now(), priority int default 0, deadline timestamptz default null) returns uuid
  language plpgsql volatile parallel unsafe security invoker
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_run constant uuid := gen_random_uuid();
  v_hash bytea;
  v_workers text[];
  v_near text;
  v_known public.enqueue_keys;
begin
  if not exists (select from public.workers w where w.worker = rae_enqueue.worker) then
    select array_agg(w.worker order by w.worker) into v_workers from public.workers w;
    v_near := public.rae_nearest(rae_enqueue.worker, v_workers);
    raise invalid_parameter_value using
      message = format('there is no worker %s', coalesce(quote_literal(left(rae_enqueue.worker, 100)), 'null')),
      hint = case when v_near is not null then format('did you mean %s?', v_near)
        else 'there are: ' || coalesce(array_to_string(v_workers, ', '), 'none; run rae migrate') end;
  end if;
  if jsonb_typeof(rae_enqueue.payload) is distinct from 'object' then
    raise invalid_parameter_value using
      message = format('the payload is %s; expected a JSON object', coalesce(jsonb_typeof(rae_enqueue.payload), 'null'));
  end if;
  if octet_length(rae_enqueue.payload::text) > 65536 then
    raise invalid_parameter_value using
      message = format('the payload is %s bytes long; expected at most 65536', octet_length(rae_enqueue.payload::text)),
      hint = 'store it as a row of your own and put its id into the payload';
  end if;
  if length(rae_enqueue.idempotency_key) not between 1 and 255 then
    raise invalid_parameter_value using
      message = format('the idempotency key has %s characters; expected 1 to 255', length(rae_enqueue.idempotency_key));
  end if;
  if not isfinite(rae_enqueue.available_at) then
    raise invalid_parameter_value using message = format('available_at is %s; expected a point in time', rae_enqueue.available_at);
  end if;
  if rae_enqueue.priority is null or rae_enqueue.priority not between 0 and 9 then
    raise invalid_parameter_value using
      message = format('the priority is %s; expected 0 to 9, of which 9 comes first', coalesce(rae_enqueue.priority::text, 'null'));
  end if;
  if rae_enqueue.idempotency_key is not null then
    v_hash := public.rae_payload_hash(rae_enqueue.payload);
    loop
      -- Waits for a transaction that has just used the key: it may roll back.
      insert into public.enqueue_keys (tenant_id, idempotency_key, run_id, worker, payload_hash)
        values (v_tenant, rae_enqueue.idempotency_key, v_run, rae_enqueue.worker, v_hash)
        on conflict (tenant_id, idempotency_key) do nothing;
      exit when found;
      select k.* into v_known from public.enqueue_keys k
       where k.tenant_id = v_tenant and k.idempotency_key = rae_enqueue.idempotency_key;
      if found then
        if v_known.worker <> rae_enqueue.worker or v_known.payload_hash <> v_hash then
          raise invalid_parameter_value using
            message = format('the idempotency key was used for another %s',
              case when v_known.worker <> rae_enqueue.worker then 'worker: ' || v_known.worker else 'payload' end),
            hint = 'one key stands for one request; use a new one for another';
        end if;
        return v_known.run_id;
      end if;
      -- Its time was over and it was removed between the two: again.
    end loop;
  end if;
  -- After the key was looked for: who asks again with it, later than this, gets its run.
  if not isfinite(rae_enqueue.deadline) or rae_enqueue.deadline <= greatest(rae_enqueue.available_at, now()) then
    raise invalid_parameter_value using
      message = format('the deadline is %s; expected a point in time after now and after available_at', rae_enqueue.deadline);
  end if;
  -- Not before now: a time that has passed would overtake the tenant's other runs.
  insert into public.runs (tenant_id, run_id, worker, origin, payload, available_at, priority, deadline)
    values (v_tenant, v_run, rae_enqueue.worker, 'request', rae_enqueue.payload, greatest(rae_enqueue.available_at, now()),
            rae_enqueue.priority, rae_enqueue.deadline);
  return v_run;
end
$$;
revoke all on function public.rae_enqueue(text, jsonb, text, timestamptz, int, timestamptz) from public;
grant execute on function public.rae_enqueue(text, jsonb, text, timestamptz, int, timestamptz) to rae_worker, rae_api;
