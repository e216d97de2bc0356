-- why:      runs that are owed because something arrived, and not because a slot has come
-- locks:    runs is scanned for an index of what is there of origin wake: nothing yet; tenant_cadences for one of what has a due time
-- breaking: no

-- A row per tenant and worker that was ever woken. Written by the fold of hints alone, so that no arrival waits for it.
-- since: something arrived then that no run is certain to have seen. A run that was owed and never claimed will see it; one
-- that is under way may have looked before: when that one has ended, one more is owed, however much has arrived.
create table public.wakes (
  tenant_id uuid not null,
  worker text not null,
  run_id uuid,
  since timestamptz,
  primary key (tenant_id, worker)
) with (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02);
comment on table public.wakes is 'the last wake run of a tenant and worker, and since when something waits that it may not have seen; null = nothing';
call public.rae_guard_table('public.wakes', true);
-- serves the fold: what waits
create index wakes_since_idx on public.wakes (worker, since) where since is not null;

-- serves the fold: due times that have come, of workers that are woken
create index tenant_cadences_due_at_idx on public.tenant_cadences (worker, due_at) where due_at is not null;

-- serves housekeeping: wake runs are many, and kept for a day only
create index runs_wake_age_idx on public.runs (finished_at) where origin = 'wake' and finished_at is not null and error is null;

-- A tenant that is served again may have had arrivals meanwhile.
create or replace function public.rae_hint_tenant() returns trigger language plpgsql security invoker as $$
begin
  insert into public.due_hints (tenant_id, kind) values (new.tenant_id, 'tenant');
  if tg_op = 'UPDATE' then
    if new.status = 'active' and old.status <> 'active' then
      insert into public.due_hints (tenant_id, kind) values (new.tenant_id, 'resume');
    end if;
  end if;
  return null;
end
$$;

-- Owes the current tenant a run of a worker that is woken, at a time, unless one is due earlier; that run says anew when the
-- next is due. In the caller's transaction.
create function public.rae_wake_at(worker text, at timestamptz) returns void
  language sql volatile parallel unsafe security invoker
  begin atomic
    insert into public.tenant_cadences as c (tenant_id, worker, due_at)
      values (public.rae_current_tenant(), rae_wake_at.worker, rae_wake_at.at)
      on conflict (tenant_id, worker) do update set due_at = excluded.due_at where c.due_at is null or c.due_at > excluded.due_at;
  end;
revoke all on function public.rae_wake_at(text, timestamptz) from public;
grant execute on function public.rae_wake_at(text, timestamptz) to rae_worker;

grant select, insert, update, delete on public.wakes to rae_scheduler;
grant select on public.wakes to rae_operator;
grant insert (tenant_id, worker, due_at) on public.tenant_cadences to rae_worker;
