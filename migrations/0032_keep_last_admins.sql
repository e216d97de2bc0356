-- why:      a tenant that lost its last admin could let nobody in any more
-- locks:    members for a moment
-- breaking: no

create function public.rae_keep_last_admin() returns trigger
  language plpgsql volatile security invoker
as $$
begin
  if tg_op = 'UPDATE' and new.role = 'tenant_admin' and new.tenant_id = old.tenant_id then return null; end if;
  -- With their tenant they go all.
  if not exists (select from public.tenants t where t.tenant_id = old.tenant_id) then return null; end if;
  -- One after another: of two who remove each other's each would see the other's still there.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('rae members ' || old.tenant_id, 0));
  -- Locked, so that it fails in a transaction whose snapshot is older than another's removal.
  perform 1 from public.members m where m.tenant_id = old.tenant_id and m.role = 'tenant_admin' limit 1 for update;
  if not found then
    raise exception using errcode = 'restrict_violation', message = 'a tenant keeps its last admin',
      hint = 'make another member tenant_admin first';
  end if;
  return null;
end
$$;
comment on function public.rae_keep_last_admin() is 'refuses to remove a tenant''s last member with the role tenant_admin, or to give it another role';
create trigger members_keep_last_admin after update of role, tenant_id or delete on public.members
  for each row when (old.role = 'tenant_admin') execute function public.rae_keep_last_admin();
