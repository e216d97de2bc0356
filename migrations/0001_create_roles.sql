-- why:      the six roles that everything else is granted to, and the two functions through which a tenant is entered and read
-- locks:    none on data; roles are cluster-wide, so several databases of one cluster may do this at the same time
-- breaking: no
-- runs as:  the connecting role (it must be a superuser, or own the database and have CREATEROLE)

do $$
declare
  wanted text;
begin
  foreach wanted in array array['rae_owner', 'rae_scheduler', 'rae_worker', 'rae_api', 'rae_operator', 'rae_readonly'] loop
    begin
      execute format('create role %I nologin', wanted);
    exception
      -- Another database of this cluster made it first, or makes it right now.
      when duplicate_object or unique_violation then null;
    end;
  end loop;
  -- From Postgres 16 on, who makes a role is a member that may not act as it: that must be asked for by its own name.
  if not pg_has_role(current_user, 'rae_owner',
      case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end) then
    execute format('grant rae_owner to %I', current_user);
  end if;
end
$$;

grant usage, create on schema public to rae_owner;
grant usage on schema public to rae_scheduler, rae_worker, rae_api, rae_operator, rae_readonly;
revoke create on schema public from public;

-- Sets the tenant for the rest of the current transaction: the only place that does so.
-- Refuses to run without a tenant, since a policy does not fire on a table that is never scanned.
create or replace function public.rae_enter_tenant(tenant uuid) returns void
  language plpgsql volatile parallel unsafe security invoker
as $$
begin
  if tenant is null or tenant = '00000000-0000-0000-0000-000000000000' then
    raise insufficient_privilege using message = 'no tenant: rae_enter_tenant() was called without one';
  end if;
  perform pg_catalog.set_config('app.current_tenant', tenant::text, true);
end
$$;

-- The tenant of the current transaction; 42501 where none is set. A setting that was ever used in a session reads as
-- '' afterwards, not as null, so a re-used pooled connection must be caught as well as a fresh one.
create or replace function public.rae_current_tenant() returns uuid
  language plpgsql stable parallel safe security invoker
as $$
declare
  tenant text := pg_catalog.current_setting('app.current_tenant', true);
begin
  if tenant is null or tenant = '' then
    raise insufficient_privilege using
      message = 'no tenant is set: tenant data is only to be had inside a tenant',
      hint = 'call rae_enter_tenant(tenant_id) as the first statement of the transaction';
  end if;
  return tenant::uuid;
end
$$;

-- Puts a table with a tenant_id under forced row-level security.
-- `fleet` = the ledger and the registry, which scheduler and operators read for every tenant.
-- tenant_is_set calls the function bare: the planner folds it to estimate the rows, so that a query without a tenant
-- fails when it is planned, on an empty table too. tenant_only wraps it in a select, so that it is evaluated once and
-- not per row, and is restrictive: no later permissive policy widens it.
create or replace procedure public.rae_guard_table(guarded regclass, fleet boolean)
  language plpgsql security invoker
as $$
begin
  execute format('alter table %s enable row level security, force row level security', guarded);
  execute format('create policy tenant_is_set on %s as permissive for all to rae_worker, rae_api
    using (tenant_id = public.rae_current_tenant())
    with check ((select public.rae_current_tenant()) is not null)', guarded);
  execute format('create policy tenant_only on %s as restrictive for all to rae_worker, rae_api
    using (tenant_id = (select public.rae_current_tenant()))
    with check (tenant_id = (select public.rae_current_tenant()))', guarded);
  -- Without its own policy a back-fill by the owner would silently change no row.
  execute format('create policy owner_all on %s as permissive for all to rae_owner using (true) with check (true)', guarded);
  if fleet then
    execute format('create policy fleet_all on %s as permissive for all to rae_scheduler, rae_operator
      using (true) with check (true)', guarded);
  end if;
end
$$;

alter function public.rae_enter_tenant(uuid) owner to rae_owner;
alter function public.rae_current_tenant() owner to rae_owner;
alter procedure public.rae_guard_table(regclass, boolean) owner to rae_owner;
revoke all on procedure public.rae_guard_table(regclass, boolean) from public;
