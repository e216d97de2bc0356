-- why:      a transaction that has entered one tenant could go on to another
-- locks:    none
-- breaking: no

-- Sets the tenant for the rest of the current transaction: the only place that does so.
-- Refuses to run without a tenant, since a policy does not fire on a table that is never scanned, and after another one.
create or replace function public.rae_enter_tenant(tenant uuid) returns void
  language plpgsql volatile parallel unsafe security invoker
as $$
declare
  present constant text := pg_catalog.current_setting('app.current_tenant', true);
begin
  if tenant is null or tenant = '00000000-0000-0000-0000-000000000000' then
    raise insufficient_privilege using message = 'no tenant: rae_enter_tenant() was called without one';
  end if;
  -- '' = set in an earlier transaction of the session.
  if present <> '' and present <> tenant::text then
    raise insufficient_privilege using message = 'another tenant is set: one transaction is of one tenant';
  end if;
  perform pg_catalog.set_config('app.current_tenant', tenant::text, true);
end
$$;
